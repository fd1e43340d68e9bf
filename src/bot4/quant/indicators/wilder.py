"""Wilder's average of the true range over a block of bars, which the stops share."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.quant.indicators.running import run_average
from bot4.quant.indicators.windows import true_ranges


@kernel(i8(i8, i8, i8), is_inlined=True)
def waiting(first: int, t0: int, t1: int) -> int:
    """How many of the bars ``t0 .. t1 - 1`` come before bar ``first``, from which an output is defined."""
    return min(max(first - t0, 0), t1 - t0)


@kernel(void(array(f8, 2), i8, i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def average_true_ranges(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, state: FloatArray, into: FloatArray
) -> None:
    """Wilder's average of the true range after each of the bars ``t0 .. t1 - 1``, from bar ``period`` on.

    Its state is the first ``AVERAGE_SIZE`` values.
    """
    first = max(t0, 1)
    values = into[first - t0 : t1 - t0]
    into[0] = 0.0
    true_ranges(bars, mask, first, t1, values)
    run_average(values, t1 - first, first - 1, period, 1.0 / period, state, 0, values)


@kernel(void(array(f8), array(f8), i8), is_inlined=True)
def carry(values: FloatArray, into: FloatArray, n: int) -> None:
    """Copy ``n`` values between what is kept and the room of a block."""
    for i in range(n):
        into[i] = values[i]
