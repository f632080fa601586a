"""What a user's typed program looks like: every public name, called. mypy --strict reads this file.

Nobody runs it; ``make lint`` checks it.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import nuriwake
from nuriwake import Model, Raster, Segmentation, Segmenter, Settings, load_model, segment


def divide(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    result: Segmentation = segment(image, regions=20, seed=1)
    return result.regions


def stop_early(image: NDArray[np.float32], valid: NDArray[np.bool_]) -> list[int]:
    result = nuriwake.segment(
        image,
        valid=valid,
        detail="medium",
        recipe="tip2020",
        on_step=lambda step: step.n_labels < 5,
    )
    cut: NDArray[np.int32] = result.cut(7)
    return [row.n_labels for row in result.history] + [int(cut.max())]


def train(images: list[NDArray[np.uint16]], path: Path) -> NDArray[np.int32]:
    segmenter = Segmenter(recipe="tip2020", max_iter=50).fit(images)
    segmenter.save(path)
    model: Model = load_model(path)
    return model.predict(images[0])


def describe(raster: Raster, settings: Settings) -> str:
    one = segment(raster).overlay()
    return f"{nuriwake.__version__} {raster.n_bands} {settings.recipe} {one.shape}"


def divide_what_others_hold(tensor: torch.Tensor, path: Path) -> list[NDArray[np.int32]]:
    of_tensor = segment(tensor, channel_axis=0, mask=tensor[0] > 0)
    _ = of_tensor.to_xarray(labels=of_tensor.cut(3))
    images = [tensor, path, "https://example.org/scene.tif", Image.open(path)]
    segmenter = Segmenter(recipe="tip2020").fit(images)
    masked = np.ma.masked_equal(np.zeros((4, 5)), 0)
    return [
        of_tensor.regions,
        segmenter.predict(path),
        of_tensor.model.predict(masked, valid=np.ones((4, 5), bool)),
    ]
