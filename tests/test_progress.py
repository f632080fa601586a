"""What a run tells while it works."""

from __future__ import annotations

import json

from PIL import Image

from nuriwake.faces.cli import run


def test_progress_for_programs_is_a_line_of_json_a_step(tmp_path, blocks, capsys):
    picture = tmp_path / "cup.png"
    Image.fromarray(blocks).save(picture)
    command = [
        "segment",
        str(picture),
        "--recipe",
        "tip2020",
        "--max-iter",
        "3",
        "--save",
        "labels",
    ]
    assert run([*command, "--min-labels", "1", "--progress", "json"]) == 0
    lines = capsys.readouterr().err.splitlines()
    steps = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(s["progress"], s["done"], s["total"]) for s in steps] == [
        ("cup.png", 1, 3), ("cup.png", 2, 3), ("cup.png", 3, 3),
    ]  # fmt: skip
    assert run([*command, "--progress", "yaml"]) == 2
    assert "`--progress` must be bar or json; got 'yaml'." in capsys.readouterr().err
