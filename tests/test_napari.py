"""The napari plugin, driven in a viewer; `make test-napari` gives it napari and a screen."""

import os
import sys
import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

if find_spec("napari") is None:
    assert os.environ.get("NURIWAKE_REQUIRE_NAPARI") != "1", "napari is not installed"
    pytest.skip("napari is not installed: make test-napari", allow_module_level=True)

from napari.layers import Image, Labels
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QApplication

from nuriwake.errors import InputError, NuriwakeError, OutputError, UsageError
from nuriwake.faces.napari.files import get_result_reader, write_model, write_result
from nuriwake.faces.napari.shown import shown_of
from nuriwake.faces.napari.subject import find_channels, take_subject
from nuriwake.faces.napari.work import segment_work
from nuriwake.raster import as_raster
from nuriwake.segmenter import finish_steps, segment_steps
from nuriwake.settings import Settings
from nuriwake.volume_segmenter import segment_volume

SHOTS = Path("test-output")


def picture(side=96):
    """Four flat quarters with a little noise; the last has two tones."""
    image = np.zeros((side, side, 3), np.float64)
    half = side // 2
    image[:half, :half], image[:half, half:] = (200, 60, 40), (40, 160, 70)
    image[half:, :half], image[half:, half:] = (60, 70, 190), (210, 200, 90)
    image[half + half // 2 :, half:] = (190, 180, 80)
    noise = np.random.default_rng(0).normal(0, 4, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def panel_of(make_napari_viewer):
    """Open a viewer with layers and the docked widget."""

    def open_panel(*layers, viewer=None):
        viewer = viewer or make_napari_viewer()
        for layer in layers:
            viewer.add_layer(layer)
        _, panel = viewer.window.add_plugin_dock_widget("nuriwake", "Segment")
        return viewer, panel

    return open_panel


def finish(qtbot, panel):
    qtbot.waitUntil(lambda: not panel._job.is_running, timeout=60_000)


def shoot(viewer, name):
    """Keep a picture of the window for people to look at, in few colours."""
    SHOTS.mkdir(exist_ok=True)
    viewer.window._qt_window.resize(1280, 860)
    QApplication.processEvents()
    shot = viewer.screenshot(canvas_only=False, flash=False)
    assert np.unique(shot.reshape(-1, 4), axis=0).shape[0] > 50
    PIL.Image.fromarray(shot[:, :, :3]).quantize(256).save(SHOTS / name, optimize=True)


def count(layer):
    return len(np.unique(layer.data[layer.data > 0]))


def test_segment_slide_scribble_merge_save_and_reopen(panel_of, qtbot, tmp_path):
    viewer, panel = panel_of(Image(picture(), name="quarters", rgb=True))
    controls = panel.controls
    assert controls.image.value.name == "quarters"
    assert controls.channels.value == "2"

    seen = []
    viewer.layers.events.inserted.connect(lambda event: seen.append(event.value.name))
    controls.run.native.click()
    assert controls.cancel.enabled
    finish(qtbot, panel)
    assert seen[0] == "learning"
    assert "learning" not in viewer.layers
    regions = viewer.layers["quarters regions"]
    steps = segment_steps(as_raster(picture()), Settings())
    np.testing.assert_array_equal(regions.data, finish_steps(steps).regions)

    controls.settings.native.click()
    assert panel._settings.isVisible()
    controls.settings.native.click()
    assert not panel._settings.isVisible()

    # The slider and the number cut at once; details too.
    tree = shown_of(regions).tree
    controls.count.value = 7
    np.testing.assert_array_equal(regions.data, tree.cut(7))
    controls.slider.value = 0
    assert count(regions) == controls.count.value == 1
    controls.slider.value = controls.slider.max
    assert count(regions) == controls.count.value == tree.n_leaves
    controls.details["fine"].native.click()
    np.testing.assert_array_equal(regions.data, tree.cut(detail="fine"))

    # The picked region is split and merged along the tree, and that is taken back.
    controls.count.value = 4
    before = regions.data.copy()
    regions.selected_label = int(before[80, 80])
    controls.split.native.click()
    assert count(regions) == 5
    np.testing.assert_array_equal(regions.data[:48], before[:48])
    regions.selected_label = int(regions.data[80, 80])
    controls.merge.native.click()
    np.testing.assert_array_equal(regions.data, before)
    controls.undo.native.click()
    controls.undo.native.click()
    assert shown_of(regions).cut.edits == ()
    regions.selected_label = int(regions.data[80, 80])
    controls.split.native.click()
    assert count(regions) == 5

    controls.confidence.native.click()
    controls.contours.native.click()
    contours = viewer.layers["quarters regions contours"]
    assert contours.data.shape == regions.data.shape
    assert np.isfinite(contours.data).all()
    for layer in (viewer.layers["quarters regions confidence"], contours):
        layer.visible = False

    # Save and reopen: the same cut, the same edits, and it can be cut again.
    shown, path = regions.data.copy(), tmp_path / "quarters.result.npz"
    panel.save(str(path))
    viewer.layers.clear()
    assert controls.result.value is None
    viewer.open(str(path), plugin="nuriwake")
    assert [layer.name for layer in viewer.layers] == ["quarters", "quarters regions"]
    again = viewer.layers["quarters regions"]
    np.testing.assert_array_equal(again.data, shown)
    controls.undo.native.click()
    np.testing.assert_array_equal(again.data, before)

    # Scribbles: two brushes, and everything takes the label of its stroke.
    controls.draw.native.click()
    scribbles = viewer.layers["scribbles"]
    scribbles.data[10:14, 10:30], scribbles.data[70:74, 60:80] = 2, 5
    controls.relearn.native.click()
    finish(qtbot, panel)
    assert controls.result.value.data[12, 20] == 2
    assert controls.result.value.data[72, 70] == 5
    assert count(controls.result.value) == 2
    panel.save(str(path))
    viewer.open(str(path), plugin="nuriwake")
    np.testing.assert_array_equal(viewer.layers[-1].data, controls.result.value.data)
    viewer.layers.remove(viewer.layers[-1])
    controls.count.value = 4
    assert count(controls.result.value) == 4

    shoot(viewer, "napari-test.png")


def test_the_number_is_refused_where_scribbles_keep_regions_apart(panel_of, qtbot):
    viewer, panel = panel_of(Image(picture(), name="quarters", rgb=True))
    panel.controls.draw.native.click()
    viewer.layers["scribbles"].data[10:14, 10:30] = 1
    panel.controls.relearn.native.click()
    finish(qtbot, panel)
    assert "at least 2 different labels" in panel.controls.status.value
    viewer.layers["scribbles"].data[70:74, 60:80] = 2
    panel.controls.relearn.native.click()
    finish(qtbot, panel)
    panel.controls.count.value = 1
    assert "`n_regions` must be an int in [2" in panel.controls.status.value
    assert count(panel.controls.result.value) == 2


def test_cancel_stops_the_training(panel_of, qtbot):
    viewer, panel = panel_of(Image(picture(), name="quarters", rgb=True))
    panel.controls.form.recipe.value = "tip2020"
    panel.controls.form.container["max_iter"].value = 1_000_000
    panel.controls.form.container["min_labels"].value = 1
    panel.controls.run.native.click()
    qtbot.waitUntil(lambda: "learning" in viewer.layers, timeout=60_000)
    panel.controls.cancel.native.click()
    assert "learning" not in viewer.layers
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0, timeout=60_000)
    assert [layer.name for layer in viewer.layers] == ["quarters"]
    # Stopping is not cancelling: what was learned so far is kept.
    panel.controls.run.native.click()
    qtbot.waitUntil(lambda: "learning" in viewer.layers, timeout=60_000)
    panel.controls.stop.native.click()
    finish(qtbot, panel)
    assert [layer.name for layer in viewer.layers] == ["quarters", "quarters labels"]


def count_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_twenty_widgets_leave_no_thread(panel_of, qtbot, make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(picture(48), name="quarters", rgb=True)
    pool, most = QThreadPool.globalInstance(), 0
    for nth in range(20):
        _, panel = panel_of(viewer=viewer)
        panel.controls.form.recipe.value = "tip2020"
        panel.controls.form.container["max_iter"].value = 1_000_000
        panel.controls.form.container["min_labels"].value = 1
        panel.controls.run.native.click()
        qtbot.waitUntil(lambda: "learning" in viewer.layers, timeout=60_000)
        viewer.window.remove_dock_widget(panel.native)
        qtbot.waitUntil(lambda: pool.activeThreadCount() == 0, timeout=60_000)
        if nth < 10:
            most = max(most, count_threads())
        else:
            # Qt keeps its threads for the next work, and one that is ending may be seen for a
            # moment; their number must not grow.
            qtbot.waitUntil(lambda bound=most: count_threads() <= bound, timeout=10_000)
    assert threading.active_count() <= 1 + pool.maxThreadCount()
    assert [layer.name for layer in viewer.layers] == ["quarters"]


def test_what_the_first_press_needs_is_loaded_in_a_thread(panel_of, qtbot, monkeypatch):
    threads = []
    monkeypatch.setattr(
        "nuriwake.faces.napari.job.warm_up", lambda: threads.append(threading.current_thread())
    )
    monkeypatch.delitem(sys.modules, "nuriwake.segmenter")  # as in a new process
    panel_of()
    qtbot.waitUntil(lambda: bool(threads))
    assert threads != [threading.main_thread()]


def test_a_plane_of_a_stack_lies_where_it_was(panel_of, qtbot):
    stack = np.stack([picture(), picture()[::-1], picture()[:, ::-1]])
    viewer, panel = panel_of(Image(stack, name="stack", rgb=True, scale=(4, 0.5, 0.5)))
    viewer.dims.set_current_step(0, 2)
    panel.controls.run.native.click()
    finish(qtbot, panel)
    layer = viewer.layers["stack regions"]
    assert layer.data.shape == (1, 96, 96)
    np.testing.assert_array_equal(layer.translate, (8, 0, 0))
    np.testing.assert_array_equal(layer.scale, (4, 0.5, 0.5))
    steps = segment_steps(as_raster(stack[2]), Settings())
    np.testing.assert_array_equal(layer.data[0], finish_steps(steps).regions)


def test_all_planes_have_one_network_whose_model_labels_other_images(panel_of, qtbot, tmp_path):
    grey = picture(64)[:, :, 0]
    stack = np.stack([grey, grey[::-1], np.full_like(grey, 200)])
    viewer, panel = panel_of(Image(stack, name="stack"))
    panel.controls.scope.value = "all planes, one network"
    panel.controls.run.native.click()
    finish(qtbot, panel)
    layer = viewer.layers["stack labels"]
    assert layer.data.shape == (3, 64, 64)
    assert panel.controls.result.value is None
    model = shown_of(layer).model
    for page, labels in zip(stack, layer.data, strict=True):
        np.testing.assert_array_equal(labels, model.predict(page))

    path = tmp_path / "model.safetensors"
    assert layer.save(str(path)) == [str(path)]
    viewer.layers.clear()
    viewer.open(str(path), plugin="nuriwake")
    viewer.add_image(stack[0], name="other")
    panel.controls.apply.native.click()
    finish(qtbot, panel)
    np.testing.assert_array_equal(viewer.layers["other labels"].data, layer.data[0])


def test_a_volume_is_cut_as_one(panel_of, qtbot, tmp_path):
    rng = np.random.default_rng(0)
    volume = rng.normal(50, 3, (8, 40, 40))
    volume[2:6, 8:20, 8:20] += 100
    volume[3:7, 24:36, 24:36] += 150
    viewer, panel = panel_of(Image(volume, name="cells", scale=(2, 1, 1)))
    seen = []
    viewer.layers.events.inserted.connect(lambda event: seen.append(event.value))
    panel.controls.scope.value = "volume, one tree"
    panel.controls.run.native.click()
    finish(qtbot, panel)
    assert seen[0].name == "learning"
    assert seen[0].data.ndim == 3
    np.testing.assert_allclose(seen[0].extent.world, viewer.layers["cells"].extent.world, atol=3)
    regions = panel.controls.result.value
    result = segment_volume(volume, spacing=(2, 1, 1))
    np.testing.assert_array_equal(regions.data, result.regions)
    panel.controls.count.value = 3
    np.testing.assert_array_equal(regions.data, result.cut(3))
    regions.selected_label = int(regions.data[4, 14, 14])
    panel.controls.split.native.click()
    assert count(regions) == 4
    panel.controls.draw.native.click()
    assert "not volumes. Merge and split" in panel.controls.status.value
    panel.controls.contours.native.click()
    assert "no contours of volumes" in panel.controls.status.value
    panel.save(str(tmp_path / "a.npz"))
    (again,) = viewer.open(str(tmp_path / "a.npz"), plugin="nuriwake")
    np.testing.assert_array_equal(again.data, regions.data)
    assert tuple(again.scale) == (2, 1, 1)
    panel.controls.result.value = again
    panel.controls.undo.native.click()
    assert count(again) == 3
    # Everything along the tree: what is picked stays picked, whatever its number.
    cut = again.data.copy()
    again.selected_label = int(cut[4, 14, 14])
    inside = cut == again.selected_label
    panel.controls.split.native.click()
    panel.controls.split.native.click()
    assert count(again) == 5
    assert (again.data == again.selected_label)[inside].any()
    assert not (again.data == again.selected_label)[~inside].any()
    for _ in range(2):
        panel.controls.merge.native.click()
    assert again.selected_label == again.data[4, 14, 14]
    np.testing.assert_array_equal(again.data == again.selected_label, inside)
    for _ in range(4):
        panel.controls.undo.native.click()
    np.testing.assert_array_equal(again.data, cut)
    panel.controls.merge.native.click()
    assert count(again) < 3
    panel.controls.form.recipe.value = "tip2020"
    panel.controls.run.native.click()
    assert "'fast' for a volume" in panel.controls.status.value


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (Image(np.zeros((8, 9, 3), np.uint8), rgb=True), 2),
        (Image(np.zeros((8, 9, 3), np.uint8), rgb=False), None),
        (Image(np.zeros((4, 8, 9)), axis_labels=("c", "y", "x")), 0),
        (Image(np.zeros((8, 9, 4)), axis_labels=("y", "x", "channel")), 2),
        (Image(np.zeros((5, 4, 8, 9)), metadata={"axes": "ZCYX"}), 1),
        (Image(np.zeros((4, 8, 9)), metadata={"channel_axis": 0}), 0),
        (Image(np.zeros((4, 8, 9)), metadata={"channel_axis": 7}), None),
    ],
)
def test_channels_are_where_the_layer_says(layer, axis):
    assert find_channels(layer) == axis


