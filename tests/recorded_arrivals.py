"""Recorded arrivals, latencies and partial fills beside the laws of the simulator.

``python -m tests.recorded_arrivals`` prints the table of ``docs/network.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from bot4.simulator.network.fit import FitReport, beta_fit, dispersion, exponential_fit, log_normal_fit
from tests.shared_data import shared_path

TRADES = {
    "Binance spot BTCUSDT, 46 s of 2021": "trades/binance_spot_BTCUSDT_trades_20210108.parquet",
    "Binance spot XRPETH, 2.5 days of 2019": "trades/binance_spot_XRP_ETH_trades.parquet",
    "Binance perpetual BTCUSDT, 6 minutes of 2024": "trades/binance_usdm_btcusdt_20240808_trades.parquet",
}
MS_PER_S = 1e3


def trade_times_ms(file: str) -> npt.NDArray[np.float64]:
    """Distinct times of trades, milliseconds: one order that takes several others is one arrival."""
    times = pl.read_parquet(shared_path(file))["ts"].dt.timestamp("ms").to_numpy()
    return np.unique(times).astype(np.float64)


def feed_latencies_ms() -> npt.NDArray[np.float64]:
    """From the exchange's stamp to the recorder's, above the least of them: the two clocks are not the same."""
    trades = pl.read_parquet(shared_path(TRADES["Binance perpetual BTCUSDT, 6 minutes of 2024"]))
    late = trades["local_ns"].to_numpy() / 1e6 - trades["event_ms"].to_numpy()
    above = late - late.min()
    return above[above > 0.0]


def partial_shares() -> npt.NDArray[np.float64]:
    """What part of a resting order its first partial fill took (Bitstamp, 5 hours of 2015)."""
    rows = pl.read_parquet(shared_path("lob/bitstamp_l3_orders_20150501.parquet"))
    created = rows.filter(pl.col("action") == "created").unique("id").select("id", pl.col("volume").alias("whole"))
    first = (
        rows.filter(pl.col("action") == "changed").sort("timestamp").unique("id", keep="first").join(created, on="id")
    )
    shares = (1.0 - first["volume"] / first["whole"]).to_numpy()
    return shares[(shares > 0.0) & (shares < 1.0)]


def reports() -> Iterator[tuple[str, FitReport, str]]:
    """What was fitted, the fit, and what else the data says."""
    for name, file in TRADES.items():
        times = trade_times_ms(file)
        gaps = np.diff(times)
        window = 20.0 * float(gaps.mean())
        yield f"trade gaps (ms), {name}", exponential_fit(gaps), f"{dispersion(times, window):.1f}"
    yield "feed latency (ms), the perpetual's trades", log_normal_fit(feed_latencies_ms()), ""
    yield "first partial fill, Bitstamp, 5 hours of 2015", beta_fit(partial_shares()), ""


def main() -> None:
    """Print the table."""
    print("| recorded | law | n | fitted | distance | p at most | variation | dispersion |")
    print("|---|---|---|---|---|---|---|---|")
    for name, fit, spread in reports():
        fitted = ", ".join(f"{key} {value:.3g}" for key, value in fit.parameters.items())
        print(
            f"| {name} | {fit.law} | {fit.n:,} | {fitted} | {fit.distance:.3f} | {fit.p_value:.0e} "
            f"| {fit.variation:.2f} | {spread} |"
        )


if __name__ == "__main__":
    main()
