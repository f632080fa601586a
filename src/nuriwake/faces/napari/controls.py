"""The controls of the widget: what stands where, and what the lists of layers offer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from magicgui.widgets import (
    ComboBox,
    Container,
    Label,
    ProgressBar,
    PushButton,
    Slider,
    SpinBox,
)
from napari.layers import Image, Labels

from nuriwake.faces.napari.form import SettingsForm
from nuriwake.faces.napari.shown import KEY, Shown, shown_of
from nuriwake.faces.napari.subject import Scope

#: Places of the slider.
SLIDER_STEPS = 500
#: What is segmented, in words.
SCOPES: Mapping[str, Scope] = MappingProxyType(
    {"shown plane": "plane", "all planes, one network": "planes", "volume, one tree": "volume"}
)
_PICKED = "the region that the layer's colour picker picked"


class Controls:
    """Every control, by name; nothing is connected yet.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.form = SettingsForm()
        self._make_inputs()
        self._make_cuts()
        self._make_teaching()

    def _make_inputs(self) -> None:
        self.image = ComboBox(name="image", choices=self._images, nullable=True)
        self.channels = ComboBox(
            name="channels",
            choices=self._channel_axes,
            tooltip="the axis of the channels, where the layer does not say it by itself",
        )
        self.scope = ComboBox(name="segment", choices=list(SCOPES))
        self.settings = PushButton(text="Settings")
        self.run = PushButton(text="Segment")
        self.stop = PushButton(text="Stop here", tooltip="keep what was learned so far")
        self.cancel = PushButton(text="Cancel")
        self.bar = ProgressBar(name="progress", label=" ", value=0, max=1)
        self.status = Label(name="status", label=" ", value="")

    def _make_cuts(self) -> None:
        self.result = ComboBox(name="result", choices=self._results, nullable=True)
        self.slider = Slider(label="few to many", min=0, max=SLIDER_STEPS, readout=False)
        self.count = SpinBox(name="regions", min=1, max=1, value=1)
        self.details = {
            name: PushButton(text=name) for name in ("auto", "fine", "medium", "coarse")
        }
        self.merge = PushButton(text="Merge", tooltip=_PICKED)
        self.split = PushButton(text="Split", tooltip=_PICKED)
        self.undo = PushButton(text="Undo", tooltip="take the last merge or split back")
        self.confidence = PushButton(text="Confidence")
        self.contours = PushButton(text="Contours")
        self.save = PushButton(text="Save...", tooltip="the result, to be cut again later")

    def _make_teaching(self) -> None:
        self.scribbles = ComboBox(name="scribbles", choices=self._labels, nullable=True)
        self.draw = PushButton(text="New scribbles", tooltip="a layer to draw labels on")
        self.relearn = PushButton(text="Relearn", tooltip="follow the scribbles on this plane")
        self.model = ComboBox(name="model", label="model of", choices=self._models, nullable=True)
        self.apply = PushButton(text="Apply model", tooltip="label the image with it")

    def rows(self) -> list[Any]:
        """Return the controls from top to bottom."""
        return [
            self.image,
            self.channels,
            self.scope,
            self.form.recipe,
            self.settings,
            _row(self.run, self.stop, self.cancel),
            self.bar,
            self.status,
            self.result,
            self.slider,
            self.count,
            _row(*self.details.values()),
            _row(self.merge, self.split, self.undo),
            _row(self.confidence, self.contours, self.save),
            self.scribbles,
            _row(self.draw, self.relearn),
            self.model,
            self.apply,
        ]

    def list_layers(self, _event: object = None) -> None:
        """Offer the layers that the viewer has now."""
        for box in (self.image, self.result, self.scribbles, self.model):
            box.reset_choices()
            if box.value is None and len(box.choices) > 1:
                box.value = box.choices[-1]

    def show_running(self, is_running: bool) -> None:
        """Enable what can be pressed while work goes on, or while none does."""
        for button in (self.run, self.relearn, self.apply):
            button.enabled = not is_running
        self.stop.enabled = self.cancel.enabled = is_running
        if not is_running:
            self.bar.value = 0

    def allow_cuts(self, shown: Shown | None) -> None:
        """Enable what can be done with a result."""
        cuts = (self.slider, self.count, self.merge, self.split)
        for widget in (*cuts, self.confidence, self.contours, self.save):
            widget.enabled = shown is not None
        for button in self.details.values():
            button.enabled = shown is not None and shown.has_details
        self.undo.enabled = shown is not None and bool(shown.cut.edits)

    def _images(self, _widget: object = None) -> list[Any]:
        return [layer for layer in self._viewer.layers if isinstance(layer, Image)]

    def _labels(self, _widget: object = None) -> list[Any]:
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Labels)]
        return [layer for layer in layers if KEY not in layer.metadata]

    def _results(self, _widget: object = None) -> list[Any]:
        shown = [(layer, shown_of(layer)) for layer in self._viewer.layers]
        return [layer for layer, one in shown if one and one.partition is not None]

    def _models(self, _widget: object = None) -> list[Any]:
        shown = [(layer, shown_of(layer)) for layer in self._viewer.layers]
        return [layer for layer, one in shown if one and one.model is not None]

    def _channel_axes(self, _widget: object = None) -> list[str]:
        layer = self.image.value
        n_axes = 0 if layer is None else layer.ndim + int(layer.rgb)
        return ["none", *map(str, range(n_axes))]


def _row(*widgets: Any) -> Any:
    return Container(widgets=widgets, layout="horizontal", labels=False, label=" ")
