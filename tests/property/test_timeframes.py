"""Timeframes hold to their rule whatever bars are missing: nothing is lost, counted twice or known early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.bars import DAY_NS, MINUTE_NS, BarSeries
from bot4.quant.series.timeframes import Timeframe, on_base_bars, timeframes

T0 = 1_704_067_200_000_000_000  # a Monday, 2024-01-01T00:00Z
COLUMNS = ("ts_open_ns", "open", "high", "low", "close", "volume")


@st.composite
def gapped_bars(draw: st.DrawFn) -> BarSeries:
    """Bars with outages of any length, of one minute or one day, with volumes that add exactly."""
    steps = draw(st.lists(st.one_of(st.just(1), st.integers(1, 40)), min_size=0, max_size=120))
    interval_ns = draw(st.sampled_from([MINUTE_NS, DAY_NS]))
    at = draw(st.integers(0, 30)) + np.concatenate([[0], np.cumsum(steps)]).astype(np.int64)
    n = len(at)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = 100.0 + np.cumsum(rng.normal(0.0, 1.0, n))
    open_ = close + rng.normal(0.0, 0.5, n)
    high, low = np.maximum(open_, close) + rng.random(n), np.minimum(open_, close) - rng.random(n)
    volume = rng.integers(0, 1000, n).astype(np.float64)
    return BarSeries("X", interval_ns, T0 + interval_ns * at, open_, high, low, close, volume)


factors = st.lists(st.one_of(st.integers(1, 12), st.just(60), st.just(7)), min_size=1, max_size=4)


def prefix(series: BarSeries, n: int) -> BarSeries:
    return replace(series, **{name: getattr(series, name)[:n] for name in COLUMNS})


def parts(base: BarSeries, frame: Timeframe) -> list[np.ndarray]:
    """Indices of the base bars that each higher bar covers, found by time alone."""
    ends = frame.bars.ts_open_ns + frame.interval_ns
    return [
        np.flatnonzero((base.ts_open_ns >= start) & (base.ts_open_ns < end))
        for start, end in zip(frame.bars.ts_open_ns, ends, strict=True)
    ]


@given(base=gapped_bars(), factors=factors)
@settings(max_examples=150, deadline=None)
def test_every_base_bar_is_in_one_higher_bar_or_in_the_unfinished_last_one(base: BarSeries, factors: list[int]) -> None:
    for frame in timeframes(base, [factor * base.interval_ns for factor in factors]).values():
        covered = np.concatenate([*parts(base, frame), np.empty(0, np.int64)])
        assert covered.tolist() == list(range(len(covered)))
        assert [len(part) for part in parts(base, frame)] == frame.n_parts.tolist()
        rest = base.ts_open_ns[len(covered) :]
        if len(rest):
            close_ns, week_ns = rest[-1] + base.interval_ns, 7 * DAY_NS
            offset = 4 * DAY_NS if frame.interval_ns % week_ns == 0 else 0
            assert len({int(ts - offset) // frame.interval_ns for ts in rest}) == 1
            assert (close_ns - offset) % frame.interval_ns != 0, "a last bar that reaches its end is complete"


@given(base=gapped_bars(), factors=factors)
@settings(max_examples=150, deadline=None)
def test_a_higher_bar_conserves_volume_and_extremes_of_its_parts(base: BarSeries, factors: list[int]) -> None:
    for frame in timeframes(base, [factor * base.interval_ns for factor in factors]).values():
        for k, part in enumerate(parts(base, frame)):
            assert frame.bars.open[k] == base.open[part[0]]
            assert frame.bars.high[k] == base.high[part].max()
            assert frame.bars.low[k] == base.low[part].min()
            assert frame.bars.close[k] == base.close[part[-1]]
            assert frame.bars.volume[k] == base.volume[part].sum()


@given(base=gapped_bars(), factors=factors)
@settings(max_examples=150, deadline=None)
def test_what_is_known_at_a_close_ended_by_then_and_nothing_that_ended_is_withheld(
    base: BarSeries, factors: list[int]
) -> None:
    closes_ns = base.ts_open_ns + base.interval_ns
    for frame in timeframes(base, [factor * base.interval_ns for factor in factors]).values():
        ends_ns = frame.bars.ts_open_ns + frame.interval_ns
        assert frame.known.tolist() == [int((ends_ns <= close_ns).sum()) - 1 for close_ns in closes_ns]


@given(base=gapped_bars(), factors=factors, cut=st.integers(0, 121))
@settings(max_examples=150, deadline=None)
def test_what_was_known_at_a_bar_is_what_the_bars_until_then_give(
    base: BarSeries, factors: list[int], cut: int
) -> None:
    """No look ahead, and no repainting: a prefix gives the very bars that the whole series says were known."""
    intervals = [factor * base.interval_ns for factor in factors]
    cut = min(cut, len(base))
    whole, early = timeframes(base, intervals), timeframes(prefix(base, cut), intervals)
    for interval_ns in intervals:
        n_known = int(whole[interval_ns].known[cut - 1]) + 1 if cut else 0
        assert len(early[interval_ns].bars) == n_known
        assert early[interval_ns].known.tolist() == whole[interval_ns].known[:cut].tolist()
        for name in COLUMNS:
            expected = getattr(whole[interval_ns].bars, name)[:n_known]
            assert getattr(early[interval_ns].bars, name).tobytes() == expected.tobytes()


@given(base=gapped_bars(), factor=st.integers(2, 12))
@settings(max_examples=100, deadline=None)
def test_a_value_reaches_the_base_bars_only_once_its_bar_has_ended(base: BarSeries, factor: int) -> None:
    frame = timeframes(base, [factor * base.interval_ns])[factor * base.interval_ns]
    end_ns = on_base_bars((frame.bars.ts_open_ns + frame.interval_ns).astype(np.float64), frame)
    is_known = ~np.isnan(end_ns)
    assert (end_ns[is_known] <= (base.ts_open_ns + base.interval_ns)[is_known]).all()
    assert is_known.tolist() == (frame.known >= 0).tolist()
