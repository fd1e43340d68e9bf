# mypy: allow-untyped-calls
"""Memory for kernels: scratch arrays on the stack, views that cost nothing, the bits of a number, one exact product.

Kernels allocate nothing and may not return slices, so these few things are made by the compiler itself. With
``BOT4_JIT=0`` each is the plain NumPy expression that it stands for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from bot4.kernel import JIT

_FLOATS = types.Array(types.float64, 1, "C")
_BYTES = 8


def _array(context: Any, builder: Any, data: Any, length: Any) -> Any:
    """A float64 array over memory that nobody frees."""
    values = context.make_array(_FLOATS)(context, builder)
    width = context.get_constant(types.intp, _BYTES)
    context.populate_array(values, data=data, shape=(length,), strides=(width,), itemsize=width, meminfo=None)
    return values._getvalue()


def _make_scratch() -> Any:
    @intrinsic
    def scratch(_typing_context: Any, size: Any) -> Any:
        if not isinstance(size, types.IntegerLiteral):
            return None  # the compiler then says that it knows no such call
        n = size.literal_value

        def codegen(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            with builder.goto_entry_block():  # alloca_once would fill it with zeros at every call
                memory = builder.alloca(ir.ArrayType(ir.DoubleType(), n))
            memory.align = 64
            data = builder.bitcast(memory, ir.DoubleType().as_pointer())
            return _array(context, builder, data, context.get_constant(types.intp, n))

        return _FLOATS(size), codegen

    return scratch


def _make_columns_from() -> Any:
    @intrinsic
    def columns_from(_typing_context: Any, matrix: Any, first: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            whole = context.make_array(matrix)(context, builder, value=arguments[0])
            at = context.cast(builder, arguments[1], signature.args[1], types.intp)
            whole.data = builder.gep(whole.data, [at])
            return whole._getvalue()

        return matrix(matrix, first), codegen

    return columns_from


def _make_part() -> Any:
    @intrinsic
    def part(_typing_context: Any, whole: Any, first: Any, count: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = context.make_array(whole)(context, builder, value=arguments[0])
            at, n = (context.cast(builder, arguments[i], signature.args[i], types.intp) for i in (1, 2))
            if whole.ndim == 1:
                return _array(context, builder, builder.gep(found.data, [at]), n)
            width = builder.extract_value(found.shape, 1)
            found.data = builder.gep(found.data, [builder.mul(at, width)])
            found.shape = builder.insert_value(found.shape, n, 0)
            return found._getvalue()

        return whole(whole, first, count), codegen

    return part


def _make_stretch() -> Any:
    @intrinsic
    def stretch(_typing_context: Any, ring: Any, row: Any, mask: Any, first: Any, stop: Any, spare: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            matrix = context.make_array(ring)(context, builder, value=arguments[0])
            whole = [context.cast(builder, arguments[i], signature.args[i], types.intp) for i in range(1, 5)]
            row_at, mask_at, first_at, stop_at = whole
            zero = context.get_constant(types.intp, 0)
            first_at = builder.select(builder.icmp_signed(">", first_at, zero), first_at, zero)
            n = builder.sub(stop_at, first_at)
            n = builder.select(builder.icmp_signed(">", n, zero), n, zero)
            spare_data = context.make_array(spare)(context, builder, value=arguments[5]).data
            width = builder.extract_value(matrix.shape, 1)
            start = builder.gep(matrix.data, [builder.mul(row_at, width)])
            at = builder.and_(first_at, mask_at)
            here = builder.gep(start, [at])
            head = builder.sub(builder.add(mask_at, context.get_constant(types.intp, 1)), at)
            turns = builder.and_(builder.icmp_signed(">=", mask_at, zero), builder.icmp_signed(">", n, head))
            with builder.if_then(turns, likely=False):
                cgutils.raw_memcpy(builder, spare_data, here, head, _BYTES)
                rest = builder.gep(spare_data, [head])
                cgutils.raw_memcpy(builder, rest, start, builder.sub(n, head), _BYTES)
            return _array(context, builder, builder.select(turns, spare_data, here), n)

        return _FLOATS(ring, row, mask, first, stop, spare), codegen

    return stretch


def _plain_scratch(size: int) -> Any:
    return np.full(size, np.nan)


def _plain_columns_from(matrix: Any, first: int) -> Any:
    return matrix[..., first:]


def _make_apart() -> Any:
    @intrinsic
    def apart(_typing_context: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            for argument in builder.function.args:
                if isinstance(argument.type, ir.PointerType):
                    argument.add_attribute("noalias")
            return context.get_dummy_value()

        return types.void(), codegen

    return apart


def _plain_apart() -> None:
    return None


def _make_wide() -> Any:
    @intrinsic
    def wide(_typing_context: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
            # llvmlite lists the attributes that it knows by name; LLVM takes any in this form.
            set.add(builder.function.attributes, '"prefer-vector-width"="512"')
            return context.get_dummy_value()

        return types.void(), codegen

    return wide


def _make_bitcast(source: Any, target: Any, llvm_target: Any) -> Any:
    @intrinsic
    def bitcast(_typing_context: Any, value: Any) -> Any:
        if value != source:
            return None

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], llvm_target)

        return target(source), codegen

    return bitcast


def _make_fused() -> Any:
    @intrinsic
    def fused(_typing_context: Any, a: Any, b: Any, c: Any) -> Any:
        if not (a == b == c == types.float64):
            return None

        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.fma(*arguments)

        return types.float64(types.float64, types.float64, types.float64), codegen

    return fused


def _plain_fused(a: Any, b: Any, c: Any) -> Any:
    a, b, c = float(a), float(b), float(c)
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c  # the product is finite before it is rounded
    (p, q), (r, s), (t, u) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    above = p * r * u + t * q * s
    if above == 0:
        return a * b + c  # exact, and with the right sign of zero
    try:
        return above / (q * s * u)  # a quotient of integers is rounded once
    except OverflowError:
        return math.inf if above > 0 else -math.inf


def _plain_float_of_bits(bits: Any) -> Any:
    return np.uint64(bits).view(np.float64)


def _plain_bits_of_float(value: Any) -> Any:
    return np.float64(value).view(np.uint64)


def _plain_part(whole: Any, first: int, count: int) -> Any:
    return whole[first : first + count]


def _plain_stretch(ring: Any, row: int, mask: int, first: int, stop: int, spare: Any) -> Any:
    first = max(first, 0)
    count = max(stop - first, 0)
    at = first & mask
    if mask < 0 or at + count <= mask + 1:
        return ring[row, at : at + count]
    head = mask + 1 - at
    spare[:head] = ring[row, at : mask + 1]
    spare[head:count] = ring[row, : count - head]
    return spare[:count]


scratch: Any = _make_scratch() if JIT else _plain_scratch
"""``scratch(SIZE)`` inside a kernel: float64[SIZE] on the stack, uninitialised, for the length of the call.

