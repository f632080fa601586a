"""The files of one input appear together, and never in place of somebody else's.

A file is ours only if a record beside it names it and its digest. Everything is written under
temporary names; then a hidden record comes first, the files after it, and its own name last: a run
that is killed at any moment leaves only files that the next one knows as ours.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from nuriwake.errors import OutputError
from nuriwake.io.atomic import atomic_path
from nuriwake.io.identity import file_identity
from nuriwake.io.suffix import stem_of, suffix_of
from nuriwake.jobs.plan import CUT_SUFFIX, FIT_SUFFIX, RECORD_SUFFIX, OutputPlan, claims


class Publishable(Protocol):
    """What is kept beside the files."""

    def to_json(self, indent: int | None = None) -> str:
        """Write it as JSON; it holds ``outputs`` and ``digests`` of each kind."""


Kept = TypeVar("Kept", bound=Publishable)


@dataclass
class Staging:
    """The temporary names of one plan, until :meth:`publish` gives them their own.

    Parameters
    ----------
    plan : OutputPlan
    overwrite : bool
        Replace foreign files.
    """

    plan: OutputPlan
    overwrite: bool
    _staged: dict[str, tuple[Path, Path]] = field(default_factory=dict)

    def temporary(self, kind: str, final: Path) -> Path:
        """Return the name to write a kind to; it ends as the final one does."""
        name = f".{stem_of(final)}.{os.getpid()}.part{suffix_of(final)}"
        self._staged[kind] = (final.with_name(name), final)
        return self._staged[kind][0]

    def adopt(self, kind: str, temporary: Path, final: Path) -> None:
        """Take a file that was written elsewhere in the same file system."""
        self._staged[kind] = (temporary, final)

    def publish(self, record: Callable[[Mapping[str, str], Mapping[str, str]], Kept]) -> Kept:
        """Give every file its name, between the two names of the record.

        Parameters
        ----------
        record : callable
            Makes the record from the names of the files and their digests, each by kind.

        Returns
        -------
        Publishable
            As made.

        Raises
        ------
        OutputError
            If a foreign file is in the way, or a file cannot be renamed.
        """
        finals = {kind: final for kind, (_, final) in self._staged.items()}
        if not self.overwrite:
            _refuse_foreign(self.plan, tuple(finals.values()))
        digests = {kind: file_identity(path) for kind, (path, _) in self._staged.items()}
        kept = record({kind: path.name for kind, path in finals.items()}, digests)
        pending = _pending(self.plan.sidecar)
        earlier = _earlier(self.plan.sidecar, {path.name for path in finals.values()})
        with atomic_path(pending) as temporary:
            temporary.write_text(_with_earlier(kept, earlier), encoding="utf-8")
        try:
            with undisturbed():
                self._rename()
                _show(pending, self.plan.sidecar)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{self.plan.sidecar}: cannot be written ({reason}).") from error
        self._staged.clear()
        return kept

    def _rename(self) -> None:
        for path, final in self._staged.values():
            if final.is_dir():
                shutil.rmtree(final)
            path.replace(final)
            if final.is_dir():
                _tell_the_image(final)

    def in_final_names(self, message: str) -> str:
        """Name the files that people know in place of the temporary ones."""
        for temporary, final in self._staged.values():
            message = message.replace(str(temporary), str(final))
        return message

    def discard(self) -> None:
        """Remove what was not published."""
        for path, _ in self._staged.values():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _show(pending: Path, record: Path) -> None:
    """Give the record its own name, which says that all its files are there."""
    pending.replace(record)


def _tell_the_image(folder: Path) -> None:
    """Enter a label image in Zarr into the list that the image around it keeps."""
    from nuriwake.io.label_zarr import register_label

    register_label(folder)


@contextmanager
def staging(plan: OutputPlan, overwrite: bool) -> Iterator[Staging]:
    """Claim the names of a plan for the block; what was not published goes at its end.

    Parameters
    ----------
    plan : OutputPlan
    overwrite : bool
        Replace files that no record names.

    Yields
    ------
    Staging

    Raises
    ------
    OutputError
        If the folder cannot be written to, a foreign file has one of the names, or another run is
        writing them.
    """
    folders = (plan.folder, *plan.folder.parents)
    # A Path would raise at names that no system allows.
    missing = [folder for folder in folders if not os.path.exists(folder)]  # noqa: PTH110
    check_writable(plan, overwrite)
    try:
        with _only_writer(plan):
            files = Staging(plan, overwrite)
            try:
                yield files
            except OutputError as error:
                raise OutputError(files.in_final_names(str(error))) from error
            finally:
                files.discard()
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()  # if it is empty, and only then


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait for the end of the block, which is short."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread only
        return
    came: list[int] = []
    numbers = signal.SIGINT, signal.SIGTERM
    handlers: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}
    # None is a handler of the program around Python, which could not be put back.
    before = {number: handler for number, handler in handlers.items() if handler is not None}
    for number in before:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


@contextmanager
def _only_writer(plan: OutputPlan) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path = plan.folder / f".{plan.stem}.nuriwake.lock"
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        if not path.exists():  # Windows calls a folder writable that is not
            raise OutputError(f"{plan.folder}: the folder cannot be written to.") from error
        raise OutputError(
            f"{plan.folder / plan.stem}: another nuriwake is writing here. Wait for it, or "
            "choose another -o."
        ) from error
    try:
        yield
    finally:
        # While it is held: who comes now makes a lock of their own.
        with suppress(OSError):
            path.unlink()
        lock.release()


def check_writable(plan: OutputPlan, overwrite: bool) -> None:
    """Find out before the work whether its results can be written.

    Raises
    ------
    OutputError
        If the folder cannot be created or written to, or if a file is there that no record names as
        ours and ``overwrite`` is False.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{plan.folder}: cannot be created ({error.strerror}).") from error
    if not os.access(plan.folder, os.W_OK):
        raise OutputError(f"{plan.folder}: the folder cannot be written to (permission denied).")
    if not overwrite:
        _refuse_foreign(plan, tuple(path for _, path in plan.files))


