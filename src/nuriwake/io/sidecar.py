"""The JSON file beside each result: what was done, with what, and how it went."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from nuriwake.errors import InputError
from nuriwake.io.atomic import atomic_path
from nuriwake.io.outputs import OutputPlan

#: The packages whose version can change a label.
PACKAGES = ("nuriwake", "torch", "numpy", "scipy", "scikit-image", "scikit-learn", "numba")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class RunRecord:
    """Everything needed to make the same labels again, and what came out.

    Parameters
    ----------
    input : str
        Path as given.
    request : Mapping
        What shaped the result besides the settings: SHA-256 of the input, and of the scribbles and
        the model where there were any; bands.
    height, width, bands : int
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
    history : Mapping
        ``n_labels`` and ``loss`` of each iteration.
    outputs : Mapping of kind to file name
    notes : tuple of str
        What was assumed on the way.
    """

    input: str
    request: Mapping[str, str]
    height: int
    width: int
    bands: int
    settings: Mapping[str, bool | int | float | str]
    versions: Mapping[str, str]
    device: str
    threads: int
    seconds: Mapping[str, float]
    iterations: int
    partial: bool
    n_labels: int
    history: Mapping[str, list[int] | list[float]]
    outputs: Mapping[str, str]
    notes: tuple[str, ...] = ()

    def to_json(self, indent: int | None = None) -> str:
        """Write the record as JSON."""
        return json.dumps(asdict(self), indent=indent)


def write_sidecar(path: Path, record: RunRecord) -> None:
    """Write a record.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(record.to_json(indent=1) + "\n", encoding="utf-8")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    Raises
    ------
    InputError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "empty"
    >>> path.touch()
    >>> file_sha256(path)[:16]
    'e3b0c44298fc1c14'
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a label.

    Examples
    --------
    >>> sorted(package_versions())[:2]
    ['numba', 'numpy']
    """
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def is_done(
    plan: OutputPlan,
    request: Mapping[str, str],
    settings: Mapping[str, bool | int | float | str],
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
    if not all(path.is_file() for path in plan.paths):
        return False
    try:
        record = json.loads(plan.sidecar.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same = isinstance(record, dict) and record.get("request") == request
    return bool(same and record.get("settings") == settings and not record.get("partial"))
