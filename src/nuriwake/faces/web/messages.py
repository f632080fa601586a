"""Messages between the server and the processes that decode pictures: a JSON head and raw bytes.

Nothing that a decoder says is ever executed: who breaks it with a picture has broken only a process
that is thrown away.
"""

from __future__ import annotations

import json
import mmap
import struct
from typing import BinaryIO

_LENGTHS = struct.Struct("<IQ")
Head = dict[str, str | int | list[int]]


def send(stream: BinaryIO, head: Head, body: bytes | memoryview | mmap.mmap = b"") -> None:
    """Write one message."""
    text = json.dumps(head).encode()
    stream.write(_LENGTHS.pack(len(text), len(body)))
    stream.write(text)
    stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[Head, bytearray]:
    """Read one message.

    Raises
    ------
    EOFError
        If the stream ends before the message does.
    """
    n_text, n_body = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    head: Head = json.loads(_read(stream, n_text))
    return head, _read(stream, n_body)


def _read(stream: BinaryIO, size: int) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        n_read = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not n_read:
            raise EOFError
        filled += n_read
    return data
