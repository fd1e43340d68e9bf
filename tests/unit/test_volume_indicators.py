"""Volume indicators by hand: calendars, anchors, profiles, and what they give where nothing was traded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate

DAY_S = 86_400
THURSDAY = 3


def outputs(name: str, bars: np.ndarray, **params: Any) -> np.ndarray:
    return evaluate(resolve(name, **params), bars)


def bars_of(price: np.ndarray, volume: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    return np.array([price, price, price, price, volume, time_s], np.float64)


def rising(n: int, step_s: int, first_s: int = 0) -> np.ndarray:
    """One unit traded at a price that rises with every bar, so that an average equals it only where it begins."""
    return bars_of(100.0 + np.arange(n), np.ones(n), first_s + step_s * np.arange(n))


def test_weeks_begin_on_monday_and_months_on_the_first_of_every_year_to_2100() -> None:
    bars = rising(47_482, DAY_S)
    days = np.arange(47_482).astype("datetime64[D]")
    starts = {
        0: np.full(len(days), True),
        1: (np.arange(len(days)) + THURSDAY) % 7 == 0,
        2: days == days.astype("datetime64[M]").astype("datetime64[D]"),
    }
    for anchor, is_start in starts.items():
        begins = outputs("vwap_bands", bars, anchor=anchor)[0] == bars[3]
        np.testing.assert_array_equal(begins[1:], is_start[1:])
        assert begins[0]


def test_a_day_that_begins_in_a_gap_begins_with_the_next_bar() -> None:
    bars = rising(48, 3_600, first_s=20 * DAY_S)[:, np.r_[0:20, 30:48]]
    for name in ("vwap", "vwap_bands"):
        begins = outputs(name, bars)[0] == bars[3]
        assert np.flatnonzero(begins).tolist() == [0, 20]


def test_an_anchored_average_begins_with_the_first_bar_from_its_anchor_on() -> None:
    bars = rising(10, 60, first_s=600)
    for name in ("anchored_vwap", "anchored_vwap_bands"):
        for anchor_s in (781, 840):
            average = outputs(name, bars, anchor_s=anchor_s)[0]
            assert np.isnan(average[:4]).all()
            np.testing.assert_allclose(average[4:], [104.0, 104.5, 105.0, 105.5, 106.0, 106.5])
        assert np.isnan(outputs(name, bars, anchor_s=10_000)).all()


def test_the_bands_lie_as_many_deviations_away_as_asked() -> None:
    bars = bars_of(np.array([10.0, 20.0]), np.array([3.0, 1.0]), np.array([0.0, 60.0]))
    spread = np.sqrt(0.75 * 2.5**2 + 0.25 * 7.5**2)
    expected = [12.5, 12.5 + 3.0 * spread, 12.5 - 3.0 * spread, spread]
    for name, params in (("vwap_bands", {}), ("anchored_vwap_bands", {}), ("rolling_vwap_bands", {"period": 2})):
        np.testing.assert_allclose(outputs(name, bars, multiplier=3.0, **params)[:, 1], expected, rtol=1e-15)
    np.testing.assert_allclose(outputs("volume_weighted_deviation", bars, period=2)[0, 1], spread, rtol=1e-15)


def profile(low: list[float], high: list[float], volume: list[float], **params: Any) -> list[float]:
    n = len(low)
    bars = np.array([low, high, low, high, volume, np.arange(n)], np.float64)
    return list(outputs("volume_profile", bars, period=n, **params)[:, -1])


def test_a_profile_drawn_by_hand() -> None:
    """Bins of one from 0 to 10 hold 1 each, those from 4 to 6 another 4 each, that from 7 to 8 another 2."""
    low, high, volume = [0.0, 4.0, 7.0], [10.0, 6.0, 8.0], [10.0, 8.0, 2.0]
    assert profile(low, high, volume, bins=10, share=0.5) == [4.5, 6.0, 4.0]  # 5 + 5 of 20
    assert profile(low, high, volume, bins=10, share=0.55) == [4.5, 7.0, 4.0]  # of equals the upper
    assert profile(low, high, volume, bins=10, share=0.7) == [4.5, 8.0, 4.0]  # 5 + 5 + 1 + 3
    assert profile(low, high, volume, bins=10, share=1.0) == [4.5, 10.0, 0.0]


def test_a_bar_without_range_trades_in_the_bin_of_its_price() -> None:
    low, high, volume = [0.0, 5.0, 10.0], [10.0, 5.0, 10.0], [1.0, 6.0, 3.0]
    assert profile(low, high, volume, bins=10, share=0.5) == [5.5, 6.0, 5.0]
    assert profile([0.0, 10.0], [10.0, 10.0], [1.0, 3.0], bins=10, share=0.5) == [9.5, 10.0, 9.0]


def test_a_profile_without_volume_is_the_whole_range_and_without_range_the_price() -> None:
    assert profile([0.0, 5.0], [10.0, 6.0], [0.0, 0.0], bins=10, share=0.7) == [5.0, 10.0, 0.0]
    assert profile([5.0, 5.0], [5.0, 5.0], [2.0, 1.0], bins=24, share=0.7) == [5.0, 5.0, 5.0]


NEUTRAL = {
    "cmf": 0.0,
    "mfi": 0.0,
    "twiggs_money_flow": 0.0,
    "ease_of_movement": 0.0,
    "market_facilitation_index": 0.0,
    "klinger_oscillator": 0.0,
    "pvo": 0.0,
    "volume_oscillator": 0.0,
    "volume_zone_oscillator": 0.0,
    "volume_rate_of_change": 0.0,
    "volume_z_score": 0.0,
    "volume_weighted_deviation": 0.0,
    "relative_volume": 1.0,
    "up_down_volume_ratio": 1.0,
    "nvi": 1000.0,
    "pvi": 1000.0,
    "obv": 0.0,
    "pvt": 0.0,
}


@pytest.mark.parametrize("name", sorted(NEUTRAL))
def test_it_says_nothing_where_nothing_was_traded(name: str) -> None:
    rng = np.random.default_rng(2)
    price = 100.0 + np.cumsum(rng.normal(0.0, 1.0, 200))
    bars = np.array([price, price + 1.0, price - 1.0, price, np.zeros(200), 60.0 * np.arange(200)])
    values = outputs(name, bars)
    assert set(values[np.isfinite(values)]) == {NEUTRAL[name]}


@pytest.mark.parametrize("name", ["vwap", "anchored_vwap", "rolling_vwap", "vwap_bands", "rolling_vwap_bands"])
def test_an_average_price_without_volume_is_the_price_of_the_bar(name: str) -> None:
    bars = rising(100, 60)
    bars[4] = 0.0
    average = outputs(name, bars)[0]
    np.testing.assert_array_equal(average[~np.isnan(average)], bars[3, -np.count_nonzero(~np.isnan(average)) :])


def test_the_ratio_of_rising_volume_ends_at_a_thousand() -> None:
    assert outputs("up_down_volume_ratio", rising(60, 60))[0, -1] == 1000.0
    bars = rising(60, 60)
    bars[1:4, 58] -= 10.0  # one bar falls, on a volume of 1e-9; the next one rises
    bars[4, 58] = 1e-9
    assert outputs("up_down_volume_ratio", bars)[0, -1] == 1000.0
