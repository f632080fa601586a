"""Inputs that are no plain files: addresses on the web, GDAL's own, and one dataset of a file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

# Names behave as everywhere in a program that takes paths; what they point at is not a plain file.
if sys.platform == "win32":
    from pathlib import WindowsPath as _SystemPath
else:
    from pathlib import PosixPath as _SystemPath

#: How GDAL's virtual file systems are called that stand for the schemes of addresses.
_SCHEMES = {
    "http": "/vsicurl/http",
    "https": "/vsicurl/https",
    "ftp": "/vsicurl/ftp",
    "s3": "/vsis3/",
    "gs": "/vsigs/",
    "az": "/vsiaz/",
}
#: ``https://host/a.tif``, ``/vsizip/a.zip/b.tif``, ``NETCDF:a.nc:t2m``.
_REMOTE = re.compile(rf"({'|'.join(_SCHEMES)})://.+|/vsi[a-z0-9_]+/.+|[A-Z][A-Z0-9_]+:.+", re.S)
#: ``a.h5::/group/dataset``.
_DATASET = re.compile(r"(?P<file>.+?)::(?P<inner>/?.+)", re.S)


class _Place(_SystemPath):
    """A path beside which everything is a plain path."""

    def with_segments(self, *segments: str | os.PathLike[str]) -> Path:
        """Make what Python, from 3.12 on, derives from this path."""
        return Path(*segments)

    def with_name(self, name: str) -> Path:  # type: ignore[override]
        """Return a path in the same folder."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> Path:  # type: ignore[override]
        """Return a path in the same folder that ends in something else."""
        return self.parent / f"{self.stem}{suffix}"

    def absolute(self) -> Path:  # type: ignore[override]
        """Return what :meth:`resolve` does: where it is does not hang on the folder at hand."""
        return self.resolve()


class RemotePath(_Place):
    """A raster that GDAL fetches: an address, or one of GDAL's own names.

    It has a name, a stem and a suffix as a path has, and is written as it was typed; results go
    into the folder at hand, because nothing can be written beside it.

    Examples
    --------
    >>> path = RemotePath("https://example.org/a/scene.tif?key=1")
    >>> str(path), path.stem, path.suffix, str(path.parent), path.gdal_name
    ('https://example.org/a/scene.tif?key=1', 'scene', '.tif', '.',
     '/vsicurl/https://example.org/a/scene.tif?key=1')
    """

    url: str

    def __new__(cls, url: str) -> Self:
        """Keep the address, whose slashes a path would fold."""
        path = super().__new__(cls, url)
        path.url = url
        return path

    def __init__(self, url: str) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(url)

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePath, (self.url,)

    @property
    def name(self) -> str:
        """The last part, without what is asked of a server."""
        place = urlsplit(self.url).path if "://" in self.url else self.url
        return re.split(r"[/:]", place.rstrip('/:"'))[-1].strip('"') or "remote"

    @property
    def suffix(self) -> str:
        """What the name ends in."""
        return Path(self.name).suffix

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem

    @property
    def parent(self) -> Path:  # type: ignore[override]
        """The folder at hand."""
        return Path()

    def resolve(self, strict: bool = False) -> Path:  # type: ignore[override]  # noqa: ARG002
        """Stay as it is."""
        return self

    @property
    def gdal_name(self) -> str:
        """What GDAL calls it."""
        scheme, found, place = self.url.partition("://")
        if not found or scheme not in _SCHEMES:
            return self.url
        prefix = _SCHEMES[scheme]
        return f"{prefix}://{place}" if prefix.startswith("/vsicurl") else prefix + place


class DatasetPath(_Place):
    """One dataset of a file or a folder that holds many: ``cube.h5::/group/dataset``.

    The system sees the file; names of results hold the dataset's.

    Examples
    --------
    >>> path = DatasetPath("in/cube.h5", "/scan/red")
    >>> str(path), path.stem, path.suffix, str(path.file), path.inner
    ('in/cube.h5::/scan/red', 'cube_scan_red', '.h5', 'in/cube.h5', '/scan/red')
    """

    inner: str
    _file: str

    def __new__(cls, file: str, inner: str) -> Self:
        """Keep both parts."""
        path = super().__new__(cls, file)
        path._file, path.inner = file, inner
        return path

    def __init__(self, file: str, inner: str) -> None:  # noqa: ARG002 - as __new__ takes
        if sys.version_info >= (3, 12):
            super().__init__(file)

    def __str__(self) -> str:
        return f"{self._file}::{self.inner}"

    def __fspath__(self) -> str:
        return self._file

    def __reduce__(self) -> tuple[Any, ...]:
        return DatasetPath, (self._file, self.inner)

    def resolve(self, strict: bool = False) -> Path:  # type: ignore[override]
        """Return where the file is."""
        return self.file.resolve(strict)

    @property
    def file(self) -> Path:
        """The file, or the folder."""
        return Path(self._file)

    @property
    def suffix(self) -> str:
        """What the file's name ends in."""
        return self.file.suffix

    @property
    def stem(self) -> str:
        """The file's name and the dataset's, without a suffix."""
        return "_".join([self.file.stem, *self.inner.strip("/").split("/")])

    @property
    def parent(self) -> Path:  # type: ignore[override]
        """The file's folder."""
        return self.file.parent


def as_place(text: str) -> Path:
    """Turn what a user typed into a path, an address or a dataset of a file.

    Parameters
    ----------
    text : str

    Returns
    -------
    pathlib.Path
        A :class:`RemotePath`, a :class:`DatasetPath`, or a plain path.

    Examples
    --------
    >>> type(as_place("s3://bucket/a.tif")).__name__, type(as_place("a.zarr::/0")).__name__
    ('RemotePath', 'DatasetPath')
    >>> as_place("scans/a.tif")
    PosixPath('scans/a.tif')
    >>> as_place("file:///scans/my%20a.tif")
    PosixPath('/scans/my a.tif')
    """
    if os.path.lexists(text):
        return Path(text)
    if text.startswith("file://"):
        from urllib.request import url2pathname

        return Path(url2pathname(urlsplit(text).path))
    if text.startswith("~"):
        text = os.path.expanduser(text)  # noqa: PTH111 - a path would fold `::/`
    if _REMOTE.fullmatch(text):
        return RemotePath(text)
    match = _DATASET.fullmatch(text)
    return DatasetPath(match["file"], match["inner"]) if match else Path(text)
