"""The passes of a training step over the grid, each one compiled loop without Python.

A pass goes over strips of bands, a few rows each, and what is computed between the matrix products
of a band stays in a second-level cache. Sums are taken for each strip, so that they are the same
whichever thread does which.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined
from nuriwake.engine.grid_loops import (
    FloatMap,
    activate,
    add_to,
    copy_neighbours,
    gate,
    respond,
    slope,
)
from nuriwake.engine.products import multiply, multiply_by_itself
from nuriwake.engine.strips import BAND, POINTS, TILE
from nuriwake.engine.winograd import input_points, output_pixels, scratch_size, slope_points

Sums = NDArray[np.float64]
Bounds = NDArray[np.int64]


class Room(NamedTuple):
    """Memory that one thread uses again and again: fresh pages would cost more than the loops.

    Parameters
    ----------
    points, products : ndarrays of float32, shape (36, tiles in a band, C)
    pixels, more : ndarrays of float32, shape (rows of a band, W, C)
    scratch : ndarray of float32
        Of :func:`.winograd.scratch_size`.
    """

    points: FloatMap
    products: FloatMap
    pixels: FloatMap
    more: FloatMap
    scratch: FloatMap


def room_for(width: int, n_inputs: int, n_outputs: int) -> Room:
    """Return room for convolutions of maps of so many columns, between so many channels."""
    points = POINTS, BAND // TILE * -(-width // TILE), n_outputs
    pixels, scratch = (BAND, width, n_outputs), (scratch_size(width, max(n_inputs, n_outputs)),)
    shapes = points, points, pixels, pixels, scratch
    return Room(*(np.zeros(shape, np.float32) for shape in shapes))


@compiled
def _lay_out(source: FloatMap, band: int, laid: FloatMap, scratch: FloatMap) -> None:
    surroundings = source[BAND * band : BAND * band + BAND + 2]
    if len(laid) == POINTS:
        input_points(surroundings, laid, scratch)
    else:
        copy_neighbours(surroundings, laid[0])


@compiled
def _convolve(laid: FloatMap, kernel: FloatMap, room: Room, output: FloatMap) -> None:
    """Convolve a band that is laid out; write its rows, (rows, W, C')."""
    if len(laid) == POINTS:
        n = (output.shape[0] + 3) // TILE * ((output.shape[1] + 3) // TILE)
        for k in range(POINTS):
            multiply(laid[k, :n], kernel[k], room.products[k, :n])
        output_pixels(room.products, output, room.scratch)
    else:
        flat = output.reshape(-1, output.shape[2])
        multiply(laid[0, : len(flat)], kernel[0], flat)


@compiled
def _correlate(
    slopes: FloatMap, gradient: FloatMap, band: int, laid: FloatMap, room: Room, sums: FloatMap
) -> None:
    """Add slopes, rows of a gradient, x neighbourhood in what is laid out.

    ``sums`` has a matrix, (C', C), for each point, or one for all neighbours, and one of room.
    """
    square = sums[-1]
    if len(laid) == POINTS:
        surroundings = gradient[BAND * band : BAND * band + BAND + 2]
        n = (slopes.shape[0] + 3) // TILE * ((slopes.shape[1] + 3) // TILE)
        slope_points(surroundings, room.points, room.scratch)
        for k in range(POINTS):
            multiply(room.points[k, :n].T, laid[k, :n], square)
            _add(square, sums[k])
    else:
        flat = slopes.reshape(-1, slopes.shape[2])
        multiply(flat.T, laid[0, : len(flat)], square)
        _add(square, sums[0])


@compiled
def _add(part: FloatMap, total: FloatMap) -> None:
    for i in range(len(part)):
        add_to((total[i], part[i]), (total[i],))


@inlined
def _add_double(part: Any, total: Any) -> None:
    for i in range(len(part)):
        for j in range(part.shape[1]):
            total[i, j] += part[i, j]


@compiled
def extract(
    source: FloatMap,
    laid: FloatMap,
    kernel: FloatMap,
    bias: FloatMap,
    valid: NDArray[np.bool_],
    guess: FloatMap,
    active: FloatMap,
    room: Room,
    bounds: Bounds,
    strips: tuple[int, int],
    sums: Sums,
    moments: Sums,
) -> None:
    """Convolve, apply the ReLU, and take the statistics, strip by strip.

    Parameters
    ----------
    source : ndarray of float32, shape (H + 2, W + 2, C)
        With a border of zeros; empty: it is laid out already.
    laid : ndarray of float32, shape (bands, 36, tiles, C) or (bands, 1, rows W, 9 C)
        Written: the points of the tiles, or the neighbours of the pixels. Of fewer bands, the
        later ones take the places of the first.
    kernel : ndarray of float32, shape (36, C, C') or (1, 9 C, C')
    bias, valid, guess, active
        As in :func:`.grid_loops.activate`.
    room : Room
    bounds : ndarray of int64
        The first band of each strip, and the end of the last one.
    strips : tuple of int
        The first one, and the end.
    sums : ndarray of float64, shape (strips, 2, C')
        Of the deviations and their squares; written where zeros were.
    moments : ndarray of float64, shape (strips, C', C')
        Of their products, in the same way, on the diagonal and above; of shape (0, 0, 0), they are
        not taken, and pixels that do not count keep their features.
    """
    height, n = len(valid), kernel.shape[2]
    square = np.zeros((n, n), np.float32)
    for strip in range(strips[0], strips[1]):
        for band in range(bounds[strip], bounds[strip + 1]):
            start, here = BAND * band, laid[band % len(laid)]
            if len(source):
                _lay_out(source, band, here, room.scratch)
            output = room.pixels[: min(BAND, height - start)]
            _convolve(here, kernel, room, output)
            activate(output, start, bias, valid, guess, active, sums[strip])
            if len(moments):
                multiply_by_itself(output.reshape(-1, n), square)
                _add_double(square, moments[strip])
                _clear(active[start : start + len(output)], valid[start : start + len(output)])


@inlined
def _clear(rows: Any, valid: Any) -> None:
    for i in range(len(rows)):
        for j in range(rows.shape[1]):
            if not valid[i, j]:
                rows[i, j, :] = 0


@compiled
def answer(
    features: FloatMap,
    weight: FloatMap,
    bias: FloatMap,
    softmax: FloatMap,
    labels: NDArray[np.int64],
    bounds: Bounds,
    strips: tuple[int, int],
) -> None:
    """Write the softmax of the responses and the labels, see :func:`.grid_loops.respond`.

    Parameters
    ----------
    features : ndarray of float32, shape (H, W, p)
    weight : ndarray of float32, shape (p, q)
    bias : ndarray of float32, shape (q,)
    softmax : ndarray of float32, shape (H, W, q)
    labels : ndarray of int64, shape (H, W)
    bounds, strips
        As in :func:`extract`.
    """
    stop = min(BAND * bounds[strips[1]], len(labels))
    for start in range(BAND * bounds[strips[0]], stop, BAND):
        rows = slice(start, min(start + BAND, stop))
        flat = softmax[rows].reshape(-1, len(bias))
        multiply(features[rows].reshape(len(flat), -1), weight, flat)
        respond(flat, bias, labels[rows].reshape(-1))


@compiled
def measure(
    softmax: FloatMap,
    targets: NDArray[np.int64],
    valid: NDArray[np.bool_],
    features: FloatMap,
    bounds: Bounds,
    strips: tuple[int, int],
    losses: Sums,
    sums: Sums,
    products: Sums,
) -> None:
    """Turn the softmax into slopes, see :func:`.grid_loops.slope`.

    Parameters
    ----------
    softmax, targets, valid, features, bounds, strips
        As before.
    losses : ndarray of float64, shape (strips,)
    sums : ndarray of float64, shape (strips, q)
        Of the slopes; written where zeros were.
    products : ndarray of float64, shape (strips, q, p)
        Of slopes x features, in the same way.
    """
    square = np.empty(products.shape[1:], np.float32)
    for strip in range(strips[0], strips[1]):
        for band in range(bounds[strip], bounds[strip + 1]):
            start, stop = BAND * band, min(BAND * band + BAND, len(valid))
            for row in range(start, stop):
                losses[strip] += slope(softmax[row], targets[row], valid[row], sums[strip])
            slopes = softmax[start:stop].reshape(-1, softmax.shape[2])
            multiply(slopes.T, features[start:stop].reshape(len(slopes), -1), square)
            _add_double(square, products[strip])


@compiled
def enter(
    slopes: FloatMap,
    weight: FloatMap,
    features: FloatMap,
    feedback: FloatMap,
    offset: FloatMap,
    valid: NDArray[np.bool_],
    gradient: FloatMap,
    laid: FloatMap,
    transform: FloatMap,
    room: Room,
    bounds: Bounds,
    strips: tuple[int, int],
    sums: Sums,
    taps: FloatMap,
) -> None:
    """Go back through the head's map and the last ReLU, slopes x weight + features x feedback.

    Parameters
    ----------
    slopes, features, valid, room, bounds, strips
        As before.
    weight : ndarray of float32, shape (q, p)
    feedback : ndarray of float32, shape (p, p)
    offset : ndarray of float32, shape (p,)
        See :class:`.folding.HeadGradient`.
    gradient : ndarray of float32, shape (H + 2, W + 2, p)
        Written, but for its border.
    laid : ndarray of float32
        What the last convolution has read, laid out.
    transform : ndarray of float32, shape (9, 36) or (1, 1)
        Takes sums over points to taps.
    sums : ndarray of float64, shape (strips, p)
        Of the gradient; written where zeros were.
    taps : ndarray of float32, shape (strips, 9 or 1, p C)
        Of the gradient x neighbourhood; written.
    """
    height, n = len(valid), len(offset)
    points, none = (
        np.empty((laid.shape[1] + 1, n, laid.shape[3]), np.float32),
        np.zeros_like(offset),
    )
    for strip in range(strips[0], strips[1]):
        points[:] = 0
        for band in range(bounds[strip], bounds[strip + 1]):
            start = BAND * band
            stop = min(start + BAND, height)
            values, more = room.pixels[: stop - start], room.more[: stop - start]
            flat, rest = values.reshape(-1, n), more.reshape(-1, n)
            multiply(slopes[start:stop].reshape(len(flat), -1), weight, flat)
            multiply(features[start:stop].reshape(len(flat), -1), feedback, rest)
            _add(rest, flat)
            gate(values, start, none, offset, valid, features, gradient, sums[strip])
            _correlate(values, gradient, band, laid[band], room, points)
        multiply(transform, points[:-1].reshape(len(points) - 1, -1), taps[strip])


@compiled
def descend(
    above: FloatMap,
    kernel: FloatMap,
    slopes: FloatMap,
    offset: FloatMap,
    valid: NDArray[np.bool_],
    below: FloatMap,
    copied: FloatMap,
    laid: FloatMap,
    transform: FloatMap,
    room: Room,
    bounds: Bounds,
    strips: tuple[int, int],
    sums: Sums,
    taps: FloatMap,
) -> None:
    """Go back through a convolution and the normalisation and ReLU before it.

    Parameters
    ----------
    above : ndarray of float32, shape (H + 2, W + 2, C')
        The gradient of the convolution's output.
    kernel : ndarray of float32, shape (36, C', C) or (1, 9 C', C)
        Of the convolution backwards.
    slopes, offset : ndarrays of float32, shape (C,)
        See :func:`.grid_loops.gate`.
    below : ndarray of float32, shape (H + 2, W + 2, C)
        What the convolution has read; becomes its gradient.
    copied : ndarray of float32, shape (1, rows W, 9 C')
        Room for the neighbours; empty where the convolution is one of points.
    laid, transform, room, bounds, strips, sums, taps
        As in :func:`enter`, of the convolution before.
    """
    height, n = len(valid), len(offset)
    points = np.empty((laid.shape[1] + 1, n, laid.shape[3]), np.float32)
    for strip in range(strips[0], strips[1]):
        points[:] = 0
        for band in range(bounds[strip], bounds[strip + 1]):
            start = BAND * band
            around = copied if len(copied) else room.points
            _lay_out(above, band, around, room.scratch)
            output = room.pixels[: min(BAND, height - start)]
            _convolve(around, kernel, room, output)
            gate(output, start, slopes, offset, valid, below, below, sums[strip])
            _correlate(output, below, band, laid[band], room, points)
        multiply(transform, points[:-1].reshape(len(points) - 1, -1), taps[strip])
