"""Bytes that the server keeps beside a result, outside its memory."""

from __future__ import annotations

import mmap
import tempfile


def keep(data: bytes | bytearray | mmap.mmap) -> mmap.mmap:
    """Put bytes into a file that has no name, and is gone when nobody holds it.

    Parameters
    ----------
    data : bytes-like
        At least one. What is kept already is returned as it is.

    Returns
    -------
    mmap.mmap

    Examples
    --------
    >>> keep(b"tiles")[1:3]
    b'il'
    """
    if isinstance(data, mmap.mmap):
        return data
    with tempfile.TemporaryFile(prefix="nuriwake-") as file:
        file.write(data)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
