"""Pieces of work as files: what goes in comes out, and what is damaged is refused."""

import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.errors import InputError, UsageError
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.pyramid import Tiles, fit
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.session import LeafTags, Looked, open_session, pack_session
from nuriwake.faces.web.tags import RegionClass
from nuriwake.faces.web.work import Origin, Task
from nuriwake.raster import Raster
from nuriwake.settings import Settings

LIMITS = Limits()


@pytest.fixture(scope="module")
def work():
    rng = np.random.default_rng(0)
    array = rng.integers(0, 4000, (6, 8, 5)).repeat(4, 0).repeat(4, 1).astype(np.uint16)
    valid = np.ones((24, 32), bool)
    valid[:3, :5] = False
    scribbles = np.zeros((24, 32), np.int32)
    scribbles[8:10, 4:9], scribbles[20:22, 20:29] = 2, 1
    raster = Raster(array, valid)
    task = Task("scene 1.tif", raster, Settings(max_iter=3, seed=4), scribbles)
    return task, run_task(task, lambda _: None)


def looked_at(n_leaves):
    tags = LeafTags(classes=[RegionClass(name="leaf", colour="#00ff00")], ofLeaf=[1] * n_leaves)
    return Looked(cutName=None, cutCount=2, edits=["s9"], tags=tags)


@pytest.fixture(scope="module")
def packed(work):
    task, grown = work
    return pack_session(task, grown, looked_at(grown.shown.n_leaves), LIMITS)


def repacked(packed, **members):
    """Replace members of the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.split(".")[0], old.read(name)))
    return buffer.getvalue()


def head_with(packed, **changes):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        head = json.loads(archive.read("session.json"))
    return repacked(packed, session=json.dumps({**head, **changes}))


def test_what_goes_in_comes_out(work, packed):
    task, grown = work
    again, regrown, looked = open_session(packed, LIMITS)
    np.testing.assert_array_equal(again.raster.array, task.raster.array)
    assert again.raster.array.dtype == np.uint16
    np.testing.assert_array_equal(again.raster.valid, task.raster.valid)
    np.testing.assert_array_equal(again.scribbles, task.scribbles)
    assert (again.name, again.settings) == (task.name, task.settings)
    assert looked == looked_at(grown.shown.n_leaves)
    assert regrown.n_automatic == regrown.shown.min_regions  # labels were drawn
    np.testing.assert_array_equal(regrown.shown.base, grown.shown.base)
    np.testing.assert_array_equal(regrown.shown.merges, grown.shown.merges)
    np.testing.assert_array_equal(regrown.partition.tree.cut(5), grown.partition.tree.cut(5))


@pytest.fixture(scope="module")
def large():
    """A picture that is reduced, with the tiles of all of it."""
    values = np.random.default_rng(0).integers(0, 255, (90, 70, 3)).astype(np.uint8)
    raster, pyramid, encoded = fit(Raster(values, np.ones((90, 70), bool)), 2000)
    tiles = Tiles(pyramid, [len(tile) for tile in encoded], b"".join(encoded))
    task = Task("large.png", raster, Settings(max_iter=2), origin=Origin(0, 0, "", pyramid, tiles))
    return task, run_task(task, lambda _: None)


def test_tiles_are_kept_where_the_file_can_be_opened_again_with_them(large):
    task, grown = large
    packed = pack_session(task, grown, Looked(), LIMITS)
    again, _, _ = open_session(packed, LIMITS)
    for place in task.origin.pyramid.places():
        assert again.origin.tiles.read(place) == task.origin.tiles.read(place)
    small = Limits(upload_bytes=len(packed) - 1)
    packed = pack_session(task, grown, Looked(), small)
    again, _, _ = open_session(packed, small)
    assert again.origin.tiles is None
    assert again.origin.pyramid == task.origin.pyramid


@pytest.mark.parametrize("member", ["tiles", "tile_lengths"])
@pytest.mark.parametrize("data", [b"", b"123", bytes(64)])
def test_tiles_that_are_damaged_are_refused(large, member, data):
    packed = pack_session(*large, Looked(), LIMITS)
    with pytest.raises(InputError, match="session"):
        open_session(repacked(packed, **{member: data}), LIMITS)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"shape": [10**6, 10**6, 3]},
        {"shape": [24, 32, 6]},
        {"shape": [24, 31, 5]},
        {"dtype": "|O"},
        {"dtype": "|S9"},
        {"settings": {"device": "cuda"}},
        {"settings": {"self": 1}},
        {"looked": {"edits": ["x1"]}},
        {"looked": {"tags": {"classes": [{"name": "a", "colour": "url(evil)"}]}}},
        {"pyramid": {"height": 48, "width": 66, "reduction": 2}},
        {"more": 1},
    ],
)
def test_a_head_that_lies_is_refused(packed, changes):
    with pytest.raises(InputError, match="session"):
        open_session(head_with(packed, **changes), LIMITS)


@pytest.mark.parametrize("member", ["array", "valid", "scribbles", "result", "session"])
def test_members_that_are_damaged_or_missing_are_refused(packed, member):
    for data in (b"", b"\x93NUMPY", bytes(10**6)):
        with pytest.raises(InputError, match="session"):
            open_session(repacked(packed, **{member: data}), LIMITS)


@given(data=st.data())
@settings(max_examples=60)
def test_flipped_bytes_end_in_a_line(packed, data):
    broken = bytearray(packed)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    del broken[data.draw(st.integers(0, len(packed))) :]
    try:
        open_session(bytes(broken), LIMITS)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right


def test_what_could_not_be_opened_again_is_not_written(work):
    with pytest.raises(UsageError, match="a session of this picture"):
        pack_session(*work, Looked(), Limits(upload_bytes=1000))
