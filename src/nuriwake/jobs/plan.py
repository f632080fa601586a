"""Which files a run writes, named before any work: from the input, ``-o`` and the kinds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nuriwake.errors import UsageError, out_of_range
from nuriwake.io.suffix import stem_of, suffix_of, with_suffix
from nuriwake.jobs.kinds import KINDS, PICTURE_IDS, ZARR, check_name

RECORD_SUFFIX = ".nuriwake.json"
#: The record of a cut lies beside that of the run whose result was cut.
CUT_SUFFIX = ".cut.nuriwake.json"
#: The record of a training lies beside the model.
FIT_SUFFIX = ".fit.nuriwake.json"
_RESULT_SUFFIX = ".result.npz"


@dataclass(frozen=True)
class Wish:
    """What is wanted of one input.

    Parameters
    ----------
    source : pathlib.Path
    kinds : tuple of str
    formats : tuple of str
        Suffixes that maps of ids may have; a PNG, for one, cannot be written piece by piece.
    is_cut : bool
        Whether the source is a saved result.
    origin : pathlib.Path, optional
        What the saved result is of: maps are written in its kind of file.
    """

    source: Path
    kinds: tuple[str, ...]
    formats: tuple[str, ...] = PICTURE_IDS
    is_cut: bool = False
    origin: Path | None = None


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
        """Every file, the record last."""
        return (*(path for _, path in self.files), self.sidecar)

    @property
    def folder(self) -> Path:
        """Where the files are written."""
        return self.sidecar.parent

    @property
    def stem(self) -> str:
        """What the names of the files begin with."""
        stem = self.sidecar.name.removesuffix(RECORD_SUFFIX)
        return stem.removesuffix(".cut").removesuffix(".fit")


def plan_outputs(wishes: Sequence[Wish], output: Path | None) -> list[OutputPlan]:
    """Name every file before any work begins.

    Parameters
    ----------
    wishes : sequence of Wish
    output : pathlib.Path or None
        A file (for one input and one kind, or as the stem of several), or a folder. None: beside
        each input.

    Returns
    -------
    list of OutputPlan, one per wish

    Raises
    ------
    UsageError
        If two inputs would write the same file, a file would replace an input, or ``-o`` names a
        file for several inputs or in a format that cannot hold the kind.

    Examples
    --------
    >>> plan = plan_outputs([Wish(Path("in/cup.jpg"), ("labels",))], Path("out"))[0]
    >>> plan.paths
    (PosixPath('out/cup.labels.png'), PosixPath('out/cup.nuriwake.json'))
    """
    if output is not None and _names_file(output):
        if len(wishes) > 1:
            expected = f"a folder for {len(wishes)} inputs"
            raise UsageError(out_of_range("-o", expected, str(output)))
        plans = [_plan_named(wish, output) for wish in wishes]
    else:
        plans = [_plan_in_folder(wish, output or wish.source.parent) for wish in wishes]
    _refuse_collisions(plans)
    return plans


def plan_model(model: Path, source: Path) -> OutputPlan:
    """Name the files of a training.

    Parameters
    ----------
    model : pathlib.Path
        The file to write.
    source : pathlib.Path
        The first of the images.

    Examples
    --------
    >>> plan_model(Path("land.safetensors"), Path("a.tif")).sidecar
    PosixPath('land.fit.nuriwake.json')
    """
    return OutputPlan(source, (("model", model),), model.with_suffix(FIT_SUFFIX))


def _names_file(output: Path) -> bool:
    # An image in Zarr is a folder, but one file to people.
    return output.suffix == ZARR or (output.suffix != "" and not output.is_dir())


def _plan_named(wish: Wish, output: Path) -> OutputPlan:
    sidecar = with_suffix(output, RECORD_SUFFIX)
    suffix = suffix_of(output).lower()
    fitting = [kind for kind in wish.kinds if suffix in KINDS[kind].suffixes]
    check_name((fitting or wish.kinds)[0], output)
    if any(KINDS[kind].holds_ids for kind in fitting) and suffix not in wish.formats:
        expected = f"a name that ends in {' or '.join(wish.formats)} for {wish.source.name}"
        hint = "It is written piece by piece."
        raise UsageError(out_of_range("-o", expected, str(output), hint))
    if len(wish.kinds) == 1:
        return OutputPlan(wish.source, ((wish.kinds[0], output),), sidecar)
    files = tuple(
        (
            kind,
            with_suffix(
                output, f".{kind}{suffix if kind in fitting else _usual_suffix(kind, wish)}"
            ),
        )
        for kind in wish.kinds
    )
    return OutputPlan(wish.source, files, sidecar)


def _usual_suffix(kind: str, wish: Wish) -> str:
    """Keep a map's place or the size of its pixels: in TIFF, or in the format that came in."""
    if not KINDS[kind].holds_ids:
        return KINDS[kind].suffix
    from nuriwake.io.families import family_of

    origin = wish.origin or wish.source
    own = {"nifti": suffix_of(origin).lower(), "zarr": ZARR, "picture": ".png", "numpy": ".png"}
    usual = own.get(family_of(origin), ".tif")
    return usual if usual in wish.formats else ".tif"


