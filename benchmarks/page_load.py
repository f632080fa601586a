"""The page's server under load: 300 uploads from 8 clients, a third broken, 20 slow ones hanging.

Starts ``nuriwake app`` on a free loopback port, prints a table and writes JSON::

    python benchmarks/page_load.py [--uploads 300] [--clients 8] [--slow 20]

Told are how every upload ended, how long the good ones waited for their answer (not for the end
of their job), and the memory of the server and its decoders after ten uploads and at the end.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

RESULTS = Path(__file__).parent / "results"
BROKEN = (
    lambda data: data[: len(data) // 2],
    lambda data: data[:40] + bytes(200) + data[240:],
    lambda data: b"\x89PNG\r\n\x1a\n" + data[400:],
)


def photograph(seed: int) -> bytes:
    """Make a picture of its own for every upload: a crop of the example, as a PNG."""
    example = Path(__file__).parents[1] / "examples" / "coffee.png"
    rng = np.random.default_rng(seed)
    with Image.open(example) as picture:
        left, top = rng.integers(0, picture.width - 240), rng.integers(0, picture.height - 160)
        crop = picture.convert("RGB").crop((left, top, left + 240, top + 160))
    buffer = io.BytesIO()
    crop.save(buffer, "PNG")
    return buffer.getvalue()


def memory(pid: int) -> float:
    """Return the memory of a process and its children, MiB; shared pages count once."""
    tree = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        tree += [int(child) for child in (task / "children").read_text().split()]
    rollups = [Path(f"/proc/{process}/smaps_rollup").read_text() for process in tree]
    return sum(int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) for text in rollups) / 1024


class Slow(threading.Thread):
    """A client that announces an upload and sends a byte a second, again and again."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        super().__init__()
        self.port, self.stop, self.n_refused, self.seconds_open = port, stop, 0, 0.0

    def run(self) -> None:
        """Hang; when the server hangs up, begin again."""
        head = (
            f"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Length: 1000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        ).encode()
        while not self.stop.is_set():
            started = time.monotonic()
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                try:
                    connection.sendall(head)
                    while not self.stop.wait(1.0):
                        connection.sendall(b"-")
                except OSError:
                    self.n_refused += 1
            self.seconds_open += time.monotonic() - started


def send(client: httpx.Client, number: int) -> tuple[str, float]:
    """Send one upload, again while the server is busy; tell how it ended and the wait, s."""
    data = photograph(number)
    is_broken = number % 3 == 2
    if is_broken:
        data = BROKEN[number // 3 % len(BROKEN)](data)
    started = time.monotonic()
    body = {"settings": '{"max_iter": 5}'}
    while True:
        answer = client.post("/api/jobs", files={"image": ("a.png", data)}, data=body)
        if answer.status_code != 503:
            break
        time.sleep(0.1)
    seconds = time.monotonic() - started
    state = str(answer.status_code)
    if answer.status_code == 201:
        job = answer.json()["id"]
        while (state := client.get(f"/api/jobs/{job}").json()["state"]) in ("queued", "running"):
            time.sleep(0.05)
        client.get(f"/api/jobs/{job}/tree").raise_for_status()
    return ("broken " if is_broken else "good ") + state, seconds


def measure(port: int, pid: int, options: argparse.Namespace) -> dict[str, object]:
    """Run the load against a server that listens."""
    stop = threading.Event()
    slow = [Slow(port, stop) for _ in range(options.slow)]
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120))
            for _ in range(options.clients)
        ]
        first = [send(clients[0], number) for number in range(10)]
        after_ten = memory(pid)
        for thread in slow:
            thread.start()
        started = time.monotonic()
        with ThreadPoolExecutor(options.clients) as pool:
            jobs = enumerate(range(10, options.uploads))
            ends = list(pool.map(lambda job: send(clients[job[0] % len(clients)], job[1]), jobs))
        seconds = time.monotonic() - started
        stop.set()
        for thread in slow:
            thread.join()
        after_all = memory(pid)
    waits = np.array([wait for end, wait in ends if end.startswith("good")])
    return {
        "ends": dict(sorted(Counter(end for end, _ in first + ends).items())),
        "seconds": round(seconds, 1),
        "answer_s": {
            "median": round(float(np.median(waits)), 2),
            "p95": round(float(np.quantile(waits, 0.95)), 2),
            "max": round(float(waits.max()), 2),
        },
        "slow_given_up": sum(thread.n_refused for thread in slow),
        "memory_mib": {"after_10": round(after_ten), "after_all": round(after_all)},
        "memory_ratio": round(after_all / after_ten, 3),
    }


def main() -> None:
    """Start the server, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--slow", type=int, default=20)
    options = parser.parse_args()
    command = [sys.executable, "-m", "nuriwake", "app", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            port = int(re.search(r":(\d+)/", server.stderr.readline())[1])
            row = measure(port, server.pid, options)
        finally:
            server.terminate()
            log = server.stderr.read()
    row["tracebacks_in_log"] = log.count("Traceback (most")
    print(json.dumps(row, indent=2))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "page_load.json").write_text(json.dumps(row, indent=2))


if __name__ == "__main__":
    main()
