"""Trend lines and Fibonacci ratios on drawn prices, where what must be found is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import read_bars
from bot4.domain.errors import SettingError, UsageError
from bot4.quant.patterns.swings import SCALES, SWING, swings
from bot4.quant.structure import (
    EXTENSIONS,
    RETRACEMENTS,
    TrendLine,
    extensions,
    fibonacci_legs,
    retracements,
    trend_lines,
)
from tests.shared_data import bars_path, requires_shared_data

SPAN_6 = SCALES.index((6, 2.0))


def columns_through(corners: list[tuple[int, float]]) -> dict[str, np.ndarray]:
    """Closes on straight legs through the corners (bar, price), each bar half a unit high."""
    bars, prices = zip(*corners, strict=True)
    close = np.interp(np.arange(bars[-1] + 1), bars, prices)
    return {"high": close + 0.25, "low": close - 0.25, "close": close}


def channel(n_legs: int, slope: float, leg_bars: int = 20) -> list[tuple[int, float]]:
    """Corners on two parallel lines ten apart, a low first."""
    return [(leg_bars * k, 100.0 + slope * leg_bars * k + (10.0 if k % 2 else 0.0)) for k in range(n_legs + 1)]


def of_role(lines: tuple[TrendLine, ...], role: str) -> list[TrendLine]:
    return [line for line in lines if line.role == role]


@pytest.mark.parametrize("slope", [0.1, -0.1, 0.0])
def test_a_channel_has_a_line_along_its_lows_and_one_along_its_highs(slope: float) -> None:
    lines = trend_lines(columns_through(channel(9, slope)))
    support, resistance = of_role(lines, "support")[0], of_role(lines, "resistance")[0]
    for line, bars in ((support, [40, 80, 120, 160]), (resistance, [20, 60, 100, 140])):
        assert [point.bar for point in line.touches][-len(bars) :] == bars
        assert line.slope == pytest.approx(slope, abs=0.002)
        assert line.broken_at is None
        assert line.value == pytest.approx(line.at(180))
    assert support.at(40) == pytest.approx(100.0 + 40 * slope - 0.25)
    assert resistance.at(200) == pytest.approx(110.0 + 200 * slope + 0.25, abs=0.2)


def test_a_line_that_a_close_broke_says_at_which_bar() -> None:
    corners = [*channel(7, 0.1)[:-1], (150, 80.0)]
    columns = columns_through(corners)
    broken = next(line for line in of_role(trend_lines(columns), "support") if line.touches[0].bar == 40)
    assert broken.broken_at is not None
    gap = np.array([broken.at(bar) for bar in range(len(columns["close"]))]) - columns["close"]
    assert gap[broken.broken_at] > broken.margin
    assert (gap[40 : broken.broken_at] <= broken.margin).all()
    before = trend_lines(columns, as_of=broken.broken_at - 1)
    (whole,) = [line for line in before if line.touches[0].bar == 40 and line.slope == broken.slope]
    assert whole.broken_at is None
    assert (whole.known_at, whole.margin, whole.touches) == (broken.known_at, broken.margin, broken.touches)
    assert whole.score > broken.score


def test_no_line_goes_through_prices_that_closed_beyond_it() -> None:
    """Two lows with a lower one between them make no support."""
    corners = [(0, 105.0), (20, 100.0), (40, 110.0), (60, 90.0), (80, 110.0), (100, 100.0), (130, 115.0)]
    found = np.array([(20, 99.75, -1, 26, SPAN_6), (100, 99.75, -1, 106, SPAN_6)], SWING)
    assert trend_lines(columns_through(corners), found) == ()
    without = columns_through([corner for corner in corners if corner[0] != 60])
    assert [line.touches[0].bar for line in trend_lines(without, found)] == [20]


def test_a_line_is_known_when_its_second_swing_is_and_not_drawn_if_it_broke_before() -> None:
    columns = columns_through([(0, 105.0), (20, 100.0), (40, 110.0), (60, 100.0), (80, 110.0)])
    found = np.array([(20, 99.75, -1, 26, SPAN_6), (60, 99.75, -1, 67, SPAN_6)], SWING)
    assert trend_lines(columns, found, as_of=66) == ()
    (line,) = trend_lines(columns, found, as_of=67)
    assert line.known_at == 67
    sunk = {name: values.copy() for name, values in columns.items()}
    for values in sunk.values():
        values[65] -= 20.0
    assert trend_lines(sunk, found) == ()


def test_the_score_is_the_formula_of_the_document() -> None:
    columns = columns_through(channel(9, 0.1))
    for line in trend_lines(columns, tolerance=0.5):
        unit = line.margin / 0.5
        length = line.touches[-1].bar - line.touches[0].bar
        distance = abs(line.value - columns["close"][-1]) / unit
        score = (len(line.touches) - 1) * math.sqrt(length / 181) / (1 + distance / 10)
        assert line.score == pytest.approx(score * (0.5 if line.broken_at is not None else 1.0))


def test_lines_are_as_many_as_asked_for_and_each_has_the_touches_asked_for() -> None:
    columns = columns_through(channel(9, 0.1))
    assert len(of_role(trend_lines(columns, count=1), "support")) == 1
    assert all(len(line.touches) >= 4 for line in trend_lines(columns, min_touches=4))
    scores = [line.score for line in of_role(trend_lines(columns, count=None), "support")]
    assert scores == sorted(scores, reverse=True)


def test_every_kind_of_columns_gives_the_same_lines_and_legs() -> None:
    columns = columns_through(channel(9, 0.1))
    table = pl.DataFrame(columns)
    for kind in (table, table.to_pandas()):
        assert trend_lines(kind) == trend_lines(columns)
        assert fibonacci_legs(kind, count=3) == fibonacci_legs(columns, count=3)
    plain = trend_lines(columns)[0].as_dict()
    assert plain["role"] == "support"
    assert set(plain["touches"][0]) == {"bar", "price"}


def test_there_are_no_lines_without_bars_or_movement_or_across_a_bar_that_is_not_finite() -> None:
    columns = columns_through(channel(9, 0.1))
    assert trend_lines({name: values[:0] for name, values in columns.items()}) == ()
    assert trend_lines({name: np.full(60, 5.0) for name in columns}) == ()
    columns["close"] = columns["close"].copy()
    columns["close"][90] = np.nan
    touched = [line.touches[0].bar for line in trend_lines(columns)]
    assert touched
    assert min(touched) > 90
    assert all(leg.start_bar > 90 for leg in fibonacci_legs(columns, count=9, span_bars=6))


def test_settings_out_of_bounds_are_refused() -> None:
    columns = columns_through(channel(3, 0.1))
    for setting in ({"tolerance": -1.0}, {"min_touches": 1}, {"count": 0}, {"min_span_bars": 0}):
        with pytest.raises(SettingError, match="is out of bounds"):
            trend_lines(columns, **setting)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="count = 0 is out of bounds"):
        fibonacci_legs(columns, count=0)
    with pytest.raises(SettingError, match=r"no swings of span 7 and reversal 2\.0; spans are 1, 2, 3"):
        fibonacci_legs(columns, span_bars=7)
    with pytest.raises(UsageError, match="there is no bar 61 among 61"):
        trend_lines(columns, as_of=61)


# --- Fibonacci -----------------------------------------------------------------------------------------------------


def test_retracements_take_their_share_of_the_leg_back() -> None:
    assert RETRACEMENTS == (0.236, 0.382, 0.5, 0.618, 0.786)
    up = {level.ratio: level.price for level in retracements(100.0, 200.0)}
    assert up == pytest.approx({0.236: 176.4, 0.382: 161.8, 0.5: 150.0, 0.618: 138.2, 0.786: 121.4})
    down = {level.ratio: level.price for level in retracements(200.0, 100.0, [0.382])}
    assert down == pytest.approx({0.382: 138.2})


def test_extensions_go_beyond_the_end_or_on_from_a_pullback() -> None:
    assert EXTENSIONS == (1.272, 1.414, 1.618, 2.0, 2.618)
    up = [level.price for level in extensions(100.0, 200.0)]
    assert up == pytest.approx([227.2, 241.4, 261.8, 300.0, 361.8])
    assert [level.price for level in extensions(200.0, 100.0, [1.618])] == pytest.approx([38.2])
    assert [level.price for level in extensions(100.0, 200.0, [1.0, 1.618], pullback=150.0)] == [250.0, 311.8]


def test_a_price_or_a_ratio_that_is_not_finite_is_refused() -> None:
    with pytest.raises(SettingError, match="not finite"):
        retracements(100.0, math.nan)
    with pytest.raises(SettingError, match="not finite"):
        extensions(100.0, 200.0, [math.inf])
    with pytest.raises(SettingError, match="not finite"):
        extensions(100.0, 200.0, pullback=math.nan)


def test_the_latest_legs_run_between_swings_that_follow_each_other() -> None:
    columns = columns_through(channel(9, 0.0))
    latest, before = fibonacci_legs(columns, count=2, span_bars=6)
    assert (latest.start_bar, latest.end_bar, latest.direction) == (140, 160, -1)
    assert (before.start_bar, before.end_bar, before.direction) == (120, 140, 1)
    assert (latest.start_price, latest.end_price) == (110.25, 99.75)
    assert latest.retraced == pytest.approx((110.0 - 99.75) / 10.5)
    assert latest.retracements == retracements(110.25, 99.75)
    assert latest.extensions == extensions(110.25, 99.75)
    assert latest.as_dict()["retracements"][0]["ratio"] == 0.236


def test_a_leg_is_known_only_once_its_end_is_confirmed() -> None:
    columns = columns_through(channel(9, 0.0))
    (leg,) = fibonacci_legs(columns, span_bars=6)
    assert leg.known_at > leg.end_bar
    (earlier,) = fibonacci_legs(columns, span_bars=6, as_of=leg.known_at - 1)
    assert earlier.end_bar == leg.start_bar
    (now,) = fibonacci_legs(columns, span_bars=6, as_of=leg.known_at)
    assert (now.start_bar, now.end_bar, now.known_at) == (leg.start_bar, leg.end_bar, leg.known_at)
    assert fibonacci_legs(columns, as_of=0) == ()


@requires_shared_data
def test_lines_and_legs_of_recorded_bars_are_those_of_the_bars_until_then() -> None:
    bars = read_bars(bars_path("binance_spot_1h/BTCUSDT_1h_20200920_20231231.parquet"))
    found = swings(bars)
    for as_of in (400, 4321, 20_000):
        columns = {name: getattr(bars, name)[: as_of + 1] for name in ("high", "low", "close")}
        lines = trend_lines(bars, found, as_of=as_of)
        assert len(lines) >= 4
        assert lines == trend_lines(columns)
        assert fibonacci_legs(bars, found, as_of=as_of, count=5) == fibonacci_legs(columns, count=5)
