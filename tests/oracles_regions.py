"""Slow, obvious versions of the region code: dictionaries, sets and floods."""

from __future__ import annotations

from collections import defaultdict

import numpy as np


def neighbours(place, shape):
    """The pixels that share a side with one: four in a picture, six in a volume."""
    for axis in range(len(shape)):
        for step in (-1, 1):
            other = list(place)
            other[axis] += step
            if 0 <= other[axis] < shape[axis]:
                yield tuple(other)


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
            place = stack.pop()
            if labels[place] == labels[start] and not regions[place]:
                regions[place] = n
                stack += neighbours(place, labels.shape)
    return regions


def basins_by_walking(edges: np.ndarray, steps: tuple[float, ...]) -> dict[tuple, tuple]:
    """Walk down the steepest slope from every pixel; heights are all different."""
    low = {}
    for start in np.ndindex(edges.shape):
        place = start
        while True:
            slopes = {}
            for other in neighbours(place, edges.shape):
                axis = int(np.flatnonzero(np.array(other) != place)[0])
                slopes[other] = (edges[place] - edges[other]) / steps[axis]
            if not slopes or max(slopes.values()) <= 0:
                break
            place = max(slopes, key=slopes.get)
        low[start] = place
    return low


def borders_by_pixel(base: np.ndarray, values: np.ndarray) -> dict[tuple[int, int], list[float]]:
    """Values between the two pixels of every side, for each pair of regions (from 0)."""
    found = defaultdict(list)
    for place in np.ndindex(base.shape):
        for other in neighbours(place, base.shape):
            a, b = int(base[place]), int(base[other])
            if place < other and a != b and a > 0 and b > 0:
                key = min(a, b) - 1, max(a, b) - 1
                found[key].append((values[place] + values[other]) / 2)
    return dict(found)


def tones_by_pixel(base, channels, low, high, n_places=12):
    """Histogram of each region, shares over channels and places: every pixel counts one by one."""
    n, n_channels = int(base.max()), channels.shape[2]
    tones = np.zeros((n, n_channels, n_places))
    places = [np.linspace(low[k], high[k], n_places) for k in range(n_channels)]
    for r, c in np.ndindex(base.shape):
        for k in range(n_channels):
            for place in range(n_places):
                # A tent of the width of a step around each place.
                step = places[k][1] - places[k][0]
                value = min(max(channels[r, c, k], low[k]), high[k])
                share = max(0.0, 1 - abs(value - places[k][place]) / step)
                tones[base[r, c] - 1, k, place] += share / n_channels
    areas = np.bincount(base.ravel())[1:]
    return tones.reshape(n, -1) / areas[:, np.newaxis]


def jumps_by_pixel(base, values, reach):
    """Mean change of a map of the same size over each border, from the smaller id to the larger."""
    found = defaultdict(list)
    last = np.array(base.shape) - 1

    def at(place):
        return values[tuple(np.clip(place, 0, last))]

    for place in np.ndindex(base.shape):
        for other in neighbours(place, base.shape):
            if place < other and base[place] != base[other]:
                # From the middle of the side, reach + 1/2 pixels: whole steps from its two pixels.
                way = np.subtract(other, place)
                far, near = at(other + reach * way), at(place - reach * way)
                a, b = int(base[place]), int(base[other])
                found[min(a, b) - 1, max(a, b) - 1].append(far - near if a < b else near - far)
    return {pair: np.mean(steps, axis=0) for pair, steps in found.items()}


