"""The suffix of a file's name, where ``.nii.gz`` is one suffix."""

from __future__ import annotations

from pathlib import Path

_DOUBLE = ".nii.gz"


def suffix_of(path: Path) -> str:
    """Return the suffix as it is written; see :func:`stem_of`.

    Examples
    --------
    >>> suffix_of(Path("a.nii.gz")), suffix_of(Path("a.ome.TIF")), suffix_of(Path("a"))
    ('.nii.gz', '.TIF', '')
    """
    length = len(_DOUBLE)
    return path.name[-length:] if path.name.lower().endswith(_DOUBLE) else path.suffix


def stem_of(path: Path) -> str:
    """Return the name without its suffix.

    Examples
    --------
    >>> stem_of(Path("in/scan.nii.gz")), stem_of(Path("cells.ome.tif"))
    ('scan', 'cells.ome')
    """
    # Datasets within a file have a stem of their own.
    is_double = path.name.lower().endswith(_DOUBLE)
    return path.name[: -len(_DOUBLE)] if is_double else path.stem


def with_suffix(path: Path, suffix: str) -> Path:
    """Exchange the suffix.

    Examples
    --------
    >>> with_suffix(Path("scan.nii.gz"), ".png")
    PosixPath('scan.png')
    """
    return path.with_name(stem_of(path) + suffix)
