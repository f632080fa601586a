"""
Heights: a raster that is no picture
====================================

*Learn: bands may be anything; here heights and their slope.*

An elevation model of Jacksboro in Tennessee: a valley, a ridge and a plateau.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cbook

import nuriwake

elevation = cbook.get_sample_data("jacksboro_fault_dem.npz")["elevation"].astype(np.float32)
slope = np.hypot(*np.gradient(elevation))
result = nuriwake.segment(np.dstack([elevation, slope]), regions=8)

_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.imshow(elevation, cmap="terrain")
right.imshow(result.overlay())
for axis in (left, right):
    axis.set_axis_off()

# %%
for region in range(1, result.n_regions + 1):
    inside = result.regions == region
    print(
        f"region {region}: {inside.mean():4.0%} of the area, "
        f"height {elevation[inside].mean():4.0f} m, "
        f"slope {slope[inside].mean():4.1f} m per pixel"
    )
