"""
A stack of slices
=================

*Learn: one model for many pictures.*

``anatomical.nii`` ships with nibabel: the middle of a head, very coarse. A model learns from three
of its slices and labels others: a label means the same in each.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import nibabel
import numpy as np

from nuriwake import Segmenter

path = Path(nibabel.__file__).parent / "tests" / "data" / "anatomical.nii"
volume = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)
slices = [np.rot90(volume[:, :, z]) for z in range(volume.shape[2])]
print(f"{len(slices)} slices of {slices[0].shape}")

segmenter = Segmenter(max_labels=16).fit(slices[6:18:4])
maps = [segmenter.predict(slice_) for slice_ in slices[5:20:5]]

_, axes = plt.subplots(2, 3, figsize=(8, 6), layout="constrained")
for column, (z, labels) in zip(axes.T, zip(range(5, 20, 5), maps, strict=True), strict=True):
    column[0].imshow(slices[z], cmap="gray")
    column[1].imshow(labels, cmap="tab20", vmin=0, vmax=16, interpolation="nearest")
    column[0].set_title(f"slice {z}")
for axis in axes.flat:
    axis.set_axis_off()
