"""How far back an indicator's value reaches, where it is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.bars import HOUR_NS
from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import bar_matrix, evaluate
from bot4.quant.indicators.memory import history_dependence
from bot4.quant.series.synthetic import synthetic_bars

BARS = bar_matrix(synthetic_bars(3, 4_000, HOUR_NS))


def test_a_window_depends_on_nothing_before_it() -> None:
    assert history_dependence(resolve("sma", period=50), BARS, (50, 199)) == {50: 0.0, 199: 0.0}


def test_what_is_not_defined_after_so_few_bars_says_so() -> None:
    assert history_dependence(resolve("sma", period=50), BARS, (49,)) == {49: None}


def test_an_exponential_average_forgets_as_its_weight_says() -> None:
    """Two averages of the same bars differ by (1 - alpha)^k of their first difference."""
    period, history = 100, 400
    whole = evaluate(resolve("ema", period=period), BARS)[0]
    first = BARS.shape[1] - history + period - 1  # where the short one is seeded, with a plain mean
    apart = abs(np.mean(BARS[3, first - period + 1 : first + 1]) - whole[first])
    left = apart * (1.0 - 2.0 / (period + 1)) ** (BARS.shape[1] - 1 - first)
    scale = np.abs(whole[-1000:]).mean()
    found = history_dependence(resolve("ema", period=period), BARS, (history,))[history]
    assert found == pytest.approx(left / scale, rel=1e-6)


def test_a_running_total_never_forgets() -> None:
    found = history_dependence(resolve("obv"), BARS, (199, 1999))
    assert all(off is not None and off > 0.01 for off in found.values())
