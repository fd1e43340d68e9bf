"""What holds of levels and lines whatever the prices: no look ahead, no dependence on the unit, kept promises."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.quant.patterns.swings import swings
from bot4.quant.structure import TrendLine, fibonacci_legs, support_resistance, trend_lines, volume_at_price
from bot4.quant.structure.support_resistance import cluster
from bot4.quant.structure.volume_at_price import share_between

Columns = dict[str, np.ndarray]


def walk(seed: int, n: int = 700, flat: bool = False) -> Columns:
    """A random walk in steps of 1/64, with fat tails, flat stretches and bars without volume."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_t(3, n) * np.where(rng.random(n) < 0.1, 0.0, 1.0)
    if flat:
        steps[n // 4 : n // 3] = 0.0
    close = 1000.0 + np.round(np.cumsum(steps) * 64) / 64
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) + np.round(rng.random(n) * 64) / 64
    low = np.minimum(open_, close) - np.round(rng.random(n) * 64) / 64
    volume = np.where(rng.random(n) < 0.1, 0.0, rng.lognormal(2.0, 1.0, n))
    return {"high": high, "low": low, "close": close, "volume": volume}


def prefix(columns: Columns, n: int) -> Columns:
    return {name: values[:n] for name, values in columns.items()}


def everything(columns: Columns, **when: int) -> tuple[object, ...]:
    return (
        support_resistance(columns, **when),
        trend_lines(columns, count=None, **when),
        fibonacci_legs(columns, count=4, span_bars=6, **when),
    )


seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, as_of=st.integers(0, 699), flat=st.booleans(), bad=st.one_of(st.none(), st.integers(0, 699)))
@settings(max_examples=60, deadline=None)
def test_what_is_known_at_a_bar_is_what_the_bars_until_then_give(
    seed: int, as_of: int, flat: bool, bad: int | None
) -> None:
    columns = walk(seed, flat=flat)
    if bad is not None:
        columns["close"][bad] = np.nan
    assert everything(columns, as_of=as_of) == everything(prefix(columns, as_of + 1))


@given(seed=seeds, exponent=st.integers(-20, 20))
@settings(max_examples=25, deadline=None)
def test_prices_in_another_unit_give_the_same_structure_in_that_unit(seed: int, exponent: int) -> None:
    columns, factor = walk(seed), 2.0**exponent
    scaled = {name: values if name == "volume" else values * factor for name, values in columns.items()}
    for level, other in zip(support_resistance(columns), support_resistance(scaled), strict=True):
        assert (level.price * factor, level.strength, level.touch_bars) == (
            other.price, other.strength, other.touch_bars,
        )  # fmt: skip
    for line, other in zip(trend_lines(columns), trend_lines(scaled), strict=True):
        assert (line.slope * factor, line.score, line.broken_at) == (other.slope, other.score, other.broken_at)


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_prices_upside_down_give_the_lines_upside_down(seed: int) -> None:
    columns = walk(seed)
    mirrored = {"high": -columns["low"], "low": -columns["high"], "close": -columns["close"]}
    lines, other = trend_lines(columns), trend_lines(mirrored)

    def seen(lines: tuple[TrendLine, ...], role: str, sign: float) -> list[object]:
        return [
            (sign * line.slope, line.broken_at, line.known_at, line.score, [p.bar for p in line.touches])
            for line in lines
            if line.role == role
        ]

    assert seen(lines, "support", 1.0) == seen(other, "resistance", -1.0)
    assert seen(lines, "resistance", 1.0) == seen(other, "support", -1.0)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_line_keeps_what_it_promises(seed: int) -> None:
    columns = walk(seed)
    extremes = {"support": columns["low"], "resistance": columns["high"]}
    found = swings(columns)
    for line in trend_lines(columns, count=None):
        beyond = np.array([line.at(bar) for bar in range(700)]) - columns["close"]
        beyond = beyond if line.role == "support" else -beyond
        start, end = line.touches[0].bar, line.broken_at if line.broken_at is not None else 700
        assert (beyond[start:end] <= line.margin * (1 + 1e-9)).all()
        if line.broken_at is not None:
            assert line.broken_at > line.known_at
            assert beyond[line.broken_at] > line.margin * (1 - 1e-9)
        assert len(line.touches) >= 2
        for point in line.touches:
            assert point.price == extremes[line.role][point.bar]
            assert abs(point.price - line.at(point.bar)) <= line.margin * (1 + 1e-9)
            assert point.bar in found["bar"]
            assert point.bar < end


