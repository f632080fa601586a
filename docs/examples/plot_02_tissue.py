"""
Stained tissue: materials
=========================

*Learn: a label is a kind of stuff, a region is one place.*

Brown is the stained antigen; pale tissue with blue nuclei lies between. Each kind is in many
places, so the question is one of **labels**, not of regions.
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
    axis.set_axis_off()

# %%
# A material's share of the picture is a count of pixels. The numbers go by size and have no names:
# the mean colours tell a person that one is the stain, one the pale tissue, and one the zone
# where both mix.

share = np.bincount(result.labels.ravel(), minlength=4)[1:] / result.labels.size
for label, part in enumerate(share, start=1):
    colour = picture[result.labels == label].mean(axis=0).round().astype(int)
    print(f"label {label}: {part:.0%} of the pixels, mean colour {colour}")
