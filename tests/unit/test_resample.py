from dataclasses import replace

import numpy as np
import pytest

from bot4.domain.bars import HOUR_NS, MINUTE_NS, BarSeries, TradeSeries
from bot4.domain.errors import DataError, UsageError
from bot4.quant.series.resample import bars_from_trades, resample, to_interval

T0 = 1_704_067_200_000_000_000  # a Monday, 2024-01-01T00:00Z


def minutes(at: list[int]) -> BarSeries:
    n = len(at)
    close = 100.0 + np.arange(n)
    return BarSeries(
        "X",
        MINUTE_NS,
        T0 + MINUTE_NS * np.array(at, dtype=np.int64),
        close - 0.5,
        close + 1,
        close - 1,
        close,
        np.arange(1.0, n + 1),
    )


def trades(at_s: list[float], price: list[float]) -> TradeSeries:
    n = len(at_s)
    times = T0 + (np.array(at_s) * 1e9).astype(np.int64)
    return TradeSeries("X", times, np.array(price), np.ones(n), np.zeros(n, np.int8))


def test_a_higher_bar_opens_first_closes_last_and_spans_the_rest():
    bars = resample(minutes([0, 1, 2, 3, 4, 5]), 3)
    assert bars.interval_ns == 3 * MINUTE_NS
    assert bars.ts_open_ns.tolist() == [T0, T0 + 3 * MINUTE_NS]
    assert bars.open.tolist() == [99.5, 102.5]
    assert bars.high.tolist() == [103.0, 106.0]
    assert bars.low.tolist() == [99.0, 102.0]
    assert bars.close.tolist() == [102.0, 105.0]
    assert bars.volume.tolist() == [6.0, 15.0]


def test_higher_bars_are_aligned_to_the_epoch_not_to_the_first_bar():
    bars = resample(minutes([4, 5, 6, 7, 8, 9]), 5)
    assert bars.ts_open_ns.tolist() == [T0, T0 + 5 * MINUTE_NS]
    assert bars.volume.tolist() == [1.0, 20.0]


def test_an_incomplete_last_bar_is_dropped():
    assert len(resample(minutes([0, 1, 2, 3]), 3)) == 1
    assert len(resample(minutes([0, 1]), 3)) == 0


def test_a_gap_stays_a_gap_and_a_bar_is_built_from_what_exists():
    bars = resample(minutes([0, 2, 9, 11]), 3)
    assert bars.ts_open_ns.tolist() == [T0, T0 + 9 * MINUTE_NS]
    assert bars.volume.tolist() == [3.0, 7.0]


def test_a_factor_of_one_gives_the_series_back_and_none_below():
    series = minutes([0, 1])
    assert resample(series, 1) is series
    with pytest.raises(UsageError):
        resample(series, 0)


def test_an_interval_that_is_no_multiple_is_refused():
    with pytest.raises(UsageError, match="5m bars do not make 7m bars"):
        to_interval(resample(minutes(list(range(20))), 5), 7 * MINUTE_NS)
    assert to_interval(minutes(list(range(60))), HOUR_NS).interval_ns == HOUR_NS


def test_weeks_open_on_monday():
    series = replace(minutes(list(range(14))), interval_ns=24 * HOUR_NS, ts_open_ns=T0 + 24 * HOUR_NS * np.arange(14))
    assert resample(series, 7).ts_open_ns.tolist() == [T0, T0 + 7 * 24 * HOUR_NS]


def test_bars_off_the_grid_or_out_of_order_are_refused():
    series = minutes([0, 1, 2])
    with pytest.raises(DataError, match=r"row 1 .* off the 1m grid"):
        resample(replace(series, ts_open_ns=series.ts_open_ns + 1), 3)
    with pytest.raises(DataError, match=r"row 3 .*"):
        resample(minutes([0, 2, 1]), 3)


def test_an_empty_series_resamples_to_an_empty_one():
    bars = resample(minutes([]), 5)
    assert len(bars) == 0
    assert bars.interval_ns == 5 * MINUTE_NS


def test_trades_make_bars_and_the_last_incomplete_one_is_dropped():
    bars = bars_from_trades(trades([0, 10, 59.999, 130, 185], [5, 7, 6, 8, 9]), MINUTE_NS)
    assert bars.ts_open_ns.tolist() == [T0, T0 + 2 * MINUTE_NS]
    assert (bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist()) == (
        [5, 8],
        [7, 8],
        [5, 8],
        [6, 8],
    )
    assert bars.volume.tolist() == [3.0, 1.0]


def test_empty_bars_are_filled_at_the_previous_close_when_asked_for():
    bars = bars_from_trades(trades([0, 130, 185], [5, 8, 9]), MINUTE_NS, "fill", end_ns=T0 + 6 * MINUTE_NS)
    assert bars.ts_open_ns.tolist() == [T0 + MINUTE_NS * k for k in range(6)]
    assert bars.close.tolist() == [5, 5, 8, 9, 9, 9]
    assert bars.open.tolist() == [5, 5, 8, 9, 9, 9]
    assert bars.volume.tolist() == [1, 0, 1, 1, 0, 0]


def test_a_trade_on_the_boundary_belongs_to_the_bar_that_opens():
    bars = bars_from_trades(trades([0, 60, 119], [1, 2, 3]), MINUTE_NS, end_ns=T0 + 2 * MINUTE_NS)
    assert bars.close.tolist() == [1, 3]


def test_trades_that_go_back_in_time_are_refused():
    with pytest.raises(DataError, match="row 3"):
        bars_from_trades(trades([0, 2, 1], [1, 1, 1]), MINUTE_NS)


def test_no_trades_make_no_bars():
    assert len(bars_from_trades(trades([], []), MINUTE_NS)) == 0
    assert len(bars_from_trades(trades([5], [1]), MINUTE_NS, "fill")) == 0
