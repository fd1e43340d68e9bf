"""The risk clock over real five-minute bars with an exchange outage, against hourly closes and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from bot4.kernel import array, f8, i8, kernel, records, void
from bot4.pipeline.risk.clock import update_market_risk
from bot4.pipeline.risk.settings import HOUR_NS
from bot4.pipeline.state import BRAIN, CONFIG
from tests.risk_books import Book, Market
from tests.shared_data import bars_path, requires_shared_data

pytestmark = requires_shared_data
FIVE_MINUTES_NS = 300_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@kernel(void(records(BRAIN), records(CONFIG), i8, array(i8), array(i8), array(i8), array(f8)))
def _run(brain: Any, config: Any, n: int, ts_ns: Any, symbol: Any, ticks: Any, volume: Any) -> None:
    for k in range(n):
        brain[0]["bars"][symbol[k], 3] = ticks[k]
        brain[0]["bar_volume"][symbol[k]] = volume[k]
        update_market_risk(brain[0], config[0], symbol[k], ts_ns[k])


def bars_of_both() -> pl.DataFrame:
    """Time known, symbol id, close in ticks and volume, in the order of events."""
    frames = []
    for symbol, name in enumerate(SYMBOLS):
        frame = pl.read_parquet(bars_path(f"binance_spot_5m/{name}_5m_20220801_20230430.parquet"))
        frames.append(
            frame.select(
                ts=pl.col("ts").dt.epoch("ns").cast(pl.Int64) + FIVE_MINUTES_NS,
                symbol=pl.lit(symbol, dtype=pl.Int64),
                ticks=(pl.col("close") * 100).round().cast(pl.Int64),
                volume=pl.col("volume"),
            )
        )
    return pl.concat(frames).sort("ts", "symbol")


def hourly_closes(bars: pl.DataFrame, symbol: int) -> pl.DataFrame:
    """The last close of each hour that has bars, by the number of the hour."""
    own = bars.filter(pl.col("symbol") == symbol)
    return own.group_by(hour=(pl.col("ts") - 1) // HOUR_NS).agg(pl.col("ticks").last()).sort("hour")


def test_hours_close_where_they_have_bars_and_variances_follow_their_returns() -> None:
    bars = bars_of_both()
    book = Book([Market(), Market()], correlation=np.zeros((2, 2)))
    book.brain["risk"]["symbols"] = np.zeros((), book.brain["risk"]["symbols"].dtype)
    columns = [bars[name].to_numpy().copy() for name in ("ts", "symbol", "ticks", "volume")]
    _run(book.brains, book.configs, len(bars), *columns)
    hours = [hourly_closes(bars, symbol) for symbol in (0, 1)]
    last_hour = int(bars["ts"].max()) // HOUR_NS  # type: ignore[arg-type]
    returns = []
    for symbol in (0, 1):
        closed = hours[symbol].filter(pl.col("hour") < last_hour)["ticks"].to_numpy()
        state = book.brain["risk"]["symbols"][symbol]
        returns.append(np.diff(np.log(closed)))
        assert state["n_returns"] == len(returns[symbol])
        assert state["risk_close"] == pytest.approx(closed[-1] / 100)
        ewma = returns[symbol][0] ** 2
        for value in returns[symbol][1:]:
            ewma = 0.97 * ewma + 0.03 * value**2
        assert state["ewma_variance"] == pytest.approx(ewma, rel=1e-9)
        assert 0.2 < np.sqrt(state["long_variance"] * 8760) < 1.2
        assert 0.1 < np.sqrt(state["garch_variance"] * 8760) < 2.0
        assert 1e8 < state["day_volume_quote"] < 1e11
    covariance = book.brain["risk"]["covariance"]
    rho = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    recent = np.corrcoef(returns[0][-200:], returns[1][-200:])[0, 1]
    assert rho == pytest.approx(recent, abs=0.1)
