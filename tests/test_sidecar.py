"""When results count as done."""

from __future__ import annotations

import json

import pytest

from nuriwake.errors import InputError
from nuriwake.io.outputs import OutputPlan
from nuriwake.io.sidecar import file_sha256, is_done


@pytest.mark.parametrize(
    ("record", "done"),
    [
        ({"request": {"input_sha256": "d"}, "settings": {"seed": 1}, "partial": False}, True),
        ({"request": {"input_sha256": "d"}, "settings": {"seed": 1}, "partial": True}, False),
        ({"request": {"input_sha256": "e"}, "settings": {"seed": 1}, "partial": False}, False),
        ({"request": {"input_sha256": "d"}, "settings": {"seed": 2}, "partial": False}, False),
        ([], False),
    ],
)
def test_same_input_and_settings(tmp_path, record, done):
    sidecar, labels = tmp_path / "a.json", tmp_path / "a.png"
    sidecar.write_text(json.dumps(record))
    labels.touch()
    request, settings = {"input_sha256": "d"}, {"seed": 1}
    plan = OutputPlan(tmp_path / "a.jpg", (("labels", labels),), sidecar)
    assert is_done(plan, request, settings) is done
    labels.unlink()
    assert not is_done(plan, request, settings)


def test_a_damaged_sidecar_is_not_done(tmp_path):
    sidecar = tmp_path / "a.json"
    sidecar.write_text("{")
    assert not is_done(OutputPlan(tmp_path / "a.jpg", (), sidecar), {}, {})


def test_hash_of_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        file_sha256(tmp_path / "a")
