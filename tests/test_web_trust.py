"""The page's server against those who mean it ill, or have a bad line."""

import io
import json
import re
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import tifffile
from PIL import Image

from app_server import local_client, serving
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.server import create_app

QUICK = Limits(header_seconds=0.3, idle_seconds=0.3, grace_seconds=1.0)
SETTINGS = {"settings": '{"max_iter": 1}'}


def encoded(kind="PNG", shape=(24, 32, 3), seed=0):
    values = np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def huge_png(width, height):
    """Make a grey PNG whose header promises more than any machine has."""

    def chunk(kind, data):
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def upload(client, data, **form):
    return client.post("/api/jobs", files={"image": ("cup.png", data)}, data={**SETTINGS, **form})


def wait_done(client, job_id):
    deadline = time.monotonic() + 60
    while (state := client.get(f"/api/jobs/{job_id}").json()["state"]) in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return state


def connect(address):
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
    return closing(connection)


def begin_upload(connection, length=100_000):
    """Announce an upload and send only its beginning."""
    connection.sendall(
        b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: %d\r\n\r\n--x\r\n" % length
    )


def is_closed(connection):
    """Read to the end; what the server said before it hung up."""
    told = b""
    while data := connection.recv(4096):
        told += data
    return told


@pytest.fixture(scope="module")
def address():
    with serving(create_app(run_task)) as address:
        yield address


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET / HTTP/1.1", "Host: [", 421),
        ("GET / HTTP/1.1", "Host: ]:80", 421),
        ("GET / HTTP/1.1", "Host: 127.0.0.1\r\nOrigin: http://[", 403),
        ("GET / HTTP/1.1", "Host: 127.0.0.1\r\nCookie: =;;\r\nAuthorization: Bearer", 200),
        ("GET /static/%00 HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /static/%ff%fe HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /api/jobs/%00/tree HTTP/1.1", "Host: 127.0.0.1", 404),
        ("GET /?token=%ff%00 HTTP/1.1", "Host: 127.0.0.1", 200),
        ("POST /api/jobs HTTP/1.1", "Host: 127.0.0.1\r\nContent-Length: -1", 400),
        ("POST /api/jobs HTTP/1.1", "Host: 127.0.0.1\r\nContent-Length: " + 30 * "9", 400),
        ("POST /api/jobs HTTP/1.1", "Host: 127.0.0.1\r\nContent-Length: 0", 422),
        ("POST /api/jobs HTTP/1.1", "Host: 127.0.0.1\r\nContent-Type: multipart/form-data", 400),
        ("BREW / HTTP/1.1", "Host: 127.0.0.1", 405),
        ("nonsense", "Host: 127.0.0.1", 400),
    ],
)
def test_broken_requests_are_the_clients_fault(address, caplog, request_line, headers, status):
    with connect(address) as connection:
        text = f"{request_line}\r\n{headers}\r\nConnection: close\r\n\r\n"
        connection.sendall(text.encode("latin-1"))
        answer = is_closed(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "settings",
    [
        "[" * 100_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"self": 1}',
        '{"max_iter": ' + "9" * 5000 + "}",
        '{"max_iter": 1e999}',
        '{"max_iter": NaN}',
        '{"recipe": {"deep": [[[]]]}}',
        '{"\\ud800": 1}',
        "\x00",
    ],
)
def test_broken_settings_are_the_clients_fault(address, settings):
    with httpx.Client(base_url=address, timeout=30) as client:
        answer = client.post("/api/jobs", data={"settings": settings, "example": "coffee"})
    assert answer.status_code == 422
    assert 0 < len(answer.json()["detail"]) < 400


@pytest.mark.parametrize("query", ["n_regions=" + "9" * 30, "n_regions=x", "edits=" + "m1," * 2000])
def test_broken_cuts_are_the_clients_fault(address, query):
    with httpx.Client(base_url=address, timeout=30) as client:
        job_id = upload(client, encoded()).json()["id"]
        assert wait_done(client, job_id) == "done"
        answer = client.get(f"/api/jobs/{job_id}/download/regions.png?{query}")
    assert answer.status_code == 422


def test_a_huge_scribble_is_refused_before_it_is_decoded(address):
    with httpx.Client(base_url=address, timeout=30) as client:
        for side in (50_000, 12_000):
            files = {"image": ("a.png", encoded()), "scribbles": ("s.png", huge_png(side, side))}
            answer = client.post("/api/jobs", files=files, data=SETTINGS)
            assert answer.status_code == 422
            assert re.search("32 x 24|far too large", answer.json()["detail"])