def _refuse_foreign(plan: OutputPlan, paths: tuple[Path, ...]) -> None:
    there = [path for path in paths if os.path.lexists(path)]
    ours = _digests_by_name(plan) if there else {}
    for path in there:
        digests = ours.get(path.name, set())
        if path.is_symlink() or file_identity(path) not in digests:
            was = "changed since" if digests else "not written by"
            raise OutputError(
                f"{path}: the file exists and was {was} nuriwake. Use --overwrite to replace it."
            )


def _digests_by_name(plan: OutputPlan) -> dict[str, set[str]]:
    """Read from the records beside a plan which files are ours."""
    found: dict[str, set[str]] = {}
    for suffix in (RECORD_SUFFIX, CUT_SUFFIX, FIT_SUFFIX):
        record = plan.folder / f"{plan.stem}{suffix}"
        for path in (record, _pending(record)):
            for name, digest in claims(path).items():
                if digest:
                    found.setdefault(name, set()).add(digest)
    return found


def _earlier(record: Path, replaced: set[str]) -> dict[str, str]:
    """Return what the record that is about to be replaced claims and what stays."""
    known = {**claims(record), **claims(_pending(record))}
    return {
        name: digest
        for name, digest in known.items()
        if name not in replaced and (record.parent / name).exists()
    }


def _with_earlier(record: Publishable, earlier: Mapping[str, str]) -> str:
    """Write a record that also says which files of earlier runs are ours."""
    table = json.loads(record.to_json())
    if earlier:
        table["earlier"] = earlier
    return json.dumps(table, indent=1) + "\n"


def _pending(record: Path) -> Path:
    return record.with_name(f".{record.name}.pending")
