import numpy as np
import pytest

from nuriwake.errors import RunCancelled
from nuriwake.faces.web.downloads import look
from nuriwake.faces.web.preview import page_palette
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.work import Task
from nuriwake.raster import as_raster
from nuriwake.regions.editing import EditedCut
from nuriwake.settings import Settings


@pytest.mark.parametrize("recipe", ["fast", "icassp2018", "tip2020"])
def test_every_recipe_reports_its_steps_and_leaves_a_tree(blocks, recipe):
    seen = []
    task = Task("blocks.png", as_raster(blocks), Settings(recipe=recipe, max_iter=4, n_channels=8))
    grown = run_task(task, lambda progress: seen.append((progress.iteration, progress.labels())))
    assert [iteration for iteration, _ in seen] == [1, 2, 3, 4]
    assert seen[0][1].ndim == 2
    assert grown.shows_regions == (recipe == "fast")
    partition = grown.partition
    assert grown.shown is (partition.tree if grown.shows_regions else partition.label_tree)
    assert grown.shown.base.shape == partition.own_labels.shape == blocks.shape[:2]
    assert partition.name == "blocks.png"


def test_an_error_of_the_report_ends_the_training(blocks):
    seen = []

    def report(progress):
        seen.append(progress.iteration)
        if len(seen) == 3:
            raise RunCancelled("cancelled.")

    task = Task("blocks.png", as_raster(blocks), Settings(recipe="fast", max_iter=1000))
    with pytest.raises(RunCancelled):
        run_task(task, report)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("recipe", ["fast", "icassp2018"])
def test_scribbles_guide_the_result(blocks, recipe):
    scribbles = np.zeros(blocks.shape[:2], np.int32)
    scribbles[4:8, 4:8], scribbles[4:8, 24:28] = 1, 2
    settings = Settings(recipe=recipe, max_iter=30, n_channels=8)
    task = Task("blocks.png", as_raster(blocks), settings, scribbles)
    grown = run_task(task, lambda _: None)
    assert grown.shows_regions == (recipe == "fast")
    labels = grown.partition.own_labels
    assert not set(labels[scribbles == 1]) & set(labels[scribbles == 2])


def test_what_was_drawn_is_shown_first_as_the_command_line_writes_it(blocks):
    scribbles = np.zeros(blocks.shape[:2], np.int32)
    scribbles[4:8, 4:8], scribbles[4:8, 24:28] = 1, 2
    task = Task("blocks.png", as_raster(blocks), Settings(max_iter=30), scribbles)
    grown = run_task(task, lambda _: None)
    first = look(task, grown, EditedCut())
    assert grown.n_automatic == first.shown.parts.max() == 2
    np.testing.assert_array_equal(first.shown.labels, grown.partition.own_labels)
    assert set(np.unique(first.shown.labels)) == {1, 2}
    assert not first.shown.shows_regions  # files of objects are of the labels that were drawn
    # Each brush's colour, whatever the region's number.
    colours = first.colours[first.shown.parts]
    for brush in (1, 2):
        assert (colours[first.shown.labels == brush] == page_palette()[brush - 1]).all()
    finer = look(task, grown, EditedCut(3))
    assert finer.shown.shows_regions
    assert finer.shown.regions.max() == 3
