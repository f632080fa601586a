import numpy as np
import pytest

from nuriwake.errors import RunCancelled
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.work import Task
from nuriwake.raster import as_raster
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
    assert not grown.shows_regions
    labels = grown.partition.own_labels
    assert not set(labels[scribbles == 1]) & set(labels[scribbles == 2])
