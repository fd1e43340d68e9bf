"""Indicators against slow, exact definitions: on walks, on arrays that break running sums, and on real bars."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity import slow_indicators as slow
from tests.parity.bars import constant, real_bars, steps, walk, without_volume
from tests.parity.references import ELSEWHERE, SLOW, TALIB
from tests.shared_data import requires_shared_data

ADVERSARIAL = {
    "walk": walk(),
    "huge": walk(level=1e12),
    "tiny": walk(level=1e-12),
    "far from zero": walk(level=1.0) + np.array([[1e6]] * 4 + [[0.0]] * 2),
    "constant": constant(),
    "steps": steps(),
    "without volume": without_volume(),
    "one bar": walk(n=1),
    "two bars": walk(n=2),
    "twenty bars": walk(n=20),
}
WINDOWED = sorted(name for name in SLOW if SLOW[name].memory is not None)


def values(name: str, bars: np.ndarray) -> np.ndarray:
    return evaluate(resolve(name.partition(":")[0], **SLOW[name].params), bars)


def errors(name: str, bars: np.ndarray) -> np.ndarray:
    expected = np.array(SLOW[name].reference(*bars))
    actual = values(name, bars)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    return np.abs(actual - expected) / SLOW[name].unit(bars)


def test_every_indicator_has_a_reference() -> None:
    assert {name.partition(":")[0] for name in (*TALIB, *SLOW, *ELSEWHERE)} == set(INDICATORS)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_an_indicator_compared_elsewhere_is_named_there(name: str) -> None:
    assert f'"{name}"' in (Path(__file__).parent / ELSEWHERE[name]).read_text("utf-8")


@pytest.mark.parametrize("kind", sorted(ADVERSARIAL))
@pytest.mark.parametrize("name", sorted(SLOW))
def test_it_is_what_its_definition_says(name: str, kind: str) -> None:
    has_few_digits = kind == "far from zero" and SLOW[name].has_few_digits  # seven are taken by the level
    tolerance = 1e-7 if has_few_digits else 1e-9
    assert np.nanmax(errors(name, ADVERSARIAL[kind]), initial=0.0) < tolerance


@pytest.mark.parametrize("row", ["price", "volume"])
@pytest.mark.parametrize("name", WINDOWED)
def test_a_spike_leaves_no_trace_once_it_left_the_window(name: str, row: str) -> None:
    memory = SLOW[name].memory or 0
    clean = values(name, walk())
    unit = np.broadcast_to(SLOW[name].unit(walk()), clean.shape)
    for at in range(150, 150 + memory, max(1, memory // 25)):
        bars = walk()
        bars[slice(0, 4) if row == "price" else 4, at] = 1e12
        first_free = at + memory
        error = np.abs(values(name, bars) - clean) / unit
        assert np.nanmax(error[:, first_free:], initial=0.0) < 1e-9


PRICES_SCALED = 2.0**-40
ANGLES = {"linear_regression_angle"}  # degrees, of a slope in price units per bar


@pytest.mark.parametrize("name", sorted(set(INDICATORS) - ANGLES))
def test_prices_in_another_unit_change_nothing_but_the_unit(name: str) -> None:
    """Powers of two are exact, so each output is bit for bit the same, or the same times a power of the unit."""
    bars = walk()
    scaled = bars * np.array([[PRICES_SCALED]] * 4 + [[1.0]] * 2)
    before, after = evaluate(resolve(name), bars), evaluate(resolve(name), scaled)
    for x, y in zip(before, after, strict=True):
        powers = (1.0, PRICES_SCALED, PRICES_SCALED**2, 1.0 / PRICES_SCALED)
        assert any((x * power).tobytes() == y.tobytes() for power in powers)


REAL = {
    "an hour, with gaps": "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "five minutes of a perpetual": "binance_usdm_5m/ETHUSDT_PERP_5m_2023.parquet",
}


@requires_shared_data
@pytest.mark.parametrize("kind", sorted(REAL))
@pytest.mark.parametrize("name", sorted(name for name in SLOW if SLOW[name].on_real_bars))
def test_real_bars_give_what_the_definition_says(name: str, kind: str) -> None:
    assert np.nanmax(errors(name, real_bars(REAL[kind], 2_000))) < 1e-9


@requires_shared_data
def test_the_session_vwap_of_real_bars_starts_at_midnight_utc() -> None:
    bars = real_bars(REAL["an hour, with gaps"], 2_000)
    assert np.nanmax(errors("vwap", bars)) < 1e-9
    at_midnight = bars[5] % 86400 == 0
    np.testing.assert_allclose(
        evaluate(resolve("vwap"), bars)[0, at_midnight], bars[1:4].mean(axis=0)[at_midnight], rtol=1e-12
    )


@requires_shared_data
def test_the_money_flow_index_counts_equal_decimal_prices_as_equal() -> None:
    bars = real_bars("binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet", 3_000)
    sums = [sum(Decimal(repr(float(price))) for price in bar) for bar in bars[1:4].T]
    signs = np.array([0, *((b > a) - (b < a) for a, b in pairwise(sums))])
    flow = slow.typical(*bars[1:4]) * bars[4]
    rises, moved = np.where(signs > 0, flow, 0.0), np.where(signs != 0, flow, 0.0)
    expected = 100.0 * slow.ratio_of_sums(rises, moved, 14, 1, np.zeros(len(flow)))
    np.testing.assert_allclose(evaluate(resolve("mfi"), bars)[0], expected, rtol=0.0, atol=1e-7)
