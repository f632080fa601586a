"""The door of every file that is read: is it there, is it as large as it says, what broke in it."""

from __future__ import annotations

import errno
import os
import stat
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nuriwake.errors import InputError, MissingDependencyError, NuriwakeError

#: What decoders raise at damaged bytes. Their documents do not say; benchmarks/fuzz.py found them.
#: All errors of imagecodecs are RuntimeErrors, those of tifffile ValueErrors.
DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
#: No compression in use makes pixels of fewer bytes than one in so many, but of an empty raster.
MAX_EXPANSION = 4096
#: Bytes of pixels that any file may declare.
ALWAYS_FINE = 64 << 20
#: Longer reasons of a library are cut.
_LONGEST_REASON = 160


@contextmanager
def reading(path: object, what: str, kind: type[InputError] = InputError) -> Iterator[None]:
    """Turn whatever a library raises inside the block into one line, and keep its warnings back.

    Nothing of ours but the library's calls belongs into the block.

    Parameters
    ----------
    path : pathlib.Path or object
        Named in the message.
    what : str
        Such as ``a picture``.
    kind : type
        Of the error.

    Raises
    ------
    InputError
        Naming the file and what the library said.

    Examples
    --------
    >>> with reading("a.tif", "a TIFF"):
    ...     struct.unpack("I", b"")
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: a.tif: cannot be read as a TIFF (unpack requires a buffer of 4
    bytes).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except NuriwakeError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"{path}: cannot be read as {what} ({reason_of(error, path)})."
        ) from error
    except DAMAGED as error:
        raise kind(f"{path}: cannot be read as {what} ({reason_of(error, path)}).") from error


def reason_of(error: BaseException, path: object = "") -> str:
    r"""Say in a part of a line what a library reported.

    Parameters
    ----------
    error : BaseException
    path : pathlib.Path or object, optional
        Left out, because our message begins with it.

    Examples
    --------
    >>> reason_of(ValueError("bad header.\nMore."))
    'bad header'
    >>> reason_of(KeyError())
    'KeyError'
    """
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error).__name__
    if isinstance(path, Path):
        reason = reason.replace(str(path), path.name)
    printable = "".join(letter if letter.isprintable() else "?" for letter in reason)
    if len(printable) > _LONGEST_REASON:
        printable = printable[:_LONGEST_REASON] + "..."
    return printable.rstrip(".: ") or type(error).__name__


def check_file(path: Path, kind: type[InputError] = InputError) -> int:
    """Refuse what is not there, is no file or is empty.

    Parameters
    ----------
    path : pathlib.Path
    kind : type
        Of the error.

    Returns
    -------
    int
        Bytes of the file.

    Raises
    ------
    InputError
        If so.

    Examples
    --------
    >>> check_file(Path("none.png"))
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: none.png: no such file.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        absent = isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR)
        reason = "no such file" if absent else f"cannot be read ({reason_of(error, path)})"
        raise kind(f"{shortened(path)}: {reason}.") from error
    if stat.S_ISDIR(status.st_mode):
        raise kind(f"{path}: a folder, where a file is needed.")
    if not stat.S_ISREG(status.st_mode):
        raise kind(f"{path}: not a file, but a device or a pipe. Save it as a file first.")
    if status.st_size == 0:
        raise kind(f"{path}: the file is empty (0 bytes).")
    if not os.access(path, os.R_OK):
        raise kind(f"{path}: cannot be read (permission denied).")
    return status.st_size


def shortened(path: Path) -> str:
    """Write a path; the middle of one that no system takes is left out."""
    text = str(path)
    return text if len(text) <= 1024 else f"{text[:80]}...{text[-20:]}"


def check_declared(path: object, n_bytes: int, file_bytes: int, what: str) -> None:
    """Refuse a file that declares far more pixels than its bytes can hold, before any is read.

    Parameters
    ----------
    path : pathlib.Path or object
        Named in the message.
    n_bytes : int
        Of the pixels, as declared.
    file_bytes : int
        Of the file.
    what : str
        The declared size in words, such as ``60000 x 50000 x 3 pixels``.

    Raises
    ------
    InputError
        If so.

    Examples
    --------
    >>> check_declared("a.png", 12 * 10**9, 800, "65000 x 61538 x 3 pixels")
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: a.png: declares 65000 x 61538 x 3 pixels, 12000000000 bytes, in a
    file of 800 bytes, and no file expands more than 4096 times: it is damaged, or made to fill
    the memory.
    """
    if n_bytes > ALWAYS_FINE and n_bytes > MAX_EXPANSION * file_bytes:
        raise InputError(
            f"{path}: declares {what}, {n_bytes} bytes, in a file of {file_bytes} bytes, and no "
            f"file expands more than {MAX_EXPANSION} times: it is damaged, or made to fill the "
            "memory."
        )
