import numpy as np
import pytest

from nuriwake.engine.grid_respond import respond
from nuriwake.learn.principal import principal_axes
from nuriwake.learn.view import N_TEXTURES, coarse_view, lightness
from nuriwake.learn.weights import draw_weights
from nuriwake.recipes.grid_learning import learn_grid
from nuriwake.recipes.many_bands import learn_view, widened
from nuriwake.segmenter import finish_steps, segment
from nuriwake.settings import Settings

FLAGS = {"max_iter": 3, "n_channels": 16, "max_labels": 8, "threads": 1}
QUICK = Settings(recipe="fast", **FLAGS)


def cube(n_bands: int, side: int = 24) -> np.ndarray:
    """Two materials, left and right, whose spectra cross."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0.2, 0.8, n_bands)
    spectra = np.where(np.arange(side)[None, :, None] < side // 2, ramp, ramp[::-1])
    noise = rng.normal(0, 0.02, (side, side, n_bands))
    return (spectra + noise).clip(0, 1).astype(np.float32)


def test_a_widened_network_does_the_same():
    view = cube(90)
    axes = principal_axes(view.reshape(-1, 90), 10)
    texture = np.zeros((*view.shape[:2], N_TEXTURES), np.float32)
    weights = draw_weights(10 + N_TEXTURES, 6, 5, 2, seed=0)
    narrow = respond(weights, np.concatenate([view @ axes, texture], axis=2))
    full = respond(widened(weights, axes), np.concatenate([view, texture], axis=2))
    np.testing.assert_allclose(full, narrow, atol=1e-4, rtol=1e-4)


def test_up_to_64_bands_nothing_changes():
    view, valid = coarse_view(cube(64), np.ones((24, 24), bool), 400)
    one = finish_steps(learn_view(view, valid, QUICK)).arrays
    other = finish_steps(learn_grid(view, valid, QUICK)).arrays
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("n_bands", [65, 300])
def test_many_bands_are_segmented_and_their_model_applied(n_bands):
    image = cube(n_bands)
    result = segment(image, regions=2, **FLAGS)
    assert result.model.n_bands == n_bands
    left, right = result.regions[:, :10], result.regions[:, 14:]
    assert np.unique(left).size == np.unique(right).size == 1
    assert left[0, 0] != right[0, 0]
    np.testing.assert_array_equal(result.model.predict(image), result.labels)


def test_lightness_shows_the_strongest_component():
    light = lightness(cube(100), np.ones((24, 24), bool))
    # The two materials are far apart on it, and each is flat.
    left, right = light[:, :12], light[:, 12:]
    assert abs(left.mean() - right.mean()) > 10 * max(left.std(), right.std())


@pytest.mark.parametrize("recipe", ["fast", "tip2020"])
def test_a_wide_first_convolution_trains_in_bfloat16(recipe):
    """Its input is float32, its gradient is not."""
    image = cube(20)
    reduced = segment(image, recipe=recipe, precision="bf16", **FLAGS)
    assert reduced.labels.shape == image.shape[:2]
    assert all(np.isfinite(row.loss) for row in reduced.history)
