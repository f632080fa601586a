"""
Hubble's deep field: small bright things
========================================

*Learn: the automatic cut drops specks; an altitude of your own keeps them.*

Galaxies are small islands on a dark sea. In the automatic cut, regions of a few pixels join a
neighbour; ``speck_size=0`` keeps them.
"""

import matplotlib.pyplot as plt
from skimage import data

import nuriwake

picture = data.hubble_deep_field()[200:500, 300:700]
automatic = nuriwake.segment(picture)
fine = nuriwake.segment(picture, speck_size=0, detail="fine")

_, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
axes[0].imshow(picture)
axes[1].imshow(automatic.overlay())
axes[1].set_title(f"automatic: {automatic.n_regions} regions")
axes[2].imshow(fine.overlay())
axes[2].set_title(f"fine, specks stay: {fine.n_regions}")
for axis in axes:
    axis.set_axis_off()
