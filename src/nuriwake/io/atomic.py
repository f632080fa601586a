"""Files appear whole or not at all: written under a temporary name, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nuriwake.errors import OutputError
from nuriwake.io.suffix import stem_of, suffix_of


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path``; rename it when the block ends well.

    Whatever ends the block otherwise, an error or an interrupt, removes the temporary file and
    leaves an older file of the final name as it was.

    Parameters
    ----------
    path : pathlib.Path
        The final name. Its folder is created where it is missing.

    Yields
    ------
    pathlib.Path
        The name to write to; it keeps the suffix, which many writers go by.

    Raises
    ------
    OutputError
        If the folder cannot be created, or the file not be written or renamed.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    temporary = path.with_name(f".{stem_of(path)}.{secrets.token_hex(4)}.part{suffix_of(path)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same call
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}).") from error
    finally:
        temporary.unlink(missing_ok=True) if temporary.parent.is_dir() else None
