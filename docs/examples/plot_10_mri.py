"""
A slice of an MRI scan
======================

*Learn: 16-bit grey values need no conversion.*

Each band is stretched between the 0.5th and the 99.5th percentile; the numbers in the file stay
what they are.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook

import nuriwake

with cbook.get_sample_data("s1045.ima.gz") as stored:
    scan = np.frombuffer(stored.read(), np.uint16).reshape(256, 256)
result = nuriwake.segment(scan, detail="medium")
print(scan.dtype, scan.max(), f"{result.n_regions} regions")

_, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.imshow(scan, cmap="gray")
right.imshow(result.overlay(0.4))
for axis in (left, right):
    axis.set_axis_off()

# %%
# These regions are a help for looking and for measuring, no diagnosis.
