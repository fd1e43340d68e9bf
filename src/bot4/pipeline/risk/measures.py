"""What the book risks: signed weights, one-day variance, heat, leverage and losses at stops.

A *weight* is signed notional over equity. The book is every position at its mark plus every open or unknown
entry order at the worse of mark and its limit; an order adds to what it joins, whatever its side.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.orders import ENTRY, HELD, ORDER, PROTECTIVE_STOP, is_open
from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.risk.clock import DAY_NS
from bot4.pipeline.state import BRAIN, CONFIG
from bot4.quant.volatility.garch import garch_annuity, garch_sum

ALL = -1  # in place of a strategy id: the whole symbol


@kernel(i8(i8, i8, i8))
def judged_ticks(side: int, mark_ticks: int, worst_ticks: int) -> int:
    """Price at which an order counts: the mark plus what its worst permitted fill would lose against the mark.

    The same for both sides: ``mark + max(0, side (worst - mark))``.
    """
    slip = side * (worst_ticks - mark_ticks)
    return mark_ticks + (slip if slip > 0 else 0)


@kernel(i8(record(ORDER)))
def adding_lots(order: Any) -> int:
    """Lots by which an order may still add to risk; 0 for exits and for what is finished."""
    if order["id"] == 0 or order["role"] != ENTRY or order["is_reduce_only"] or not is_open(order["status"]):
        return 0
    rest: int = order["qty_lots"] - order["filled_lots"]
    return rest if rest > 0 else 0


@kernel(i8(record(CONFIG), record(ORDER), i8))
def order_ticks(config: Any, order: Any, mark_ticks: int) -> int:
    """Price at which an open entry order counts; one without a price counts with the expected slippage."""
    worst = order["limit_ticks"]
    if worst == 0:
        worst = order["stop_ticks"]
    if worst == 0:
        return int(mark_ticks + math.ceil(config["decision"]["slippage"] * mark_ticks))
    return int(judged_ticks(order["side"], mark_ticks, worst))


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, f8))
def weight_of(brain: Any, config: Any, symbol: int, strategy: int, equity: float) -> float:
    """Signed weight of a symbol in the book, or of one strategy's part of it (:data:`ALL` for the whole)."""
    mark = brain["positions"][symbol]["mark_ticks"]
    lots = brain["positions"][symbol]["lots"] if strategy == ALL else brain["sleeves"][strategy, symbol]["lots"]
    ticks_lots = abs(float(lots)) * float(mark)
    sign = 1 if lots > 0 else (-1 if lots < 0 else 0)
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        if order["symbol"] == symbol and (strategy == ALL or order["strategy"] == strategy):
            rest = adding_lots(order)
            if rest > 0:
                ticks_lots += float(rest) * float(order_ticks(config, order, mark))
                if sign == 0:
                    sign = order["side"]
    return float(sign * ticks_lots * config["instruments"][symbol]["quote_per_tick_lot"] / equity)


@kernel(void(record(BRAIN), record(CONFIG), f8))
def fill_weights(brain: Any, config: Any, equity: float) -> None:
    """Write the weight of every symbol into ``brain["weights"]``."""
    for symbol in range(config["n_symbols"]):
        brain["weights"][symbol] = weight_of(brain, config, symbol, ALL, equity)


@kernel(f8(record(CONFIG)))
def day_steps(config: Any) -> float:
    """Whole risk bars in a day, at least one."""
    return float(max(1, DAY_NS // config["risk"]["risk_bar_ns"]))


@kernel(f8(record(CONFIG)))
def day_annuity(config: Any) -> float:
    """Weight of the current variance in the sum of a day's GARCH forecasts (:func:`garch_annuity`)."""
    risk = config["risk"]
    return float(garch_annuity(risk["garch_alpha"] + risk["garch_beta"], day_steps(config)))


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8))
def day_variance(brain: Any, config: Any, symbol: int, annuity: float) -> float:
    """Forecast variance of a symbol's log return over the next day: the sum of the risk bars' forecasts."""
    state = brain["risk"]["symbols"][symbol]
    steps = day_steps(config)
    days = steps * config["risk"]["risk_bar_ns"] / DAY_NS
    return float(garch_sum(state["garch_variance"], state["long_variance"], annuity, steps) / days)


@kernel(f8(record(BRAIN), i8, i8))
def correlation(brain: Any, symbol: int, other: int) -> float:
    """EWMA correlation of two symbols' returns; 0 while either has not moved."""
    if symbol == other:
        return 1.0
    covariance = brain["risk"]["covariance"]
    product = covariance[symbol, symbol] * covariance[other, other]
    if product <= 0.0:
        return 0.0
    return float(covariance[symbol, other] / math.sqrt(product))


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8))
def covariance_with_book(brain: Any, config: Any, symbol: int, annuity: float) -> float:
    """One-day covariance of a symbol's return with that of the book in ``brain["weights"]``."""
    total = 0.0
    own = math.sqrt(day_variance(brain, config, symbol, annuity))
    for other in range(config["n_symbols"]):
        weight = brain["weights"][other]
        if weight != 0.0:
            deviation = math.sqrt(day_variance(brain, config, other, annuity))
            total += weight * correlation(brain, symbol, other) * deviation
    return own * total


