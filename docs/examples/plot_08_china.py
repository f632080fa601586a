"""
A pagoda, with scikit-learn's conventions
=========================================

*Learn:* ``Segmenter`` *learns from one picture and labels another alike.*

The left half teaches, the right half is labelled: a label means the same in both.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from nuriwake import Segmenter

picture = load_sample_image("china.jpg")[::2, ::2]
left, right = picture[:, :160], picture[:, 160:]

segmenter = Segmenter(recipe="tip2020", max_iter=60, n_channels=32, max_labels=32)
labels = np.hstack([segmenter.fit_predict(left), segmenter.predict(right)])

_, (above, below) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
above.imshow(picture)
below.imshow(labels, cmap="tab20", interpolation="nearest")
below.axvline(159.5, color="white")
for axis in (above, below):
    axis.set_axis_off()
