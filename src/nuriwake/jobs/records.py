"""The JSON file beside each result: what was done, with what, and how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from nuriwake.errors import InputError
from nuriwake.io.identity import file_identity
from nuriwake.jobs.plan import OutputPlan
from nuriwake.settings import Value


@dataclass(frozen=True)
class RunRecord:
    """Everything needed to make the same labels again, and what came out.

    Parameters
    ----------
    input : str
        Path as given.
    request : Mapping
        What shaped the result besides the settings: digests of the input, and of the scribbles and
        the model where there were any; bands, cuts.
    height, width, bands : int
        Of the input; of a page of a stack.
    settings : Mapping
        Every setting; ``--settings`` reads them back from here.
    versions : Mapping of package name to version
    device : str
    threads : int
        CPU threads in force.
    seconds : Mapping of stage to seconds
    iterations : int
        Training iterations done.
    partial : bool
        Whether the user ended the training early.
    n_labels : int
        Labels in use.
    n_regions : int
        Connected regions of the cut; 0 where none were asked for.
    history : Mapping
        ``n_labels`` and ``loss`` of each iteration.
    outputs : Mapping of kind to file name
    digests : Mapping of kind to str
        Of the files, as they were written.
    notes : tuple of str
        What was assumed on the way.
    route : str
        ``whole``, ``tiled`` or ``stack``.
    pieces : int
        Tiles, or pages; 1 where the image was in memory as a whole.
    axes : str
        Of the maps: ``YX``, or those of a stack, such as ``TZYX``.
    spacing : tuple of float
        Step along each axis, of time in seconds; empty where the input does not say.
    unit : str
        Of the steps in space, such as ``micrometer``; empty where unknown, or on the ground.
    channel_names : tuple of str
        Names of the bands that were used.
    """

    input: str
    request: Mapping[str, str]
    height: int
    width: int
    bands: int
    settings: Mapping[str, Value]
    versions: Mapping[str, str]
    device: str
    threads: int
    seconds: Mapping[str, float]
    iterations: int
    partial: bool
    n_labels: int
    n_regions: int
    history: Mapping[str, list[int] | list[float]]
    outputs: Mapping[str, str]
    digests: Mapping[str, str]
    notes: tuple[str, ...] = ()
    route: str = "whole"
    pieces: int = 1
    axes: str = "YX"
    spacing: tuple[float, ...] = ()
    unit: str = ""
    channel_names: tuple[str, ...] = ()

    def to_json(self, indent: int | None = None) -> str:
        """Write the record as JSON."""
        return json.dumps(asdict(self), indent=indent)


@dataclass(frozen=True)
class CutRecord:
    """What is kept beside a cut.

    Parameters
    ----------
    result : str
        The saved result.
    n_regions, n_labels : int
        Of the cut.
    outputs : Mapping of kind to file name
    digests : Mapping of kind to str
    """

    result: str
    n_regions: int
    n_labels: int
    outputs: Mapping[str, str]
    digests: Mapping[str, str]

    def to_json(self, indent: int | None = None) -> str:
        """Write the record as JSON."""
        return json.dumps(asdict(self), indent=indent)


@dataclass(frozen=True)
class FitRecord:
    """What is kept beside a model.

    Parameters
    ----------
    inputs : Mapping of path to digest
    selection : Mapping
        What was used of each, where it was not all.
    settings : Mapping
        Every setting; ``--settings`` reads them back from here.
    versions : Mapping of package name to version
    seconds : Mapping of stage to seconds
    n_labels : int
        Labels that the model tells apart.
    notes : tuple of str
        What was left out, to stay within the memory.
    outputs : Mapping of kind to file name
    digests : Mapping of kind to str
    """

    inputs: Mapping[str, str]
    selection: Mapping[str, str]
    settings: Mapping[str, Value]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    n_labels: int
    notes: tuple[str, ...]
    outputs: Mapping[str, str]
    digests: Mapping[str, str]

    def to_json(self, indent: int | None = None) -> str:
        """Write the record as JSON."""
        return json.dumps(asdict(self), indent=indent)


def is_done(
    plan: OutputPlan, request: Mapping[str, str], settings: Mapping[str, Value] | None
) -> bool:
    """Tell whether these results are there, made from the same input with the same settings.

    Parameters
    ----------
    plan : OutputPlan
        The files that the run would write.
    request : Mapping
        As in :class:`RunRecord`, as it is now.
    settings : Mapping
        The settings as they are now.
    """
    try:
        record = json.loads(plan.sidecar.read_text(encoding="utf-8"))
        outputs, digests = record["outputs"], record["digests"]
        asked = record["request"] == dict(request) and record["settings"] == settings
        if not asked or record["partial"]:
            return False
        return all(
            kind in outputs and file_identity(plan.folder / outputs[kind]) == digests.get(kind)
            for kind, _ in plan.files
        )
    except (OSError, InputError, ValueError, LookupError, TypeError, AttributeError):
        # No record, not one of ours, or a file is gone: not done.
        return False
