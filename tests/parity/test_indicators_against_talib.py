"""Indicators against TA-Lib on recorded bars and on adversarial ones: values, seeding and warm-up."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity.bars import real_bars, steps_with_range, walk, with_leading_nan, without_volume
from tests.parity.references import TALIB
from tests.shared_data import bars_files, requires_shared_data

FILES = [
    "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "binance_usdm_5m/ETHUSDT_PERP_5m_2023.parquet",
    "binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet",
]
NAMES = sorted(TALIB)
MADE = {
    "a random walk": walk(seed=11),
    "huge prices": walk(level=1e12, seed=11),
    "tiny prices": walk(level=1e-9, seed=11),
    "steps": steps_with_range(),
    "no volume": without_volume(),
    "one bar": walk(n=1),
    "two bars": walk(n=2),
}


def compare(name: str, bars: np.ndarray) -> None:
    case = TALIB[name]
    expected = np.atleast_2d(np.array(case.reference(*bars[:5])))
    actual = evaluate(resolve(name.partition(":")[0], **case.params), bars)[: len(expected)]
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    error = np.abs(actual - expected) / case.unit(bars)
    assert np.nanmax(error, initial=0.0) < 1e-9, f"{name}: {np.nanmax(error)} at {np.nanargmax(error)}"


@requires_shared_data
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", NAMES)
def test_real_bars_give_what_talib_gives(name: str, file: str) -> None:
    compare(name, real_bars(file, 20_000))


@requires_shared_data
@pytest.mark.slow
@pytest.mark.parametrize("file", bars_files())
def test_every_recorded_bar_gives_what_talib_gives(file: str) -> None:
    bars = real_bars(file)
    for name in NAMES:
        compare(name, bars)


@pytest.mark.parametrize("kind", sorted(MADE))
@pytest.mark.parametrize("name", NAMES)
def test_made_bars_give_what_talib_gives(name: str, kind: str) -> None:
    compare(name, MADE[kind])


@pytest.mark.parametrize("name", [name for name in NAMES if not TALIB[name].counts_volume])
def test_leading_nan_delays_as_it_delays_talib(name: str) -> None:
    case = TALIB[name]
    bars = with_leading_nan()
    expected = np.atleast_2d(np.array(case.reference(*bars[:5])))
    actual = evaluate(resolve(name.partition(":")[0], **case.params), bars)[: len(expected)]
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    error = np.abs(actual - expected)[:, 17:] / np.broadcast_to(case.unit(bars[:, 17:]), (len(actual), 400 - 17))
    assert np.nanmax(error, initial=0.0) < 1e-9


@pytest.mark.parametrize("name", [name for name in NAMES if TALIB[name].counts_volume])
def test_leading_nan_starts_the_running_totals_late(name: str) -> None:
    bars = with_leading_nan()
    member = resolve(name.partition(":")[0], **TALIB[name].params)
    np.testing.assert_array_equal(evaluate(member, bars)[:, 17:], evaluate(member, bars[:, 17:]))
