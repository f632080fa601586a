"""What an image or a cluster's node prepares."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba

from nuriwake.faces.cli import run
from nuriwake.faces.progress import Terminal
from nuriwake.jobs.listener import Collected
from nuriwake.jobs.warm_up import compiling_is_told

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


def test_that_loops_are_compiled_is_told_once_a_command(capsys):
    for listener in (Terminal(), Collected()):  # of workers, which would tell it afterwards, none
        for _ in range(2):  # inputs
            loops = [numba.njit(lambda x: x + 1) for _ in range(2)]
            with compiling_is_told(listener), ThreadPoolExecutor(2) as pool:
                assert list(pool.map(lambda loop: loop(1), loops)) == [2, 2]
    assert (
        capsys.readouterr().err.count("compiling the merging of regions, some 25 seconds each time")
        == 1
    )
    assert listener.lines == []
