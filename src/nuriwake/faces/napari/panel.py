"""The widget: an image in, live labels while it learns, a layer of regions to cut and edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from magicgui.widgets import Container
from napari.utils.notifications import show_warning

from nuriwake.errors import NuriwakeError, UsageError
from nuriwake.faces.napari.controls import SCOPES, SLIDER_STEPS, Controls
from nuriwake.faces.napari.job import CancelWhenGone, Job, Listener, load_ahead, window_of
from nuriwake.faces.napari.shown import (
    Shown,
    layer_options,
    picked_region,
    placement_options,
    preview_options,
    put,
    show_of,
    shown_of,
)
from nuriwake.faces.napari.subject import Scope, Subject, find_channels, take_subject
from nuriwake.faces.napari.work import Done, Look, apply_work, segment_work
from nuriwake.regions.editing import EditedCut


class SegmentPanel(Container):  # type: ignore[misc]
    """Segments a layer, and lets people cut, edit and teach the result.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        self._viewer = napari_viewer
        self._subject: Subject | None = None
        self._preview: Any = None
        self._job = Job(Listener(self._on_look, self._on_done, self._on_failed))
        self.controls = Controls(napari_viewer)
        super().__init__(widgets=self.controls.rows(), labels=True)
        self._settings = window_of(self.controls.form.container, self.native)
        self._connect()
        CancelWhenGone(self.native, self._job, self.cancel)
        self.controls.list_layers()
        self._show_cut()
        self.controls.show_running(False)
        load_ahead()

    def _connect(self) -> None:
        controls = self.controls
        for event in ("inserted", "removed", "reordered"):
            getattr(self._viewer.layers.events, event).connect(controls.list_layers)
        controls.image.changed.connect(self._on_image)
        controls.result.changed.connect(self._show_cut)
        controls.slider.changed.connect(lambda at: self._cut(EditedCut(self._number_at(at))))
        controls.count.changed.connect(lambda number: self._cut(EditedCut(number)))
        for name, button in controls.details.items():
            _on_press(button, self._detail_setter(name))
        for button, action in (
            (controls.settings, self._toggle_settings),
            (controls.run, self.segment),
            (controls.stop, self._job.stop),
            (controls.cancel, self.cancel),
            (controls.merge, lambda: self._edit(Shown.merged)),
            (controls.split, lambda: self._edit(Shown.split)),
            (controls.undo, lambda: self._edit(lambda shown, _: shown.without_last_edit())),
            (controls.confidence, self.add_confidence),
            (controls.contours, self.add_contours),
            (controls.save, self._ask_and_save),
            (controls.draw, self.add_scribbles),
            (controls.relearn, self.relearn),
            (controls.apply, self.apply),
        ):
            _on_press(button, action)

    def _on_image(self, layer: Any) -> None:
        self.controls.channels.reset_choices()
        axis = None if layer is None else find_channels(layer)
        self.controls.channels.value = "none" if axis is None else str(axis)

    # Work.

    def segment(self) -> None:
        """Segment what is chosen."""

        def work() -> tuple[Any, ...]:
            subject = self._chosen()
            settings = self.controls.form.settings(of_volume=subject.scope == "volume")
            return segment_work, subject, settings

        self._begin(work)

    def relearn(self) -> None:
        """Segment the plane that is shown, following the scribbles."""

        def work() -> tuple[Any, ...]:
            subject = self._taught()
            if self.controls.scribbles.value is None:
                raise UsageError("there are no scribbles. Press New scribbles and draw some.")
            drawn = subject.drawn(np.asarray(self.controls.scribbles.value.data))
            return segment_work, subject, self.controls.form.settings(), drawn

        self._begin(work)

    def apply(self) -> None:
        """Label what is chosen with the model of a layer."""

        def work() -> tuple[Any, ...]:
            shown = shown_of(self.controls.model.value)
            if shown is None or shown.model is None:
                raise UsageError("there is no model. Segment an image, or open a .safetensors.")
            return apply_work, self._chosen(), shown.model

        self._begin(work)

    def cancel(self) -> None:
        """Stop the work and forget it."""
        self._job.cancel()
        self._show_running(False)
        self.controls.status.value = "cancelled"

    def _begin(self, work: Callable[[], tuple[Any, ...]]) -> None:
        def begin() -> None:
            function, subject, *values = work()
            self._drop_preview()
            self._subject = subject
            self.controls.status.value = "loading"
            self._job.start(function, subject, *values)
            self._show_running(True)

        self._tell_errors(begin)

    def _chosen(self, scope: Scope | None = None) -> Subject:
        if self.controls.image.value is None:
            raise UsageError("there is no image layer. Open a picture first.")
        axis = self.controls.channels.value
        return take_subject(
            self.controls.image.value,
            None if axis == "none" else int(axis),
            self._viewer.dims.point,
            scope or SCOPES[self.controls.scope.value],
        )

    def _taught(self) -> Subject:
        """Say what scribbles are drawn on."""
        if SCOPES[self.controls.scope.value] == "volume":
            raise UsageError(
                "scribbles teach pictures, not volumes. Merge and split the volume's regions, or "
                "choose 'shown plane'."
            )
        return self._chosen("plane")

    def _on_look(self, look: Look) -> None:
        self.controls.status.value = look.text
        self.controls.bar.max, self.controls.bar.value = max(1, look.total), look.done
        if look.labels is None or self._subject is None:
            return
        labels, placement = self._subject.place_coarse(look.labels)
        if self._preview is None or self._preview not in self._viewer.layers:
            options = preview_options()
            self._preview = self._viewer.add_labels(
                labels, **options, **placement_options(placement)
            )
        self._preview.data = labels

    def _on_done(self, done: Done) -> None:
        self._show_running(False)
        shown = show_of(done)
        layer = self._result_layer(done, shown)
        self.controls.list_layers()
        if shown.partition is not None:
            self.controls.result.value = layer
        if shown.model is not None:
            self.controls.model.value = layer
        self._show_cut()
        self.controls.status.value = f"{int(done.labels.max())} in {layer.name}"

    def _result_layer(self, done: Done, shown: Shown) -> Any:
        """Return the layer of an earlier result of the same plane, or add one."""
        has_regions = done.partition is not None and done.partition.shows_regions
        name = f"{done.subject.name} {'regions' if has_regions else 'labels'}"
        options = layer_options(name, shown, done.subject.placement)
        for layer in self._viewer.layers:
            is_ours = layer.name == name and shown_of(layer) is not None
            place = layer.data.shape, tuple(layer.translate)
            if is_ours and place == (done.labels.shape, done.subject.placement.translate):
                layer.colormap, layer.metadata = options["colormap"], options["metadata"]
                layer.data = done.labels
                return layer
        for layer in self.controls.result.choices:
            if layer is not None:
                layer.visible = False
        return self._viewer.add_labels(done.labels, **options)

    def _on_failed(self, message: str) -> None:
        self._show_running(False)
        self.controls.status.value = message
        show_warning(message)

    def _tell_errors(self, action: Callable[[], None]) -> None:
        try:
            action()
        except NuriwakeError as error:
            self.controls.status.value = str(error)
            show_warning(str(error))

    def _show_running(self, is_running: bool) -> None:
        self.controls.show_running(is_running)
        if not is_running:
            self._drop_preview()

    def _drop_preview(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None and preview in self._viewer.layers:
            self._viewer.layers.remove(preview)

    def _toggle_settings(self) -> None:
        self._settings.setVisible(not self._settings.isVisible())

    # Cuts and edits.

    def _shown(self) -> Shown:
        shown = shown_of(self.controls.result.value)
        if shown is None:
            raise UsageError("there is no result. Segment an image, or open a result.")
        return shown

    def _change(self, change: Callable[[Shown], Shown]) -> None:
        def act() -> None:
            put(self.controls.result.value, change(self._shown()))
            self._show_cut()

        self._tell_errors(act)

    def _cut(self, cut: EditedCut) -> None:
        self._change(lambda shown: shown.with_cut(cut))

    def _detail_setter(self, name: str) -> Callable[[], None]:
        detail: Any = None if name == "auto" else name
        return lambda: self._cut(EditedCut(detail=detail))

    def _edit(self, edit: Callable[[Shown, int], Shown]) -> None:
        layer = self.controls.result.value
        with picked_region(layer) as label:
            self._change(lambda shown: edit(shown, label))

    def _show_cut(self, _layer: object = None) -> None:
        """Let the slider and the number say what the layer shows."""
        controls, shown = self.controls, shown_of(self.controls.result.value)
        controls.allow_cuts(shown)
        if shown is None:
            return
        with controls.slider.changed.blocked(), controls.count.changed.blocked():
            controls.count.min, controls.count.max = 1, shown.tree.n_leaves
            controls.count.value = shown.n_regions
            controls.slider.value = self._place_of(shown.n_regions)
        controls.status.value = f"{shown.n_regions} regions"

    def _number_at(self, place: int) -> int:
        """Say how many regions a place of the slider means: steps of equal ratio."""
        tree = self._shown().tree
        ratio = tree.n_leaves / tree.min_regions
        return round(float(tree.min_regions * ratio ** (place / SLIDER_STEPS)))

    def _place_of(self, number: int) -> int:
        tree = self._shown().tree
        if tree.n_leaves == tree.min_regions:
            return 0
        share = np.log(number / tree.min_regions) / np.log(tree.n_leaves / tree.min_regions)
        return round(float(np.clip(share, 0, 1)) * SLIDER_STEPS)

    # Other layers, and files.

    def save(self, path: str) -> None:
        """Save the result as it is shown, to be opened and cut again later.

        Parameters
        ----------
        path : str
            Ends in ``.npz``.
        """
        # napari's own writer of .npz, for maps alone, would come first.
        self._tell_errors(lambda: self.controls.result.value.save(path, plugin="nuriwake"))

    def _ask_and_save(self) -> None:
        from qtpy.QtWidgets import QFileDialog

        name = f"{self.controls.result.value.name}.result.npz"
        path, _ = QFileDialog.getSaveFileName(self.native, "Save the result", name, "*.npz")
        if path:
            self.save(path if path.endswith(".npz") else f"{path}.npz")

    def add_scribbles(self) -> None:
        """Add an empty layer to draw labels on, over the shown plane."""

        def add() -> None:
            subject = self._taught()
            layer = self._viewer.add_labels(
                np.zeros(subject.shape, np.uint8),
                name="scribbles",
                **placement_options(subject.placement),
            )
            layer.mode, layer.brush_size = "paint", 5
            self.controls.scribbles.value = layer

        self._tell_errors(add)

    def add_confidence(self) -> None:
        """Add the confidence of the result as a layer."""
        self._add_map("confidence", lambda shown: shown.confidence)

    def add_contours(self) -> None:
        """Add the contours of the tree as a layer: how high one must cut for a border to vanish."""
        self._add_map("contours", Shown.contours)

    def _add_map(self, name: str, make: Callable[[Shown], Any]) -> None:
        def add() -> None:
            result = self.controls.result.value
            values = make(self._shown()).reshape(result.data.shape)
            self._viewer.add_image(
                values,
                name=f"{result.name} {name}",
                colormap="magma",
                blending="additive",
                scale=result.scale,
                translate=result.translate,
                units=result.units,
            )

        self._tell_errors(add)


def _on_press(button: Any, action: Callable[[], None]) -> None:
    button.changed.connect(lambda _pressed: action())
