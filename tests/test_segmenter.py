"""segment() and Segmenter: any raster in, labels out, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

import nuriwake
from nuriwake.errors import InputError, UsageError
from nuriwake.estimator import Segmenter
from nuriwake.segmenter import segment
from nuriwake.volume_segmenter import segment_volume

QUICK = {"max_iter": 4, "n_channels": 8, "max_labels": 12}
RECIPES = ("fast", "icassp2018", "tip2020")
RNG = np.random.default_rng(1)

INPUTS = {
    "rgb": RNG.integers(0, 256, (11, 13, 3), dtype=np.uint8),
    "grey": RNG.integers(0, 256, (11, 13), dtype=np.uint8),
    "seven bands": RNG.integers(0, 4096, (11, 13, 7), dtype=np.uint16),
    "float": RNG.normal(size=(11, 13, 2)).astype(np.float32),
    "constant": np.full((11, 13, 3), 9, np.uint8),
    "one pixel": np.array([[[1, 2, 3]]], np.uint8),
    "one row": RNG.integers(0, 256, (1, 13, 3), dtype=np.uint8),
    "bool": RNG.random((11, 13)) > 0.5,
}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", INPUTS)
def test_any_raster_gets_labels(recipe, name):
    image = INPUTS[name]
    result = segment(image, recipe=recipe, **QUICK)
    assert result.labels.shape == image.shape[:2]
    assert result.labels.dtype == np.int32
    assert result.labels.min() >= 1
    assert result.labels.max() <= 12
    assert np.isfinite(result.confidence).all()
    assert all(np.isfinite(row.loss) for row in result.history)


@pytest.mark.parametrize("recipe", RECIPES)
def test_invalid_pixels_get_label_0_and_teach_nothing(recipe):
    image = INPUTS["float"].copy()
    image[:3, :4] = np.nan
    other = image.copy()
    other[:3, :4] = np.inf
    one, two = (segment(i, recipe=recipe, **QUICK) for i in (image, other))
    assert (one.labels[:3, :4] == 0).all()
    assert (one.labels[3:] > 0).all()
    np.testing.assert_array_equal(one.labels, two.labels)


def test_an_image_without_valid_pixels_is_one_clear_error():
    with pytest.raises(InputError, match="no valid pixel"):
        segment(np.full((4, 4), np.nan))
    with pytest.raises(InputError, match="no valid pixel"):
        segment(np.ones((4, 4)), valid=np.zeros((4, 4), bool))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_run_gives_the_same_labels_bit_for_bit(recipe, blocks):
    one, two = (segment(blocks, recipe=recipe, **QUICK) for _ in range(2))
    np.testing.assert_array_equal(one.labels, two.labels)
    np.testing.assert_array_equal(one.confidence, two.confidence)
    assert one.history == two.history


def test_another_seed_is_another_run(blocks):
    one, two = (segment(blocks, recipe="icassp2018", seed=seed, **QUICK) for seed in (0, 1))
    assert one.history != two.history


def test_three_flat_colours_become_three_regions(blocks):
    result = segment(blocks, recipe="icassp2018", max_iter=60, n_superpixels=60, min_labels=3)
    for part in (np.s_[3:-3, 3:13], np.s_[3:9, 19:29], np.s_[15:21, 19:29]):
        _, counts = np.unique(result.labels[part], return_counts=True)
        assert counts.max() / counts.sum() > 0.8
    centres = {int(result.labels[p]) for p in ((12, 7), (6, 24), (18, 24))}
    assert len(centres) == 3


def test_on_step_sees_every_step_and_can_stop(blocks):
    seen = []
    segment(blocks, on_step=lambda step: seen.append(step.iteration), **QUICK)
    assert seen == [1, 2, 3, 4]
    result = segment(blocks, on_step=lambda step: step.iteration == 2, **QUICK)
    assert len(result.history) == 2
    assert result.labels.min() == 1


def test_fit_then_predict_repeats_the_labels(blocks):
    segmenter = Segmenter(recipe="icassp2018", **QUICK).fit(blocks)
    agreement = (segmenter.predict(blocks) == segmenter.labels_).mean()
    assert agreement >= 0.99
    assert segmenter.predict(blocks[:7, :9]).shape == (7, 9)


def test_predict_before_fit_and_with_other_bands(blocks):
    segmenter = Segmenter(**QUICK)
    with pytest.raises(UsageError, match="not fitted yet"):
        segmenter.predict(blocks)
    with pytest.raises(InputError, match="1 bands where the model was trained on 3"):
        segmenter.fit(blocks).predict(blocks[:, :, 0])


def test_scikit_learn_clones_it(blocks):
    segmenter = Segmenter(seed=3, **QUICK)
    copy = clone(segmenter)
    assert copy is not segmenter
    assert copy.get_params() == segmenter.get_params() == {"seed": 3, **QUICK}
    np.testing.assert_array_equal(copy.fit_predict(blocks), segmenter.fit_predict(blocks))
    assert clone(segmenter).set_params(seed=4).get_params()["seed"] == 4


def test_the_constructor_only_stores():
    segmenter = Segmenter(n_layers=0)
    assert repr(segmenter) == "Segmenter(n_layers=0)"
    with pytest.raises(UsageError, match="`n_layers`"):
        segmenter.fit(np.zeros((4, 4)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_any_number_of_regions_without_training(recipe, blocks):
    result = segment(blocks, recipe=recipe, regions=3, labels=2, **QUICK)
    assert np.unique(result.regions).tolist() == [1, 2, 3]
    assert np.unique(result.labels).tolist() == [1, 2]
    assert result.cut(5).max() == 5
    assert result.read(n_regions=2).n_regions == 2
    with pytest.raises(UsageError, match="`n_regions` must be an int in"):
        result.cut(10**6)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"regions": "x"}, "`regions` must be \"auto\" or an int of 1 or more; got 'x'"),
        ({"regions": True}, "`regions` must be .*; got True"),
        ({"labels": 0}, "`labels` must be None or an int of 1 or more; got 0"),
        ({"detail": "much"}, "`detail` must be one of fine, medium, coarse; got 'much'"),
        ({"regions": 3, "detail": "fine"}, "give `regions` or `detail`, not both"),
    ],
)
def test_what_no_image_has_is_refused_before_the_training(asked, message, blocks):
    with pytest.raises(UsageError, match=message):
        segment(blocks, on_step=pytest.fail, **asked)
    with pytest.raises(UsageError, match=message):
        segment_volume(np.stack([blocks, blocks]), on_step=pytest.fail, **asked)


@pytest.mark.parametrize("name", ["regions", "labels"])
def test_numbers_that_this_image_has_not_are_named_as_they_were_given(name, blocks):
    with pytest.raises(UsageError, match=rf"`{name}` must be an int in \[1, \d+\]; got 100000"):
        segment(blocks, **{name: 100_000}, **QUICK)


def test_wrong_calls_of_a_result_are_told(blocks, tmp_path):
    result = segment(blocks, **QUICK)
    with pytest.raises(UsageError, match="`altitude` must be a number; got 'x'"):
        result.cut(altitude="x")
    with pytest.raises(UsageError, match="`altitude` must be a number; got nan"):
        result.cut(altitude=float("nan"))
    with pytest.raises(UsageError, match=r"`opacity` must be a number in \[0, 1\]; got 2"):
        result.overlay(2)
    for labels in (np.ones((3, 3), int), -result.regions, result.confidence):
        with pytest.raises(InputError, match="`labels` must be integers of 0 or more of shape"):
            result.overlay(labels=labels)
    path = f"{tmp_path}/a.npz"  # a str, as load_model takes
    nuriwake.save_result(path, result)
    np.testing.assert_array_equal(nuriwake.load_result(path).regions, result.regions)


def test_pictures_show_what_was_asked_for(blocks):
    result = segment(blocks, **QUICK)
    drawn = np.zeros((24, 32), np.int32)
    drawn[4:8, 3:6], drawn[5:7, 20:24] = 4, 9
    for shown, labels in (
        (result, result.regions),
        (result.read(n_labels=2), result.label_tree.cut(2)),
        (result.read(n_regions=3, n_labels=2), result.cut(3)),
    ):
        np.testing.assert_array_equal(shown.overlay(), shown.overlay(labels=labels))
    guided = segment(blocks, scribbles=drawn, **QUICK)
    np.testing.assert_array_equal(guided.overlay(), guided.overlay(labels=guided.labels))


def test_published_recipes_show_the_connected_parts_of_their_labels(blocks):
    from nuriwake.regions.components import connected_components

    result = segment(blocks, recipe="icassp2018", **QUICK)
    np.testing.assert_array_equal(result.regions, connected_components(result.labels))


def test_fast_finds_the_three_blocks(blocks):
    regions = segment(blocks, regions=3).regions
    for part in (np.s_[:, :15], np.s_[:11, 17:], np.s_[13:, 17:]):
        _, counts = np.unique(regions[part], return_counts=True)
        assert counts.max() / counts.sum() > 0.95


def test_scribbles_keep_regions_apart_in_fast(blocks):
    drawn = np.zeros((24, 32), np.int32)
    drawn[4:8, 3:6], drawn[4:8, 10:13], drawn[5:7, 20:24] = 4, 2, 9
    result = segment(blocks, scribbles=drawn)
    for labels in (result.labels, result.cut(result.tree.min_regions)):
        assert len({int(labels[5, 4]), int(labels[5, 11]), int(labels[6, 22])}) == 3
    assert (result.labels[drawn > 0] == drawn[drawn > 0]).mean() >= 0.97


def test_notebooks_show_the_result(blocks):
    result = nuriwake.segment(blocks, **QUICK)
    assert result._repr_png_().startswith(b"\x89PNG")
    assert "32 × 24 pixels" in result._repr_html_()
    assert result.overlay().shape == (24, 32, 3)
