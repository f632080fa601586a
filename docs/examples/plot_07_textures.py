"""
Brick, gravel and grass: texture without colour
===============================================

*Learn: for surfaces ask for materials, and look where it ends.*

Three surfaces of the same mean grey and the same contrast. No threshold tells them apart; the
network learns their grain from this picture alone. A surface is a kind of stuff, so the question
is one of labels (``labels=3``), not of regions.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import nuriwake

names = ("brick", "gravel", "grass")
surfaces = [getattr(data, name)()[::2, ::2].astype(float) for name in names]
level = [(surface - surface.mean()) / surface.std() * 0.2 + 0.5 for surface in surfaces]
picture = np.clip(np.hstack(level), 0, 1).astype(np.float32)
result = nuriwake.segment(picture, labels=3)

_, axes = plt.subplots(2, 1, figsize=(8, 5.6), layout="constrained")
axes[0].imshow(picture, cmap="gray")
axes[1].imshow(result.overlay())
for axis in axes:
    axis.set_axis_off()

# %%
# How much of each surface has its most frequent label:

for name, part in zip(names, np.hsplit(result.labels, 3), strict=True):
    counts = np.bincount(part.ravel())
    print(f"{name}: label {counts.argmax()} in {counts.max() / part.size:.0%} of it")

# %%
# Brick is told from the rest nearly everywhere. Gravel and grass are both heaps of small bright
# and dark things, and part of the grass counts as gravel. Where you know better, a
# :ref:`scribble <sphx_glr_gallery_plot_04_scribbles.py>` on each says so.
