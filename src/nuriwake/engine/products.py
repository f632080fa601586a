"""Matrix products inside compiled loops, in float32, as fast as those of a BLAS.

A BLAS is called from Python, and lays its operands out anew for every product. Of matrices that a
cache holds neither is needed, and a whole pass over a part of a map can be one compiled loop. Every
element is summed up in the order of its terms, so that a product has the same bits on every
processor that multiplies and adds in one step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.engine.lanes import LANES, Lanes, lanewise, repeat

FloatMap = NDArray[np.float32]


def _block_rows(context: Any) -> int:
    """Rows of a block: its sums fill the registers, and hide how long an addition takes."""
    return 8 if "+avx512f" in context.codegen().magic_tuple()[2] else 4


@intrinsic  # type: ignore[untyped-decorator]
def block_rows(typingctx: Any) -> Any:  # noqa: ARG001
    """Return how many rows of a product are computed together."""

    def generate(context: Any, _builder: Any, _signature: Any, _args: Any) -> Any:
        return context.get_constant(types.int64, _block_rows(context))

    return types.int64(), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply_block(typingctx: Any, a: Any, b: Any, c: Any, row: Any, column: Any) -> Any:  # noqa: ARG001
    """Compute some rows and 16 columns of c = a b from an element on, without checks."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args[:3], args[:3], strict=True)
        ]
        steps = [cgutils.unpack_tuple(builder, array.strides) for array in arrays]
        vector, zero = ir.VectorType(ir.FloatType(), LANES), ir.Constant(ir.IntType(64), 0)

        def at(number: int, i: Any, j: Any, kind: Any) -> Any:
            """Point to an element."""
            start = builder.bitcast(arrays[number].data, ir.IntType(8).as_pointer())
            down, right = steps[number]
            offset = builder.add(builder.mul(i, down), builder.mul(j, right))
            return builder.bitcast(builder.gep(start, [offset]), kind.as_pointer())

        rows = [builder.add(args[3], zero.type(r)) for r in range(_block_rows(context))]
        sums = [cgutils.alloca_once_value(builder, vector([0.0] * LANES)) for _ in rows]
        depth = cgutils.unpack_tuple(builder, arrays[0].shape)[1]
        with cgutils.for_range(builder, depth) as loop:
            factors = builder.load(at(1, loop.index, args[4], vector), align=4)
            for i, total in zip(rows, sums, strict=True):
                factor = repeat(builder, builder.load(at(0, i, loop.index, ir.FloatType())))
                term = builder.fmul(factor, factors, flags=("contract",))
                sum_ = builder.fadd(builder.load(total), term, flags=("contract",))
                builder.store(sum_, total)
        for i, total in zip(rows, sums, strict=True):
            builder.store(builder.load(total), at(2, i, args[4], vector), align=4)
        return context.get_dummy_value()

    return types.void(a, b, c, row, column), generate


@lanewise
def _add_multiple(total: Lanes, row: Lanes, factor: Lanes) -> tuple[Lanes]:
    return (total + row * factor,)


@compiled
def multiply(a: FloatMap, b: FloatMap, c: FloatMap) -> None:
    """Write the product of two matrices.

    Parameters
    ----------
    a : ndarray of float32, shape (m, k)
        In any layout: a transposed view is as fast.
    b : ndarray of float32, shape (k, n)
        Its rows lie in one piece, as those of c.
    c : ndarray of float32, shape (m, n)
        Written.
    """
    n_rows, n_columns = c.shape
    height = block_rows()
    if n_rows < height or n_columns < LANES:
        for i in range(n_rows):
            c[i, :] = 0
            for k in range(a.shape[1]):
                _add_multiple((c[i], b[k], a[i, k]), (c[i],))
    else:
        # The last blocks are computed again in part, where the sides are no multiples.
        for j in range(0, n_columns, LANES):
            for i in range(0, n_rows, height):
                multiply_block(a, b, c, min(i, n_rows - height), min(j, n_columns - LANES))


@compiled
def multiply_by_itself(a: FloatMap, square: FloatMap) -> None:
    """Write a^T a; above the diagonal, or near it, only.

    Parameters
    ----------
    a : ndarray of float32, shape (k, n)
    square : ndarray of float32, shape (n, n)
        What lies further below the diagonal than a block is left as it is.
    """
    n, height = len(square), block_rows()
    if n < LANES:
        multiply(a.T, a, square)
    else:
        for j in range(0, n, LANES):
            for i in range(0, min(j + LANES, n), height):
                multiply_block(a.T, a, square, min(i, n - height), min(j, n - LANES))
