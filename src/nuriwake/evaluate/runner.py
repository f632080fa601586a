"""Every method on every picture: one JSON record each, so that a run can stop and go on.

:func:`run_benchmark` yields records as they are done; the progress bar, the table and the tests
read the same stream.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from nuriwake.errors import InputError, NuriwakeError, UsageError, out_of_range
from nuriwake.evaluate.datasets import AnnotatedImage
from nuriwake.evaluate.peers import Method
from nuriwake.evaluate.scales import ScaleScores, score_scales
from nuriwake.evaluate.summaries import ImageScores, score_labels
from nuriwake.io.atomic import atomic_path
from nuriwake.io.versions import package_versions
from nuriwake.settings import Value


def altitude_grid(
    low: float = 0.01, high: float = 100.0, per_decade: int = 32
) -> tuple[float, ...]:
    """Return altitudes in equal ratios; the same for all images, so that one can be chosen for all.

    Parameters
    ----------
    low, high : float
        First altitude, and the last one at most.
    per_decade : int
        Altitudes for each factor of 10.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> altitude_grid(1, 100, per_decade=2)
    (1.0, 3.16228, 10.0, 31.6228, 100.0)
    """
    n = int(np.floor(np.log10(high / low) * per_decade + 1e-9)) + 1
    return tuple(float(f"{low * 10 ** (k / per_decade):.6g}") for k in range(n))


@dataclass(frozen=True)
class Protocol:
    """What is measured, the same for every method and picture of a run.

    Parameters
    ----------
    split : str
        Part of the data set; goes into the records.
    seed : int
        Seed of the methods that draw numbers.
    threads : int
        Threads of each method.
    altitudes : tuple of float
        Where trees are cut.
    boundaries : bool
        Match boundaries of the methods' answers.
    contours : bool
        Match boundaries of every cut of a tree too, which scores its contour map: some seconds for
        each picture.
    dataset : str
        Goes into the records.
    """

    split: str = "val"
    seed: int = 0
    threads: int = 1
    altitudes: tuple[float, ...] = altitude_grid()
    boundaries: bool = True
    contours: bool = True
    dataset: str = "bsds500"


@dataclass(frozen=True)
class Request:
    """What a record answers: two equal requests have the same answer."""

    image: str
    method: str
    settings: Mapping[str, Value]
    protocol: Protocol
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """One method on one picture.

    Parameters
    ----------
    request : Request
        What was asked.
    scores : ImageScores
        Of the method's own answer.
    scales : ScaleScores or None
        Of the cuts of its tree, where it has one.
    seconds : float
        Wall-clock time of the method, without reading and scoring. The first picture of a process
        includes imports and compilation: take the median.
    machine : str
        Processor and system.
    """

    request: Request
    scores: ImageScores
    scales: ScaleScores | None
    seconds: float
    machine: str


@dataclass(frozen=True)
class Failure:
    """One method that could not answer for one picture."""

    image: str
    method: str
    message: str


def run_benchmark(
    images: Sequence[AnnotatedImage],
    methods: Sequence[Method],
    out: Path,
    protocol: Protocol,
    *,
    jobs: int = 1,
    overwrite: bool = False,
) -> Iterator[Record | Failure]:
    """Run methods on pictures; yield each record when it is on disk, or the failure.

    A record ``out/<method>/<image>.json`` that answers the same request (settings, protocol,
    versions of the software) is read, not computed again.

    Parameters
    ----------
    images : sequence of AnnotatedImage
    methods : sequence of Method
    out : pathlib.Path
        Folder of the records.
    protocol : Protocol
        What is measured.
    jobs : int
        Worker processes; 1 works in this process.
    overwrite : bool
        Compute everything again.

    Yields
    ------
    Record or Failure
        Those on disk first, the others as they are done.

    Raises
    ------
    UsageError
        If `jobs` is out of range.
    InputError
        If a worker process dies.
    OutputError
        If a record cannot be written.
    """
    if jobs < 1:
        raise UsageError(out_of_range("jobs", "an int of at least 1", jobs))
    todo = []
    for method in methods:
        for image in images:
            record = None if overwrite else _stored(image, method, out, protocol)
            if record is None:
                todo.append((image, method))
            else:
                yield record
    if jobs == 1:
        for image, method in todo:
            yield _answer(image, method, out, protocol)
    else:
        yield from _in_processes(todo, out, protocol, jobs)


def _in_processes(
    todo: Sequence[tuple[AnnotatedImage, Method]], out: Path, protocol: Protocol, jobs: int
) -> Iterator[Record | Failure]:
    # Forking a process that has started threads (torch, BLAS) can hang: start fresh ones.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_leave_interrupts)
    try:
        futures = [pool.submit(_answer, *task, out, protocol) for task in todo]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process died, perhaps for want of memory. The records so far are kept: "
            "run again with fewer jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)  # not `with`: that would wait for every future


def _leave_interrupts() -> None:
    """Let Ctrl-C reach the parent only: it cancels what has not begun and waits for the rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer(
    image: AnnotatedImage, method: Method, out: Path, protocol: Protocol
) -> Record | Failure:
    """Measure one method on one picture and store the record."""
    try:
        record = measure_method(image, method, protocol)
    except (NuriwakeError, OSError, MemoryError, ValueError) as error:  # peers raise ValueError
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Failure(image.name, method.name, message)
    with atomic_path(_record_path(out, method.name, image.name)) as temporary:
        temporary.write_bytes(_records().dump_json(record, indent=1))
    return record


def measure_method(image: AnnotatedImage, method: Method, protocol: Protocol) -> Record:
    """Run one method on one picture and score its answer.

    Parameters
    ----------
    image : AnnotatedImage
    method : Method
    protocol : Protocol

    Returns
    -------
    Record
    """
    picture, truths = image.image(), image.truths()
    start = time.perf_counter()
    outcome = method.run(picture, protocol.seed, protocol.threads)
    seconds = time.perf_counter() - start
    scales = None
    if outcome.tree is not None:
        scales = score_scales(
            outcome.tree, truths, protocol.altitudes, boundaries=protocol.contours
        )
    return Record(
        request=_request(image, method, protocol),
        scores=score_labels(outcome.labels, truths, boundaries=protocol.boundaries),
        scales=scales,
        seconds=round(seconds, 4),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
    )


def read_records(out: Path) -> list[Record]:
    """Read every record in a folder of :func:`run_benchmark`, sorted by method and picture.

    Raises
    ------
    InputError
        If a record is damaged.
    """
    return [read_record(path) for path in sorted(Path(out).glob("*/*.json"))]


def read_record(path: Path) -> Record:
    """Read one record.

    Raises
    ------
    InputError
        If the file cannot be read or is not a record.
    """
    try:
        return _records().validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a record of the benchmark ({reason}).") from error


def _stored(image: AnnotatedImage, method: Method, out: Path, protocol: Protocol) -> Record | None:
    """Return the record on disk if it answers this very request."""
    path = _record_path(out, method.name, image.name)
    if not path.exists():
        return None
    record = read_record(path)
    return record if record.request == _request(image, method, protocol) else None


def _request(image: AnnotatedImage, method: Method, protocol: Protocol) -> Request:
    return Request(image.name, method.name, dict(method.settings), protocol, package_versions())


@cache
def _records() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def _record_path(out: Path, method: str, image: str) -> Path:
    return Path(out) / method / f"{image}.json"
