"""How the fuzzer breaks files: by their structure, and byte by byte."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable

#: Numbers at which programs err.
ODD = (0, 1, 2, 3, 7, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 10**12,
       2**63 - 1, 2**64 - 1)  # fmt: skip
ODD_TEXTS = (b"-1", b"0", b"99999999999", b"1e400", b"nan", b"9" * 5000, b"", b"\xff\xfe", b"1.5")
ODD_VALUES = (
    None, True, -1, 0, 2**31, 2**63, 1e308, float("nan"), float("inf"), 0.5, "", "x" * 5000, "\0",
    "\ud800", [], {}, [[[]]], {"self": 1}, {"__class__": "os"}, "../../etc/passwd", [1e308] * 3,
)  # fmt: skip
#: What taking a file apart raises once it has lost its structure.
UNSTRUCTURED = (
    EOFError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError, struct.error,
    tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
Mutation = Callable[[random.Random, bytes], bytes]


def break_bytes(rng: random.Random, data: bytes) -> bytes:
    """Change a few bytes, wherever they are."""
    whole = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        size = len(whole)
        if size == 0:
            return bytes(rng.randbytes(rng.randrange(40)))
        # The first bytes say how the others are to be read.
        start = rng.randrange(min(size, 128)) if rng.random() < 0.4 else rng.randrange(size)
        length = min(rng.choice((1, 2, 4, 8, 64, size // 4 + 1)), size - start)
        match rng.randrange(9):
            case 0:
                whole[start] ^= 1 << rng.randrange(8)
            case 1:
                whole[start : start + length] = rng.randbytes(length)
            case 2:
                del whole[start:]
            case 3:
                del whole[start : start + length]
            case 4:
                whole[start:start] = whole[start : start + length]
            case 5:
                whole[start : start + length] = bytes([rng.choice((0, 255))]) * length
            case 6:
                width, order = rng.choice("BHIQ"), rng.choice("<>")
                number = rng.choice(ODD) % 256 ** struct.calcsize(width)
                packed = struct.pack(order + width, number)
                whole[start : start + len(packed)] = packed
            case 7:
                other = rng.randrange(size)
                whole[start : start + length] = whole[other : other + length]
            case 8:
                whole = bytearray(_break_digits(rng, bytes(whole)))
    return bytes(whole)


def _break_digits(rng: random.Random, data: bytes) -> bytes:
    numbers = list(re.finditer(rb"[0-9]{1,20}", data[:100_000]))
    if not numbers:
        return data
    one = rng.choice(numbers)
    return data[: one.start()] + rng.choice(ODD_TEXTS) + data[one.end() :]


def break_tiff(rng: random.Random, data: bytes) -> bytes:
    """Change a field of a tag, the order of tags, or where the next page is."""
    if len(data) < 16 or data[:2] not in (b"II", b"MM"):
        return break_bytes(rng, data)
    order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    entry, word, count = (20, "Q", "Q") if is_big else (12, "I", "H")
    whole = bytearray(data)
    pages = []
    (offset,) = struct.unpack_from(order + word, whole, 8 if is_big else 4)
    while offset and offset not in pages and offset + 8 < len(whole) and len(pages) < 20:
        pages.append(offset)
        (n_tags,) = struct.unpack_from(order + count, whole, offset)
        end = offset + struct.calcsize(count) + min(n_tags, 200) * entry
        if end + struct.calcsize(word) > len(whole):
            break
        (offset,) = struct.unpack_from(order + word, whole, end)
    page = rng.choice(pages) if pages else 8
    (n_tags,) = struct.unpack_from(order + count, whole, page)
    start = page + struct.calcsize(count)
    tag = start + rng.randrange(max(1, min(n_tags, 200))) * entry
    number = rng.choice((*ODD, *pages, len(data), len(data) - 1))
    if rng.random() < 0.25:
        return _break_behind(rng, whole, tag, order, is_big=is_big)
    fields = ((0, "H"), (2, "H"), (4, word), (4 + struct.calcsize(word), rng.choice(("H", word))))
    match rng.randrange(6):
        case 0:
            end = start + n_tags * entry
            field_offset, width = end, word
        case 1:
            field_offset, width = page, count
        case _:
            step, width = rng.choice(fields)
            field_offset = tag + step
    packed = struct.pack(order + width, number % 256 ** struct.calcsize(width))
    whole[field_offset : field_offset + len(packed)] = packed
    return bytes(whole)


def _break_behind(
    rng: random.Random, whole: bytearray, tag: int, order: str, *, is_big: bool
) -> bytes:
    """Change what a tag points at: offsets, keys of the place, texts of OME and ImageJ."""
    kind, count, place = struct.unpack_from(order + ("HQQ" if is_big else "HII"), whole, tag + 2)
    width = {2: 1, 3: 2, 4: 4, 12: 8, 16: 8}.get(kind, 1)
    if count * width <= (8 if is_big else 4) or place + count * width > len(whole):
        return break_bytes(rng, bytes(whole))
    data = bytes(whole[place : place + count * width])
    match kind:
        case 2:
            data = _break_digits(rng, data)[: len(data)].ljust(len(data))
        case 12:
            number = rng.choice((float("nan"), float("inf"), 0.0, -1.0, 1e308, 1e-308))
            spot = 8 * rng.randrange(count)
            data = data[:spot] + struct.pack(order + "d", number) + data[spot + 8 :]
        case _:
            number = rng.choice(ODD) % 256**width
            spot = width * rng.randrange(count)
            data = (
                data[:spot]
                + struct.pack(f"{order}{' BH I   Q'[width]}", number)
                + data[spot + width :]
            )
    whole[place : place + len(data)] = data
    return bytes(whole)


def break_png(rng: random.Random, data: bytes) -> bytes:
    """Change a chunk, with its checksum right."""
    chunks, offset = [], 8
    while offset + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, offset)
        chunks.append((data[offset + 4 : offset + 8], data[offset + 8 : offset + 8 + length]))
        offset += 12 + length
    if not chunks:
        return break_bytes(rng, data)
    k = rng.randrange(len(chunks))
    kind, body = chunks[k]
    match rng.randrange(5):
        case 0:
            chunks[k : k + 1] = []
        case 1:
            chunks.insert(rng.randrange(len(chunks)), (kind, body))
        case 2 if kind == b"IDAT":
            raw = zlib.decompressobj().decompress(body)
            chunks[k] = kind, zlib.compress(break_bytes(rng, raw))
        case 3:
            packed = struct.pack(">I", rng.choice(ODD) % 2**32)
            place = rng.randrange(0, max(1, len(body) - 3), 4)
            chunks[k] = kind, body[:place] + packed + body[place + 4 :]
        case _:
            chunks[k] = kind, break_bytes(rng, body)
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def break_json(rng: random.Random, data: bytes) -> bytes:
    """Change a node of a tree of JSON."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return break_bytes(rng, data)
    if rng.random() < 0.05:
        depth = rng.choice((50, 2000, 200_000))
        return b"[" * depth + b"]" * depth if rng.random() < 0.5 else b'{"a":' * depth
    holders = list(_holders(tree))
    if not holders or not isinstance(tree, dict | list):
        return json.dumps(rng.choice(ODD_VALUES)).encode()
    holder, key = rng.choice(holders)
    match rng.randrange(5):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(("self", "cls", "", "n_layers", "x" * 300))] = rng.choice(ODD_VALUES)
        case 2 if isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), rng.choice(ODD_VALUES))
        case _:
            holder[key] = rng.choice(ODD_VALUES)
    return json.dumps(tree).encode()


