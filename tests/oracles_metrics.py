"""Region metrics by the letter: loops over pixels and pairs, for tiny maps only."""

from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays


def _cells(prediction, truth):
    pairs = zip(prediction.ravel().tolist(), truth.ravel().tolist(), strict=True)
    return [(p, t) for p, t in pairs if t != 0]


def _sets(cells, which):
    keys = sorted({cell[which] for cell in cells})
    return [{i for i, cell in enumerate(cells) if cell[which] == key} for key in keys]


def best_ious(prediction, truth):
    cells = _cells(prediction, truth)
    regions, segments = _sets(cells, 0), _sets(cells, 1)
    return [max(len(s & r) / len(s | r) for r in regions) for s in segments]


def segmentation_covering(prediction, truth):
    cells = _cells(prediction, truth)
    sizes = [len(s) for s in _sets(cells, 1)]
    best = best_ious(prediction, truth)
    return sum(n * iou for n, iou in zip(sizes, best, strict=True)) / len(cells)


def _pair_kinds(prediction, truth):
    """(together in the prediction, together in the truth) for every pair of pixels."""
    return [(a[0] == b[0], a[1] == b[1]) for a, b in combinations(_cells(prediction, truth), 2)]


def rand_index(prediction, truth):
    pairs = _pair_kinds(prediction, truth)
    return sum(p == t for p, t in pairs) / len(pairs) if pairs else 1.0


def adapted_rand_error(prediction, truth):
    pairs = _pair_kinds(prediction, truth)
    hits = sum(p and t for p, t in pairs)
    together = sum(p for p, _ in pairs) + sum(t for _, t in pairs)
    return 1 - 2 * hits / together if together else 0.0


def adjusted_rand_index(prediction, truth):
    """Hubert and Arabie by the four kinds of pairs."""
    pairs = _pair_kinds(prediction, truth)
    both = sum(p and t for p, t in pairs)
    only_p = sum(p and not t for p, t in pairs)
    only_t = sum(t and not p for p, t in pairs)
    neither = len(pairs) - both - only_p - only_t
    if only_p == only_t == 0:
        return 1.0
    top = 2 * (both * neither - only_p * only_t)
    return top / ((both + only_p) * (only_p + neither) + (both + only_t) * (only_t + neither))


def variation_of_information(prediction, truth):
    """2 H(P, T) - H(P) - H(T), in bits."""
    cells = _cells(prediction, truth)

    def entropy(values):
        shares = [values.count(v) / len(values) for v in set(values)]
        return -sum(share * log2(share) for share in shares)

    return 2 * entropy(cells) - entropy([p for p, _ in cells]) - entropy([t for _, t in cells])


def achievable_segmentation_accuracy(prediction, truth):
    cells = _cells(prediction, truth)
    regions, segments = _sets(cells, 0), _sets(cells, 1)
    return sum(max(len(r & s) for s in segments) for r in regions) / len(cells)


def undersegmentation_error(prediction, truth):
    cells = _cells(prediction, truth)
    regions, segments = _sets(cells, 0), _sets(cells, 1)
    leaks = [min(len(r & s), len(r - s)) for s in segments for r in regions if r & s]
    return sum(leaks) / len(cells)


@st.composite
def map_pairs(draw, *, void=True):
    """A prediction and a truth of one small shape; the truth has at least one annotated pixel."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=6))
    prediction = draw(arrays(np.int32, shape, elements=st.integers(0, 4)))
    truth = draw(arrays(np.uint16, shape, elements=st.integers(0 if void else 1, 4)))
    truth[0, 0] = max(truth[0, 0], 1)
    return prediction, truth
