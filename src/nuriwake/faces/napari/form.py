"""The settings as a form of magicgui, generated from the table of settings."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, LineEdit, SpinBox

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.form import FieldForm, field_forms
from nuriwake.settings import RECIPES, Settings, Value
from nuriwake.volume_segmenter import volume_settings


class SettingsForm:
    """One field for each setting. Choosing a recipe sets its defaults and hides what it ignores."""

    def __init__(self) -> None:
        forms = field_forms()
        self.recipe = ComboBox(
            name="recipe", choices=list(RECIPES), tooltip="which method: its defaults"
        )
        self._forms = {form["name"]: form for form in forms if form["name"] != "recipe"}
        self._fields = {name: _field(form) for name, form in self._forms.items()}
        self.container = Container(widgets=list(self._fields.values()), scrollable=True)
        self.recipe.changed.connect(self._follow_recipe)
        self._follow_recipe(self.recipe.value)

    def settings(self, *, of_volume: bool = False) -> Settings:
        """Return what is chosen; what was left alone has the defaults of pictures, or of volumes.

        Raises
        ------
        UsageError
            If a value is out of its range.
        """
        recipe = RECIPES[self.recipe.value]
        values: dict[str, Value] = {"recipe": recipe.name}
        for name, field in self._fields.items():
            value = _value(self._forms[name], field.value)
            if name not in recipe.ignores and value != self._default(name):
                values[name] = value
        return volume_settings(values) if of_volume else Settings(**values)

    def _default(self, name: str) -> Value:
        overrides = RECIPES[self.recipe.value].overrides
        return overrides.get(name, self._forms[name]["default"])

    def _follow_recipe(self, name: str) -> None:
        recipe = RECIPES[name]
        for field, widget in self._fields.items():
            default = self._default(field)
            widget.value = str(default) if isinstance(widget, LineEdit) else default
            widget.visible = field not in recipe.ignores


def _field(form: FieldForm) -> Any:
    options = {"name": form["name"], "tooltip": form["help"]}
    if form["type"] == "choice":
        return ComboBox(choices=form["choices"], value=form["default"], **options)
    if form["type"] == "bool":
        return CheckBox(value=form["default"], **options)
    if form["type"] == "int":
        return SpinBox(min=form["minimum"], max=form["maximum"], value=form["default"], **options)
    return LineEdit(value=str(form["default"]), **options)


def _value(form: FieldForm, shown: Any) -> Any:
    if form["type"] != "float":
        return shown
    try:
        return float(shown)
    except ValueError:
        raise UsageError(out_of_range(form["name"], "a number", shown)) from None
