"""What an image or a cluster's node prepares."""

from __future__ import annotations

import subprocess
import sys

from nuriwake.faces.cli import run

COUNT = """
import numba
compiled = []
class Listener(numba.core.event.Listener):
    def on_start(self, event): compiled.append(event.data["dispatcher"].__name__)
    def on_end(self, event): pass
import numpy as np
from nuriwake.jobs.warm_up import warm_up
warm_up()
from nuriwake.segmenter import segment
numba.core.event.register("numba:compile", Listener())
image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
segment(image, scribbles=np.pad([[1, 2]], ((0, 39), (0, 48))), max_iter=2).cut(3)
print(compiled)
"""


def test_after_the_warm_up_a_picture_compiles_nothing():
    shown = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True)
    assert shown.stdout == "[]\n", shown.stderr


def test_info_warms_up_and_says_so(capsys):
    assert run(["info", "--warm-up"]) == 0
    shown = capsys.readouterr()
    assert "warmed up in" in shown.err
    assert shown.out.startswith("python")
