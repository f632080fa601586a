"""What the fuzzer asks of the page: broken requests, uploads, forms, and files of a whole job."""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from dataclasses import dataclass, field

import httpx

from fuzz_mutations import ODD_VALUES, break_bytes

#: Seconds that an answer, and a job, may take.
MAX_ANSWER = 15
QUICK = {"max_iter": 1, "n_channels": 4, "max_labels": 4, "threads": 1}
PLACES = (
    "", "api/settings", "api/examples", "api/examples/x.jpg", "api/jobs", "api/jobs/{job}",
    "api/jobs/{job}/tree", "api/jobs/{job}/scribbles", "api/jobs/{job}/picture.jpg",
    "api/jobs/{job}/tiles/0/0/0.jpg", "api/jobs/{job}/download/labels", "api/batch/labels",
    "api/jobs/{job}/download/polygons", "api/jobs/{job}/download/regions", "api/sessions",
    "api/jobs/{job}/download/coco", "api/jobs/{job}/download/result", "api/jobs/{job}/session",
    "static/index.html", "static/../server.py",
)  # fmt: skip
QUERIES = ("n_regions=", "detail=", "edits=", "kind=", "token=", "x=")
ODD = ("", "0", "-1", "2", "nan", "9" * 30, "9" * 5000, "%00", "%ff", "fine", "1,2;3", "[[1,2]]",
       "m1,2", "%2e%2e%2f", "[" * 500, "é")  # fmt: skip
HEADERS = ("Host", "Origin", "Content-Length", "Content-Type", "Transfer-Encoding", "Cookie",
           "Range", "Accept-Encoding", "Authorization", "Expect", "Connection")  # fmt: skip


@dataclass
class Page:
    """A server in a thread of this process, started when it is first asked."""

    address: tuple[str, int] = ("127.0.0.1", 0)
    job: str = ""
    _started: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Serve, and learn one picture to ask about."""
        if self._started:
            return
        import uvicorn

        from nuriwake.faces.web.segmenting import run_task
        from nuriwake.faces.web.server import create_app
        from nuriwake.faces.web.serving import configure

        app = create_app(run_task)
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(configure(app, app.state.limits))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        self._started.append(thread)
        self.address = listener.getsockname()
        while not server.started:
            time.sleep(0.01)

    def client(self) -> httpx.Client:
        """Return a client of the server."""
        host, port = self.address
        return httpx.Client(base_url=f"http://{host}:{port}", timeout=MAX_ANSWER)

    def learn(self, data: bytes, name: str, form: dict[str, str]) -> tuple[int, str]:
        """Upload a picture and wait for its job; the status, and what was said."""
        with self.client() as client:
            answer = client.post("/api/jobs", files={"image": (name, data)}, data=form)
            if answer.status_code != 201:
                return answer.status_code, answer.text
            job = answer.json()["id"]
            deadline = time.monotonic() + MAX_ANSWER
            while (state := client.get(f"/api/jobs/{job}").json())["state"] in QUEUED:
                if time.monotonic() > deadline:
                    client.delete(f"/api/jobs/{job}")
                    return 599, "the job hangs"
                time.sleep(0.01)
            if state["state"] == "done":
                self.job = job
                return 200, ""
            # What is said of a fault of ours is this line; a picture's faults are told.
            is_fault = "something went wrong" in state["message"]
            return (500 if is_fault else 422), state["message"]


QUEUED = ("queued", "running")


def ask(page: Page, rng: random.Random, whole: bytes, name: str, data: bytes) -> int:
    """Ask something odd; say it in a line where the page refuses it.

    Parameters
    ----------
    page : Page
    rng : random.Random
    whole : bytes
        A picture.
    name : str
        Of a file that is broken.
    data : bytes
        Its bytes.

    Returns
    -------
    int
        0 or 1; 3 where the page itself is at fault.
    """
    page.start()
    settings = {**QUICK}
    if rng.random() < 0.3:
        settings[rng.choice((*QUICK, "recipe", "self", "seed", "x"))] = rng.choice(ODD_VALUES)
    form = {"settings": json.dumps(settings)}
    if rng.random() < 0.2:
        form = {**form, rng.choice(("page", "example", "again", "opened")): rng.choice(ODD)}
    if not page.job:
        page.learn(whole, "whole.png", {"settings": json.dumps(QUICK)})
    match rng.randrange(4):
        case 0:
            status, said = page.learn(data, name, form)
        case 1:
            status, said = _raw(page, rng)
        case 2:
            status, said = _ordered(page, rng)
        case _:
            status, said = page.learn(
                whole, rng.choice(("a.png", "\x00", "x" * 400, "a.nii")), form
            )
    if status < 400:
        return 0
    if status >= 500 and status != 503:
        print(f"{status} {said[:300]}", file=sys.stderr)
        return 3
    print(f"nuriwake: {status} {said[:300]!r}", file=sys.stderr)
    return 1


def _path(page: Page, rng: random.Random) -> str:
    path = "/" + rng.choice(PLACES).format(job=page.job if rng.random() < 0.8 else rng.choice(ODD))
    for _ in range(rng.randrange(3)):
        path += ("&" if "?" in path else "?") + rng.choice(QUERIES) + rng.choice(ODD)
    return path.encode("ascii", "replace").decode()


def _ordered(page: Page, rng: random.Random) -> tuple[int, str]:
    """Ask for what there is, with odd bodies."""
    kind = rng.choice(("labels", "regions", "polygons", "overlay", "result", "session", "x"))
    wanted = {
        rng.choice(("n_regions", "detail", "edits", "tags", "jobs", "x")): rng.choice(
            (*ODD_VALUES, "m1,2", 3, {"1": "a"}, "coarse", [page.job], {"names": ["a"]})
        )
        for _ in range(rng.randrange(3))
    }
    body = json.dumps(wanted).encode()
    body = break_bytes(rng, body) if rng.random() < 0.2 else body
    path = rng.choice(
        (f"/api/jobs/{page.job}/download/{kind}", f"/api/jobs/{page.job}/session",
         f"/api/batch/{kind}")
    )  # fmt: skip
    with page.client() as client:
        if rng.random() < 0.2:
            session = client.post(f"/api/jobs/{page.job}/session", json={}).content
            files = {"session": ("a.zip", break_bytes(rng, session))}
            answer = client.post("/api/sessions", files=files)
        else:
            headers = {"Content-Type": "application/json"}
            answer = client.post(path, content=body, headers=headers)
        return answer.status_code, answer.text


def _raw(page: Page, rng: random.Random) -> tuple[int, str]:
    """Send bytes that are nearly a request."""
    verb = rng.choice(("GET", "GET", "POST", "DELETE", "HEAD", "PUT", "OPTIONS", "BREW", ""))
    version = rng.choice(("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", ""))
    lines = [f"{verb} {_path(page, rng)} {version}", f"Host: 127.0.0.1:{page.address[1]}"]
    values = (*ODD, "[", "http://[", "chunked")
    lines += [f"{rng.choice(HEADERS)}: {rng.choice(values)}" for _ in range(rng.randrange(3))]
    text = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace")
    text = break_bytes(rng, text) if rng.random() < 0.3 else text
    with socket.create_connection(page.address, timeout=MAX_ANSWER) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            return 400, "hung up"
    head = answer.split(b"\r\n")[0].split()
    status = int(head[1]) if len(head) > 1 and head[1].isdigit() else 400
    return status, answer[:300].decode("latin-1")
