"""Support and resistance on drawn prices, where what must be found is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import read_bars
from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.domain.errors import DataError, SettingError, UsageError
from bot4.quant.patterns.swings import SCALES, SWING, swings
from bot4.quant.structure import Level, nearest_levels, support_resistance, volume_at_price
from bot4.quant.structure.volume_at_price import share_between
from tests.shared_data import bars_path, requires_shared_data

T0 = 1_704_067_200_000_000_000
SPAN_6, SPAN_12, SPAN_3 = SCALES.index((6, 2.0)), SCALES.index((12, 2.0)), SCALES.index((3, 2.0))


def bars_through(corners: list[float], leg_bars: int, volume: float = 1.0) -> BarSeries:
    """Closes on straight legs through the corners, each bar half a unit high."""
    close = np.interp(
        np.arange(leg_bars * (len(corners) - 1) + 1), leg_bars * np.arange(len(corners)), np.array(corners)
    )
    ts_open_ns = T0 + HOUR_NS * np.arange(len(close), dtype=np.int64)
    return BarSeries("X", HOUR_NS, ts_open_ns, close, close + 0.25, close - 0.25, close, np.full(len(close), volume))


def swing_records(*rows: tuple[int, float, int, int, int]) -> np.ndarray:
    """Swings given as (bar, price, side, known_at, scale)."""
    return np.array(list(rows), SWING)


def at_price(levels: tuple[Level, ...], price: float, within: float = 1.0) -> Level:
    (level,) = [level for level in levels if level.touches and abs(level.price - price) <= within]
    return level


RANGE = bars_through([105, 100, 110, 100, 110, 100, 110, 100, 105], 20)


def test_a_range_has_a_support_at_its_lows_and_a_resistance_at_its_highs() -> None:
    levels = support_resistance(RANGE)
    floor, ceiling = at_price(levels, 100.0), at_price(levels, 110.0)
    assert (floor.role, ceiling.role) == ("support", "resistance")
    assert (floor.touch_bars, floor.touches) == ((20, 60, 100, 140), 4)
    assert not floor.is_flipped
    assert not ceiling.is_flipped
    assert (ceiling.touch_bars, ceiling.touches) == ((40, 80, 120), 3)
    assert (ceiling.first_touch, ceiling.last_touch) == (40, 120)
    assert ceiling.low <= 110.25 <= ceiling.high


def test_a_resistance_that_prices_broke_through_is_a_flipped_support() -> None:
    broken = bars_through([105, 100, 110, 100, 110, 100, 110, 100, 130], 20)
    ceiling = at_price(support_resistance(broken), 110.0)
    assert ceiling.role == "support"
    assert ceiling.is_flipped
    assert ceiling.crossings == 1


def test_a_level_is_known_when_the_touch_that_makes_it_one_was_confirmed() -> None:
    found = swing_records((10, 110, 1, 15, SPAN_6), (50, 110, 1, 57, SPAN_6), (90, 110, 1, 99, SPAN_6))
    assert at_price(support_resistance(RANGE, found), 110.0).known_at == 57
    assert at_price(support_resistance(RANGE, found, min_touches=3), 110.0).known_at == 99
    assert not [lvl for lvl in support_resistance(RANGE, found, as_of=56) if lvl.touches]
    assert at_price(support_resistance(RANGE, found, as_of=57), 110.0).touches == 2


def test_a_swing_of_several_scales_is_one_touch_of_the_widest_known_at_the_first() -> None:
    once = swing_records((40, 110, 1, 45, SPAN_6), (80, 110, 1, 86, SPAN_6))
    both = swing_records((40, 110, 1, 45, SPAN_6), (80, 110, 1, 86, SPAN_6), (40, 110, 1, 92, SPAN_12))
    narrow = swing_records(*once.tolist(), (120, 110, 1, 125, SPAN_3))
    thin, thick = (at_price(support_resistance(RANGE, found), 110.0) for found in (once, both))
    assert (thin.touches, thick.touches) == (2, 2)
    assert thick.known_at == thin.known_at == 86
    assert thick.strength > thin.strength
    assert at_price(support_resistance(RANGE, narrow), 110.0) == thin, "spans below the least are no touches"


@pytest.mark.parametrize(("price", "crossings"), [(110.0, 0), (105.0, 5)])
def test_strength_is_the_formula_of_the_document(price: float, crossings: int) -> None:
    found = swing_records(
        (40, price, 1, 45, SPAN_6), (80, price + 0.3, 1, 86, SPAN_12), (120, price + 0.1, 1, 126, SPAN_6)
    )  # fmt: skip
    level = at_price(support_resistance(RANGE, found), price)
    n = len(RANGE)
    weights = [1.0, 2.0, 1.0]
    touched = sum(w * 0.5 ** ((n - 1 - bar) / (n / 2)) for w, bar in zip(weights, (40, 80, 120), strict=True))
    price_share = level.width / (RANGE.high.max() - RANGE.low.min())
    overlap = np.clip(np.minimum(RANGE.high, level.high) - np.maximum(RANGE.low, level.low), 0, None) / 0.5
    assert level.crossings == crossings
    assert level.volume_share == pytest.approx(overlap.sum() / n)
    evidence = touched * 3 / (3 + crossings) + max(0.0, math.log(level.volume_share / price_share))
    assert level.strength == pytest.approx(1.0 - math.exp(-evidence / 4.0))
    assert level.price == pytest.approx(price + (2 * 0.3 + 0.1) / 4.0)


def test_much_volume_within_a_level_makes_no_second_one() -> None:
    busy = replace(RANGE, volume=np.where(RANGE.high > 109.9, 50.0, 1.0))
    alone = support_resistance(busy, swing_records())
    assert [round(level.price) for level in alone] == [110]
    touched = at_price(support_resistance(busy), 110.0)
    assert touched.low <= alone[0].high
    assert alone[0].low <= touched.high
    assert not [level for level in support_resistance(busy) if not level.touches]


def test_more_and_later_touches_and_more_volume_make_a_level_stronger() -> None:
    two = swing_records((40, 110, 1, 45, SPAN_6), (80, 110, 1, 86, SPAN_6))
    three = swing_records(*two.tolist(), (120, 110, 1, 126, SPAN_6))
    later = swing_records((80, 110, 1, 86, SPAN_6), (120, 110, 1, 126, SPAN_6))
    heavy = replace(RANGE, volume=np.where(RANGE.high > 109.5, 20.0, 1.0))
    strength = [at_price(support_resistance(RANGE, found), 110.0).strength for found in (two, later, three)]
    assert strength == sorted(strength)
    assert at_price(support_resistance(heavy, three), 110.0).strength > strength[-1]


def test_where_much_was_traded_without_a_swing_is_a_level_of_its_own() -> None:
    near = np.abs(RANGE.close - 105.0) < 0.6
    busy = replace(RANGE, volume=np.where(near, 50.0, 1.0))
    nodes = [level for level in support_resistance(busy) if not level.touches]
    assert [round(level.price) for level in nodes] == [105]
    (node,) = nodes
    assert (node.first_touch, node.last_touch, node.known_at) == (-1, -1, len(busy) - 1)
    assert node.touch_bars == ()
    assert node.volume_share > 0.25 > 5 * node.width / 10.5
    assert not [level for level in support_resistance(replace(RANGE, volume=0 * RANGE.volume)) if not level.touches]


def test_levels_come_strongest_first_and_no_more_than_asked_for() -> None:
    levels = support_resistance(RANGE)
    assert [level.strength for level in levels] == sorted((lvl.strength for lvl in levels), reverse=True)
    assert support_resistance(RANGE, count=1) == levels[:1]


def test_the_nearest_levels_are_the_ones_on_each_side() -> None:
    levels = support_resistance(RANGE)
    below, above = nearest_levels(levels, 105.0)
    assert below is not None
    assert above is not None
    assert below.price < 105.0 < above.price
    assert nearest_levels(levels, 1.0)[0] is None
    assert nearest_levels(levels, 1e6)[1] is None
    assert nearest_levels((), 1.0) == (None, None)


def test_older_bars_than_the_window_are_forgotten() -> None:
    levels = support_resistance(RANGE, lookback_bars=60)
    assert all(level.first_touch >= len(RANGE) - 60 for level in levels if level.touches)


def test_a_bar_that_is_not_finite_starts_everything_again() -> None:
    volume = RANGE.volume.copy()
    volume[90] = np.nan
    holed = replace(RANGE, volume=volume)
    touched = [level.first_touch for level in support_resistance(holed, min_touches=1) if level.touches]
    assert touched
    assert min(touched) > 90
    assert support_resistance(holed, as_of=90) == ()


def test_there_are_no_levels_where_nothing_moved_or_nothing_is() -> None:
    flat = {name: np.full(50, 7.0) for name in ("high", "low", "close", "volume")}
    assert support_resistance(flat) == ()
    assert support_resistance({name: values[:0] for name, values in flat.items()}) == ()


def test_every_kind_of_columns_gives_the_same_levels() -> None:
    columns = {name: getattr(RANGE, name) for name in ("high", "low", "close", "volume")}
    table = pl.DataFrame(columns)
    expected = support_resistance(RANGE)
    for kind in (columns, table, table.to_pandas()):
        assert support_resistance(kind) == expected


def test_a_level_as_a_dict_is_plain() -> None:
    level = support_resistance(RANGE)[0]
    plain = level.as_dict()
    assert plain["width"] == level.high - level.low
    assert {type(value) for value in plain.values()} <= {int, float, str, bool, tuple}


def test_settings_out_of_bounds_and_absent_columns_are_refused() -> None:
    for setting in (
        {"tolerance": 0.0}, {"tolerance": math.nan}, {"min_touches": 0}, {"count": 0}, {"lookback_bars": 0},
        {"min_span_bars": 49}, {"lookback_bars": 2.5}, {"min_touches": True},
    ):  # fmt: skip
        with pytest.raises(SettingError, match=f"{next(iter(setting))} = .* is out of bounds"):
            support_resistance(RANGE, **setting)  # type: ignore[arg-type]
    for as_of in (-1, len(RANGE)):
        with pytest.raises(UsageError, match="there is no bar"):
            support_resistance(RANGE, as_of=as_of)
    columns = {name: getattr(RANGE, name) for name in ("high", "low", "close")}
    with pytest.raises(DataError, match="there is no column volume"):
        support_resistance(columns)
    with pytest.raises(DataError, match="column volume has 3 values"):
        support_resistance({**columns, "volume": [1.0, 2.0, 3.0]})
    with pytest.raises(DataError, match="column volume is not numeric"):
        support_resistance({**columns, "volume": ["much"] * len(RANGE)})


# --- volume at price -----------------------------------------------------------------------------------------------


def test_a_bars_volume_is_spread_evenly_from_its_low_to_its_high() -> None:
    profile = volume_at_price(np.array([10.5, 12.0]), np.array([13.0, 12.0]), np.array([5.0, 3.0]), 1.0)
    assert profile.first_price == 10.0
    assert profile.volume.tolist() == [1.0, 2.0, 5.0, 0.0]
    assert profile.point_of_control == 12.5
    assert profile.price(0) == 10.5


def test_a_profile_of_nothing_has_no_point_of_control() -> None:
    empty = volume_at_price(np.empty(0), np.empty(0), np.empty(0), 1.0)
    assert math.isnan(empty.point_of_control)
    assert empty.peaks(1, 2.0) == []


def test_bins_too_many_to_hold_are_widened() -> None:
    profile = volume_at_price(np.array([1.0, 1e9]), np.array([1.0, 1e9]), np.array([1.0, 2.0]), 1e-3)
    assert len(profile.volume) <= 1 << 20
    assert profile.volume.sum() == 3.0
    assert profile.point_of_control == pytest.approx(1e9, rel=1e-5)


def test_peaks_stand_out_and_the_lowest_of_equals_counts() -> None:
    price = np.array([1.5, 2.5, 3.5, 7.5, 8.5])
    profile = volume_at_price(price, price, np.array([1.0, 9.0, 9.0, 8.0, 1.0]), 1.0)
    assert [profile.price(k) for k in profile.peaks(2, 1.5)] == [2.5, 7.5]
    assert [profile.price(k) for k in profile.peaks(2, 2.4)] == [2.5]


def test_a_share_of_volume_counts_bars_without_a_range_where_they_traded() -> None:
    low, high, volume = np.array([1.0, 2.0]), np.array([1.0, 4.0]), np.array([1.0, 3.0])
    assert share_between(low, high, volume, 0.5, 2.0) == 0.25
    assert share_between(low, high, volume, 2.0, 3.0) == pytest.approx(1.5 / 4.0)
    assert share_between(low, high, 0.0 * volume, 0.0, 9.0) == 0.0


@requires_shared_data
def test_levels_of_recorded_bars_are_those_of_the_bars_until_then() -> None:
    bars = read_bars(bars_path("binance_spot_1h/BTCUSDT_1h_20200920_20231231.parquet"))
    found = swings(bars)
    for as_of in (300, 4321, 20_000):
        columns = {name: getattr(bars, name)[: as_of + 1] for name in ("high", "low", "close", "volume")}
        levels = support_resistance(bars, found, as_of=as_of)
        assert levels == support_resistance(columns)
        assert sum(level.touches >= 2 for level in levels) >= 3
        assert all(0.0 <= level.strength < 1.0 and 0.0 <= level.volume_share <= 1.0 for level in levels)
        assert all(level.known_at <= as_of for level in levels)
