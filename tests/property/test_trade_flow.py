"""Volume by side of the taker: against sums by definition, and array and stream bit for bit."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.bars import SECOND_NS, TradeSeries
from bot4.domain.errors import DataError
from bot4.quant.series.trade_flow import TradeFlow, TradeFlowStream, trade_flow
from tests.shared_data import requires_shared_data, shared_path

COLUMNS = ("buy_volume", "sell_volume", "delta", "cumulative_delta")


def trades_of(ts_ns: list[int], quantity: list[float], aggressor: list[int]) -> TradeSeries:
    price = np.full(len(ts_ns), 100.0)
    return TradeSeries("X", np.array(ts_ns, np.int64), price, np.array(quantity, float), np.array(aggressor, np.int8))


def streamed(trades: TradeSeries, ts_open_ns: np.ndarray, interval_ns: int) -> np.ndarray:
    stream, rows = TradeFlowStream(), []
    for open_ns in ts_open_ns:
        for i in np.flatnonzero((trades.ts_ns >= open_ns) & (trades.ts_ns < open_ns + interval_ns)):
            stream.push(float(trades.quantity[i]), int(trades.aggressor[i]))
        rows.append(stream.close())
    return np.array([[row[name] for row in rows] for name in COLUMNS])


def columns(flow: TradeFlow) -> np.ndarray:
    return np.array([getattr(flow, name) for name in COLUMNS])


TRADE = st.tuples(st.integers(-50, 1_050), st.floats(0.0, 1e9), st.sampled_from([-1, 0, 1]))
OPENS = st.sets(st.integers(0, 9), min_size=1).map(lambda found: np.array(sorted(found), np.int64) * 100)


@given(trades=st.lists(TRADE, max_size=60).map(sorted), opens=OPENS, interval=st.integers(1, 100))
@settings(max_examples=150, deadline=None)
def test_one_bar_after_another_gives_the_bits_of_the_array_and_the_sums_of_the_definition(
    trades: list[tuple[int, float, int]], opens: np.ndarray, interval: int
) -> None:
    series = trades_of(*([list(column) for column in zip(*trades, strict=True)] or [[], [], []]))
    found = columns(trade_flow(series, opens, interval))
    assert streamed(series, opens, interval).tobytes() == found.tobytes()
    for k, open_ns in enumerate(opens):
        own = [(q, side) for ts, q, side in trades if open_ns <= ts < open_ns + interval]
        bought = math.fsum(q for q, side in own if side > 0)
        sold = math.fsum(q for q, side in own if side < 0)
        assert found[0, k] == pytest.approx(bought, rel=1e-12)
        assert found[1, k] == pytest.approx(sold, rel=1e-12)
    np.testing.assert_array_equal(found[2], found[0] - found[1])
    np.testing.assert_array_equal(found[3], np.cumsum(found[2]))


def test_a_trade_at_the_open_belongs_to_the_bar_and_one_at_the_close_to_the_next() -> None:
    flow = trade_flow(trades_of([0, 99, 100, 250], [1.0, 2.0, 4.0, 8.0], [1, 1, -1, 1]), np.array([0, 100]), 100)
    assert flow.buy_volume.tolist() == [3.0, 0.0]
    assert flow.sell_volume.tolist() == [0.0, 4.0]
    assert flow.cumulative_delta.tolist() == [3.0, -1.0]


def test_no_bars_and_no_trades_give_nothing_and_zeros() -> None:
    assert columns(trade_flow(trades_of([5], [1.0], [1]), np.array([], np.int64), 100)).shape == (4, 0)
    assert not columns(trade_flow(trades_of([], [], []), np.array([0, 100]), 100)).any()


def test_trades_that_cannot_be_used_are_refused() -> None:
    opens = np.array([0, 100])
    with pytest.raises(DataError, match="out of order"):
        trade_flow(trades_of([5, 4], [1.0, 1.0], [1, 1]), opens, 100)
    for quantity in (-1.0, math.nan, math.inf):
        with pytest.raises(DataError, match="not finite"):
            trade_flow(trades_of([5], [quantity], [1]), opens, 100)
        with pytest.raises(DataError, match="finite quantity"):
            TradeFlowStream().push(quantity, 1)
    with pytest.raises(DataError, match="overlap"):
        trade_flow(trades_of([5], [1.0], [1]), opens, 101)


@requires_shared_data
def test_the_delta_of_recorded_trades_is_what_takers_bought_less_what_they_sold() -> None:
    frame = pl.read_parquet(shared_path("trades/binance_spot_BTCUSDT_trades_20210108.parquet")).sort("ts")
    ts_ns = frame["ts"].dt.epoch("ns").to_numpy()
    side = np.where(frame["side"].to_numpy() == "buy", 1, -1).astype(np.int8)
    trades = TradeSeries("BTCUSDT", ts_ns, frame["price"].to_numpy(), frame["amount"].to_numpy(), side)
    opens = np.arange(ts_ns[0] // SECOND_NS, ts_ns[-1] // SECOND_NS + 1) * SECOND_NS
    flow = trade_flow(trades, opens, SECOND_NS)
    bought = frame.filter(~pl.col("buyer_maker"))["amount"].sum()
    sold = frame.filter(pl.col("buyer_maker"))["amount"].sum()
    assert bought > 0.0
    assert sold > 0.0
    assert flow.cumulative_delta[-1] == pytest.approx(bought - sold, rel=1e-9)
    assert flow.buy_volume.sum() == pytest.approx(bought, rel=1e-12)
    assert flow.sell_volume.sum() == pytest.approx(sold, rel=1e-12)
    assert streamed(trades, opens, SECOND_NS).tobytes() == columns(flow).tobytes()
