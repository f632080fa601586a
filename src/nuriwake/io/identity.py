"""Digests that tell whether a file is still the one that it was."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nuriwake.errors import InputError
from nuriwake.io.places import DatasetPath, RemotePath
from nuriwake.io.remote import remote_signature

#: Files up to this size are hashed whole; of larger ones size, time and samples are.
WHOLE_HASH_BYTES = 1 << 30
_SAMPLES, _SAMPLE_BYTES = 64, 1 << 20


def file_identity(path: Path) -> str:
    """Return a hexadecimal digest that changes when a file or a folder does.

    Up to 1 GiB it is the SHA-256 of all bytes. Of a larger file the size, the time of the last
    change and 64 samples of 1 MiB are hashed, as reading all of it would take as long as labelling
    a part of it. Of a folder (Zarr), the names, sizes and times of its files; of an address, what
    its server says of it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    digest = hashlib.sha256()
    if isinstance(path, RemotePath):
        return hashlib.sha256(remote_signature(path).encode()).hexdigest()
    path = path.file if isinstance(path, DatasetPath) else path
    try:
        status = path.stat()
        if path.is_dir():
            for file in sorted(p for p in path.rglob("*") if p.is_file()):
                stat = file.stat()
                digest.update(
                    f"{file.relative_to(path)} {stat.st_size} {stat.st_mtime_ns}".encode()
                )
            return digest.hexdigest()
        with path.open("rb") as stream:
            if status.st_size <= WHOLE_HASH_BYTES:
                return hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{status.st_size} {status.st_mtime_ns}".encode())
            for sample in range(_SAMPLES):
                stream.seek((status.st_size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
                digest.update(stream.read(_SAMPLE_BYTES))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    return digest.hexdigest()
