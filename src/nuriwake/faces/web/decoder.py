"""Decode what people send in processes that may come to harm."""

from __future__ import annotations

import json
import logging
import math
import mmap
import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.faces.web.kept import keep
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.messages import Head, receive, send
from nuriwake.faces.web.pyramid import Pyramid, Tiles
from nuriwake.faces.web.work import Origin
from nuriwake.raster import LabelMap, Raster

_LOG = logging.getLogger(__name__)
_DAMAGED = "{}: damaged; it cannot be read as a picture."
#: What people send, also as it is kept.
Data = bytes | mmap.mmap
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"}


class _Child:
    """One process; it decodes one picture after the other until it is harmed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._is_late = False
        self._folder = tempfile.TemporaryDirectory(prefix="nuriwake-")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nuriwake.faces.web.decoding", json.dumps(asdict(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def ask(self, head: Head, data: Data) -> tuple[Head, bytearray, bytearray]:
        """Have one picture decoded: what is told of it, its pixels, its tiles.

        Raises
        ------
        TimeoutError
            If it takes too long; the process is no more then.
        EOFError
            If the process came to its end.
        """
        timer = threading.Timer(self._limits.decode_seconds, self._expire)
        timer.start()
        try:
            send(cast(BinaryIO, self._process.stdin), head, data)
            answers = cast(BinaryIO, self._process.stdout)
            answer, body = receive(answers)
            return answer, body, receive(answers)[1] if "tiles" in answer else bytearray()
        except (EOFError, BrokenPipeError) as error:
            if self._is_late:
                raise TimeoutError from error
            raise EOFError from error
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self._is_late = True
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """End the process and leave nothing of it."""
        self.kill()
        with suppress(BrokenPipeError):  # what it has not read is lost
            cast(BinaryIO, self._process.stdin).close()
        cast(BinaryIO, self._process.stdout).close()
        self._process.wait()
        self._folder.cleanup()

    @property
    def is_alive(self) -> bool:
        """Whether it can take another picture."""
        return self._process.poll() is None


class Decoder:
    """A few processes that decode pictures, each with bounded memory and time.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._children: set[_Child] = set()
        # A place for each process: the last one used, which is warm, is taken first.
        self._places: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(limits.decoders):
            self._places.put(None)

    def start(self) -> None:
        """Start the processes before they are needed."""
        for child in [self._fit(self._places.get()) for _ in range(self._limits.decoders)]:
            self._places.put(child)

    def image(self, data: Data, name: str, page: int = 0) -> tuple[Raster, Origin]:
        """Decode a picture, or a page of a stack, from 0; waits for a free process.

        Raises
        ------
        InputError
            If it is too large, damaged or no picture, or is too much for the process.
        """
        head, body, encoded = self._ask({"name": name, "page": page}, data, name)
        array, rest = _unpack(head, body, name)
        valid = np.frombuffer(rest, np.uint8).reshape(array.shape[:2]) != 0
        n_pages, at = (int(str(head[key])) for key in ("n_pages", "page"))
        turn = partial(self.image, keep(data), name) if n_pages > 1 else None
        origin = Origin(n_pages, at, str(head["plane"]), turn=turn)
        if encoded:
            pyramid = Pyramid(*cast("list[int]", head["pyramid"]))
            if not pyramid.fits(array.shape[:2], self._limits.decode_pixels):
                raise InputError(_DAMAGED.format(name))
            tiles = Tiles(pyramid, cast("list[int]", head["tiles"]), encoded)
            origin = replace(origin, pyramid=pyramid, tiles=tiles)
        return Raster(array, valid), origin

    def scribbles(self, data: bytes, shape: tuple[int, int]) -> LabelMap | None:
        """Decode scribbles, a grey PNG of the picture's size.

        Returns
        -------
        ndarray of int32, shape (height, width), or None
            None where nothing is scribbled.

        Raises
        ------
        InputError
            If it is not a grey PNG, or of another size.
        """
        head, body, _ = self._ask({"height": shape[0], "width": shape[1]}, data, "scribbles")
        labels = _unpack(head, body, "scribbles")[0].astype(np.int32)
        return labels if labels.any() else None

    def close(self) -> None:
        """End the processes, whatever they do."""
        for child in list(self._children):
            self._retire(child)

    def _ask(self, head: Head, data: Data, name: str) -> tuple[Head, bytearray, bytearray]:
        child = self._places.get()
        try:
            child = self._fit(child)
            answer, body, tiles = child.ask(head, data)
        except (TimeoutError, EOFError) as error:
            self._retire(child)
            child = None
            raise self._explain(error, name) from None
        finally:
            self._places.put(child)
        if "error" in answer:
            raise InputError(str(answer["error"]))
        return answer, body, tiles

    def _explain(self, error: TimeoutError | EOFError, name: str) -> InputError:
        if isinstance(error, TimeoutError):
            seconds = self._limits.decode_seconds
            return InputError(f"{name}: takes more than {seconds:g} s to decode here.")
        _LOG.warning("a decoder ended over %s", name)
        return InputError(_DAMAGED.format(name))

    def _fit(self, child: _Child | None) -> _Child:
        """Return this process, or another where it has come to harm."""
        if child is not None and child.is_alive:
            return child
        self._retire(child)
        child = _Child(self._limits)
        self._children.add(child)
        return child

    def _retire(self, child: _Child | None) -> None:
        if child is not None:
            child.close()
            self._children.discard(child)


def _unpack(head: Head, body: bytearray, name: str) -> tuple[NDArray[np.generic], memoryview]:
    """Take the array from the front of the bytes; what a decoder says is checked."""
    dtype = np.dtype(str(head["dtype"]))
    shape = tuple(cast("list[int]", head["shape"]))
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in "buif" or len(body) not in (size, size + math.prod(shape[:2])):
        raise InputError(_DAMAGED.format(name))
    view = memoryview(body)
    return np.frombuffer(view[:size], dtype).reshape(shape), view[size:]