@kernel(f8(record(BRAIN), record(CONFIG), f8))
def book_variance(brain: Any, config: Any, annuity: float) -> float:
    """One-day variance of the book's return on equity, ``w' S w``, for the weights in ``brain["weights"]``."""
    total = 0.0
    for symbol in range(config["n_symbols"]):
        weight = brain["weights"][symbol]
        if weight != 0.0:
            total += weight * covariance_with_book(brain, config, symbol, annuity)
    return total if total > 0.0 else 0.0 * total


@kernel(f8(record(BRAIN), record(CONFIG)))
def gross_leverage(brain: Any, config: Any) -> float:
    """Sum of ``|w|`` over ``brain["weights"]``."""
    total = 0.0
    for symbol in range(config["n_symbols"]):
        total += abs(brain["weights"][symbol])
    return total


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8))
def days_per_weight(brain: Any, config: Any, symbol: int, equity: float) -> float:
    """Days of volume that an exit from a weight of one takes; infinite where nothing is traded."""
    daily = config["risk"]["liquidity_share"] * brain["risk"]["symbols"][symbol]["day_volume_quote"]
    if daily <= 0.0:
        return math.inf
    return float(equity / daily)


@kernel(f8(f8, f8, f8))
def heat_of(size: float, deviation: float, days_per_unit: float) -> float:
    """Heat of one symbol, ``|w| sigma sqrt(days to exit)``, with a floor of one day. 0 for no position."""
    if size == 0.0:
        return 0.0
    days = size * days_per_unit
    return size * deviation * (math.sqrt(days) if days > 1.0 else 1.0 + 0.0 * days)


@kernel(f8(record(BRAIN), record(CONFIG), f8, f8, i8))
def book_heat(brain: Any, config: Any, equity: float, annuity: float, without: int) -> float:
    """Heat of the book in ``brain["weights"]``, leaving one symbol out (-1 for none)."""
    total = 0.0
    for symbol in range(config["n_symbols"]):
        if symbol != without and brain["weights"][symbol] != 0.0:
            deviation = math.sqrt(day_variance(brain, config, symbol, annuity))
            days = days_per_weight(brain, config, symbol, equity)
            total += heat_of(abs(brain["weights"][symbol]), deviation, days)
    return total


@kernel(f8(i8, i8, i8, i8))
def loss_ticks(side: int, mark_ticks: int, stop_ticks: int, judged: int) -> float:
    """What one lot loses from its judged price to its stop, in ticks; 0 without a stop or beyond it."""
    if stop_ticks == 0:
        return 0.0
    distance = side * (mark_ticks - stop_ticks) + judged - mark_ticks
    return float(distance) if distance > 0 else 0.0


@kernel(i8(record(BRAIN), i8))
def held_stop_ticks(brain: Any, entry_id: int) -> int:
    """Stop that waits for an entry to fill; 0 for none."""
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        if order["parent_id"] == entry_id and order["role"] == PROTECTIVE_STOP and order["status"] == HELD:
            stop: int = order["stop_ticks"]
            return stop
    return 0


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, f8))
def stop_loss_of(brain: Any, config: Any, symbol: int, strategy: int, equity: float) -> float:
    """Loss at the stops of a symbol's sleeves and open entries, a fraction of equity; of one strategy or ALL."""
    mark = brain["positions"][symbol]["mark_ticks"]
    total = 0.0
    for owner in range(config["n_strategies"]):
        if strategy in (ALL, owner):
            sleeve = brain["sleeves"][owner, symbol]
            lots = sleeve["lots"]
            if lots != 0:
                side = 1 if lots > 0 else -1
                total += abs(float(lots)) * loss_ticks(side, mark, sleeve["stop_ticks"], mark)
    for slot in range(brain["n_slots"]):
        order = brain["orders"][slot]
        if order["symbol"] == symbol and (strategy == ALL or order["strategy"] == strategy):
            rest = adding_lots(order)
            if rest > 0:
                stop = held_stop_ticks(brain, order["id"])
                total += float(rest) * loss_ticks(order["side"], mark, stop, order_ticks(config, order, mark))
    return float(total * config["instruments"][symbol]["quote_per_tick_lot"] / equity)


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, f8, f8))
def loss_of(brain: Any, config: Any, symbol: int, strategy: int, equity: float, annuity: float) -> float:
    """The larger of a symbol's loss at its stops and its one-day VaR alone, a fraction of equity."""
    weight = abs(weight_of(brain, config, symbol, strategy, equity))
    if weight == 0.0:
        return 0.0
    at_risk = config["risk"]["var_quantile"] * math.sqrt(day_variance(brain, config, symbol, annuity)) * weight
    at_stop = stop_loss_of(brain, config, symbol, strategy, equity)
    return float(at_stop if at_stop > at_risk else at_risk)
