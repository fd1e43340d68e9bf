"""Plain arithmetic over stretches of values: differences, quotients, places in a range, means of windows.

Each is a small loop that the compiler turns into vector instructions; outputs are other arrays than inputs, unless it
says otherwise.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.quant.indicators.windows import blank, scale, window_sums


@kernel(void(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def differences(x: FloatArray, y: FloatArray, n: int, out: FloatArray) -> None:
    """``x - y``."""
    for i in range(n):
        out[i] = x[i] - y[i]


@kernel(void(array(f8), i8, array(f8)), is_inlined=True)
def absolutes(x: FloatArray, n: int, out: FloatArray) -> None:
    """``|x|``."""
    for i in range(n):
        out[i] = abs(x[i])


@kernel(void(array(f8), array(f8), i8, array(f8), array(f8)), is_inlined=True)
def rises_and_falls(x: FloatArray, y: FloatArray, n: int, rises: FloatArray, falls: FloatArray) -> None:
    """``max(x - y, 0)`` and ``max(y - x, 0)``."""
    for i in range(n):
        rises[i] = x[i] - y[i] if x[i] > y[i] else 0.0
    for i in range(n):
        falls[i] = y[i] - x[i] if y[i] > x[i] else 0.0


@kernel(void(array(f8), array(f8), i8, f8, f8, array(f8)), is_inlined=True)
def quotients(over: FloatArray, under: FloatArray, n: int, factor: float, without: float, out: FloatArray) -> None:
    """``factor over / under``; ``without`` where ``under`` is not above 0. ``out`` may be either."""
    for i in range(n):
        divisor = under[i] if under[i] > 0.0 else 1.0
        value = factor * over[i] / divisor
        out[i] = value if under[i] > 0.0 else without


@kernel(void(array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def shares(part: FloatArray, rest: FloatArray, n: int, without: float, out: FloatArray) -> None:
    """``100 part / (part + rest)`` of two not below 0; ``without`` where both are 0. ``out`` may be either."""
    for i in range(n):
        whole = part[i] + rest[i]
        value = 100.0 * part[i] / (whole if whole > 0.0 else 1.0)
        out[i] = value if whole > 0.0 else without


@kernel(void(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def balances(plus: FloatArray, minus: FloatArray, n: int, out: FloatArray) -> None:
    """``100 (plus - minus) / (plus + minus)`` of two not below 0; 0 where both are 0. ``out`` may be either."""
    for i in range(n):
        whole = plus[i] + minus[i]
        value = 100.0 * (plus[i] - minus[i]) / (whole if whole > 0.0 else 1.0)
        out[i] = value if whole > 0.0 else 0.0


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def places(x: FloatArray, highest: FloatArray, lowest: FloatArray, n: int, least: float, out: FloatArray) -> None:
    """``100 (x - lowest) / (highest - lowest)``, from ``-lowest``; 0 where that range is not above ``least``."""
    for i in range(n):
        width = highest[i] + lowest[i]
        value = 100.0 * (x[i] + lowest[i]) / (width if width > least else 1.0)
        out[i] = value if width > least else 0.0


@kernel(i8(array(f8), i8, i8, array(f8)), is_inlined=True)
def window_means(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """Mean of each window of ``x[:n]``; returns how many windows."""
    found: int = window_sums(x, n, period, out)
    scale(out, found, 1.0 / period)
    return found


@kernel(void(array(f8), i8, i8, array(f8, 2), i8, i8), is_inlined=True)
def put_last(values: FloatArray, n: int, defined: int, out: FloatArray, row: int, count: int) -> None:
    """The last ``defined`` of ``values[:n]`` to the end of an output of ``count`` bars, and NaN before them."""
    blank(out, row, count - defined)
    into, last = out[row, count - defined : count], values[n - defined : n]
    for i in range(defined):
        into[i] = last[i]
