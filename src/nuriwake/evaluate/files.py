"""Label maps in files against ground truth in files: one pair, or two folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nuriwake.errors import InputError, NuriwakeError, UsageError, out_of_range
from nuriwake.evaluate.datasets import read_drawings
from nuriwake.evaluate.summaries import ImageScores, score_labels
from nuriwake.io.image import LOSSLESS_SUFFIXES, read_labels
from nuriwake.raster import LabelMap

#: Suffixes of ground truth: label maps, and the drawings of BSDS500.
TRUTH_SUFFIXES = (*LOSSLESS_SUFFIXES, ".mat")


@dataclass(frozen=True)
class FilePair:
    """A label map and its ground truth."""

    name: str
    prediction: Path
    truth: Path


@dataclass(frozen=True)
class FileScores:
    """The scores of one pair, or why it has none.

    Parameters
    ----------
    name : str
        Name of the ground truth, without suffix.
    scores : ImageScores or None
        None if the pair could not be scored.
    error : str
        Why not; empty otherwise.
    """

    name: str
    scores: ImageScores | None
    error: str = ""


def find_pairs(
    prediction: Path, truth: Path, kind: str = "regions"
) -> tuple[list[FilePair], list[str]]:
    """Pair predictions with ground truth.

    Parameters
    ----------
    prediction, truth : pathlib.Path
        Two files, or two folders. In folders, ``a.mat`` (or ``a.png``, ``a.tif``) is the truth of
        ``a.png`` or ``a.<kind>.png``; other files are passed over.
    kind : str
        Which of the label maps that ``nuriwake segment`` writes: ``regions`` or ``labels``.

    Returns
    -------
    list of FilePair
        By name.
    list of str
        Names of the ground truth that has no prediction.

    Raises
    ------
    InputError
        If a path is missing, or no ground truth has a prediction.
    UsageError
        If one path is a file and the other a folder, or two files answer to one name.
    """
    for path in (prediction, truth):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder.")
    if prediction.is_dir() != truth.is_dir():
        raise UsageError(
            out_of_range("TRUTH", "a folder if PREDICTION is one, else a file", str(truth))
        )
    if not prediction.is_dir():
        return [FilePair(truth.stem, prediction, truth)], []
    names = sorted({path.stem for path in truth.iterdir() if path.suffix in TRUTH_SUFFIXES})
    pairs, missing = [], []
    for name in names:
        found = _only_file(prediction, [name, f"{name}.{kind}"], LOSSLESS_SUFFIXES)
        drawn = _only_file(truth, [name], TRUTH_SUFFIXES)
        if found and drawn:
            pairs.append(FilePair(name, found, drawn))
        else:
            missing.append(name)
    if not pairs:
        raise InputError(
            f"{prediction}: holds no NAME.png or NAME.{kind}.png (or .tif) for any ground truth "
            f"NAME in {truth}. Name the kind of label map with --kind."
        )
    return pairs, missing


def _only_file(folder: Path, stems: Sequence[str], suffixes: Sequence[str]) -> Path | None:
    """Return the one file with such a name; None if there is none."""
    paths = [folder / f"{stem}{suffix}" for stem in stems for suffix in suffixes]
    found = [path for path in paths if path.is_file()]
    if len(found) > 1:
        both = " and ".join(path.name for path in found)
        raise UsageError(f"{folder}: {both} both answer to the name {stems[0]}; keep one.")
    return found[0] if found else None


def evaluate_files(
    prediction: Path,
    truth: Path,
    *,
    kind: str = "regions",
    connected: bool = True,
    boundaries: bool = True,
) -> Iterator[FileScores]:
    """Score label maps in files; a pair that fails does not stop the others.

    Parameters
    ----------
    prediction, truth : pathlib.Path
        Two files, or two folders; see :func:`find_pairs`. A ``.mat`` file holds several annotators'
        drawings, a picture one.
    kind : str
        Which label maps of a folder.
    connected : bool
        Score the connected regions of the labels, as the published protocol does.
    boundaries : bool
        Match boundaries too.

    Yields
    ------
    FileScores
        One for each pair; and one with an error if any ground truth has no prediction, because a
        mean over the easy images would look better than it is.

    Raises
    ------
    InputError, UsageError
        If there are no pairs.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from nuriwake.io.image import write_labels
    >>> path = Path(tempfile.mkdtemp()) / "a.png"
    >>> write_labels(path, np.array([[1, 1, 2, 2]], np.int32))
    >>> [(each.name, each.scores.covering) for each in evaluate_files(path, path)]
    [('a', 1.0)]
    """
    pairs, missing = find_pairs(prediction, truth, kind)
    for pair in pairs:
        try:
            labels, truths = read_labels(pair.prediction), read_truths(pair.truth)
            _check_shapes(pair, labels, truths)
            scores = score_labels(labels, truths, connected=connected, boundaries=boundaries)
        except NuriwakeError as error:
            yield FileScores(pair.name, None, str(error))
        else:
            yield FileScores(pair.name, scores)
    if missing:
        few = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        total = len(pairs) + len(missing)
        complaint = f"{prediction}: {len(missing)} of {total} predictions are missing: {few}."
        yield FileScores(missing[0], None, complaint)


def _check_shapes(pair: FilePair, labels: LabelMap, truths: list[LabelMap]) -> None:
    for truth in truths:
        if truth.shape != labels.shape:
            raise InputError(
                f"{pair.prediction}: must have the shape of {pair.truth}, {truth.shape}; "
                f"got {labels.shape}."
            )


def read_truths(path: Path) -> list[LabelMap]:
    """Read the drawings of a ``.mat`` file, or the one label map of a picture.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return read_drawings(path) if path.suffix.lower() == ".mat" else [read_labels(path)]