``SIZE`` is a constant of the module. The array may be sliced and passed on; it must not be returned or kept.
"""

columns_from: Any = _make_columns_from() if JIT else _plain_columns_from
"""``columns_from(matrix, first)`` inside a kernel: a C-contiguous matrix, or array, seen from column ``first`` on.

No bounds are kept: the caller uses at most the columns that are left. It costs an addition where a slice costs ten.
"""

apart: Any = _make_apart() if JIT else _plain_apart
"""``apart()`` at the top of a kernel: a promise that what it writes to one argument it reads through no other.

A loop that writes to several arrays then becomes vector instructions; the compiler would otherwise have to see at
run time that no array lies over another, and gives up at the ninth pair.
"""

wide: Any = _make_wide() if JIT else _plain_apart
"""``wide()`` at the top of a kernel: where the processor has vectors of eight float64, use them rather than of four.

It pays in long loops of arithmetic over arrays, and costs nothing elsewhere; what is inlined follows its caller. The
results are the same bits.
"""

float_of_bits: Any = _make_bitcast(types.uint64, types.float64, ir.DoubleType()) if JIT else _plain_float_of_bits
"""``float_of_bits(bits)`` in a kernel: the float64 whose representation is the uint64 ``bits``."""

bits_of_float: Any = _make_bitcast(types.float64, types.uint64, ir.IntType(64)) if JIT else _plain_bits_of_float
"""``bits_of_float(value)`` in a kernel: the representation of a float64 as uint64."""

fused: Any = _make_fused() if JIT else _plain_fused
"""``fused(a, b, c)`` in a kernel: ``a * b + c`` of three float64, rounded once.

One instruction where there are two, and the same bits everywhere; slow only on processors without it (before 2013).
"""

part: Any = _make_part() if JIT else _plain_part
"""``part(whole, first, count)`` in a kernel: ``count`` values of an array, or rows of a matrix, from ``first`` on.

A slice without what a slice costs: ``first`` and ``count`` are taken as they are, neither negative nor too large.
"""

stretch: Any = _make_stretch() if JIT else _plain_stretch
"""``stretch(ring, row, mask, first, stop, spare)`` in a kernel: a row's values ``max(first, 0) .. stop - 1``, in order.

Value ``t`` of the row is in column ``t & mask``. The stretch is a view of the ring, or of ``spare``, filled here, where
the ring turns within it: it is to be read only.
"""
