"""
Brick, gravel and grass: texture without colour
===============================================

*Learn: what the learned labels (textons) are for.*

Three surfaces of nearly the same grey. No threshold tells them apart; the network learns their
grain from this picture alone.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import nuriwake

surfaces = [
    surface()[:256, :256].astype(float) for surface in (data.brick, data.gravel, data.grass)
]
level = [(s - s.mean()) / s.std() * 0.2 + 0.5 for s in surfaces]
picture = np.clip(np.hstack(level), 0, 1).astype(np.float32)
result = nuriwake.segment(picture, regions=3)

_, axes = plt.subplots(2, 1, figsize=(8, 5.6), layout="constrained")
axes[0].imshow(picture, cmap="gray")
axes[1].imshow(result.overlay())
for axis in axes:
    axis.axis("off")

# %%
# How much of each surface is in the region that holds most of it:

for name, part in zip(("brick", "gravel", "grass"), np.hsplit(result.regions, 3), strict=True):
    print(f"{name}: {np.bincount(part.ravel()).max() / part.size:.0%}")
