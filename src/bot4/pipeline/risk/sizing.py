"""An order through all clamps, in their order, with what each saw and did written into the decision."""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import f8, i8, kernel, record, void
from bot4.pipeline.risk.clamps import (
    DEVIATION,
    HEAT,
    LINEAR,
    clamp_concentration,
    clamp_correlation,
    clamp_crisis,
    clamp_deviation,
    clamp_heat,
    clamp_linear,
    clamp_minimum,
    is_like_book,
    measure_at,
)  # fmt: skip
from bot4.pipeline.risk.clock import DAY_NS
from bot4.pipeline.risk.measures import (
    ALL,
    book_heat,
    book_variance,
    covariance_with_book,
    day_annuity,
    day_variance,
    days_per_weight,
    gross_leverage,
    judged_ticks,
    loss_of,
    loss_ticks,
    stop_loss_of,
    weight_of,
)  # fmt: skip
from bot4.pipeline.state import (
    BRAIN,
    CONCENTRATION,
    CONFIG,
    CORRELATION,
    CRISIS,
    CRISIS_CUT,
    CVAR,
    DECISION,
    LEVERAGE,
    MINIMUM,
    N_CLAMPS,
    VAR,
    VOLATILITY,
)  # fmt: skip
from bot4.pipeline.state import HEAT as HEAT_CLAMP


@kernel(i8(record(BRAIN)))
def risk_regime(brain: Any) -> int:
    """Regime by which limits are chosen: the filter's, or crisis where the triggers declared one."""
    if brain["risk"]["is_crisis"]:
        return CRISIS
    regime: int = brain["risk"]["regime"]
    return regime


@kernel(f8(record(CONFIG)))
def days_per_year(config: Any) -> float:
    """Trading days in a year, from the number of risk bars."""
    risk = config["risk"]
    return float(risk["bars_per_year"] * risk["risk_bar_ns"] / DAY_NS)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, f8))
def size_within_limits(brain: Any, config: Any, decision: Any, lots: int, equity: float) -> int:
    """Largest size up to ``lots`` that every clamp allows; 0 for none.

    Args:
        brain: :data:`BRAIN`, with the book in ``brain["weights"]``.
        config: :data:`CONFIG`.
        decision: :data:`DECISION` with its proposal; the clamps' measures are written into it.
        lots: size asked for.
        equity: in quote currency.
    """
    proposal = decision["proposal"]
    symbol = proposal["symbol"]
    mark = brain["positions"][symbol]["mark_ticks"]
    judged = judged_ticks(proposal["side"], mark, proposal["worst_ticks"])
    unit = float(judged) * config["instruments"][symbol]["quote_per_tick_lot"] / equity
    annuity = day_annuity(config)
    own = day_variance(brain, config, symbol, annuity)
    decision["binding_clamp"] = -1
    lots = _within_deviations(brain, config, decision, lots, unit, own, annuity)
    lots = _within_leverage(brain, config, decision, lots, unit)
    concentrated = _within_concentration(brain, config, decision, lots, unit, equity, annuity)
    return int(_within_venue_and_crisis(brain, config, decision, lots, concentrated))


@kernel(void(record(DECISION), i8, i8, i8, f8, f8, f8))
def _note(decision: Any, clamp: int, asked: int, lots: int, before: float, after: float, limit: float) -> None:
    decision["lots_after"][clamp] = lots
    decision["measure_before"][clamp] = before
    decision["measure_after"][clamp] = after
    decision["limit"][clamp] = limit
    if lots < asked:
        decision["binding_clamp"] = clamp


@kernel(i8(record(DECISION), i8, i8, f8, f8, f8, f8, f8, f8))
def _deviation_step(
    decision: Any, clamp: int, asked: int, unit: float, book: float, cross: float, own: float, scale: float,
    limit: float,
) -> int:  # fmt: skip
    lots = clamp_deviation(asked, unit, book, cross, own, scale, limit)
    before = measure_at(DEVIATION, 0, unit, book, cross, own, scale)
    _note(decision, clamp, asked, lots, before, measure_at(DEVIATION, lots, unit, book, cross, own, scale), limit)
    return int(lots)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, f8, f8, f8))
