"""Correlation and beta beside arithmetic of fifty digits: TA-Lib's sums lose some to what was in them before."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.bars import real_bars, walk
from tests.shared_data import requires_shared_data

talib = pytest.importorskip("talib")

Window = list[Decimal]


def co_moment(x: Window, y: Window) -> Decimal:
    n = len(x)
    return sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y) / n


def exact_correlation(high: Window, low: Window) -> Decimal:
    return co_moment(high, low) / (co_moment(high, high) * co_moment(low, low)).sqrt()


def exact_beta(high: Window, low: Window) -> Decimal:
    x, y = ([b / a - 1 for a, b in pairwise(z)] for z in (high, low))
    return co_moment(x, y) / co_moment(x, x)


# name -> (exact value of a window of highs and lows, prices in it, TA-Lib's column)
CASES: dict[str, tuple[Callable[[Window, Window], Decimal], int, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "correlation": (exact_correlation, 30, lambda h, lo: talib.CORREL(h, lo, 30)),
    "beta": (exact_beta, 6, lambda h, lo: talib.BETA(h, lo, 5)),
}


def largest_errors(name: str, bars: np.ndarray, first: int, stop: int) -> tuple[float, float]:
    """Ours and TA-Lib's over the bars ``first .. stop - 1``, as parts of the value or of one, if that is more."""
    exact, size, theirs = CASES[name]
    ours, others = evaluate(resolve(name), bars)[0], theirs(bars[1], bars[2])
    worst = [0.0, 0.0]
    with localcontext() as context:
        context.prec = 50
        for t in range(first, stop):
            high, low = ([Decimal(float(price)) for price in bars[row, t - size + 1 : t + 1]] for row in (1, 2))
            value = exact(high, low)
            for k, found in enumerate((ours[t], others[t])):
                worst[k] = max(worst[k], float(abs(Decimal(float(found)) - value) / max(1, abs(value))))
    return worst[0], worst[1]


@pytest.mark.parametrize("name", sorted(CASES))
def test_after_a_spike_ours_has_every_digit_and_talibs_lost_some(name: str) -> None:
    bars = walk(seed=3)
    bars[:4, 150] *= 1e6
    ours, theirs = largest_errors(name, bars, 182, 400)
    assert ours < 1e-12
    assert ours < theirs


@requires_shared_data
@pytest.mark.parametrize(
    ("name", "file", "at"),
    [
        ("beta", "binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet", 56274),
        ("correlation", "bitfinex_1m/ETHUSD_1m_2017.parquet", 71382),
    ],
)
def test_where_they_differ_most_on_recorded_bars_ours_is_the_nearer(name: str, file: str, at: int) -> None:
    ours, theirs = largest_errors(name, real_bars(file, at + 1), at, at + 1)
    assert theirs > 1e-9
    assert ours < 1e-10
