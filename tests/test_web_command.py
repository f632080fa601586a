"""``nuriwake app``: the server as people start it."""

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import numpy as np
import pytest
from PIL import Image

from conftest import posix_only
from nuriwake.faces.cli import run
from nuriwake.faces.web import serving
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.pyramid import Pyramid


def start(*arguments):
    """Start the command in a process of its own; return it and the page's address."""
    command = [sys.executable, "-m", "nuriwake", "app", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ.copy())
    line = process.stderr.readline()
    return process, re.search(r"http://\S+", line)[0]


def stop(process):
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@posix_only
def test_it_serves_one_image_and_ends_by_ctrl_c(tmp_path):
    path = tmp_path / "a b.png"
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(path)
    process, address = start(str(path))
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        told = httpx.get(f"{address}api/settings").json()
        assert told["opened"] == "a b.png"
        assert "server" not in httpx.get(address).headers
        body = {"settings": '{"max_iter": 1}', "opened": "yes"}
        job = httpx.post(f"{address}api/jobs", data=body, files={"none": b""}).json()
        assert (job["height"], job["width"]) == (8, 9)
    finally:
        code, errors = stop(process)
    assert (code, errors) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--host", "0.0.0.0"], 2, "`--token` must be at least 16 characters when `--host` is"),
        (["--token", "short"], 2, "`--token` must be at least 16 characters"),
        (["--port", "70000"], 2, "`--port` must be an int in [0, 65535]; got 70000."),
        (["no-such-file.png"], 1, "no-such-file.png"),
    ],
)
def test_wrong_use_is_one_line(capsys, monkeypatch, arguments, code, told):
    monkeypatch.delenv("NURIWAKE_TOKEN", raising=False)
    assert run(["app", *arguments]) == code
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.count("\n") == 1


def test_a_port_in_use_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert run(["app", "--port", str(other.getsockname()[1])]) == 2
    assert "Try another --port." in capsys.readouterr().err


def test_too_large_an_image_is_reduced(tmp_path):
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(path)
    task = serving._open(path, Limits(pixels=50))
    assert (task.raster.shape, task.origin.pyramid) == ((4, 4), Pyramid(8, 9, 2))