def _plan_in_folder(wish: Wish, folder: Path) -> OutputPlan:
    source = wish.source
    is_cut = wish.is_cut or source.name.endswith(_RESULT_SUFFIX)
    stem = source.name.removesuffix(_RESULT_SUFFIX) if is_cut else stem_of(source)
    files = tuple(
        (kind, folder / f"{stem}.{kind}{_usual_suffix(kind, wish)}") for kind in wish.kinds
    )
    return OutputPlan(source, files, folder / f"{stem}{CUT_SUFFIX if is_cut else RECORD_SUFFIX}")


def _refuse_collisions(plans: Sequence[OutputPlan]) -> None:
    writers: dict[Path, Path] = {}
    # Resolved: a link, or a way through `..`, must not hide that a file is the input.
    sources = {plan.source.resolve() for plan in plans}
    for plan in plans:
        for path in plan.paths:
            place = path.resolve()
            if place in sources:
                raise UsageError(f"-o {path}: this would replace an input. Choose another name.")
            first = writers.setdefault(place, plan.source)
            if first != plan.source:
                raise UsageError(
                    f"{first} and {plan.source} would both write {path}. "
                    "Segment them into different folders."
                )


def without_results(sources: Sequence[Path], named: Sequence[str]) -> list[Path]:
    """Leave out what earlier runs wrote, so that a folder can be segmented again.

    Parameters
    ----------
    sources : sequence of pathlib.Path
        From :func:`nuriwake.io.formats.expand_inputs`.
    named : sequence of str
        What the user typed: a file named so is kept whatever it is.

    Returns
    -------
    list of pathlib.Path
    """
    typed = {Path(text) for text in named}
    written = {
        folder / name
        for folder in {path.parent for path in sources}
        for name in _written_in(folder)
    }
    return [path for path in sources if path in typed or path not in written]


def _written_in(folder: Path) -> set[str]:
    records = folder.glob(f"*{RECORD_SUFFIX}")
    return {name for record in records for name in claims(record)}


def claims(record: Path) -> dict[str, str]:
    """Read which files a record says are ours, those of earlier runs too, and their digests.

    Returns
    -------
    dict of file name to digest
        Empty where there is no such record, or it is none of ours. A digest is empty where the
        record does not tell it.
    """
    try:
        table = json.loads(record.read_text(encoding="utf-8"))
        outputs, digests = table["outputs"], table.get("digests", {})
        own = {str(name): str(digests.get(kind, "")) for kind, name in outputs.items()}
        return {**{str(n): str(d) for n, d in table.get("earlier", {}).items()}, **own}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
