"""The settings as a form of magicgui, generated from the table of settings."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, LineEdit, SpinBox

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.form import FieldForm, field_forms
from nuriwake.settings import RECIPES, Settings


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

    def settings(self) -> Settings:
        """Return what is chosen.

        Raises
        ------
        UsageError
            If a value is out of its range.
        """
        recipe = RECIPES[self.recipe.value]
        values = {
            name: _value(self._forms[name], field.value)
            for name, field in self._fields.items()
            if name not in recipe.ignores
        }
        return Settings(recipe=recipe.name, **values)

    def _follow_recipe(self, name: str) -> None:
        recipe = RECIPES[name]
        for field, widget in self._fields.items():
            default = recipe.overrides.get(field, self._forms[field]["default"])
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
