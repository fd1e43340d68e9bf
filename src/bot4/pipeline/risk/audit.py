"""The independent check: every limit recomputed from positions and orders, sharing no code with the clamps.

Forecasts are summed step by step instead of in closed form, the variance runs over pairs, equity and exposures
are counted anew. The gate asks it about every size it is about to approve; a disagreement refuses.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.orders import CANCELLED, ENTRY, EXPIRED, FILLED, FREE, HELD, ORDER, PROTECTIVE_STOP, REJECTED
from bot4.kernel import b1, f8, i8, kernel, record, void
from bot4.pipeline.state import (
    BRAIN,
    CONCENTRATION,
    CONFIG,
    CORRELATION,
    CRISIS,
    CRISIS_CUT,
    CVAR,
    HEAT,
    LEVERAGE,
    MINIMUM,
    N_CLAMPS,
    PROPOSAL,
    VAR,
    VOLATILITY,
)  # fmt: skip

TOLERANCE = 1e-9  # of a measure, all of which are fractions of equity
CASH = N_CLAMPS  # bit of the cash check, after those of the clamps
_DAY_NS = 86_400_000_000_000
_FEE_PARTS = 1e8
_ANY = -1


@kernel(b1(f8, f8, f8))
def _exceeds(after: float, before: float, limit: float) -> bool:
    """Also where a number is NaN."""
    return not after <= max(limit, before) + TOLERANCE


@kernel(f8(record(BRAIN), record(CONFIG)))
def _equity(brain: Any, config: Any) -> float:
    atom = config["instruments"][0]["quote_atom"]
    total = float(brain["ledger"]["balances"][0, config["quote_asset"]]) * atom
    for s in range(config["n_symbols"]):
        position, instrument = brain["positions"][s], config["instruments"][s]
        total += instrument["tick"] * instrument["lot"] * float(position["mark_ticks"]) * float(position["lots"])
        if instrument["is_perpetual"]:
            total -= float(position["cost_atoms"]) * atom
    return float(total)


@kernel(i8(record(ORDER)))
def _still_to_come(order: Any) -> int:
    status = order["status"]
    if order["role"] != ENTRY or order["is_reduce_only"] != 0 or order["id"] == 0:
        return 0
    if status in (FREE, HELD, FILLED, CANCELLED, REJECTED, EXPIRED):
        return 0
    return int(max(0, order["qty_lots"] - order["filled_lots"]))


@kernel(f8(i8, f8, f8))
def _price_judged(side: int, mark: float, worst: float) -> float:
    if side > 0:
        return max(mark, worst)
    return max(mark, 2.0 * mark - worst)


@kernel(f8(record(CONFIG), record(ORDER), f8))
def _order_price(config: Any, order: Any, mark: float) -> float:
    if order["limit_ticks"] != 0:
        return float(_price_judged(order["side"], mark, float(order["limit_ticks"])))
    if order["stop_ticks"] != 0:
        return float(_price_judged(order["side"], mark, float(order["stop_ticks"])))
    return float(mark + math.ceil(config["decision"]["slippage"] * mark))


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8))
def _exposure(brain: Any, config: Any, symbol: int, strategy: int) -> float:
    """Signed quote value of what is held and may still be filled, of one strategy or of any."""
    mark = float(brain["positions"][symbol]["mark_ticks"])
    held = 0.0
    if strategy == _ANY:
        held = float(brain["positions"][symbol]["lots"]) * mark
    else:
        held = float(brain["sleeves"][strategy, symbol]["lots"]) * mark
    coming, first_side = 0.0, 0
    for k in range(brain["n_slots"]):
        order = brain["orders"][k]
        if order["symbol"] == symbol and (strategy == _ANY or order["strategy"] == strategy):
            lots = _still_to_come(order)
            if lots > 0:
                first_side = order["side"] if first_side == 0 else first_side
                coming += float(lots) * _order_price(config, order, mark)
    value = held + coming if held > 0.0 or (held == 0.0 and first_side > 0) else held - coming
    return float(value * config["instruments"][symbol]["tick"] * config["instruments"][symbol]["lot"])


@kernel(f8(record(BRAIN), record(CONFIG), i8))
def _day_deviation(brain: Any, config: Any, symbol: int) -> float:
    risk, state = config["risk"], brain["risk"]["symbols"][symbol]
    forecast = state["garch_variance"]
    omega = state["long_variance"] * (1.0 - risk["garch_alpha"] - risk["garch_beta"])
    total, covered_ns = 0.0, 0
    while covered_ns == 0 or covered_ns + risk["risk_bar_ns"] <= _DAY_NS:
        total += forecast
        forecast = omega + (risk["garch_alpha"] + risk["garch_beta"]) * forecast
        covered_ns += risk["risk_bar_ns"]
    return math.sqrt(total * (float(_DAY_NS) / float(covered_ns)))


@kernel(f8(record(BRAIN), i8, i8))
def _rho(brain: Any, i: int, j: int) -> float:
    """Correlation of two different symbols."""
    c = brain["risk"]["covariance"]
    if c[i, i] * c[j, j] <= 0.0:
        return 0.0
    return float(c[i, j] / math.sqrt(c[i, i]) / math.sqrt(c[j, j]))


@kernel(void(record(BRAIN), record(CONFIG), f8))
def _fill_deviations(brain: Any, config: Any, equity: float) -> None:
    """Write each symbol's one-day deviation in the book, signed, into ``brain["weights"]``."""
    for s in range(config["n_symbols"]):
        value = _exposure(brain, config, s, _ANY)
        brain["weights"][s] = value / equity * _day_deviation(brain, config, s) if value != 0.0 else 0.0


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8))
def _book_deviation(brain: Any, config: Any, symbol: int, added: float) -> float:
    """One-day deviation of the book when ``symbol``'s own changes by ``added``."""
    squares, products = 0.0, 0.0
    for i in range(config["n_symbols"]):
        first = brain["weights"][i] + (added if i == symbol else 0.0)
        squares += first * first
        for j in range(i):
            second = brain["weights"][j] + (added if j == symbol else 0.0)
            products += first * second * _rho(brain, i, j)
    return math.sqrt(max(0.0, squares + 2.0 * products))