def test_channels_come_last_and_contrast_does_not_count():
    data = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    layer = Image(
        data, axis_labels=("z", "c", "y", "x"), contrast_limits=(0, 1), scale=(2, 1, 3, 3)
    )
    subject = take_subject(layer, find_channels(layer), (2.0, 0.0, 0.0, 0.0))
    np.testing.assert_array_equal(subject.picture().array, np.moveaxis(data[1], 0, -1))
    # One map for all channels: it spans their axis.
    assert subject.shape == (1, 1, 4, 5)
    assert subject.placement.scale == (2.0, 3.0, 3.0, 3.0)
    assert subject.placement.translate == (2.0, 1.0, 0.0, 0.0)
    whole = take_subject(layer, 1, (0.0, 0.0, 0.0, 0.0), "planes")
    assert whole.shape == (2, 1, 4, 5)
    np.testing.assert_array_equal(whole.raster((1,)).array, subject.picture().array)
    coarse, place = subject.place_coarse(np.zeros((2, 5), np.int64))
    assert coarse.shape == (1, 1, 2, 5)
    assert place.scale == (2.0, 3.0, 6.0, 3.0)


def test_what_cannot_be_done_is_told_in_one_line(tmp_path):
    layer = Image(np.zeros((4, 8, 9)))
    with pytest.raises(UsageError, match=r"\[0, 2\]"):
        take_subject(layer, 3, (0, 0, 0))
    with pytest.raises(UsageError, match="two axes besides"):
        take_subject(Image(np.zeros((8, 9))), 1, (0, 0))
    with pytest.raises(InputError, match="New scribbles"):
        take_subject(layer, None, (0, 0, 0)).drawn(np.zeros((8, 8), np.uint8))
    waves = replace(take_subject(layer, None, (0, 0, 0)), data=np.zeros((4, 8, 9), complex))
    with pytest.raises(InputError, match="real values; got complex128"):
        waves.picture()
    for write in (write_result, write_model):
        with pytest.raises(OutputError, match="'mine' has no"):
            write(str(tmp_path / "a.npz"), None, {"name": "mine", "metadata": {}})
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    assert get_result_reader(str(tmp_path / "other.npz")) is None
    assert get_result_reader(str(tmp_path / "missing.npz")) is None


