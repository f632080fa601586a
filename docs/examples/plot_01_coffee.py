"""
A first picture
===============

*Learn: what a region is, and that one training answers every number of them.*
"""

import matplotlib.pyplot as plt
from skimage import data

import nuriwake

picture = data.coffee()
result = nuriwake.segment(picture)
result

# %%
# Every pixel has the number of its region. Another number of regions is another *cut* of the same
# tree: nothing is learned again.

_, axes = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
for axis, number in zip(axes, (60, 15, 5), strict=True):
    axis.imshow(result.overlay(labels=result.cut(number)))
    axis.set_title(f"{number} regions")
    axis.set_axis_off()
