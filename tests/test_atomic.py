"""Files appear whole or not at all."""

from __future__ import annotations

import pytest

from nuriwake.errors import OutputError
from nuriwake.io.atomic import atomic_path


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
    assert path.read_text() == "new"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_nothing(tmp_path, interruption):
    def write() -> None:
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise interruption

    with pytest.raises(interruption):
        write()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_named(tmp_path):
    with (
        pytest.raises(OutputError, match=r"a\.txt: cannot be written \(No space left on device\)"),
        atomic_path(tmp_path / "a.txt"),
    ):
        raise OSError(28, "No space left on device")


def test_missing_folders_are_created(tmp_path):
    with atomic_path(tmp_path / "x" / "y" / "a.txt") as temporary:
        temporary.touch()
    assert (tmp_path / "x" / "y" / "a.txt").exists()
