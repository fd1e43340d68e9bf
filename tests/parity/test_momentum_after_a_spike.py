"""Where TA-Lib's running sums keep a trace of a spike, ours are nearer to the exact definition."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.bars import walk
from tests.parity.references import SLOW, TALIB

SPIKE_AT = 150
LEAVES_A_TRACE = (
    "accelerator_oscillator", "awesome_oscillator", "cmo_unsmoothed", "forecast_oscillator", "ppo:simple",
    "ultimate_oscillator",
)  # fmt: skip


@pytest.mark.parametrize("name", LEAVES_A_TRACE)
def test_it_is_nearer_to_the_definition_than_talib(name: str) -> None:
    bars = walk()
    bars[:4, SPIKE_AT] = 1e12
    case, is_free = SLOW[name], slice(SPIKE_AT + (SLOW[name].memory or 0), None)
    exact = np.array(case.reference(*bars))[:, is_free]
    ours = evaluate(resolve(name.partition(":")[0], **case.params), bars)[:, is_free]
    theirs = np.atleast_2d(np.array(TALIB[name].reference(*bars[:5])))[:, is_free]
    our_error, their_error = np.abs(ours - exact).max(), np.abs(theirs - exact).max()
    assert our_error < 1e-11
    assert our_error < 0.1 * their_error
