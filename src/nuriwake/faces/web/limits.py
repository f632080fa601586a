"""How much the page's server takes on, and for how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the server accepts and keeps.

    Parameters
    ----------
    upload_bytes : int
        Size of a request at most.
    pixels : int
        Height times width of an image at most; a larger one is reduced in size.
    decode_pixels : int
        Height times width of what is reduced at most.
    values : int
        Height times width times bands of an image at most.
    waiting : int
        Jobs in the queue at most, besides the one that runs; then the answer is "busy".
    keep_seconds : float
        Finished results are dropped after this time.
    keep_results : int
        So many finished results are kept at most.
    keep_pixels : int
        The oldest finished results are dropped when all of them together have more pixels.
    preview_seconds : float
        The live picture is renewed at most this often.
    preview_side : int
        The longer side of the live picture at most.
    abandoned_seconds : float
        A job whose page is closed for so long is given up when another waits for its turn.
    connections : int
        Open connections at most.
    header_seconds : float
        Within so long a connection must have sent a whole request line and its headers.
    idle_seconds : float
        So long the server waits for the next bytes of a body, and to get rid of an answer's.
    grace_seconds, slowest_rate : float
        After the grace, a body must have come at so many bytes a second on average.
    transit_bytes : int
        Announced sizes of all bodies on their way at most.
    decoders : int
        Pictures that are decoded at once.
    decode_seconds : float
        Time to decode one picture at most.
    decode_bytes : int
        Memory to decode one picture at most.
    writers : int
        Files to download that are made at once.
    """

    upload_bytes: int = 64 * 2**20
    pixels: int = 16_000_000
    decode_pixels: int = 160_000_000
    values: int = 128_000_000
    waiting: int = 8
    keep_seconds: float = 1800.0
    keep_results: int = 24
    keep_pixels: int = 48_000_000
    preview_seconds: float = 0.2
    preview_side: int = 480
    abandoned_seconds: float = 10.0
    connections: int = 128
    header_seconds: float = 10.0
    idle_seconds: float = 20.0
    grace_seconds: float = 20.0
    slowest_rate: float = 32 * 2**10
    transit_bytes: int = 2**30
    decoders: int = 2
    decode_seconds: float = 60.0
    decode_bytes: int = 3 * 2**30
    writers: int = 1
