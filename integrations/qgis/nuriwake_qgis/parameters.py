"""Parameters of Processing, made from the description of the program."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingParameterBand,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from .description import Description, Setting

AUTOMATIC = "automatic"
#: Shown in a place of its own, first.
RECIPE = "recipe"


def source_parameters() -> list[QgsProcessingParameterDefinition]:
    """Ask for a raster layer and its bands."""
    bands = QgsProcessingParameterBand(
        "BANDS", "Bands, in this order (default all)", None, "INPUT", True, True
    )
    return [QgsProcessingParameterRasterLayer("INPUT", "Raster layer"), bands]


def cut_parameters(description: Description) -> list[QgsProcessingParameterDefinition]:
    """Ask which regions are wanted."""
    details = [AUTOMATIC, *description.details]
    return [
        QgsProcessingParameterEnum("DETAIL", "Detail", details, False, AUTOMATIC, False, True),
        _number("REGIONS", "Regions, in place of a detail", whole=True, minimum=1),
        _number("LABELS", "Materials, each in any places", whole=True, minimum=1),
    ]


def altitude_parameter() -> QgsProcessingParameterDefinition:
    """Ask for an altitude of the tree."""
    return advanced(_number("ALTITUDE", "Altitude, in place of a number of regions", minimum=0))


def map_parameter() -> QgsProcessingParameterDefinition:
    """Ask what the map holds."""
    return QgsProcessingParameterEnum(
        "MAP",
        "The map holds",
        ["regions", "labels"],
        False,
        "regions",
        False,
        True,
    )


def setting_parameters(
    description: Description, recipe: str
) -> list[QgsProcessingParameterDefinition]:
    """Ask for the recipe, and on request for every setting that it may read.

    Parameters
    ----------
    description : Description
    recipe : str
        The one that is chosen at first.
    """
    names = [r.name for r in description.recipes]
    first = QgsProcessingParameterEnum(RECIPE.upper(), "Recipe", names, False, recipe, False, True)
    others = [
        advanced(_setting(description, setting))
        for setting in description.settings
        if setting.name != RECIPE
    ]
    return [first, *others]


def advanced(parameter: QgsProcessingParameterDefinition) -> QgsProcessingParameterDefinition:
    """Move a parameter to the part of the form that opens on request."""
    parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
    return parameter


def _setting(description: Description, setting: Setting) -> QgsProcessingParameterDefinition:
    name = setting.name.upper()
    made = _of_type(name, setting)
    made.setHelp(f"{setting.help}; default {description.default_of(setting.name)}")
    return made


def _of_type(name: str, setting: Setting) -> QgsProcessingParameterDefinition:
    label = setting.name.replace("_", " ")
    if setting.type in ("int", "float"):
        whole = setting.type == "int"
        return _number(name, label, whole, setting.minimum, setting.maximum)
    if setting.type in ("choice", "bool"):
        choices = list(setting.choices) or ["true", "false"]
        return QgsProcessingParameterEnum(name, label, choices, False, None, True, True)
    return QgsProcessingParameterString(name, label, None, False, True)


def _number(
    name: str,
    label: str,
    whole: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
) -> QgsProcessingParameterNumber:
    """Ask for a number that may be left out."""
    kind = QgsProcessingParameterNumber.Integer if whole else QgsProcessingParameterNumber.Double
    limits: dict[str, Any] = {}
    if minimum is not None:
        limits["minValue"] = minimum
    if maximum is not None:
        limits["maxValue"] = maximum
    return QgsProcessingParameterNumber(name, label, kind, None, True, **limits)
