"""Where TA-Lib's running sums keep a trace of a spike, ours are nearer to arithmetic of fifty digits.

TA-Lib adds what enters a window and subtracts what leaves it, so after a price of 1e12 every later sum carries the
rounding error of that size for ever. Each case gives the exact value of one window in ``Decimal``.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, getcontext, localcontext

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.bars import walk

talib = pytest.importorskip("talib")

PERIOD = 20
SPIKE_AT = 150
Window = list[Decimal]


def mean(window: Window) -> Decimal:
    return sum(window) / len(window)


def variance(window: Window) -> Decimal:
    centre = mean(window)
    return sum((x - centre) ** 2 for x in window) / len(window)


def weighted_mean(window: Window) -> Decimal:
    n = len(window)
    return sum((k + 1) * x for k, x in enumerate(window)) / Decimal(n * (n + 1) // 2)


def slope(window: Window) -> Decimal:
    n = len(window)
    middle = Decimal(n - 1) / 2
    return sum((k - middle) * x for k, x in enumerate(window)) / sum((k - middle) ** 2 for k in range(n))


# name -> (exact value of a window of closes, TA-Lib's column)
CASES: dict[str, tuple[Callable[[Window], Decimal], Callable[[np.ndarray], np.ndarray]]] = {
    "sma": (mean, lambda c: talib.SMA(c, PERIOD)),
    "wma": (weighted_mean, lambda c: talib.WMA(c, PERIOD)),
    "standard_deviation": (lambda w: variance(w).sqrt(), lambda c: talib.STDDEV(c, PERIOD)),
    "linear_regression_slope": (slope, lambda c: talib.LINEARREG_SLOPE(c, PERIOD)),
}


def spiked() -> np.ndarray:
    bars = walk(seed=3)
    bars[:4, SPIKE_AT] = 1e12
    return bars


def largest_error(found: np.ndarray, close: np.ndarray, exact: Callable[[Window], Decimal]) -> float:
    """Over the windows after the spike, as a part of the price."""
    worst = Decimal(0)
    with localcontext(getcontext()) as context:
        context.prec = 50
        for t in range(SPIKE_AT + PERIOD, len(close)):
            window = [Decimal(float(x)) for x in close[t - PERIOD + 1 : t + 1]]
            worst = max(worst, abs(Decimal(float(found[t])) - exact(window)) / window[-1])
    return float(worst)


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_is_nearer_to_fifty_digits_than_talib(name: str) -> None:
    exact, theirs = CASES[name]
    bars = spiked()
    our_error = largest_error(evaluate(resolve(name, period=PERIOD), bars)[0], bars[3], exact)
    their_error = largest_error(theirs(bars[3]), bars[3], exact)
    assert our_error < 1e-13
    assert our_error < their_error


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_a_spike_both_have_nearly_every_digit(name: str) -> None:
    exact, theirs = CASES[name]
    bars = walk(seed=3)
    assert largest_error(evaluate(resolve(name, period=PERIOD), bars)[0], bars[3], exact) < 1e-13
    assert largest_error(theirs(bars[3]), bars[3], exact) < 1e-9
