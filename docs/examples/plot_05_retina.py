"""
Retina: pixels that do not count
================================

*Learn: a mask keeps what is not the subject out of everything.*

The black frame around a fundus photograph is no part of the eye. Masked pixels take no part in the
learning and get 0 in every label map.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import nuriwake

picture = data.retina()[::5, ::5]
inside = picture.max(axis=2) > 30
result = nuriwake.segment(picture, mask=inside, detail="medium")
print(f"{result.n_regions} regions; {np.mean(result.regions == 0):.0%} of the pixels are no data")

_, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.imshow(picture)
right.imshow(result.overlay(0.35))
for axis in (left, right):
    axis.set_axis_off()