@given(seed=seeds, as_of=st.integers(200, 650))
@settings(max_examples=40, deadline=None)
def test_a_line_never_changes_but_gains_touches_and_is_broken_once(seed: int, as_of: int) -> None:
    columns = walk(seed)
    found = swings(columns)

    def by_anchor(at: int) -> dict[tuple[int, float, int], TrendLine]:
        lines = trend_lines(columns, found, as_of=at, count=None, lookback_bars=None)
        return {(line.touches[0].bar, line.slope, line.known_at): line for line in lines}

    early, late = by_anchor(as_of), by_anchor(as_of + 40)
    for key in early.keys() & late.keys():
        before, after = early[key], late[key]
        assert before.margin == after.margin
        assert set(before.touches) <= set(after.touches)
        assert after.broken_at == before.broken_at or (before.broken_at is None and (after.broken_at or 0) > as_of)


def test_lines_seen_at_one_bar_are_mostly_seen_forty_bars_later() -> None:
    """That the property above compares something."""
    columns = walk(5)
    keys = [
        {(line.touches[0].bar, line.slope, line.known_at) for line in trend_lines(columns, as_of=at, count=None)}
        for at in (500, 540)
    ]
    assert len(keys[0] & keys[1]) > 0.5 * len(keys[0]) > 5


@given(prices=st.lists(st.floats(1.0, 100.0), max_size=40), reach=st.floats(0.01, 50.0))
@settings(max_examples=200, deadline=None)
def test_clusters_part_the_prices_are_narrow_enough_and_could_not_be_joined(prices: list[float], reach: float) -> None:
    values = np.array(prices)
    found = cluster(values, reach)
    assert sorted(np.concatenate([*found, np.empty(0, int)]).tolist()) == list(range(len(values)))
    for rows in found:
        assert np.ptp(values[rows]) <= reach
        assert (np.diff(rows) > 0).all()
    for lower, upper in itertools.pairwise(found):
        assert values[lower].max() <= values[upper].min()
        assert values[upper].max() - values[lower].min() > reach


@given(prices=st.lists(st.floats(1.0, 100.0), max_size=30), reach=st.floats(0.01, 50.0), seed=seeds)
@settings(max_examples=100, deadline=None)
def test_clusters_do_not_depend_on_the_order_of_the_prices(prices: list[float], reach: float, seed: int) -> None:
    values = np.array(prices)
    shuffled = np.random.default_rng(seed).permutation(values)
    before = [sorted(values[rows].tolist()) for rows in cluster(values, reach)]
    assert [sorted(shuffled[rows].tolist()) for rows in cluster(shuffled, reach)] == before


@given(seed=seeds, n=st.integers(1, 60), bin_width=st.floats(0.05, 20.0))
@settings(max_examples=100, deadline=None)
def test_volume_at_price_loses_nothing_and_agrees_with_the_share_of_each_bin(
    seed: int, n: int, bin_width: float
) -> None:
    columns = walk(seed, n)
    low, high, volume = (columns[name] for name in ("low", "high", "volume"))
    low = np.where(np.arange(n) % 7 == 3, high, low)
    profile = volume_at_price(low, high, volume, bin_width)
    assert profile.volume.sum() == pytest.approx(volume.sum())
    assert profile.first_price <= low.min() * (1 + 1e-12)
    assert profile.price(len(profile.volume)) > high.max()
    kept = high > low  # what traded at one price, on an edge, is in both shares
    ranged = volume_at_price(low[kept], high[kept], volume[kept], bin_width)
    for k, inside in enumerate(ranged.volume):
        bottom = ranged.first_price + k * bin_width
        share = share_between(low[kept], high[kept], volume[kept], bottom, bottom + bin_width)
        assert inside == pytest.approx(share * volume[kept].sum(), abs=1e-6)
