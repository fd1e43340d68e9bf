"""Where the account meets an order: what it locks when it comes, what a fill pays, what its end gives back.

A venue whose ``terms.account`` is :data:`UNCHECKED` keeps no account: then nothing here refuses or locks anything,
and fees are the instrument's own. On spot an order locks what it may cost. Legs of one one-cancels-other share one
quantity and lock it once; orders that wait for their parent lock when they start; exits of a native bracket, which
share one quantity too, lock nothing and pay from what is free. An order of a perpetual that adds risk needs margin when
it comes to the market, and locks nothing.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import FEE_ASSET_SHIFT
from bot4.domain.instruments import FEE_SCALE
from bot4.domain.ledger import settlement_asset
from bot4.domain.money import CEILING, FLOOR, OVERFLOW, mul_div, notional_atoms
from bot4.domain.orders import (
    BUY,
    CANCELS_SIBLINGS,
    CLOSE_POSITION,
    ENTRY,
    HELD,
    MARKET,
    PARTLY_FILLED,
    TRIGGERED,
    WORKING,
)
from bot4.domain.venue_reasons import NO_BALANCE, TOO_LARGE
from bot4.kernel import b1, i8, kernel, record, void
from bot4.simulator.accounts.balances import (
    hand_lock_over,
    lock_for_order,
    needed_atoms,
    release_lock,
    settle_spot_fill,
)
from bot4.simulator.accounts.margin import why_not_margin
from bot4.simulator.accounts.margin_account import available_atoms, settle_margin_fill
from bot4.simulator.rules.fee_schedule import (
    CHARGED,
    FROM_SETTLEMENT,
    add_volume,
    charge_fee,
    fee_rate,
    fee_tier,
    highest_fee_rate,
)
from bot4.simulator.state import SPOT, VENUE, VENUE_ORDER
from bot4.simulator.triggers import has_limit, has_trigger, waits_for_trigger

FINE = 0  # no reason to refuse


@kernel(b1(record(VENUE), record(VENUE_ORDER)))
def _locks(venue: Any, order: Any) -> bool:
    """Whether an order locks a balance of its own."""
    if venue["terms"]["account"] != SPOT or order["flags"] & CLOSE_POSITION != 0:
        return False
    is_sharing = order["group_id"] != 0 and order["role"] != ENTRY and order["flags"] & CANCELS_SIBLINGS == 0
    return not (is_sharing and venue["terms"]["has_brackets"] != 0 and order["is_reduce_only"] != 0)


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def _lock_ticks(venue: Any, order: Any) -> int:
    """The price that an order's lock is reckoned at: its limit, else its trigger, else the market's."""
    symbol = order["symbol"]
    if has_limit(order["type"]):
        return int(order["limit_ticks"])
    if has_trigger(order["type"]) and order["stop_ticks"] > 0:
        return int(order["stop_ticks"])
    ask = venue["ask_ticks"][symbol]
    return int(ask if order["side"] == BUY and ask > 0 else venue["reference_ticks"][symbol])


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def _lock_rate(venue: Any, order: Any) -> int:
    """The highest fee, parts of FEE_SCALE, that a fill may take from what the order pays with."""
    schedule = venue["fee_schedule"]
    if schedule["n_tiers"] == 0:
        instrument = venue["instruments"][order["symbol"]]
        return int(max(instrument["maker_fee"], instrument["taker_fee"], 0))
    return int(highest_fee_rate(schedule) if schedule["charged_from"] == FROM_SETTLEMENT else 0)


@kernel(i8(record(VENUE), record(VENUE_ORDER), i8))
def _needed(venue: Any, order: Any, lots: int) -> int:
    instrument = venue["instruments"][order["symbol"]]
    return int(needed_atoms(instrument, order["side"], _lock_ticks(venue, order), lots, _lock_rate(venue, order)))


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def lock_funds(venue: Any, order: Any) -> int:
    """Lock what an order's open lots may cost, or what they may cost after a change.

    A market order locks nothing, since it is about to pay; it is refused where it could not at the best price.

    Returns:
        0, or the reason to refuse; then nothing has changed.
    """
    if venue["terms"]["account"] > SPOT:
        return int(_why_not_margined(venue, order))
    if not _locks(venue, order) or order["status"] == HELD:
        return FINE
    balances = venue["balances"]
    lots = order["qty_lots"] - order["filled_lots"]
    if order["type"] == MARKET:
        needed = _needed(venue, order, lots)
        if needed == OVERFLOW:
            return TOO_LARGE
        instrument = venue["instruments"][order["symbol"]]
        asset = instrument["quote_asset"] if order["side"] == BUY else instrument["base_asset"]
        return NO_BALANCE if needed > balances["free"][asset] else FINE
    if order["flags"] & CANCELS_SIBLINGS != 0:
        return int(_lock_once(venue, order, lots))
    instrument, rate = venue["instruments"][order["symbol"]], _lock_rate(venue, order)
    price = _lock_ticks(venue, order)
    return int(lock_for_order(balances, order["lock"], instrument, order["side"], price, lots, rate))


@kernel(i8(record(VENUE), record(VENUE_ORDER)))
def _why_not_margined(venue: Any, order: Any) -> int:
    """Why the margin of the account does not bear an order, or 0; what only reduces, or still waits, needs none."""
    if order["is_reduce_only"] != 0 or order["status"] == HELD or waits_for_trigger(order):
        return FINE
    symbol, instruments = order["symbol"], venue["instruments"][:]
    _count_working(venue, order["id"])
    instrument, position = instruments[symbol], venue["margins"][symbol]
    lots = order["qty_lots"] - order["filled_lots"]
    price = _lock_ticks(venue, order)
    if price <= 0:
        return FINE
    notional = notional_atoms(instrument, price, lots, CEILING)
    fee = OVERFLOW if notional == OVERFLOW else mul_div(notional, _lock_rate(venue, order), FEE_SCALE, CEILING)
    if fee == OVERFLOW:
        return TOO_LARGE
    available = available_atoms(
        venue["balances"], venue["margins"][:], instruments, venue["n_symbols"], settlement_asset(instrument)
    )
    return int(
        why_not_margin(instrument, venue["brackets"][symbol], position, order["side"], lots, price, fee, available)
    )


@kernel(void(record(VENUE), i8))
def _count_working(venue: Any, without_id: int) -> None:
    """Write into the margin positions what open orders that add risk have left, one order not counted."""
    margins = venue["margins"]
    for symbol in range(venue["n_symbols"]):
        margins[symbol]["working_buy_lots"] = 0
        margins[symbol]["working_sell_lots"] = 0
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        is_there = order["status"] in (WORKING, PARTLY_FILLED, TRIGGERED) and not waits_for_trigger(order)
        if not is_there or order["is_reduce_only"] != 0 or order["id"] == without_id:
            continue
        lots = order["qty_lots"] - order["filled_lots"]
        if order["side"] == BUY:
            margins[order["symbol"]]["working_buy_lots"] += lots
        else:
            margins[order["symbol"]]["working_sell_lots"] += lots


@kernel(i8(record(VENUE), record(VENUE_ORDER), i8))
def _lock_once(venue: Any, order: Any, lots: int) -> int:
    """Lock for all legs of a one-cancels-other together what the dearest of them needs; this leg keeps the lock."""
    _take_over_locks(venue, order)
    lock = order["lock"]
    wanted = _needed(venue, order, lots)
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        if _is_same_group(order, other):
            wanted = max(wanted, _needed(venue, other, other["qty_lots"] - other["filled_lots"]))
    if wanted == OVERFLOW:
        return TOO_LARGE
    instrument = venue["instruments"][order["symbol"]]
    asset = instrument["quote_asset"] if order["side"] == BUY else instrument["base_asset"]
    more = wanted - lock["atoms"]
    if more > venue["balances"]["free"][asset]:
        return NO_BALANCE
    venue["balances"]["free"][asset] -= more
    venue["balances"]["locked"][asset] += more
    lock["asset"] = asset
    lock["atoms"] = wanted
    return FINE


@kernel(b1(record(VENUE_ORDER), record(VENUE_ORDER)))
def _is_same_group(order: Any, other: Any) -> bool:
    """Whether another order is a leg of the same one-cancels-other that is in the market, of the same side."""
    is_leg = order["flags"] & CANCELS_SIBLINGS != 0 and other["flags"] & CANCELS_SIBLINGS != 0
    is_group = is_leg and other["group_id"] == order["group_id"] and other["symbol"] == order["symbol"]
    is_there = other["status"] in (WORKING, PARTLY_FILLED, TRIGGERED)
    return bool(is_group and is_there and other["id"] != order["id"] and other["side"] == order["side"])


@kernel(void(record(VENUE), record(VENUE_ORDER)))
def _take_over_locks(venue: Any, order: Any) -> None:
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        if order["lock"]["atoms"] == 0 and other["lock"]["atoms"] > 0 and _is_same_group(order, other):
            hand_lock_over(other["lock"], order["lock"])


@kernel(void(record(VENUE), record(VENUE_ORDER)))
def take_over_funds(venue: Any, order: Any) -> None:
    """Before the other legs of a one-cancels-other end: what they have locked for all passes to this one."""
    if _locks(venue, order):
        _take_over_locks(venue, order)


@kernel(void(record(VENUE), record(VENUE_ORDER)))
def release_funds(venue: Any, order: Any) -> None:
    """An order has ended: what it has locked is free again, or passes to a leg that goes on."""
    if order["lock"]["atoms"] == 0:
        return
    for at in range(venue["n_orders"]):
        other = venue["orders"][at]
        if _is_same_group(order, other) and other["lock"]["atoms"] == 0:
            hand_lock_over(order["lock"], other["lock"])
            return
    release_lock(venue["balances"], order["lock"])


@kernel(i8(record(VENUE), record(VENUE_ORDER), i8, i8, i8, b1))
def settle_fill(venue: Any, order: Any, ts_ns: int, price_ticks: int, lots: int, is_maker: bool) -> int:
    """Charge a fill's fee, and exchange what it exchanges; ``charge`` of the venue says what the fee was.

    Args:
        venue, order: of the fill, which the order does not yet count.
        ts_ns, price_ticks, lots: of the fill.
        is_maker: whose rate is charged.

    Returns:
        0, or why it cannot be: ``NO_BALANCE``, ``TOO_LARGE``. Then nothing has changed.
    """
    instrument, charge = venue["instruments"][order["symbol"]], venue["charge"]
    notional = notional_atoms(instrument, price_ticks, lots, CEILING)
    if notional == OVERFLOW or not _charge(venue, order, ts_ns, notional, lots, is_maker):
        return TOO_LARGE
    if venue["terms"]["account"] == SPOT:
        left = order["qty_lots"] - order["filled_lots"] - lots
        still = max(_needed(venue, order, left), 0) if _locks(venue, order) and order["type"] != MARKET else 0
        reason = settle_spot_fill(
            venue["balances"], order["lock"], instrument, order["side"], price_ticks, lots, still, charge
        )
        if reason != FINE:
            return int(reason)
    elif venue["terms"]["account"] > SPOT:
        reason = settle_margin_fill(
            venue["balances"], venue["margins"][order["symbol"]], instrument, order["side"], price_ticks, lots, charge
        )
        if reason != FINE:
            return int(reason)
    if venue["fee_schedule"]["n_tiers"] > 0:
        add_volume(venue["fee_volume"], ts_ns, notional)
    return FINE


@kernel(b1(record(VENUE), record(VENUE_ORDER), i8, i8, i8, b1))
def _charge(venue: Any, order: Any, ts_ns: int, notional: int, lots: int, is_maker: bool) -> bool:
    """Write the fee of a fill; False where it passes 64 bits."""
    instrument, charge, schedule = venue["instruments"][order["symbol"]], venue["charge"], venue["fee_schedule"]
    settles_in = settlement_asset(instrument)
    if schedule["n_tiers"] == 0:
        rate = instrument["maker_fee"] if is_maker else instrument["taker_fee"]
        fee = mul_div(notional, rate, FEE_SCALE, CEILING)
        charge["asset"] = settles_in
        charge["atoms"] = fee
        return bool(fee != OVERFLOW)
    volume = venue["fee_volume"]
    rate = fee_rate(schedule, fee_tier(schedule, volume, ts_ns), is_maker)
    received_asset, received = settles_in, notional
    if instrument["is_perpetual"] == 0 and order["side"] == BUY:
        received_asset = instrument["base_asset"]
        received = mul_div(lots, instrument["base_atoms_per_lot"], 1, FLOOR)
    third = schedule["third_asset"]
    third_free = venue["balances"]["free"][third] if third >= 0 else 0
    status = charge_fee(schedule, volume, rate, notional, settles_in, received_asset, received, third_free, charge)
    return bool(status == CHARGED)


@kernel(i8(record(VENUE), i8))
def fee_asset_flags(venue: Any, symbol: int) -> int:
    """Flags of a fill's report that name the asset of its fee; none for what the instrument settles in."""
    asset = venue["charge"]["asset"]
    return 0 if asset == settlement_asset(venue["instruments"][symbol]) else int((asset + 1) << FEE_ASSET_SHIFT)


@kernel(i8(record(VENUE), i8))
def holding_lots(venue: Any, symbol: int) -> int:
    """Signed lots held of a symbol: the position, or on spot what of the base is there."""
    if venue["terms"]["account"] != SPOT:
        return int(venue["net_lots"][symbol])
    instrument, balances = venue["instruments"][symbol], venue["balances"]
    base = instrument["base_asset"]
    return int((balances["free"][base] + balances["locked"][base]) // instrument["base_atoms_per_lot"])