def test_mutated_pictures_are_taken_or_refused_in_a_line(address, caplog):
    rng = np.random.default_rng(13)
    buffer = io.BytesIO()
    values = rng.integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    tifffile.imwrite(buffer, values, compression="zlib", photometric="rgb")
    kinds = [encoded(kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF")]
    kinds.append(buffer.getvalue())
    with httpx.Client(base_url=address, timeout=60) as client:
        for number in range(48):
            data = bytearray(kinds[number % len(kinds)])
            for _ in range(rng.integers(1, 6)):
                data[rng.integers(4, len(data))] = rng.integers(256)
            if number % 4 == 0:
                del data[rng.integers(8, len(data)) :]
            answer = upload(client, bytes(data))
            while answer.status_code == 503:  # the queue is full of those that can be read
                time.sleep(0.05)
                answer = upload(client, bytes(data))
            assert answer.status_code in (201, 422), number
            if answer.status_code == 422:
                detail = answer.json()["detail"]
                assert detail.startswith("cup.png: ")
                assert "\n" not in detail
                assert "upload." not in detail
    assert "Traceback" not in caplog.text


# ---- slow clients


def test_slow_uploads_keep_nobody_waiting(address):
    with connect(address) as one, connect(address) as two, connect(address) as three:
        slow = (one, two, three)
        for connection in slow:
            begin_upload(connection)
        with httpx.Client(base_url=address, timeout=30) as client:
            assert upload(client, encoded()).status_code == 201
        for connection in slow:  # they hang as before
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)


def test_a_body_that_stops_or_trickles_is_given_up():
    with serving(create_app(run_task, limits=QUICK)) as address:
        with connect(address) as connection:
            begin_upload(connection)
            assert is_closed(connection).startswith(b"HTTP/1.1 408 ")
        with connect(address) as connection:
            begin_upload(connection)
            started = time.monotonic()
            try:
                while time.monotonic() - started < 20:
                    connection.sendall(b"-")
                    time.sleep(0.1)
            except OSError:  # it hung up
                pass
            assert time.monotonic() - started < 20
        with httpx.Client(base_url=address, timeout=30) as client:
            assert upload(client, encoded()).status_code == 201


def test_who_hangs_up_leaves_no_trace_in_the_log(address, caplog):
    for _ in range(3):
        with connect(address) as connection:
            begin_upload(connection)
            time.sleep(0.05)
    with httpx.Client(base_url=address, timeout=30) as client:
        assert upload(client, encoded()).status_code == 201
    assert caplog.text == ""


def test_a_connection_without_a_request_is_closed():
    app = create_app(run_task, limits=QUICK)
    with serving(app) as address, connect(address) as silent, connect(address) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        assert is_closed(silent) == b""
        assert is_closed(half) == b""


def test_connections_are_bounded():
    limits = Limits(connections=2)
    with serving(create_app(run_task, limits=limits)) as address:
        with connect(address), connect(address), connect(address) as third:
            assert is_closed(third).startswith(b"HTTP/1.1 503 ")
        with httpx.Client(base_url=address, timeout=30) as client:
            assert client.get("/api/settings").status_code == 200


def test_uploads_on_their_way_are_bounded():
    limits = Limits(upload_bytes=2000, transit_bytes=3000)
    with serving(create_app(run_task, limits=limits)) as address, connect(address) as first:
        begin_upload(first, 1900)
        time.sleep(0.2)
        with httpx.Client(base_url=address, timeout=30) as client:
            answer = client.post("/api/jobs", content=bytes(1900))
            assert answer.status_code == 503
            assert "too many uploads" in answer.json()["detail"]


def test_good_uploads_are_answered_among_broken_and_slow_ones(address):
    """The small brother of ``benchmarks/page_load.py``."""

    def send(number):
        data = encoded(seed=number) if number % 3 else b"\x89PNG\r\n\x1a\n and no more"
        with httpx.Client(base_url=address, timeout=60) as client:
            while (answer := upload(client, data)).status_code == 503:
                time.sleep(0.05)
            if answer.status_code == 201:
                return wait_done(client, answer.json()["id"])
            return answer.status_code

    slow = [connect(address) for _ in range(6)]
    for connection in slow:
        begin_upload(connection.thing)
    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(send, range(24)))
    for connection in slow:
        connection.thing.close()
    assert ends == ["done" if number % 3 else 422 for number in range(24)]


# ---- what the page finds again when it is loaded again


def test_a_job_describes_itself(address):
    drawn = np.zeros((24, 32), np.uint8)
    drawn[2:5, 2:9], drawn[12:15, 20:29] = 2, 1
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    with httpx.Client(base_url=address, timeout=30) as client:
        files = {"image": ("a.png", encoded()), "scribbles": ("s.png", buffer.getvalue())}
        body = {"settings": json.dumps({"max_iter": 2, "seed": 5})}
        job = client.post("/api/jobs", files=files, data=body).json()
        wait_done(client, job["id"])
        told = client.get(f"/api/jobs/{job['id']}").json()
        assert told == {**job, "state": "done"}
        assert told["settings"] == {"recipe": "fast", "max_iter": 2, "seed": 5}
        back = client.get(f"/api/jobs/{job['id']}/scribbles").content
        np.testing.assert_array_equal(np.frombuffer(back, np.uint8).reshape(24, 32), drawn)
        # The picture itself need not be sent again.
        again = client.post("/api/jobs", data={**SETTINGS, "again": job["id"]}).json()
        assert (again["name"], again["height"], again["width"]) == ("a.png", 24, 32)
        assert client.get(f"/api/jobs/{again['id']}/scribbles").content == b""
        assert client.post("/api/jobs", data={"again": "none"}).status_code == 422


def test_a_closed_pages_job_makes_way_for_others():
    def runner(task, report):
        if task.name == "cup.png":
            while True:
                time.sleep(0.01)
                run_task(task, report)
        return run_task(task, report)

    app = create_app(runner, limits=Limits(abandoned_seconds=0.2))
    with local_client(app) as client:
        left = upload(client, encoded()).json()["id"]
        with client.stream("GET", f"/api/jobs/{left}/events") as events:
            next(events.iter_lines())
        time.sleep(0.5)
        app.state.queue.sweep()
        assert client.get(f"/api/jobs/{left}").json()["state"] == "running"  # nobody waits
        other = client.post("/api/jobs", data={**SETTINGS, "example": "coins"}).json()
        app.state.queue.sweep()
        assert wait_done(client, left) == "cancelled"
        assert wait_done(client, other["id"]) == "done"
