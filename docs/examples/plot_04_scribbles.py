"""
Scribbles
=========

*Learn: a few strokes say what you mean.*

A scribble map has the picture's shape: 0 where nothing is drawn, else the label that you draw.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import nuriwake

picture = data.astronaut()[::2, ::2]
strokes = np.zeros(picture.shape[:2], np.int32)
strokes[150:230, 85:110] = 1  # the suit
strokes[40:80, 95:115] = 2  # the face
strokes[20:200, 215:225] = 3  # what is behind
strokes[60:140, 15:22] = 3

result = nuriwake.segment(picture, scribbles=strokes)

_, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
left.imshow(picture)
left.imshow(np.ma.masked_equal(strokes, 0), cmap="Set1", interpolation="nearest")
right.imshow(result.overlay())
for axis in (left, right):
    axis.set_axis_off()

# %%
# Drawn pixels keep the label that was drawn.

drawn = strokes > 0
print(f"{np.mean(result.labels[drawn] == strokes[drawn]):.1%} of the drawn pixels have their label")
