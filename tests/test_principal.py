import numpy as np
import pytest

from nuriwake.learn.principal import principal_axes


def samples(n=300, n_bands=200):
    """Five directions of falling strength, and a little noise."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(n_bands, 5)))[0]
    values = rng.normal(size=(n, 5)) * [16, 8, 4, 2, 1] @ directions.T
    return (values + rng.normal(0, 0.01, values.shape) + 7).astype(np.float32)


def test_axes_are_those_of_the_covariance():
    values = samples()
    exact = np.linalg.eigh(np.cov(values, rowvar=False))[1][:, ::-1][:, :5]
    axes = principal_axes(values, 5)
    np.testing.assert_allclose(np.abs((exact * axes).sum(axis=0)), 1, atol=1e-4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-5)


def test_the_same_samples_give_the_same_axes():
    values = samples()
    np.testing.assert_array_equal(principal_axes(values, 3), principal_axes(values.copy(), 3))
    assert (principal_axes(values, 3).max(axis=0) == np.abs(principal_axes(values, 3)).max(0)).all()


@pytest.mark.parametrize("shape", [(1, 70), (2, 500), (90, 3)])
def test_fewer_samples_or_bands_than_axes(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    axes = principal_axes(values, 64)
    assert axes.shape == (shape[1], min(64, *shape))
    assert np.isfinite(axes).all()