def _within_deviations(
    brain: Any, config: Any, decision: Any, lots: int, unit: float, own: float, annuity: float
) -> int:
    """Volatility, VaR, CVaR, heat and correlation: what a one-day deviation decides."""
    risk = config["risk"]
    symbol = decision["proposal"]["symbol"]
    book = book_variance(brain, config, annuity)
    cross = decision["proposal"]["side"] * covariance_with_book(brain, config, symbol, annuity)
    yearly = math.sqrt(days_per_year(config))
    var_limit = risk["var_limit"][risk_regime(brain)]
    cvar_limit = risk["cvar_multiple"] * var_limit
    target, var_scale, cvar_scale = risk["volatility_target"], risk["var_quantile"], risk["cvar_quantile"]
    lots = _deviation_step(decision, VOLATILITY, lots, unit, book, cross, own, yearly, target)
    lots = _deviation_step(decision, VAR, lots, unit, book, cross, own, var_scale, var_limit)
    lots = _deviation_step(decision, CVAR, lots, unit, book, cross, own, cvar_scale, cvar_limit)
    lots = _within_heat(brain, config, decision, lots, unit, own, annuity)
    limit = min(target / yearly, var_limit / var_scale, cvar_limit / cvar_scale)
    kept = clamp_correlation(lots, unit, book, cross, own, risk["correlation_limit"], limit)
    before = math.sqrt(book)
    after = measure_at(DEVIATION, kept, unit, book, cross, own, 1.0)
    if is_like_book(book, cross, own, risk["correlation_limit"]):
        after = measure_at(LINEAR, kept, unit, before, math.sqrt(own), 0.0, 0.0)
    _note(decision, CORRELATION, lots, kept, before * yearly, after * yearly, limit * yearly)
    return int(kept)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, f8, f8, f8))
def _within_heat(brain: Any, config: Any, decision: Any, lots: int, unit: float, own: float, annuity: float) -> int:
    symbol, equity = decision["proposal"]["symbol"], decision["equity"]
    others = book_heat(brain, config, equity, annuity, symbol)
    deviation = math.sqrt(own)
    days = days_per_weight(brain, config, symbol, equity)
    size = abs(brain["weights"][symbol])
    limit = config["risk"]["heat_limit"]
    kept = clamp_heat(lots, unit, others, deviation, size, days, limit)
    before = measure_at(HEAT, 0, unit, others, deviation, size, days)
    after = measure_at(HEAT, kept, unit, others, deviation, size, days)
    _note(decision, HEAT_CLAMP, lots, kept, before, after, limit)
    return int(kept)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, f8))
def _within_leverage(brain: Any, config: Any, decision: Any, lots: int, unit: float) -> int:
    gross = gross_leverage(brain, config)
    limit = config["risk"]["leverage_limit"]
    kept = clamp_linear(lots, unit, gross, 1.0, limit)
    _note(decision, LEVERAGE, lots, kept, gross, measure_at(LINEAR, kept, unit, gross, 1.0, 0.0, 0.0), limit)
    return int(kept)


@kernel(i8(record(CONFIG)))
def has_several_strategies(config: Any) -> int:
    """1 where more than one strategy is active."""
    n_active = 0
    for strategy in range(config["n_strategies"]):
        n_active += 1 if config["strategies"][strategy]["is_active"] else 0
    return 1 if n_active > 1 else 0


@kernel(i8(record(CONFIG)))
def has_several_sectors(config: Any) -> int:
    """1 where the instruments belong to more than one sector."""
    for symbol in range(1, config["n_symbols"]):
        if config["instruments"][symbol]["sector"] != config["instruments"][0]["sector"]:
            return 1
    return 0


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, f8, f8, f8))
def _within_concentration(
    brain: Any, config: Any, decision: Any, lots: int, unit: float, equity: float, annuity: float
) -> int:
    """The caps on the loss of a symbol, of a strategy and of a sector; returns the least of them."""
    risk = config["risk"]
    symbol, strategy = decision["proposal"]["symbol"], decision["proposal"]["strategy"]
    kept = _concentration_step(
        brain, config, decision, lots, lots, unit, equity, annuity, ALL, 0.0, risk["symbol_loss_limit"]
    )
    if has_several_strategies(config):
        others = 0.0
        for other in range(config["n_symbols"]):
            if other != symbol:
                others += loss_of(brain, config, other, strategy, equity, annuity)
        limit = risk["strategy_risk_limit"]
        kept = _concentration_step(brain, config, decision, lots, kept, unit, equity, annuity, strategy, others, limit)
    if has_several_sectors(config):
        others = 0.0
        sector = config["instruments"][symbol]["sector"]
        for other in range(config["n_symbols"]):
            if other != symbol and config["instruments"][other]["sector"] == sector:
                others += loss_of(brain, config, other, ALL, equity, annuity)
        limit = risk["sector_limit"]
        kept = _concentration_step(brain, config, decision, lots, kept, unit, equity, annuity, ALL, others, limit)
    return int(kept)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, i8, f8, f8, f8, i8, f8, f8))
