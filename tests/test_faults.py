"""The door of every file: one line, with the reason and without the library's chatter."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from nuriwake.errors import InputError, MissingDependencyError, UsageError
from nuriwake.io.faults import DAMAGED, check_file, reading, reason_of


@pytest.mark.parametrize("error", DAMAGED)
def test_what_decoders_raise_becomes_one_line(error):
    with pytest.raises(InputError, match=r"^a\.tif: cannot be read as a TIFF \(.+\)\.$"):  # noqa: SIM117
        with reading(Path("a.tif"), "a TIFF"):
            raise error


def test_what_is_ours_passes():
    for ours in (UsageError, InputError):
        with pytest.raises(ours, match=r"^as it was$"), reading("a", "a TIFF"):
            raise ours("as it was")
    with pytest.raises(MissingDependencyError, match="a: cannot be read"), reading("a", "a TIFF"):
        raise ImportError("no codec")
    with pytest.raises(KeyboardInterrupt), reading("a", "a TIFF"):
        raise KeyboardInterrupt


def test_warnings_are_kept_back():
    with reading("a", "a TIFF"):
        warnings.warn("chatter", stacklevel=1)


def test_reasons_are_a_part_of_a_line():
    assert reason_of(ValueError("\n\n  bad\x00 header.\nmore"), "") == "bad? header"
    assert reason_of(ValueError(f"{Path('/x/y.tif')} is bad"), Path("/x/y.tif")) == "y.tif is bad"
    assert len(reason_of(ValueError("x" * 5000))) < 200


def test_what_is_no_file(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    for path, message in (
        (tmp_path / "none", "no such file"),
        (tmp_path / "empty" / "inside", "no such file"),
        (tmp_path / "empty", r"empty \(0 bytes\)"),
        (tmp_path, "a folder"),
        (Path("/dev/null"), "a device or a pipe"),
    ):
        with pytest.raises(InputError, match=message):
            check_file(path)