@kernel(f8(record(BRAIN), record(CONFIG), i8, f8, f8))
def _heat(brain: Any, config: Any, symbol: int, value: float, equity: float) -> float:
    """Heat of ``value`` (quote currency) of a symbol."""
    if value == 0.0:
        return 0.0
    daily = brain["risk"]["symbols"][symbol]["day_volume_quote"] * config["risk"]["liquidity_share"]
    days = value / daily if daily > 0.0 else math.inf
    return float(value / equity * _day_deviation(brain, config, symbol) * math.sqrt(max(1.0, days)))


@kernel(b1(record(BRAIN), record(CONFIG), i8, f8, f8))
def _overheats(brain: Any, config: Any, symbol: int, added_value: float, equity: float) -> bool:
    others, own = 0.0, 0.0
    for s in range(config["n_symbols"]):
        value = abs(_exposure(brain, config, s, _ANY))
        if s == symbol:
            own = value
        else:
            others += _heat(brain, config, s, value, equity)
    before = others + _heat(brain, config, symbol, own, equity)
    after = others + _heat(brain, config, symbol, own + added_value, equity)
    return bool(_exceeds(after, before, config["risk"]["heat_limit"]))


@kernel(f8(record(BRAIN), record(CONFIG)))
def _gross_value(brain: Any, config: Any) -> float:
    total = 0.0
    for s in range(config["n_symbols"]):
        total += abs(_exposure(brain, config, s, _ANY))
    return total