def _holders(tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items if isinstance(tree, dict | list) else ():
        yield tree, key
        if isinstance(value, dict | list):
            yield from _holders(value)


def break_safetensors(rng: random.Random, data: bytes) -> bytes:
    """Change the JSON of the header, that in the header, or the numbers."""
    (length,) = struct.unpack_from("<Q", data)
    header, body = data[8 : 8 + length], data[8 + length :]
    match rng.randrange(4):
        case 0:
            header = break_json(rng, header)
        case 1:
            tree = json.loads(header)
            inner = break_json(rng, tree["__metadata__"]["nuriwake"].encode())
            tree["__metadata__"]["nuriwake"] = inner.decode(errors="replace")
            header = json.dumps(tree).encode()
        case 2:
            number = rng.choice((float("nan"), float("inf"), -1.0, 1e38, 0.0))
            place = rng.randrange(0, len(body) - 4, 4)
            length = 4 * rng.choice((1, 8, 64))
            body = body[:place] + struct.pack("<f", number) * (length // 4) + body[place + length :]
        case _:
            body = break_bytes(rng, body)
    return struct.pack("<Q", len(header)) + header + body


def break_npz(rng: random.Random, data: bytes) -> bytes:
    """Change one array of an archive, with all checksums right; or the archive."""
    import numpy as np

    if rng.random() < 0.2:
        return break_bytes(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(files))
    match rng.randrange(5):
        case 0:
            del files[name]
        case 1:
            files[name] = break_npy(rng, files[name])
        case 2 if name == "header.npy":
            body = np.lib.format.read_array(io.BytesIO(files[name])).tobytes()
            files[name] = _npy(np.frombuffer(break_json(rng, body), np.uint8))
        case _:
            array = np.lib.format.read_array(io.BytesIO(files[name])).copy()
            files[name] = _npy(_odd_array(rng, array))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def break_zip(rng: random.Random, data: bytes) -> bytes:
    """Change one file of an archive, with all checksums right; or the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(files))
    match rng.randrange(4):
        case 0:
            return break_bytes(rng, data)
        case 1:
            files[rng.choice(("", "x" * 300, "../a.roi", "a\0.roi", "b.roi"))] = files.pop(name)
        case _:
            files[name] = break_bytes(rng, files[name])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _odd_array(rng: random.Random, array):
    import numpy as np

    match rng.randrange(5):
        case 0:
            return array.astype(rng.choice((np.float64, np.int64, np.uint8, np.complex64, bool)))
        case 1:
            return array.reshape(-1)[: rng.randrange(array.size + 1)]
        case 2:
            return array[..., np.newaxis] if rng.random() < 0.5 else array.T
        case _:
            flat = array.reshape(-1)
            if flat.size:
                number = rng.choice((-1, 0, 1, flat.size, 2**31 - 1, float("nan"), 1e308))
                with np.errstate(all="ignore"):
                    flat[rng.randrange(flat.size)] = np.array(number).astype(flat.dtype)
            return array


def _npy(array) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def break_npy(rng: random.Random, data: bytes) -> bytes:
    """Change the text of an array's header, of the same length."""
    end = data.find(b"\n", 10) + 1
    header = (
        break_bytes(rng, data[10:end]) if rng.random() < 0.5 else _break_digits(rng, data[10:end])
    )
    header = header.strip() + b" " * max(0, end - 11 - len(header.strip())) + b"\n"
    return data[:8] + struct.pack("<H", len(header) % 65536) + header + data[end:]


def break_gzip(rng: random.Random, data: bytes) -> bytes:
    """Change what is compressed, which is a volume."""
    mutate = break_nifti if rng.random() < 0.7 else break_bytes
    return gzip.compress(mutate(rng, gzip.decompress(data)), 1)


def break_text(rng: random.Random, data: bytes) -> bytes:
    """Change a number, a line or a few letters of a text."""
    match rng.randrange(5):
        case 0:
            return _break_digits(rng, data)
        case 1:
            lines = data.split(b"\n")
            lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            return b"\n".join(lines)
        case 2:
            depth = rng.choice((60, 5000))
            return data + b"\nx = " + b"[" * depth + b"]" * depth
        case 3:
            return data + rng.choice((b"\nself = 1", b"\n[a]\nb=1", b"\ncls = 1", b"\nx.y.z = 1"))
        case _:
            return break_bytes(rng, data)


def _break_field(rng: random.Random, data: bytes, fields: str, size: int) -> bytes:
    """Put an odd number at a place of a header of so many bytes, where it may be a field."""
    width, order = rng.choice(fields), ">" if fields.startswith("h") else "<"
    step = struct.calcsize(width)
    place = rng.randrange(0, min(size, len(data)) - step, min(step, 4))
    numbers = (float("nan"), float("inf"), 0.0, -1.0, 1e30) if width in "fd" else ODD
    number = rng.choice(numbers)
    if width not in "fd":
        number = number % 256**step - (256**step if number % 256**step >= 256**step // 2 else 0)
    return data[:place] + struct.pack(order + width, number) + data[place + step :]


def break_nifti(rng: random.Random, data: bytes) -> bytes:
    """Change a field of the header."""
    return _break_field(rng, data, "hif" if data[0] != 28 else "iqd", 540).ljust(1, b"\0")


def break_roi(rng: random.Random, data: bytes) -> bytes:
    """Change a field of the header of an ImageJ ROI, which is big-endian."""
    return _break_field(rng, data, "hh", 64)


def break_mat(rng: random.Random, data: bytes) -> bytes:
    """Change the type or the size of an element of a MATLAB file, wherever one may be."""
    place = 128 + 8 * rng.randrange((len(data) - 128) // 8)
    number = rng.choice((*range(20), *ODD)) % 2**32
    place += rng.choice((0, 4))
    return data[:place] + struct.pack("<I", number) + data[place + 4 :]


def break_dicom(rng: random.Random, data: bytes) -> bytes:
    """Give an element another value, or none; the file is whole otherwise."""
    import warnings

    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        tags = [tag for tag in list(dataset.keys()) if tag != 0x7FE00010]
        try:
            element = dataset[rng.choice(tags)]
        except pydicom.errors.BytesLengthException:
            return break_bytes(rng, data)
        if rng.random() < 0.2:
            del dataset[element.tag]
        elif element.VR == "US":
            element.value = rng.choice((0, 1, 3, 7, 64, 255, 65535, [1, 2]))
        else:
            odd = ("", "0", "-1", "nan", "1e400", "9" * 16, ["1", "2", "3"], "x" * 16)
            element.value = rng.choice(odd)
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=False)
    return buffer.getvalue()


STRUCTURED: dict[str, Mutation] = {
    "tiff": break_tiff,
    "png": break_png,
    "json": break_json,
    "safetensors": break_safetensors,
    "npz": break_npz,
    "npy": break_npy,
    "gzip": break_gzip,
    "zip": break_zip,
    "text": break_text,
    "nifti": break_nifti,
    "dicom": break_dicom,
    "mat": break_mat,
    "roi": break_roi,
}


def broken(rng: random.Random, data: bytes, structure: str) -> bytes:
    """Break a file, mostly by its structure."""
    mutate = STRUCTURED.get(structure, break_bytes)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        try:
            data = (mutate if rng.random() < 0.7 else break_bytes)(rng, data)
        except UNSTRUCTURED:
            # What a first change broke has no structure left.
            data = break_bytes(rng, data)
    return data
