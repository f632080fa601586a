"""Slow, obvious versions of what ``nuriwake.scale`` does."""

from __future__ import annotations

import numpy as np


def neighbours(row: int, col: int, shape: tuple[int, int]):
    """The 4-neighbours of a pixel."""
    for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
        if 0 <= r < shape[0] and 0 <= c < shape[1]:
            yield r, c


def flood_components(labels: np.ndarray) -> np.ndarray:
    """Number components by flooding each from its first pixel in raster order."""
    ids = np.zeros(labels.shape, np.int32)
    for start in np.ndindex(labels.shape):
        if labels[start] == 0 or ids[start]:
            continue
        number, front = ids.max() + 1, [start]
        ids[start] = number
        while front:
            pixel = front.pop()
            for other in neighbours(*pixel, labels.shape):
                if labels[other] == labels[start] and not ids[other]:
                    ids[other] = number
                    front.append(other)
    return ids


def sieve_pixels(labels: np.ndarray, min_pixels: int) -> np.ndarray:
    """Sieve by looking at all pixels anew in every round."""
    while True:
        ids = flood_components(labels)
        sizes = np.bincount(ids.ravel())
        first = {int(i): int(np.flatnonzero(ids.ravel() == i)[0]) for i in range(1, len(sizes))}
        border: dict[int, dict[int, int]] = {i: {} for i in first}
        for pixel in np.ndindex(ids.shape):
            for other in neighbours(*pixel, ids.shape):
                one, two = int(ids[pixel]), int(ids[other])
                if one and two and one != two:
                    border[one][two] = border[one].get(two, 0) + 1
        joins = {
            i: max(border[i], key=lambda j, i=i: (border[i][j], sizes[j], -first[j]))
            for i in first
            if sizes[i] < min_pixels and border[i]
        }
        if not joins:
            return labels
        sets = {i: {i} for i in first}
        for i, j in joins.items():
            merged = sets[i] | sets[j]
            for member in merged:
                sets[member] = merged
        label_of = {i: int(labels.ravel()[first[i]]) for i in first}
        new = {i: label_of[max(sets[i], key=lambda j: (sizes[j], -first[j]))] for i in first}
        labels = np.array([new.get(int(i), 0) for i in ids.ravel()], np.int32).reshape(ids.shape)
