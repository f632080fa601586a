"""Files of one input appear together, and nobody's file is lost."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from filelock import FileLock

from conftest import posix_only
from nuriwake.errors import OutputError
from nuriwake.jobs import commit
from nuriwake.jobs.commit import staging
from nuriwake.jobs.plan import Wish, plan_outputs
from nuriwake.jobs.records import CutRecord

KINDS = ("labels", "overlay")


@pytest.fixture
def plan(tmp_path):
    return plan_outputs([Wish(tmp_path / "a.jpg", KINDS)], tmp_path / "out")[0]


def publish(plan, overwrite=False, text="one"):
    """Write both files, each with a text, and their record."""
    with staging(plan, overwrite) as files:
        for kind, final in plan.files:
            files.temporary(kind, final).write_text(f"{text} {kind}")
        record = CutRecord("a", 1, 1, {}, {})
        return files.publish(lambda names, digests: replace(record, outputs=names, digests=digests))


def _names(plan):
    return sorted(path.name for path in plan.folder.iterdir())


def test_files_and_record_appear_together(plan):
    record = publish(plan)
    assert _names(plan) == ["a.labels.png", "a.nuriwake.json", "a.overlay.png"]
    assert json.loads(plan.sidecar.read_text())["digests"] == dict(record.digests)
    publish(plan, text="two")
    assert plan.files[0][1].read_text() == "two labels"


def test_what_fails_leaves_nothing(plan):
    def fail():
        with staging(plan, overwrite=False) as files:
            files.temporary("labels", plan.files[0][1]).write_text("half")
            raise KeyboardInterrupt

    plan.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert _names(plan) == []


def test_foreign_files_are_kept(plan):
    mine = plan.files[0][1]
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(OutputError, match=r"was not written by nuriwake\. Use --overwrite"):
        publish(plan)
    assert mine.read_text() == "mine"
    publish(plan, overwrite=True)
    assert mine.read_text() == "one labels"


def test_a_result_that_was_changed_by_hand_is_kept(plan):
    publish(plan)
    plan.files[0][1].write_text("improved by hand")
    with pytest.raises(OutputError, match=r"a\.labels\.png: .* was changed since"):
        publish(plan)
    assert plan.files[0][1].read_text() == "improved by hand"


def test_any_record_does_not_make_a_file_ours(plan):
    publish(plan)
    other = replace(plan, files=(("regions", plan.folder / "a.regions.png"),))
    other.files[0][1].write_text("drawn by hand")
    with pytest.raises(OutputError, match=r"a\.regions\.png: .* not written by nuriwake"):
        publish(other)


def test_a_file_that_comes_during_the_work_is_kept(plan):
    def collide():
        with staging(plan, overwrite=False) as files:
            files.temporary("labels", plan.files[0][1]).write_text("ours")
            plan.files[0][1].write_text("theirs")
            files.publish(lambda names, digests: CutRecord("a", 1, 1, names, digests))

    with pytest.raises(OutputError, match="not written by nuriwake"):
        collide()
    assert _names(plan) == ["a.labels.png"]
    assert plan.files[0][1].read_text() == "theirs"


def test_a_link_is_nobody_s_result(plan, tmp_path):
    plan.folder.mkdir()
    precious = tmp_path / "precious.png"
    precious.write_text("precious")
    plan.files[0][1].symlink_to(precious)
    with pytest.raises(OutputError, match="not written by nuriwake"):
        publish(plan)
    assert precious.read_text() == "precious"


def test_a_run_killed_between_the_names_is_taken_up(plan, monkeypatch):
    publish(plan)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("nuriwake.jobs.commit._show", die)
        with pytest.raises(KeyboardInterrupt):
            publish(plan, text="two")
    assert plan.files[0][1].read_text() == "two labels"
    publish(plan, text="three")
    assert plan.files[0][1].read_text() == "three labels"
    assert _names(plan) == ["a.labels.png", "a.nuriwake.json", "a.overlay.png"]


def test_the_second_writer_says_so(plan):
    plan.folder.mkdir()
    with (
        FileLock(plan.folder / ".a.nuriwake.lock"),
        pytest.raises(OutputError, match="another nuriwake is writing here"),
    ):
        publish(plan)


def test_files_of_an_earlier_run_stay_ours(plan):
    """Another kind is asked for, and then the first again: its file is not a stranger's."""
    publish(plan)
    other = replace(plan, files=(("regions", plan.folder / "a.regions.png"),))
    publish(other)
    assert set(json.loads(plan.sidecar.read_text())["earlier"]) == {"a.labels.png", "a.overlay.png"}
    publish(plan, text="again")
    assert plan.files[0][1].read_text() == "again labels"
    plan.files[0][1].write_text("improved by hand")
    publish(other)
    with pytest.raises(OutputError, match=r"a\.labels\.png: .* was changed since"):
        publish(plan)


def test_what_cannot_be_written_is_named_as_people_know_it(plan):
    def fill_the_disk():
        with staging(plan, overwrite=False) as files:
            temporary = files.temporary("labels", plan.files[0][1])
            raise OutputError(f"{temporary}: cannot be written (No space left on device).")

    with pytest.raises(OutputError) as error:
        fill_the_disk()
    assert str(error.value) == f"{plan.files[0][1]}: cannot be written (No space left on device)."


def test_what_fails_leaves_no_folder_of_its_own(tmp_path):
    plan = plan_outputs([Wish(tmp_path / "a.jpg", KINDS)], tmp_path / "new" / "out")[0]

    def fail():
        with staging(plan, overwrite=False):
            raise OutputError("too little memory")

    with pytest.raises(OutputError, match="too little"):
        fail()
    assert not (tmp_path / "new").exists()
    plan.folder.mkdir(parents=True)
    with pytest.raises(OutputError, match="too little"):
        fail()
    assert plan.folder.exists()


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_names_waits_for_the_last(plan, monkeypatch, number):
    publish(plan)
    heard, show = [], commit._show
    monkeypatch.setattr(
        commit, "_show", lambda *paths: (os.kill(os.getpid(), number), show(*paths))
    )
    before = signal.signal(number, lambda *_: heard.append(plan.sidecar.read_text()))
    try:
        publish(plan, text="two")
    finally:
        signal.signal(number, before)
    assert heard == [plan.sidecar.read_text()]
    assert plan.files[0][1].read_text() == "two labels"


def test_a_handler_of_the_program_around_python_is_left_alone(plan, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda _number: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        publish(plan)
        assert signal.signal(signal.SIGINT, before) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert plan.files[0][1].exists()
