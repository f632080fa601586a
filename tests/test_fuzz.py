"""Five hundred broken inputs: each ends in one clear line, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys

from conftest import REPOSITORY


def test_broken_inputs_end_in_clear_lines(tmp_path):
    fuzz = [sys.executable, str(REPOSITORY / "benchmarks" / "fuzz.py")]
    done = subprocess.run(
        [*fuzz, "--seed", "0", "--n", "500", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("500 inputs, seed 0: 0 findings")
