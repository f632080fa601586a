"""Which files a run writes: names from the input, ``-o`` and the kinds of result asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from nuriwake.errors import OutputError, UsageError, out_of_range
from nuriwake.io.image import TIFF_SUFFIXES, check_label_path

#: Suffix of each kind of result; the kinds that are label maps may be asked for as TIFF.
KINDS = {
    "labels": ".png",
    "regions": ".png",
    "overlay": ".png",
    "contours": ".tif",
    "confidence": ".tif",
    "polygons": ".gpkg",
    "result": ".npz",
}
#: The kinds that a saved result can give again.
CUT_KINDS = ("labels", "regions", "overlay", "contours", "confidence")
#: Kinds whose pixels are ids and must be kept exactly.
LABEL_KINDS = ("labels", "regions")
SIDECAR_SUFFIX = ".nuriwake.json"
#: The record of a cut lies beside that of the run whose result was cut.
CUT_SUFFIX = ".cut.nuriwake.json"


@dataclass(frozen=True)
class OutputPlan:
    """The files of one input.

    Parameters
    ----------
    source : pathlib.Path
        The input.
    files : tuple of (kind, path) pairs
    sidecar : pathlib.Path
        The JSON record beside them.
    """

    source: Path
    files: tuple[tuple[str, Path], ...]
    sidecar: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file, the sidecar last."""
        return (*(path for _, path in self.files), self.sidecar)


def parse_kinds(text: str, among: Collection[str] = tuple(KINDS)) -> tuple[str, ...]:
    """Read the value of ``--save``.

    Parameters
    ----------
    text : str
        Kinds, separated by commas.
    among : collection of str
        The kinds that the command can write.

    Returns
    -------
    tuple of str

    Raises
    ------
    UsageError
        If a kind is unknown or none is given.

    Examples
    --------
    >>> parse_kinds("labels, overlay")
    ('labels', 'overlay')
    """
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",") if kind.strip()))
    if not kinds or not set(kinds) <= set(among):
        expected = f"a comma-separated list of {', '.join(among)}"
        raise UsageError(out_of_range("--save", expected, text))
    return kinds


def plan_outputs(
    sources: Sequence[Path], output: Path | None, kinds: Sequence[str]
) -> list[OutputPlan]:
    """Name every file before any work begins.

    Parameters
    ----------
    sources : sequence of pathlib.Path
        The inputs.
    output : pathlib.Path or None
        A file (for one input and one kind, or as the stem of several), or a folder. None: beside
        each input.
    kinds : sequence of str

    Returns
    -------
    list of OutputPlan, one per input

    Raises
    ------
    UsageError
        If two inputs would write the same file, a file would replace an input, or ``-o`` names a
        file for several inputs or in a format that changes labels.

    Examples
    --------
    >>> plan = plan_outputs([Path("in/cup.jpg")], Path("out"), ["labels"])[0]
    >>> plan.paths
    (PosixPath('out/cup.labels.png'), PosixPath('out/cup.nuriwake.json'))
    """
    names_file = output is not None and output.suffix != "" and not output.is_dir()
    if output is not None and names_file:
        if len(sources) > 1:
            expected = f"a folder for {len(sources)} inputs"
            raise UsageError(out_of_range("-o", expected, str(output)))
        plans = [_plan_named(sources[0], output, kinds)]
    else:
        plans = [_plan_in_folder(source, output or source.parent, kinds) for source in sources]
    _refuse_collisions(plans)
    return plans


def _plan_named(source: Path, output: Path, kinds: Sequence[str]) -> OutputPlan:
    if any(kind in LABEL_KINDS for kind in kinds):
        check_label_path(output)
    sidecar = output.with_suffix(SIDECAR_SUFFIX)
    if len(kinds) == 1:
        return OutputPlan(source, ((kinds[0], output),), sidecar)
    files = tuple(
        (kind, output.with_suffix(f".{kind}{_suffix(kind, output.suffix)}")) for kind in kinds
    )
    return OutputPlan(source, files, sidecar)


def _suffix(kind: str, wanted: str) -> str:
    return wanted if kind in LABEL_KINDS else KINDS[kind]


def _plan_in_folder(source: Path, folder: Path, kinds: Sequence[str]) -> OutputPlan:
    # TIFF in, TIFF out: a label map then keeps its place on the ground.
    suffix = ".tif" if source.suffix.lower() in TIFF_SUFFIXES else ".png"
    is_cut = source.suffix == ".npz"
    stem = source.name.removesuffix(".result.npz") if is_cut else source.stem
    files = tuple((kind, folder / f"{stem}.{kind}{_suffix(kind, suffix)}") for kind in kinds)
    return OutputPlan(source, files, folder / f"{stem}{CUT_SUFFIX if is_cut else SIDECAR_SUFFIX}")


def _refuse_collisions(plans: Sequence[OutputPlan]) -> None:
    writers: dict[Path, Path] = {}
    sources = {plan.source.absolute() for plan in plans}
    for plan in plans:
        for path in plan.paths:
            if path.absolute() in sources:
                raise UsageError(f"-o {path}: this would replace an input. Choose another name.")
            first = writers.setdefault(path.absolute(), plan.source)
            if first != plan.source:
                raise UsageError(
                    f"{first} and {plan.source} would both write {path}. "
                    "Segment them into different folders."
                )


def check_writable(plan: OutputPlan, overwrite: bool) -> None:
    """Find out before the training whether its results can be written.

    Raises
    ------
    OutputError
        If the folder cannot be created or written to, or if a file is there that nuriwake did not
        write (no sidecar lies beside it) and ``overwrite`` is False.
    """
    folder = plan.sidecar.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created ({error.strerror}).") from error
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: the folder cannot be written to (permission denied).")
    run = plan.sidecar.with_name(plan.sidecar.name.replace(CUT_SUFFIX, SIDECAR_SUFFIX))
    is_ours = plan.sidecar.exists() or run.exists()
    foreign = [path for path in plan.paths if path.exists() and not is_ours]
    if foreign and not overwrite:
        raise OutputError(
            f"{foreign[0]}: the file exists and was not written by nuriwake. "
            "Use --overwrite to replace it."
        )
