"""Slow, obvious versions of the region code: dictionaries, sets and floods."""

from __future__ import annotations

from collections import defaultdict

import numpy as np


def flood_components(labels: np.ndarray) -> np.ndarray:
    """Number the connected parts of each label by filling from every pixel not yet reached."""
    regions = np.zeros(labels.shape, int)
    n = 0
    for start in np.ndindex(labels.shape):
        if labels[start] == 0 or regions[start]:
            continue
        n += 1
        stack = [start]
        while stack:
            r, c = stack.pop()
            inside = 0 <= r < labels.shape[0] and 0 <= c < labels.shape[1]
            if inside and labels[r, c] == labels[start] and not regions[r, c]:
                regions[r, c] = n
                stack += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return regions


def borders_by_pixel(base: np.ndarray, values: np.ndarray) -> dict[tuple[int, int], list[float]]:
    """Values between the two pixels of every side, for each pair of regions (from 0)."""
    found = defaultdict(list)
    for r, c in np.ndindex(base.shape):
        for rr, cc in ((r, c + 1), (r + 1, c)):
            if rr < base.shape[0] and cc < base.shape[1]:
                a, b = int(base[r, c]), int(base[rr, cc])
                if a != b and a > 0 and b > 0:
                    key = min(a, b) - 1, max(a, b) - 1
                    found[key].append((values[r, c] + values[rr, cc]) / 2)
    return dict(found)


def merge_by_dictionary(areas, pairs, lengths, evidence, linkage, groups):
    """Look at every pair before every merge; return merges as sets of leaves, and their costs."""
    clusters = {
        frozenset([i]): (areas[i], evidence.colours[i], evidence.textons[i], groups[i])
        for i in range(len(areas))
    }
    borders = {
        frozenset([frozenset([a]), frozenset([b])]): (length, length * strength)
        for (a, b), length, strength in zip(pairs.tolist(), lengths, evidence.border, strict=True)
    }

    def cost(pair):
        (a, colour, p, _), (b, other, q, _) = (clusters[name] for name in pair)
        length, total = borders[pair]
        distance = ((colour - other) ** 2).sum()
        if p.size:
            distance += linkage.texton_weight * max(0, 1 - np.sqrt(p * q).sum())
        size = (a * b / (a + b)) ** linkage.size_power
        edge = (linkage.border_offset + total / length) ** linkage.border_power
        return size * edge * np.sqrt(distance)

    def may_merge(pair):
        one, other = (clusters[name][3] for name in pair)
        return one == 0 or other == 0 or one == other

    merged, costs = [], []
    while allowed := [pair for pair in borders if may_merge(pair)]:
        best = min(allowed, key=cost)
        costs.append(cost(best))
        one, other = best
        a, b = clusters[one], clusters[other]
        total = a[0] + b[0]
        mean = [(a[0] * x + b[0] * y) / total for x, y in zip(a[1:3], b[1:3], strict=True)]
        new = one | other
        merged.append(new)
        del clusters[one], clusters[other], borders[best]
        clusters[new] = (total, *mean, max(a[3], b[3]))
        for pair in [pair for pair in borders if one in pair or other in pair]:
            (far,) = pair - {one, other}
            length, strength = borders.pop(pair)
            old = borders.get(frozenset([new, far]), (0.0, 0.0))
            borders[frozenset([new, far])] = (old[0] + length, old[1] + strength)
    return merged, costs
