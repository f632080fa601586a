"""A result as a layer of labels: the tree and its cut travel in the layer's metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError
from nuriwake.faces.napari.subject import Placement
from nuriwake.faces.napari.work import Done
from nuriwake.painting import palette
from nuriwake.raster import LabelMap
from nuriwake.regions.editing import Edit, EditedCut, node_colours, nodes_of_leaves
from nuriwake.regions.tree import MergeTree, number_nodes
from nuriwake.segmentation import Partition

if TYPE_CHECKING:
    from nuriwake.model import Model

#: Under this name a layer's metadata holds what it shows.
KEY = "nuriwake"
AUTOMATIC = EditedCut()
_N_COLOURS = 60
#: Colours that napari takes, and labels that a network can have.
_MOST_COLOURS, _MOST_LABELS = 1 << 16, 1024


@dataclass(frozen=True, eq=False)
class Shown:
    """A result and how it is looked at.

    Parameters
    ----------
    partition : Partition or None
        None where labels have no tree: those of many planes.
    model : Model or None
        None where a result was read from a file.
    cut : EditedCut
    drawn : ndarray of int32, shape (height, width), optional
        The scribbles that it followed, whose brushes lend their numbers to the colours.
    in_palette : ndarray of uint8, optional
        The colour of each node; found when it is needed first.
    """

    partition: Partition | None
    model: Model | None = None
    cut: EditedCut = AUTOMATIC
    drawn: LabelMap | None = None
    in_palette: NDArray[np.uint8] | None = None

    @property
    def tree(self) -> MergeTree:
        """The tree that is cut: of regions where the recipe is about them, else of labels.

        Raises
        ------
        UsageError
            If there is none.
        """
        whole = self._whole
        return whole.tree if self.has_details else whole.label_tree

    @property
    def _whole(self) -> Partition:
        if self.partition is None:
            raise UsageError("labels of many planes have no tree. Segment the shown plane only.")
        return self.partition

    @property
    def has_details(self) -> bool:
        """Whether it can be cut by a detail."""
        return self._whole.settings.method.shows == "regions"

    @property
    def is_uncut(self) -> bool:
        """Whether the labels are shown as the network, or the brushes, numbered them."""
        return self.cut == AUTOMATIC and not self._whole.shows_regions

    @cached_property
    def nodes(self) -> NDArray[np.int32]:
        """The node of the tree that each leaf belongs to.

        Raises
        ------
        UsageError
            If the cut does not fit the tree.
        """
        return nodes_of_leaves(self.tree, self._explicit_cut)

    @property
    def _explicit_cut(self) -> EditedCut:
        if not self.is_uncut:
            return self.cut
        # Scribbles are spread over the coarsest regions; the network's labels are the leaves.
        return EditedCut(self.tree.min_regions if self.has_details else self.tree.n_leaves)

    @property
    def n_regions(self) -> int:
        """How many parts are shown."""
        return len(np.unique(self.nodes))

    @cached_property
    def labels(self) -> LabelMap:
        """What is shown: 1, 2, ...; 0 = no data."""
        return self._whole.labels if self.is_uncut else self.tree.paint(self.nodes)

    def colours(self) -> NDArray[np.float32]:
        """Return a colour for each label that is shown, and transparent for 0.

        A region keeps its colour while others are split or merged.

        Returns
        -------
        ndarray of float32, shape (n + 1, 4), in [0, 1]
        """
        n_labels = int(self.labels.max())
        rgb = palette(n_labels + 1)
        if not self.is_uncut:
            in_palette = self._node_colours[self.nodes]
            rgb[number_nodes(self.nodes)] = palette(_N_COLOURS + 1)[1:][in_palette]
        return _opaque(rgb)

    @cached_property
    def _node_colours(self) -> NDArray[np.uint8]:
        if self.in_palette is not None:
            return self.in_palette
        return node_colours(self.tree, _N_COLOURS, self.drawn)

    def contours(self) -> NDArray[np.float32]:
        """Draw how high one must cut for a border to vanish, finite.

        Raises
        ------
        UsageError
            If it is a volume.
        """
        from nuriwake.jobs.writers import finite

        if self._whole.tree.base.ndim != 2:
            raise UsageError("there are no contours of volumes. Segment the shown plane.")
        return finite(self._whole.tree.contours())

    @property
    def confidence(self) -> NDArray[np.float32]:
        """How sure the network is of each pixel, in [0, 1]."""
        return self._whole.confidence

    def with_cut(self, cut: EditedCut) -> Shown:
        """Return the same result, cut otherwise.

        Raises
        ------
        UsageError
            If the cut does not fit the tree.
        """
        other = replace(self, cut=cut, in_palette=self._node_colours)
        _ = other.nodes
        return other

    def merged(self, label: int) -> Shown:
        """Join a region with the one that it belongs to next, and all that lies in that.

        Raises
        ------
        UsageError
            If there is no such region, or nothing to join it with.
        """
        node = self._node(label)
        at = np.flatnonzero((self.tree.merges == node).any(axis=1))
        above = self.tree.n_leaves + int(at[0]) if at.size else 2 * self.tree.n_leaves
        if above >= 2 * self.tree.n_leaves - self.tree.min_regions:
            raise UsageError(f"region {label} has nothing to be merged with.")
        return self._edited(Edit(True, above))

    def split(self, label: int) -> Shown:
        """Divide a region into the two that it was merged from.

        Raises
        ------
        UsageError
            If there is no such region, or it is a leaf of the tree.
        """
        node = self._node(label)
        if node < self.tree.n_leaves:
            raise UsageError(f"region {label} is as fine as the tree is: it cannot be split.")
        return self._edited(Edit(False, node))

    def without_last_edit(self) -> Shown:
        """Take the last merge or split back."""
        return self.with_cut(replace(self.cut, edits=self.cut.edits[:-1]))

    def _edited(self, edit: Edit) -> Shown:
        cut = self._explicit_cut
        return self.with_cut(replace(cut, edits=(*cut.edits, edit)))

    def _node(self, label: int) -> int:
        leaves = self.tree.base[self.labels == label]
        if label == 0 or not leaves.size:
            raise UsageError(
                f"there is no region {label}. Pick one of the {self.n_regions} with the layer's "
                "colour picker, then merge or split it."
            )
        # Labels as the brushes numbered them may lie in several regions: the largest is meant.
        return int(np.bincount(self.nodes[leaves - 1]).argmax())


def shown_of(layer: Any) -> Shown | None:
    """Return what a layer shows; None where it is no result of nuriwake."""
    return None if layer is None else shown_of_metadata(layer.metadata)


def shown_of_metadata(metadata: Mapping[str, object]) -> Shown | None:
    """Return what a layer of this metadata shows; None where it is no result of nuriwake."""
    found = metadata.get(KEY)
    return found if isinstance(found, Shown) else None


def show_of(done: Done) -> Shown:
    """Make of finished work what a layer shows."""
    return Shown(done.partition, done.model, drawn=done.drawn)


def put(layer: Any, shown: Shown) -> None:
    """Let a layer of labels show another cut of its result.

    Parameters
    ----------
    layer : napari.layers.Labels
    shown : Shown
    """
    labels = shown.labels.reshape(layer.data.shape)
    layer.metadata = {**layer.metadata, KEY: shown}
    layer.colormap = colormap_of(shown)
    layer.data = labels


@contextmanager
def picked_region(layer: Any) -> Iterator[int]:
    """Give the label that is picked; what it is called afterwards is picked after the block.

    Regions get other numbers when one of them is merged or split. Of a region that was split, the
    larger part stays picked.

    Parameters
    ----------
    layer : napari.layers.Labels

    Yields
    ------
    int
    """
    label = int(layer.selected_label)
    before = layer.data
    yield label
    if layer.data is not before and label:
        layer.selected_label = int(np.bincount(layer.data[before == label]).argmax())


def colormap_of(shown: Shown) -> Any:
    """Make napari's colours of what is shown.

    Returns
    -------
    napari.utils.colormaps.CyclicLabelColormap
    """
    from napari.utils.colormaps import CyclicLabelColormap

    # napari goes round in so many colours as there are, less the one of the background.
    return CyclicLabelColormap(colors=shown.colours()[:_MOST_COLOURS], background_value=0)


def palette_colormap(n_labels: int) -> Any:
    """Make napari's colours of labels that have no tree: those of every other picture of ours."""
    from napari.utils.colormaps import CyclicLabelColormap

    return CyclicLabelColormap(colors=_opaque(palette(n_labels + 1)), background_value=0)


