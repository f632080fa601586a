"""
Coins: measure each region
==========================

*Learn: a label map goes straight into* ``skimage.measure``.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data, measure

import nuriwake

picture = data.coins()
result = nuriwake.segment(picture, detail="medium")

# %%
# Coins are compact and of a known size; the rest is background and shadow.

regions = measure.regionprops(result.regions)
coins = [r for r in regions if 800 < r.area < 5000 and r.solidity > 0.9]
print(f"{len(regions)} regions, {len(coins)} of them look like a coin")

only_coins = np.where(np.isin(result.regions, [r.label for r in coins]), result.regions, 0)
_, axis = plt.subplots(figsize=(6, 4.6), layout="constrained")
axis.imshow(result.overlay(labels=only_coins))
axis.set_axis_off()

# %%
# The rule for what is a coin is yours: the segmentation offers regions, and knows no coins. Where
# a thing is as dark as the ground beside it, there is no border to find, and
# :ref:`scribbles <sphx_glr_gallery_plot_04_scribbles.py>` say what the picture does not.