def _concentration_step(
    brain: Any, config: Any, decision: Any, first: int, asked: int, unit: float, equity: float, annuity: float,
    strategy: int, others: float, limit: float,
) -> int:  # fmt: skip
    """One cap on losses; what binds tightest is what the decision shows."""
    proposal = decision["proposal"]
    symbol, side = proposal["symbol"], proposal["side"]
    mark = brain["positions"][symbol]["mark_ticks"]
    judged = judged_ticks(side, mark, proposal["worst_ticks"])
    at_stop = stop_loss_of(brain, config, symbol, strategy, equity)
    stop_slope = loss_ticks(side, mark, proposal["stop_ticks"], judged) / float(judged)
    risk_slope = config["risk"]["var_quantile"] * math.sqrt(day_variance(brain, config, symbol, annuity))
    at_risk = risk_slope * abs(weight_of(brain, config, symbol, strategy, equity))
    lots = clamp_concentration(asked, unit, others, at_stop, stop_slope, at_risk, risk_slope, limit)
    if lots < asked or asked == first:
        size = float(lots) * unit
        before = others + max(at_stop, at_risk)
        after = others + max(at_stop + stop_slope * size, at_risk + risk_slope * size)
        decision["measure_before"][CONCENTRATION] = before
        decision["measure_after"][CONCENTRATION] = after
        decision["limit"][CONCENTRATION] = limit
    return int(lots)


@kernel(i8(record(BRAIN), record(CONFIG), record(DECISION), i8, i8))
def _within_venue_and_crisis(brain: Any, config: Any, decision: Any, asked: int, concentrated: int) -> int:
    """The crisis share of what all caps allow, the venue's minimum, and the cap on losses in its place."""
    proposal = decision["proposal"]
    instrument = config["instruments"][proposal["symbol"]]
    is_crisis = 1 if risk_regime(brain) == CRISIS else 0
    share = config["risk"]["crisis_share"]
    lots = clamp_crisis(asked, concentrated, share, is_crisis)
    taken = float(lots) / float(concentrated) if is_crisis and concentrated > 0 else 1.0
    _note(decision, CRISIS_CUT, asked, lots, 0.0, taken, share if is_crisis else 1.0)
    mark = brain["positions"][proposal["symbol"]]["mark_ticks"]
    lot_value = float(min(mark, proposal["worst_ticks"])) * instrument["quote_per_tick_lot"]
    least = instrument["min_notional_atoms"] * instrument["quote_atom"]
    cut = lots
    lots = clamp_minimum(cut, instrument["min_lots"], lot_value, least)
    _note(decision, MINIMUM, cut, lots, 0.0, float(lots) * lot_value, least)
    cut = min(lots, concentrated)
    cut = clamp_minimum(cut, instrument["min_lots"], lot_value, least)
    decision["lots_after"][CONCENTRATION] = cut
    if cut < lots:
        decision["binding_clamp"] = CONCENTRATION
    return int(cut)


@kernel(void(record(DECISION)))
def clear_clamps(decision: Any) -> None:
    """Forget what the clamps did to the decision that stood here before."""
    decision["binding_clamp"] = -1
    for clamp in range(N_CLAMPS):
        decision["lots_after"][clamp] = 0
        decision["measure_before"][clamp] = 0.0
        decision["measure_after"][clamp] = 0.0
        decision["limit"][clamp] = 0.0