def test_errors_of_pytorch_are_not_dropped(monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("out of memory\nmore")
        yield

    monkeypatch.setattr("nuriwake.segmenter.segment_steps", broken)
    work = segment_work(take_subject(Image(np.zeros((8, 9))), None, (0, 0)), Settings())
    next(work)
    with pytest.raises(NuriwakeError, match=r"failed: out of memory$"):
        next(work)


@pytest.mark.parametrize("sample", ["coffee", "coins", "tissue"])
def test_samples_open(make_napari_viewer, sample):
    viewer = make_napari_viewer()
    (layer,) = viewer.open_sample("nuriwake", sample)
    assert isinstance(layer, Image)
    assert layer.rgb == (sample != "coins")


def test_scribble_layers_are_those_that_are_no_results(panel_of):
    _, panel = panel_of(Labels(np.zeros((8, 9), np.uint8), name="mine"))
    assert [layer.name for layer in panel.controls.scribbles.choices if layer] == ["mine"]
    assert panel.controls.image.value is None
    panel.controls.run.native.click()
    assert "no image layer" in panel.controls.status.value
    panel.controls.apply.native.click()
    assert "no model" in panel.controls.status.value


def test_the_picture_of_the_documentation(panel_of, qtbot, make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.open_sample("nuriwake", "coffee")
    _, panel = panel_of(viewer=viewer)
    panel.controls.run.native.click()
    finish(qtbot, panel)
    panel.controls.count.value = 12
    regions = panel.controls.result.value
    assert count(regions) == 12
    regions.contour, regions.opacity = 0, 0.55
    regions.mode = "pick"
    viewer.reset_view()
    shoot(viewer, "napari.png")
