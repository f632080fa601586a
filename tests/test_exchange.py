"""Forms of annotation tools: what is written is read back by others, and by us, pixel by pixel."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from nuriwake.errors import InputError, UsageError
from nuriwake.io.exchange.annotated import Annotated, as_labels
from nuriwake.io.exchange.coco import compress, expand, write_coco, write_coco_polygons
from nuriwake.io.exchange.cvat import write_cvat
from nuriwake.io.exchange.imagej import write_imagej
from nuriwake.io.exchange.label_studio import pack, unpack, write_brush, write_polygons
from nuriwake.io.exchange.labelme import write_labelme
from nuriwake.io.exchange.qupath import write_qupath
from nuriwake.io.exchange.reading import read_annotations
from nuriwake.io.exchange.shapes import fill
from nuriwake.io.exchange.voc import write_voc
from nuriwake.io.exchange.yolo import write_yolo

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MAPS = hnp.arrays(np.int32, SHAPES, elements=st.integers(0, 3))
CLASSES = {1: "tree", 2: "road", 3: "a roof"}
#: A ring around a hole in which another object lies, and an object in two pieces.
RINGS = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [1, 2, 2, 2, 1, 3],
        [1, 2, 0, 2, 1, 0],
        [1, 2, 2, 2, 1, 3],
        [1, 1, 1, 1, 1, 0],
    ],
    np.int32,
)


def some(labels: np.ndarray) -> Annotated:
    if not labels.any():
        labels = labels.copy()
        labels[0, 0] = 2
    return Annotated("cup.png", labels, CLASSES)


def masks_of(picture: Annotated) -> dict[int, np.ndarray]:
    return {each: picture.objects == each for each in picture.ids}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # theirs
@given(MAPS)
def test_coco_is_read_by_its_own_tools(labels):
    mask = pytest.importorskip("pycocotools.mask")
    picture = some(labels)
    for write in (write_coco, write_coco_polygons):
        for annotation in json.loads(write(picture))["annotations"]:
            runs = annotation["segmentation"]
            if isinstance(runs, list):
                runs = mask.merge(mask.frPyObjects(runs, picture.height, picture.width))
            expected = picture.objects == annotation["id"]
            np.testing.assert_array_equal(mask.decode(runs).astype(bool), expected)
            assert annotation["area"] == expected.sum()
            assert annotation["bbox"] == mask.toBbox(runs).tolist()


def test_classes_are_coco_categories():
    table = json.loads(write_coco(Annotated("a.png", RINGS, CLASSES)))
    assert [each["name"] for each in table["categories"]] == ["a roof", "road", "tree"]
    assert [each["category_id"] for each in table["annotations"]] == [3, 2, 1]
    assert table["images"] == [{"id": 1, "file_name": "a.png", "width": 6, "height": 5}]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=12))
def test_compressed_run_lengths_expand_again(counts):
    assert expand(compress(counts)) == counts


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".json", write_coco),
        (".json", write_coco_polygons),
        (".json", write_labelme),
        (".json", write_brush),
        (".json", write_polygons),
        (".zip", write_imagej),
    ],
)
@given(labels=MAPS)
def test_what_was_written_is_read_as_drawn_labels(tmp_path_factory, suffix, write, labels):
    if suffix == ".zip":
        pytest.importorskip("roifile")
    picture = some(labels)
    path = tmp_path_factory.mktemp("exchange") / f"drawn{suffix}"
    path.write_bytes(write(picture))
    drawn = read_annotations(path, picture.objects.shape)
    np.testing.assert_array_equal(drawn.labels, as_labels(picture))
    assert drawn.note.endswith(
        ", ".join(f"{name} -> {i}" for i, name in enumerate(picture.classes, start=1))
    )


@given(hnp.arrays(bool, SHAPES))
def test_brush_strokes_unpack_again(mask):
    np.testing.assert_array_equal(unpack(pack(mask), mask.shape), mask)


def test_a_long_run_is_written_in_parts():
    mask = np.ones((300, 300), bool)
    mask[299, 299] = False
    np.testing.assert_array_equal(unpack(pack(mask), mask.shape), mask)


def test_a_brush_stroke_by_hand():
    """Eight values 255: 32 bits of size, 5 of word, 4 x 4 of lengths; one run of 8; padding."""
    bits = f"{8:032b}" + "00111" + "0010" + "0011" + "0111" + "1111" + "1" + "00" + "111" + "1" * 8
    bits += "0" * (8 - len(bits) % 8)
    assert pack(np.ones((1, 2), bool)) == [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_cvat_masks_are_runs_inside_their_boxes():
    picture = Annotated("a.png", RINGS, CLASSES)
    image = ElementTree.fromstring(write_cvat(picture)).find("image")
    assert (image.get("name"), image.get("width"), image.get("height")) == ("a.png", "6", "5")
    for mask, (each, expected) in zip(image, masks_of(picture).items(), strict=True):
        runs = [int(run) for run in mask.get("rle").split(",")]
        values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        left, top, width, height = (
            int(mask.get(name)) for name in ("left", "top", "width", "height")
        )
        found = np.zeros_like(expected)
        found[top : top + height, left : left + width] = values.reshape(height, width)
        np.testing.assert_array_equal(found, expected)
        assert mask.get("label") == CLASSES[each]


@given(MAPS)
def test_yolo_and_qupath_cover_as_many_pixels(labels):
    geometry = pytest.importorskip("shapely.geometry")
    picture = some(labels)
    expected = {each: int(mask.sum()) for each, mask in masks_of(picture).items()}
    found = json.loads(write_qupath(picture))["features"]
    shapes = [geometry.shape(feature["geometry"]) for feature in found]
    assert all(shape.is_valid for shape in shapes)
    assert [shape.area for shape in shapes] == list(expected.values())
    areas: dict[str, float] = {}
    for line in write_yolo(picture).decode().splitlines():
        number, *corners = line.split()
        ring = np.array(corners, float).reshape(-1, 2) * (picture.width, picture.height)
        x, y = ring.T
        area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        name = picture.classes[int(number)]
        areas[name] = areas.get(name, 0) + area
    assert areas == pytest.approx({CLASSES[each]: n for each, n in expected.items()}, rel=1e-5)


def test_imagej_rois_are_named_and_traced():
    roifile = pytest.importorskip("roifile")
    with zipfile.ZipFile(io.BytesIO(write_imagej(Annotated("a.png", RINGS, CLASSES)))) as archive:
        rois = {
            name: roifile.ImagejRoi.frombytes(archive.read(name)) for name in archive.namelist()
        }
    assert list(rois) == ["tree-1.roi", "road-2.roi", "a roof-3.roi"]
    ring = rois["tree-1.roi"]
    assert (ring.left, ring.top, ring.right, ring.bottom) == (0, 0, 5, 5)
    assert len(ring.coordinates(multi=True)) == 2


def test_voc_is_a_picture_of_classes():
    with Image.open(io.BytesIO(write_voc(Annotated("a.png", RINGS, CLASSES)))) as classes:
        assert classes.mode == "P"
        assert classes.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]
        values = np.asarray(classes)
    np.testing.assert_array_equal(values, np.choose(RINGS, [255, 3, 2, 1]))
    many = np.arange(1, 256, dtype=np.int32)[None]
    with pytest.raises(UsageError, match="`--save voc` must be at most 254 classes; got 255"):
        write_voc(Annotated("a.png", many, {i: str(i) for i in range(1, 256)}))


def test_shapes_that_people_draw_in_labelme(tmp_path):
    shapes = [
        {"label": "box", "points": [[1, 1], [4, 3]], "shape_type": "rectangle"},
        {"label": "ring", "points": [[7.5, 2.5], [7.5, 3.5]], "shape_type": "circle"},
        {"label": "path", "points": [[1, 6], [8, 6]], "shape_type": "linestrip"},
        {"label": "hat", "points": [[0, 8], [4, 8], [4, 9]], "shape_type": "polygon"},
    ]
    path = tmp_path / "drawn.json"
    path.write_text(json.dumps({"shapes": shapes, "imageHeight": 10, "imageWidth": 10}))
    drawn = read_annotations(path)
    assert [int((drawn.labels == i).sum()) for i in (1, 3, 4)] == [6, 27 + 3, 5]
    assert drawn.note.endswith("box -> 1, hat -> 2, path -> 3, ring -> 4")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[{}]",
        "{}",
        '{"shapes": 3, "imageHeight": 4, "imageWidth": 4}',
        '{"shapes": [], "imageHeight": 4, "imageWidth": 4}',
        '{"shapes": [], "imageHeight": 1e300, "imageWidth": 4}',
        '{"shapes": [], "imageHeight": 10000000, "imageWidth": 10000000}',
        '{"shapes": [{"label": "a", "points": [[0, 0], [9, 9]], "shape_type": "mask", '
        '"mask": "iVBO"}], "imageHeight": 4, "imageWidth": 4}',
        '{"images": [{"height": 2, "width": 2}, {}], "annotations": []}',
        '{"images": [{"height": 2, "width": 2}], "annotations": [{"category_id": 1, '
        '"segmentation": {"counts": "9"}}]}',
        '{"images": [{"height": 2, "width": 2}], "annotations": [{"category_id": 1, '
        '"segmentation": {"counts": [-1, 5]}}]}',
        '[{"predictions": [{"result": [{"original_width": 2, "original_height": 2, '
        '"type": "brushlabels", "value": {"rle": [1, 2, 3]}}]}]}]',
        "[" * 100_000,
        "Iout",
        "PK\x03\x04",
    ],
)
def test_broken_annotations_cost_one_line(tmp_path, content):
    path = tmp_path / "drawn.json"
    path.write_text(content)
    with pytest.raises(InputError) as raised:
        read_annotations(path, (4, 4))
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(str(path))


def _labelme(path, shapes, side=10):
    path.write_text(json.dumps({"shapes": shapes, "imageHeight": side, "imageWidth": side}))
    return path


@given(
    st.lists(
        hnp.arrays(np.float64, st.tuples(st.integers(3, 6), st.just(2)),
                   elements=st.integers(-12, 40).map(lambda n: n / 4)),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_rings_are_filled_where_they_are_left_an_odd_number_of_times(rings):
    """A quarter of a pixel at a time, so that corners fall on the centres too."""
    expected = np.zeros((7, 8), int)
    for ring in rings:
        for (top, left), (bottom, right) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            for row, column in np.ndindex(expected.shape):
                if (top <= row + 0.5) != (bottom <= row + 0.5):
                    crossing = left + (row + 0.5 - top) * (right - left) / (bottom - top)
                    expected[row, column] += crossing <= column + 0.5
    patch = fill(rings, expected.shape)
    found = np.zeros(expected.shape, bool)
    found[patch.slices] = patch.mask
    np.testing.assert_array_equal(found, expected % 2 == 1)


def test_a_picture_of_another_size_is_refused_before_anything_is_painted(tmp_path):
    shapes = [{"label": "a", "points": [[0, 0], [9, 0], [9, 9]]}]
    path = _labelme(tmp_path / "drawn.json", shapes, side=2**30)
    with pytest.raises(InputError, match="must have the image's size, 4 x 4 pixels; got 10737418"):
        read_annotations(path, (4, 4))
    with pytest.raises(InputError, match=r"in a file of .* damaged, or made to fill"):
        read_annotations(path)


def test_one_mask_is_alive_at_a_time(tmp_path):
    corners = [[0, 0], [1000, 0], [1000, 1000], [0, 1000]]
    shapes = [{"label": "ab"[i % 2], "points": corners} for i in range(40)]
    path = _labelme(tmp_path / "drawn.json", shapes, side=1000)
    read_annotations(path)  # what is imported and parsed the first time
    tracemalloc.start()
    drawn = read_annotations(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (drawn.labels == 2).all()
    assert peak < 12 * 1000**2


def test_a_turned_rectangle_of_label_studio(tmp_path):
    """Four wide and two high, turned by a quarter about its corner (6, 1): it hangs to the left."""
    value = {"x": 60, "y": 10, "width": 40, "height": 20, "rotation": 90, "rectanglelabels": ["r"]}
    result = {"original_width": 10, "original_height": 10, "type": "rectanglelabels",
              "value": value}  # fmt: skip
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    path = tmp_path / "drawn.json"
    path.write_text(json.dumps([{"annotations": [{"result": [choice, result]}]}]))
    expected = np.zeros((10, 10), int)
    expected[1:5, 4:6] = 1
    np.testing.assert_array_equal(read_annotations(path).labels, expected)


def test_an_open_roi_is_a_line(tmp_path):
    roifile = pytest.importorskip("roifile")
    roi = roifile.ImagejRoi.frompoints([[2, 2], [2, 7], [7, 7]], name="path")
    roi.roitype = roifile.ROI_TYPE.POLYLINE
    (tmp_path / "a.roi").write_bytes(roi.tobytes())
    drawn = read_annotations(tmp_path / "a.roi", (10, 10)).labels
    assert drawn[4, 2]
    assert drawn[7, 5]
    assert not drawn[4, 6]


def test_names_of_classes_cannot_break_the_line(tmp_path):
    shapes = [
        {"label": f"a\n\x1b[31m{i:03}", "points": [[0, 0], [9, 0], [9, 9]]} for i in range(50)
    ]
    note = read_annotations(_labelme(tmp_path / "drawn.json", shapes)).note
    assert note.isprintable()
    assert note.endswith("a??[31m019 -> 20 and 30 more")


@pytest.mark.parametrize("text", ["o" * 10**6, "\x00", "0\U0010ffff"])
def test_run_lengths_without_end_are_refused(text):
    with pytest.raises(ValueError, match="no numbers"):
        expand(text)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "drawn.json"
    with path.open("wb") as stream:
        stream.write(b"[")
        stream.truncate(65 << 20)
    with pytest.raises(InputError, match="at most 64 MiB; got 65 MiB"):
        read_annotations(path)


def test_an_archive_that_unfolds_is_refused(tmp_path):
    pytest.importorskip("roifile")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.roi", b"Iout" + bytes(17 << 20))
    with pytest.raises(InputError, match="1 ROIs, 17825796 bytes each"):
        read_annotations(tmp_path / "a.zip", (4, 4))
