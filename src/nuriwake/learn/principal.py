"""Principal axes of many bands, without a matrix of bands by bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The learning view holds no more bands than this; of more, their principal components.
MAX_VIEW_BANDS = 64
#: Samples that the axes are found from.
_N_SAMPLES = 4096
#: Directions of the random sketch beyond those asked for, and rounds of subspace iteration.
_OVERSAMPLING, _N_ROUNDS = 8, 2


def principal_axes(samples: NDArray[np.float32], n_axes: int) -> NDArray[np.float32]:
    """Find the directions along which samples of many bands vary most.

    Time and memory grow in proportion to the bands.

    Parameters
    ----------
    samples : ndarray of float32, shape (n, bands)
        Of a long list, some spread evenly over it are used.
    n_axes : int
        How many; fewer where there are fewer samples or bands.

    Returns
    -------
    ndarray of float32, shape (bands, k)
        Orthonormal columns, the strongest first; the largest entry of each is positive. The same
        for the same samples.

    References
    ----------
    Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review, 2011, algorithm 4.4.

    Examples
    --------
    >>> principal_axes(np.array([[0, 0, 0], [2, 0, 0], [4, 0, 0]], np.float32), 1).ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    chosen = samples[:: -(-len(samples) // _N_SAMPLES)]
    centred = chosen - chosen.mean(axis=0)
    n_axes = min(n_axes, *centred.shape)
    width = min(n_axes + _OVERSAMPLING, centred.shape[1])
    sketch = np.random.default_rng(0).standard_normal((centred.shape[1], width), np.float32)
    for _ in range(_N_ROUNDS):
        sketch = centred.T @ np.linalg.qr(centred @ sketch)[0]
    basis = np.linalg.qr(centred @ sketch)[0]
    axes = np.linalg.svd(basis.T @ centred, full_matrices=False)[2][:n_axes].T
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(n_axes)]
    turned: NDArray[np.float32] = (axes * np.where(largest < 0, -1, 1)).astype(np.float32)
    # Adding 0 turns -0 to 0.
    return turned + np.float32(0)