def merge_by_dictionary(areas, pairs, lengths, evidence, linkage, groups):
    """Look at every pair before every merge; return merges as sets of leaves, and their costs."""
    gain, tone_gain, size_power, power = 1.0, 1.0, linkage.size_power, 0.5
    limit, floor = np.inf, 0.0
    clusters = {
        frozenset([i]): (
            areas[i],
            evidence.colours[i],
            evidence.textons[i],
            evidence.tones[i],
            evidence.roughness[i],
            groups[i],
        )
        for i in range(len(areas))
    }
    # Of each border: its length, the sums of both strengths, and for both ways those of the jumps.
    borders = {}
    both_jumps = zip(evidence.texton_jumps, evidence.texture_jumps, strict=True)
    strengths = np.stack([evidence.border, evidence.texton_border], axis=1)
    for (a, b), length, strength, jumps in zip(
        pairs.tolist(), lengths, strengths, both_jumps, strict=True
    ):
        one, other = frozenset([a]), frozenset([b])
        sums = {
            (one, other): [length * jump for jump in jumps],
            (other, one): [-length * jump for jump in jumps],
        }
        borders[frozenset([one, other])] = (length, length * strength, sums)

    def hellinger(p, q):
        return max(0.0, 1 - np.sqrt(p * q).sum()) if p.size else 0.0

    def cost(pair):
        one, other = pair
        a, colour, p, t, rough, _ = clusters[one]
        b, other_colour, q, u, other_rough, _ = clusters[other]
        length, total, sums = borders[pair]
        distance = ((colour - other_colour) ** 2).sum() / tone_gain**2
        distance += gain * linkage.texton_weight * hellinger(p, q)
        distance += tone_gain * linkage.tone_weight * hellinger(t, u)
        size = (a * b / (a + b)) ** size_power
        surface = (a * b / (a + b)) ** (1 - 1 / linkage.n_axes)
        size *= (surface / length) ** linkage.contact_power
        texton_jump, texture_jump = map(np.linalg.norm, sums[one, other])
        strength = (total[0] + texture_jump + gain * (total[1] + texton_jump)) / length
        strength /= 1 + linkage.roughness * min(rough, other_rough)
        most = gain * linkage.texton_weight * (p.size > 0) + tone_gain * linkage.tone_weight * (
            t.size > 0
        )
        distance = distance**0.5 * (distance / (most or 1.0)) ** (power - 0.5)
        return size * (linkage.border_offset + strength) ** linkage.border_power * distance

    def may_merge(pair):
        one, other = (clusters[name][-1] for name in pair)
        return one == 0 or other == 0 or one == other

    merged, costs, parts = [], [], [{i} for i in range(len(areas))]
    for a, b in pairs.tolist():
        one, other = (next(part for part in parts if i in part) for i in (a, b))
        if one is not other:
            parts.remove(other)
            one |= other
    n_things = 0
    if linkage.things is not None:
        n_things = min(linkage.things.n_regions + len(parts) - 1, len(areas) - 1)
    while allowed := [pair for pair in borders if may_merge(pair)]:
        best = min(allowed, key=cost)
        if cost(best) > limit:
            floor, limit = cost(best), np.inf
            gain, tone_gain = linkage.things.texton_gain, linkage.things.tone_gain
            size_power = linkage.things.size_power
            power = linkage.things.difference_power
            best = min(allowed, key=cost)
        costs.append(max(floor, cost(best)))
        one, other = best
        a, b = clusters[one], clusters[other]
        total = a[0] + b[0]
        mean = [(a[0] * x + b[0] * y) / total for x, y in zip(a[1:-1], b[1:-1], strict=True)]
        new = one | other
        merged.append(new)
        del clusters[one], clusters[other], borders[best]
        clusters[new] = (total, *mean, max(a[-1], b[-1]))
        for pair in [pair for pair in borders if one in pair or other in pair]:
            (far,) = pair - {one, other}
            (old,) = pair - {far}
            length, strength, sums = borders.pop(pair)
            name = frozenset([new, far])
            before = borders.get(name, (0.0, 0.0, {(new, far): (0.0, 0.0), (far, new): (0.0, 0.0)}))
            both = {
                way: [x + y for x, y in zip(before[2][way], sums[from_old], strict=True)]
                for way, from_old in (((new, far), (old, far)), ((far, new), (far, old)))
            }
            borders[name] = (before[0] + length, before[1] + strength, both)
        if linkage.things is not None and len(clusters) == n_things:
            limit = linkage.things.altitude * (max(costs) or 1.0) ** linkage.things.adaptation
    return merged, costs