def _opaque(rgb: NDArray[np.number]) -> NDArray[np.float32]:
    """Give colours in [0, 255] an alpha: only label 0 is transparent."""
    alpha = (np.arange(len(rgb)) > 0)[:, np.newaxis]
    return np.hstack([rgb / 255.0, alpha]).astype(np.float32)


def layer_options(name: str, shown: Shown, placement: Placement | None) -> dict[str, Any]:
    """Say what napari shall make a layer of labels with."""
    options: dict[str, Any] = {"name": name, "metadata": {KEY: shown}, "opacity": 0.6}
    has_tree = shown.partition is not None
    options["colormap"] = colormap_of(shown) if has_tree else palette_colormap(_MOST_LABELS)
    if placement is not None:
        options |= placement_options(placement)
    return options


def preview_options() -> dict[str, Any]:
    """Say what napari shall make the layer of labels that still form with."""
    colours = palette_colormap(_MOST_LABELS)
    return {"name": "learning", "metadata": {KEY: None}, "opacity": 0.6, "colormap": colours}


def placement_options(placement: Placement) -> dict[str, Any]:
    """Say where napari shall put a layer."""
    options: dict[str, Any] = {"scale": placement.scale, "translate": placement.translate}
    return {**options, "units": placement.units} if placement.units else options
