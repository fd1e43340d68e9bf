"""The risk clock: volatility, correlation and traded value of every symbol, on completed risk bars.

A risk bar is one hour (or the base bar where that is coarser), aligned to UTC. A bar known exactly at a
boundary belongs to the risk bar that it closes. A gap of any length is one return.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.state import BRAIN, CONFIG
from bot4.quant.volatility.ewma import ewma_step, warming_mean_step
from bot4.quant.volatility.garch import garch_step

DAY_NS = 86_400_000_000_000
LONG_DAYS = 30.0  # span of the slow averages: long-run variance and a day's traded value
SHORT_DAYS = 0.25  # span of the short average of traded value


@kernel(f8(record(CONFIG)))
def risk_bars_per_day(config: Any) -> float:
    """How many risk bars a day has; below 1 for bars longer than a day."""
    return float(DAY_NS / config["risk"]["risk_bar_ns"])


@kernel(void(record(BRAIN), record(CONFIG), i8))
def _begin_boundary(brain: Any, config: Any, bucket: int) -> None:
    """A boundary that no symbol has closed at before: yesterday's co-movement fades once for all."""
    risk = brain["risk"]
    decay = config["risk"]["correlation_decay"]
    n_symbols = config["n_symbols"]
    for i in range(n_symbols):
        risk["symbols"][i]["last_return"] = 0.0
        for j in range(n_symbols):
            risk["covariance"][i, j] *= decay
    risk["bucket"] = bucket
    risk["n_risk_bars"] += 1


@kernel(void(record(BRAIN), record(CONFIG), i8, f8))
def _learn_return(brain: Any, config: Any, symbol: int, log_return: float) -> None:
    state = brain["risk"]["symbols"][symbol]
    risk = config["risk"]
    squared = log_return * log_return
    n_returns = state["n_returns"]
    span = LONG_DAYS * risk_bars_per_day(config)
    state["last_return"] = log_return
    state["long_variance"] = warming_mean_step(state["long_variance"], squared, n_returns, span)
    if n_returns == 1:
        state["garch_variance"] = squared
        state["ewma_variance"] = squared
        return
    state["garch_variance"] = garch_step(
        state["garch_variance"], log_return, state["long_variance"], risk["garch_alpha"], risk["garch_beta"]
    )
    state["ewma_variance"] = ewma_step(state["ewma_variance"], squared, risk["ewma_decay"])


@kernel(f8(record(BRAIN), i8))
def _standardised_return(brain: Any, symbol: int) -> float:
    """The last return over the deviation that already includes it, so that no jump counts more than 1/sqrt(alpha)."""
    state = brain["risk"]["symbols"][symbol]
    if state["garch_variance"] <= 0.0:
        return 0.0
    return float(state["last_return"] / math.sqrt(state["garch_variance"]))


@kernel(void(record(BRAIN), record(CONFIG), i8, i8))
def _learn_correlation(brain: Any, config: Any, symbol: int, is_on_time: int) -> None:
    """Add the return's products with those of the symbols that closed at the same boundary.

    Every addition is an outer product or its diagonal, so that the matrix stays positive semidefinite. A risk
    bar closed late, by the first bar after a hole, has nothing to be compared with and adds to the diagonal.
    """
    covariance = brain["risk"]["covariance"]
    weight = 1.0 - config["risk"]["correlation_decay"]
    own = _standardised_return(brain, symbol)
    for other in range(config["n_symbols"]):
        if other == symbol:
            covariance[symbol, symbol] += weight * own * own
        elif is_on_time:
            product = weight * own * _standardised_return(brain, other)
            covariance[symbol, other] += product
            covariance[other, symbol] += product


@kernel(void(record(BRAIN), record(CONFIG), i8))
def _learn_volume(brain: Any, config: Any, symbol: int) -> None:
    state = brain["risk"]["symbols"][symbol]
    per_day = risk_bars_per_day(config)
    day_value = state["bar_volume_quote"] * per_day
    n_bars = state["n_returns"] + 1
    state["day_volume_quote"] = warming_mean_step(state["day_volume_quote"], day_value, n_bars, LONG_DAYS * per_day)
    short_span = max(1.0, SHORT_DAYS * per_day)
    state["short_volume_quote"] = warming_mean_step(state["short_volume_quote"], day_value, n_bars, short_span)
    state["bar_volume_quote"] = 0.0


@kernel(void(record(BRAIN), record(CONFIG), i8, i8, i8))
def _close_risk_bar(brain: Any, config: Any, symbol: int, bucket: int, is_on_time: int) -> None:
    state = brain["risk"]["symbols"][symbol]
    if is_on_time and bucket != brain["risk"]["bucket"]:
        _begin_boundary(brain, config, bucket)
    if state["risk_close"] > 0.0:
        state["n_returns"] += 1
        _learn_return(brain, config, symbol, math.log(state["last_close"] / state["risk_close"]))
        _learn_correlation(brain, config, symbol, is_on_time)
    state["risk_close"] = state["last_close"]
    _learn_volume(brain, config, symbol)


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8, f8, f8))
def _cross_boundary(brain: Any, config: Any, symbol: int, ts_ns: int, price: float, value_quote: float) -> int:
    state = brain["risk"]["symbols"][symbol]
    risk_bar_ns = config["risk"]["risk_bar_ns"]
    bucket = state["bucket"]
    has_closed = 0
    if ts_ns > (bucket + 1) * risk_bar_ns:
        if state["ts_last_ns"] > bucket * risk_bar_ns:
            _close_risk_bar(brain, config, symbol, bucket, 0)
            has_closed = 1
        bucket = (ts_ns - 1) // risk_bar_ns
        state["bucket"] = bucket
    state["last_close"] = price
    state["bar_volume_quote"] += value_quote
    state["ts_last_ns"] = ts_ns
    if ts_ns == (bucket + 1) * risk_bar_ns:
        _close_risk_bar(brain, config, symbol, bucket, 1)
        state["bucket"] = bucket + 1
        has_closed = 1
    return has_closed


@kernel(i8(record(BRAIN), record(CONFIG), i8, i8), is_inlined=True)
def update_market_risk(brain: Any, config: Any, symbol: int, ts_ns: int) -> int:
    """Take a bar that stands in ``brain["bars"][symbol]`` and ``brain["bar_volume"][symbol]``.

    Args:
        brain: :data:`BRAIN`; ``brain["risk"]`` is brought up to date.
        config: :data:`CONFIG`.
        symbol: symbol id.
        ts_ns: when the bar was known.

    Returns:
        1 when the symbol closed a risk bar, else 0. A price of zero or less is ignored.
    """
    state = brain["risk"]["symbols"][symbol]
    price = brain["bars"][symbol, 3] * config["instruments"][symbol]["tick"]
    if price <= 0.0:
        return 0
    value_quote = brain["bar_volume"][symbol] * price
    if ts_ns >= (state["bucket"] + 1) * config["risk"]["risk_bar_ns"]:
        return int(_cross_boundary(brain, config, symbol, ts_ns, price, value_quote))
    state["last_close"] = price
    state["bar_volume_quote"] += value_quote
    state["ts_last_ns"] = ts_ns
    return 0


@kernel(void(record(BRAIN), i8, f8))
def update_last_price(brain: Any, symbol: int, price: float) -> None:
    """Take the price of a trade, in quote currency. The risk clock itself moves on bars."""
    if price > 0.0:
        brain["risk"]["symbols"][symbol]["last_close"] = price