@kernel(f8(i8, f8, f8, f8))
def _to_stop(side: int, mark: float, price: float, stop: float) -> float:
    if stop == 0.0:
        return 0.0
    return max(0.0, price - stop if side > 0 else price + stop - 2.0 * mark)


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8))
def _loss_at_stops(brain: Any, config: Any, symbol: int, strategy: int) -> float:
    mark = float(brain["positions"][symbol]["mark_ticks"])
    ticks = 0.0
    for owner in range(config["n_strategies"]):
        sleeve = brain["sleeves"][owner, symbol]
        if strategy in (_ANY, owner) and sleeve["lots"] != 0:
            side = 1 if sleeve["lots"] > 0 else -1
            ticks += abs(float(sleeve["lots"])) * _to_stop(side, mark, mark, float(sleeve["stop_ticks"]))
    for k in range(brain["n_slots"]):
        order = brain["orders"][k]
        if (
            order["symbol"] == symbol
            and (strategy == _ANY or order["strategy"] == strategy)
            and _still_to_come(order) > 0
        ):
            stop = 0.0
            for child in range(brain["n_slots"]):
                other = brain["orders"][child]
                is_its_stop = other["role"] == PROTECTIVE_STOP and other["parent_id"] == order["id"]
                if stop == 0.0 and is_its_stop and other["status"] == HELD:
                    stop = float(other["stop_ticks"])
            price = _order_price(config, order, mark)
            ticks += float(_still_to_come(order)) * _to_stop(order["side"], mark, price, stop)
    return float(ticks * config["instruments"][symbol]["tick"] * config["instruments"][symbol]["lot"])


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8))
def _loss(brain: Any, config: Any, symbol: int, strategy: int) -> float:
    """Quote loss of a symbol: at its stops or by its one-day VaR, whichever is larger."""
    value = abs(_exposure(brain, config, symbol, strategy))
    if value == 0.0:
        return 0.0
    by_var = value * config["risk"]["var_quantile"] * _day_deviation(brain, config, symbol)
    return float(max(by_var, _loss_at_stops(brain, config, symbol, strategy)))


@kernel(f8(record(BRAIN), record(CONFIG), i8, i8, f8, f8))
def _loss_with(brain: Any, config: Any, symbol: int, strategy: int, value: float, at_stop: float) -> float:
    """The same after an order of this value and loss at its stop."""
    value += abs(_exposure(brain, config, symbol, strategy))
    by_var = value * config["risk"]["var_quantile"] * _day_deviation(brain, config, symbol)
    return float(max(by_var, _loss_at_stops(brain, config, symbol, strategy) + at_stop))


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), f8, f8))
def _violated_deviations(brain: Any, config: Any, proposal: Any, value: float, equity: float) -> int:
    risk, symbol = config["risk"], proposal["symbol"]
    regime = CRISIS if brain["risk"]["is_crisis"] else brain["risk"]["regime"]
    own = value / equity * _day_deviation(brain, config, symbol)
    before = _book_deviation(brain, config, symbol, 0.0)
    after = _book_deviation(brain, config, symbol, proposal["side"] * own)
    yearly = math.sqrt(risk["bars_per_year"] * float(risk["risk_bar_ns"]) / float(_DAY_NS))
    var_limit = risk["var_limit"][regime]
    cvar_limit = var_limit * risk["cvar_multiple"]
    found = 0
    if _exceeds(after * yearly, before * yearly, risk["volatility_target"]):
        found |= 1 << VOLATILITY
    if _exceeds(after * risk["var_quantile"], before * risk["var_quantile"], var_limit):
        found |= 1 << VAR
    if _exceeds(after * risk["cvar_quantile"], before * risk["cvar_quantile"], cvar_limit):
        found |= 1 << CVAR
    if before > 0.0 and own > 0.0:
        correlation = (after * after - before * before - own * own) / (2.0 * before * own)
        by_losses = min(var_limit / risk["var_quantile"], cvar_limit / risk["cvar_quantile"])
        tightest = min(risk["volatility_target"] / yearly, by_losses)
        if correlation > risk["correlation_limit"] + 1e-6 and _exceeds(before + own, before, tightest):
            found |= 1 << CORRELATION
    return found


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), f8, f8))
def _violated_losses(brain: Any, config: Any, proposal: Any, lots: float, equity: float) -> int:
    """The caps on the loss of a symbol, a strategy and a sector."""
    risk, symbol, strategy, side = config["risk"], proposal["symbol"], proposal["strategy"], proposal["side"]
    instruments = config["instruments"]
    mark = float(brain["positions"][symbol]["mark_ticks"])
    price = _price_judged(side, mark, float(proposal["worst_ticks"]))
    per_tick = lots * instruments[symbol]["tick"] * instruments[symbol]["lot"]
    value = price * per_tick
    at_stop = _to_stop(side, mark, price, float(proposal["stop_ticks"])) * per_tick
    before = _loss(brain, config, symbol, _ANY)
    after = _loss_with(brain, config, symbol, _ANY, value, at_stop)
    is_violated = _exceeds(after / equity, before / equity, risk["symbol_loss_limit"])
    n_active, n_elsewhere = 0, 0
    for k in range(config["n_strategies"]):
        n_active += 1 if config["strategies"][k]["is_active"] else 0
    for s in range(config["n_symbols"]):
        n_elsewhere += 1 if instruments[s]["sector"] != instruments[symbol]["sector"] else 0
    if n_active > 1:
        rest = 0.0
        for s in range(config["n_symbols"]):
            rest += _loss(brain, config, s, strategy) if s != symbol else 0.0
        before_strategy = rest + _loss(brain, config, symbol, strategy)
        after_strategy = rest + _loss_with(brain, config, symbol, strategy, value, at_stop)
        if _exceeds(after_strategy / equity, before_strategy / equity, risk["strategy_risk_limit"]):
            is_violated = True
    if n_elsewhere > 0:
        rest = 0.0
        for s in range(config["n_symbols"]):
            if s != symbol and instruments[s]["sector"] == instruments[symbol]["sector"]:
                rest += _loss(brain, config, s, _ANY)
        if _exceeds((rest + after) / equity, (rest + before) / equity, risk["sector_limit"]):
            is_violated = True
    return 1 << CONCENTRATION if is_violated else 0


