"""Loops over channels, written as what happens to a vector of them.

The compiler fills the vector unit only where it can prove, or compare at run time, that no array
lies in another. Here the vectors are written down instead: all inputs are read before an output is
written, however many there are, and no sum is taken in another order than written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

#: Floats at a time: a vector of AVX512, two of AVX2, four of NEON.
LANES = 16
_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
#: Added to a small float32, it leaves the nearest whole number in the last bits.
_ROUNDING = 1.5 * 2**23


class Lanes:
    """A vector of float32 in a register, or a single one, while code is generated."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _other(self, other: Lanes | float) -> Any:
        if isinstance(other, Lanes):
            return other.value
        kind = self.value.type
        return kind([other] * LANES) if isinstance(kind, ir.VectorType) else kind(other)

    def _do(self, name: str, one: Any, other: Any) -> Lanes:
        # To multiply and add may be one instruction.
        return Lanes(self.builder, getattr(self.builder, name)(one, other, flags=("contract",)))

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._do("fadd", self.value, self._other(other))

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._do("fsub", self.value, self._other(other))

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._do("fmul", self.value, self._other(other))

    __radd__, __rmul__ = __add__, __mul__

    def if_positive(self, sign: Lanes) -> Lanes:
        """Return these where the other ones are above 0, and 0 elsewhere."""
        is_above = self.builder.fcmp_ordered(">", sign.value, self._other(0.0))
        return Lanes(self.builder, self.builder.select(is_above, self.value, self._other(0.0)))

    def at_least(self, bound: float) -> Lanes:
        """Return the larger of each and a bound."""
        is_above = self.builder.fcmp_ordered(">", self.value, self._other(bound))
        return Lanes(self.builder, self.builder.select(is_above, self.value, self._other(bound)))

    def split(self) -> tuple[Lanes, Lanes]:
        """Return two to the power of the nearest whole number, and what that number leaves."""
        shifted, builder, kind = self + _ROUNDING, self.builder, self.value.type
        is_vector = isinstance(kind, ir.VectorType)
        whole = ir.VectorType(_INT, LANES) if is_vector else _INT
        places, ones = (whole([n] * LANES) if is_vector else whole(n) for n in (23, 127 << 23))
        # The exponent of a float32 is that whole number, and its other bits are 0.
        bits = builder.add(builder.shl(builder.bitcast(shifted.value, whole), places), ones)
        return Lanes(builder, builder.bitcast(bits, kind)), self - (shifted - _ROUNDING)


def lanewise(work: Callable[..., Sequence[Lanes]]) -> Any:
    """Make a loop over channels for compiled functions.

    Parameters
    ----------
    work : callable
        Takes :class:`Lanes`, returns a sequence of them.

    Returns
    -------
    callable
        To be called by compiled functions with a tuple of inputs, each an ndarray of float32,
        shape (C,), in one piece, or a float32 for all, and a tuple of such outputs, which may be
        inputs too.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def loop(typingctx: Any, inputs: Any, outputs: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            columns = [
                _column(context, builder, kind, cgutils.unpack_tuple(builder, values)[i])
                for kinds, values in zip(signature.args, args, strict=True)
                for i, kind in enumerate(kinds)
            ]
            read, written = columns[: len(inputs)], columns[len(inputs) :]
            size, index = written[0][1], ir.IntType(64)
            whole = builder.and_(size, index(-LANES))
            for start, stop, step in ((index(0), whole, LANES), (whole, size, 1)):
                kind = ir.VectorType(_FLOAT, LANES) if step > 1 else _FLOAT
                with cgutils.for_range_slice(builder, start, stop, index(step)) as (at, _):
                    results = work(*(_load(builder, one, at, kind) for one in read))
                    for result, (data, _size) in zip(results, written, strict=True):
                        place = builder.bitcast(builder.gep(data, [at]), kind.as_pointer())
                        builder.store(result.value, place, align=4)
            return context.get_dummy_value()

        for kind in (*inputs, *outputs):
            is_column = isinstance(kind, types.Array) and kind.layout == "C" and kind.ndim == 1
            if getattr(kind, "dtype", kind) != types.float32 or not (
                is_column or kind == types.float32
            ):
                raise TypeError(f"lanes are of float32 in one piece; got {kind}.")
        return types.void(inputs, outputs), generate

    return loop


def _column(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any]:
    """Return where an array begins and its size, of a number itself and nothing."""
    if not isinstance(kind, types.Array):
        return value, None
    array = context.make_array(kind)(context, builder, value)
    return array.data, cgutils.unpack_tuple(builder, array.shape)[0]


def _load(builder: Any, column: tuple[Any, Any], at: Any, kind: Any) -> Lanes:
    data, size = column
    if size is None:
        return Lanes(builder, repeat(builder, data) if kind != _FLOAT else data)
    place = builder.bitcast(builder.gep(data, [at]), kind.as_pointer())
    return Lanes(builder, builder.load(place, align=4))


def repeat(builder: Any, number: Any) -> Any:
    """Fill a vector with a number."""
    nothing = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    first = builder.insert_element(nothing, number, _INT(0))
    return builder.shuffle_vector(first, nothing, ir.VectorType(_INT, LANES)([0] * LANES))
