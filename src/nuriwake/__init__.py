"""Segments any raster with no labels: a tiny network is trained on the image itself.

The public names, loaded when first used, so that ``import nuriwake`` is instant.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuriwake.estimator import Segmenter
    from nuriwake.jobs.result_file import load_result, save_result
    from nuriwake.model import Model
    from nuriwake.model_file import load_model
    from nuriwake.raster import Raster
    from nuriwake.segmentation import Segmentation
    from nuriwake.segmenter import segment
    from nuriwake.settings import Settings
    from nuriwake.volume_segmentation import VolumeSegmentation
    from nuriwake.volume_segmenter import segment_volume

__version__ = "0.2.0"

_HOME = {
    "Model": "nuriwake.model",
    "Raster": "nuriwake.raster",
    "Segmentation": "nuriwake.segmentation",
    "Segmenter": "nuriwake.estimator",
    "Settings": "nuriwake.settings",
    "VolumeSegmentation": "nuriwake.volume_segmentation",
    "load_model": "nuriwake.model_file",
    "load_result": "nuriwake.jobs.result_file",
    "save_result": "nuriwake.jobs.result_file",
    "segment": "nuriwake.segmenter",
    "segment_volume": "nuriwake.volume_segmenter",
}

__all__ = [
    "Model",
    "Raster",
    "Segmentation",
    "Segmenter",
    "Settings",
    "VolumeSegmentation",
    "__version__",
    "load_model",
    "load_result",
    "save_result",
    "segment",
    "segment_volume",
]


if not TYPE_CHECKING:  # type checkers read the imports above

    def __getattr__(name: str) -> object:
        """Import a public name from its module on first use."""
        if name not in _HOME:
            raise AttributeError(f"module 'nuriwake' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
