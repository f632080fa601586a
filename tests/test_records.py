"""When results count as done."""

from __future__ import annotations

import json

import pytest

from nuriwake.errors import InputError
from nuriwake.io.identity import file_identity
from nuriwake.jobs.plan import OutputPlan
from nuriwake.jobs.records import is_done

ASKED = {"request": {"input_sha256": "d"}, "settings": {"seed": 1}, "partial": False}


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "a.labels.png"
    path.write_text("labels")
    return path


def _plan(labels):
    return OutputPlan(labels.parent / "a.jpg", (("labels", labels),), labels.parent / "a.json")


@pytest.mark.parametrize(
    ("change", "done"),
    [
        ({}, True),
        ({"partial": True}, False),
        ({"request": {"input_sha256": "e"}}, False),
        ({"settings": {"seed": 2}}, False),
        ({"outputs": {}}, False),
    ],
)
def test_same_input_and_settings(labels, change, done):
    plan = _plan(labels)
    files = {"outputs": {"labels": labels.name}, "digests": {"labels": file_identity(labels)}}
    plan.sidecar.write_text(json.dumps({**ASKED, **files, **change}))
    assert is_done(plan, ASKED["request"], ASKED["settings"]) is done
    labels.write_text("changed by hand")
    assert not is_done(plan, ASKED["request"], ASKED["settings"])
    labels.unlink()
    assert not is_done(plan, ASKED["request"], ASKED["settings"])


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"outputs": 3, "digests": 4}'])
def test_a_damaged_record_is_not_done(labels, text):
    plan = _plan(labels)
    plan.sidecar.write_text(text)
    assert not is_done(plan, {}, {})


def test_digest_of_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        file_identity(tmp_path / "a")
