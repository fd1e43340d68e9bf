"""Where a trade is wrong, and where it has earned enough: stop, trail and targets in integer ticks.

The stop is the tighter of ``stop_atr`` average true ranges and the nearest support (resistance for a short), the
Donchian channel's edge; never nearer than ``stop_min_atr`` true ranges or ``stop_min_costs`` round trips, never
farther than ``emergency_stop`` of the price. Where the run has no such column its candidate drops out, and with
neither the emergency stop is left. A strategy that gives its own distance is obeyed up to the emergency stop; one
that gives 0 wants none (buy and hold), and is sized as if it stood at the emergency stop.

Rounding: the distance goes *up* to whole ticks (never nearer than the rule allows), except that the emergency
stop goes down; a target's distance goes up (never short of its multiple of R).
"""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import array, f8, i8, kernel, record
from bot4.pipeline.decision.kelly import round_trip_cost
from bot4.pipeline.state import BAD_STOP, CONFIG, WARMING_UP

_LARGEST_TICKS = 2.0**60


@kernel(f8(array(f8), i8))
def column_or_inf(base: Any, column: int) -> float:
    """A feature; infinity where the run has no such column (-1)."""
    return float(base[column]) if column >= 0 else math.inf


@kernel(f8(record(CONFIG), array(f8), i8, f8))
def level_distance(config: Any, base: Any, side: int, price: float) -> float:
    """Distance to the nearest support of a long or resistance of a short; infinity for none beyond the price."""
    if side > 0:
        level = column_or_inf(base, config["low_column"])
        distance = price - level
    else:
        level = column_or_inf(base, config["high_column"])
        distance = level - price
    if math.isinf(level):
        return math.inf
    return math.inf if distance <= 0.0 else distance


@kernel(f8(record(CONFIG), array(f8), i8, f8))
def least_distance(config: Any, base: Any, symbol: int, price: float) -> float:
    """The nearest a ruled stop may stand, in price."""
    decision = config["decision"]
    costs = decision["stop_min_costs"] * round_trip_cost(config, symbol) * price
    atr = column_or_inf(base, config["atr_column"])
    return float(costs if math.isinf(atr) else max(costs, decision["stop_min_atr"] * atr))


@kernel(f8(record(CONFIG), array(f8), i8, i8, f8))
def ruled_distance(config: Any, base: Any, symbol: int, side: int, price: float) -> float:
    """Distance of the stop by the rule, in price, before the emergency stop; NaN while a feature is undefined."""
    atr = column_or_inf(base, config["atr_column"])
    level = level_distance(config, base, side, price)
    if math.isnan(atr) or math.isnan(level):
        return math.nan
    return float(max(min(config["decision"]["stop_atr"] * atr, level), least_distance(config, base, symbol, price)))


@kernel(i8(record(CONFIG), i8))
def emergency_ticks(config: Any, reference_ticks: int) -> int:
    """Distance of the emergency stop, rounded down."""
    ticks = math.floor(min(config["decision"]["emergency_stop"] * reference_ticks, _LARGEST_TICKS))
    return int(ticks)


@kernel(i8(record(CONFIG), array(f8), i8, i8, i8, f8))
def stop_distance_ticks(
    config: Any, base: Any, symbol: int, side: int, reference_ticks: int, own_distance: float
) -> int:
    """Distance from the reference price to the stop.

    Args:
        config: record of ``CONFIG``.
        base: float64[n_columns], feature row of the base frame.
        symbol: its id.
        side: 1 or -1.
        reference_ticks: price that the entry is decided at.
        own_distance: the strategy's, in price; NaN: by the rule; 0: it wants none, which gives the emergency stop's.

    Returns:
        Ticks, at least 1; or minus ``WARMING_UP`` while a feature is undefined; or minus ``BAD_STOP`` where the
        rule's least distance lies beyond the emergency stop, or there is no room for a stop at all.
    """
    tick = config["instruments"][symbol]["tick"]
    price = reference_ticks * tick
    distance = own_distance
    if math.isnan(own_distance):
        distance = ruled_distance(config, base, symbol, side, price)
        if math.isnan(distance):
            return -WARMING_UP
    if distance == 0.0:
        distance = math.inf
    if distance < 0.0:
        return -BAD_STOP
    emergency = emergency_ticks(config, reference_ticks)
    wanted = math.ceil(min(distance / tick, _LARGEST_TICKS) - 1e-9)
    least = 0.0
    if math.isnan(own_distance):
        least = least_distance(config, base, symbol, price) / tick
    ticks = min(max(int(wanted), 1), emergency)
    if ticks < 1 or ticks >= reference_ticks or least > emergency:
        return -BAD_STOP
    return int(ticks)


@kernel(i8(record(CONFIG), i8, i8, i8, i8))
def target_ticks(config: Any, side: int, reference_ticks: int, distance_ticks: int, target: int) -> int:
    """Price of a target, ``target_r`` stop distances in favour; a short's is at least one tick."""
    away = math.ceil(config["decision"]["target_r"][target] * distance_ticks - 1e-9)
    return int(max(reference_ticks + side * away, 1))


@kernel(i8(record(CONFIG), array(f8), i8, i8))
def trail_distance_ticks(config: Any, base: Any, symbol: int, distance_ticks: int) -> int:
    """Distance of the trailing stop: ``trail_atr`` true ranges, or the stop's own where no ATR is known."""
    atr = column_or_inf(base, config["atr_column"])
    ticks = config["decision"]["trail_atr"] * atr / config["instruments"][symbol]["tick"]
    if not 0.0 < ticks < _LARGEST_TICKS:
        return distance_ticks
    whole = math.ceil(ticks - 1e-9)
    return int(whole)
