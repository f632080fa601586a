"""
Stained tissue: materials
=========================

*Learn: a label is a kind of stuff, a region is one place.*

Brown is the stained antigen, blue the nuclei, the rest is background. Each of the three lies in
many places, so the question is one of **labels**, not of regions.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import nuriwake

picture = data.immunohistochemistry()[::2, ::2]
result = nuriwake.segment(picture, labels=3)

_, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.imshow(picture)
right.imshow(result.overlay(opacity=0.7))
for axis in (left, right):
    axis.axis("off")

# %%
# A material's share of the picture is a count of pixels. The numbers are ordered by size: which of
# them is the stain, a person has to say.

share = np.bincount(result.labels.ravel(), minlength=4)[1:] / result.labels.size
for label, part in enumerate(share, start=1):
    colour = picture[result.labels == label].mean(axis=0).round().astype(int)
    print(f"label {label}: {part:.0%} of the pixels, mean colour {colour}")