@kernel(b1(record(BRAIN), record(CONFIG), record(PROPOSAL), i8))
def _overdraws(brain: Any, config: Any, proposal: Any, lots: int) -> bool:
    atom = config["instruments"][0]["quote_atom"]
    needed = 0.0
    for k in range(brain["n_slots"]):
        order = brain["orders"][k]
        instrument = config["instruments"][order["symbol"]]
        if order["side"] > 0 and not instrument["is_perpetual"] and _still_to_come(order) > 0:
            mark = float(brain["positions"][order["symbol"]]["mark_ticks"])
            value = float(_still_to_come(order)) * _order_price(config, order, mark)
            value *= instrument["tick"] * instrument["lot"]
            needed += value + value * max(0.0, instrument["taker_fee"] / _FEE_PARTS)
    instrument = config["instruments"][proposal["symbol"]]
    if instrument["is_perpetual"]:
        return False
    value = float(lots) * float(proposal["worst_ticks"]) * instrument["tick"] * instrument["lot"]
    needed += value + value * max(0.0, instrument["taker_fee"] / _FEE_PARTS)
    balance = float(brain["ledger"]["balances"][0, config["quote_asset"]]) * atom
    return not needed <= balance + TOLERANCE * abs(balance)


@kernel(i8(record(BRAIN), record(CONFIG), record(PROPOSAL), i8))
def violated_limits(brain: Any, config: Any, proposal: Any, lots: int) -> int:
    """Limits that the book would break after ``lots`` of the proposal, beyond 1e-9 of equity.

    In a crisis the caps are checked at the size before the cut, ``lots / crisis_share``, which is what the cut may
    be a share of.

    Returns:
        0, or a sum of ``1 << clamp`` over the clamps (and :data:`CASH`) that disagree. ``brain["weights"]`` is
        used as scratch.
    """
    risk, symbol = config["risk"], proposal["symbol"]
    instrument = config["instruments"][symbol]
    equity = _equity(brain, config)
    is_crisis = brain["risk"]["is_crisis"] != 0 or brain["risk"]["regime"] == CRISIS
    checked = float(lots) / risk["crisis_share"] if is_crisis else float(lots)
    mark, worst = float(brain["positions"][symbol]["mark_ticks"]), float(proposal["worst_ticks"])
    per_tick = instrument["tick"] * instrument["lot"]
    value = checked * _price_judged(proposal["side"], mark, worst) * per_tick
    _fill_deviations(brain, config, equity)
    found = _violated_deviations(brain, config, proposal, value, equity)
    found |= _violated_losses(brain, config, proposal, checked, equity)
    if _overheats(brain, config, symbol, value, equity):
        found |= 1 << HEAT
    gross = _gross_value(brain, config) / equity
    if _exceeds(gross + value / equity, gross, risk["leverage_limit"]):
        found |= 1 << LEVERAGE
    if not 0 < checked <= float(proposal["qty_lots"]) * (1.0 + TOLERANCE):
        found |= 1 << CRISIS_CUT
    notional = float(lots) * min(mark, worst) * per_tick
    least = float(instrument["min_notional_atoms"]) * instrument["quote_atom"]
    if lots < instrument["min_lots"] or not notional >= least * (1.0 - TOLERANCE):
        found |= 1 << MINIMUM
    if _overdraws(brain, config, proposal, lots):
        found |= 1 << CASH
    return int(found)
