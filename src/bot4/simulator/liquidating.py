"""Funding, mark prices and liquidation: what happens to positions without an order of ours.

When an account falls below its maintenance margin, the venue cancels the open orders of the position that it closes
first, takes from the book what it may, and leaves the rest to the insurance fund at the bankruptcy price. A
liquidation is reported as a fill of order 0 with the flag ``IS_LIQUIDATION``, and again until the account is sound.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import IntArray
from bot4.domain.events import EVENT, IS_LIQUIDATION, IS_SELL, ORDER_FILLED
from bot4.domain.instruments import FEE_SCALE
from bot4.domain.ledger import settlement_asset
from bot4.domain.money import CEILING, OVERFLOW, mul_div, notional_atoms
from bot4.domain.orders import BUY, SELL
from bot4.domain.venue_reasons import LIQUIDATED
from bot4.kernel import i8, kernel, record, records, void
from bot4.simulator.accounts.liquidation import bankruptcy_ticks, lots_to_liquidate, next_to_liquidate
from bot4.simulator.accounts.margin_account import (
    cover_debt,
    margin_of_position,
    settle_funding,
    settle_margin_fill,
)
from bot4.simulator.book.ladder import level_lots
from bot4.simulator.order_book import cancel_row, is_alive, write_report
from bot4.simulator.resting import BOOK, best_of_market, move_up, take_market_lots
from bot4.simulator.state import SPOT, VENUE

_MOST_CUTS = 64  # a position goes through its brackets one by one, and there are at most 16 of either


@kernel(void(record(VENUE), i8, i8))
def mark_position(venue: Any, symbol: int, mark_ticks: int) -> None:
    """A mark price: what positions are worth, and what triggers that look at it see."""
    venue["mark_ticks"][symbol] = mark_ticks
    venue["margins"][symbol]["mark_ticks"] = mark_ticks


@kernel(void(record(VENUE), record(EVENT)))
def pay_funding(venue: Any, event: Any) -> None:
    """Funding is due on a symbol's position: the account pays it or receives it."""
    symbol = event["symbol"]
    mark_position(venue, symbol, event["mark_ticks"])
    if venue["terms"]["account"] <= SPOT:
        return
    settle_funding(
        venue["balances"],
        venue["margins"][symbol],
        venue["instruments"][symbol],
        event["funding_rate"],
        event["mark_ticks"],
    )


@kernel(void(record(VENUE), i8, records(EVENT), BOOK, i8))
def liquidate_due(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol_of_book: int) -> None:
    """Liquidate as long as the account is below its maintenance margin at the latest marks.

    A position of another symbol than the book's goes to the insurance fund.
    """
    if venue["terms"]["account"] <= SPOT:
        return
    for _ in range(_MOST_CUTS):
        symbol = next_to_liquidate(
            venue["balances"], venue["margins"][:], venue["instruments"][:], venue["brackets"][:], venue["n_symbols"]
        )
        if symbol < 0:
            break
        _cancel_orders(venue, ts_ns, reports, symbol)
        _close(venue, ts_ns, reports, book, symbol, symbol == symbol_of_book)
    for symbol in range(venue["n_symbols"]):
        asset = settlement_asset(venue["instruments"][symbol])
        cover_debt(venue["balances"], venue["margins"][:], venue["instruments"][:], venue["n_symbols"], asset)


@kernel(void(record(VENUE), i8, records(EVENT), i8))
def _cancel_orders(venue: Any, ts_ns: int, reports: Any, symbol: int) -> None:
    for at in range(venue["n_orders"]):
        order = venue["orders"][at]
        if order["symbol"] == symbol and is_alive(order):
            cancel_row(venue, reports, ts_ns, order, LIQUIDATED)


@kernel(void(record(VENUE), i8, records(EVENT), BOOK, i8, i8))
def _close(venue: Any, ts_ns: int, reports: Any, book: IntArray, symbol: int, has_book: int) -> None:
    """Close a part of a position, on the book up to its bankruptcy price, the rest at that price."""
    position, instrument = venue["margins"][symbol], venue["instruments"][symbol]
    lots = position["lots"]
    side = SELL if lots > 0 else BUY
    left = lots_to_liquidate(instrument, venue["brackets"][symbol], lots, position["mark_ticks"])
    margin = margin_of_position(
        venue["balances"],
        venue["margins"][:],
        venue["instruments"][:],
        venue["brackets"][:],
        venue["n_symbols"],
        symbol,
    )
    worst = 0
    if margin != OVERFLOW:
        worst = bankruptcy_ticks(instrument, venue["no_maintenance"], lots, position["cost_atoms"], margin)
    while left > 0 and has_book != 0 and venue["feed"][symbol] > 0 and len(reports) - venue["n_reports"] > 1:
        ticks = best_of_market(book, -side)
        if ticks == 0 or (worst > 0 and (worst - ticks) * side < 0):
            break
        taken = min(left, level_lots(book, -side, ticks))
        take_market_lots(venue, book, symbol, -side, ticks, taken)
        move_up(venue, symbol, -side, ticks, taken, 0)
        _book_liquidation(venue, ts_ns, reports, symbol, side, ticks, taken)
        left -= taken
    if left > 0:
        price = worst if worst > 0 else position["mark_ticks"]
        _book_liquidation(venue, ts_ns, reports, symbol, side, price, left)


@kernel(void(record(VENUE), i8, records(EVENT), i8, i8, i8, i8))
def _book_liquidation(venue: Any, ts_ns: int, reports: Any, symbol: int, side: int, ticks: int, lots: int) -> None:
    instrument, charge = venue["instruments"][symbol], venue["charge"]
    notional = notional_atoms(instrument, ticks, lots, CEILING)
    rate = venue["fee_schedule"]["liquidation_fee"]
    fee = 0 if notional == OVERFLOW else mul_div(notional, rate, FEE_SCALE, CEILING)
    charge["asset"] = settlement_asset(instrument)
    charge["atoms"] = 0 if fee == OVERFLOW else fee
    settle_margin_fill(venue["balances"], venue["margins"][symbol], instrument, side, ticks, lots, charge)
    venue["net_lots"][symbol] += side * lots
    row = reports[venue["n_reports"]]
    write_report(venue, reports, ts_ns, ORDER_FILLED, symbol, 0, 0)
    row["flags"] = IS_LIQUIDATION | (IS_SELL if side == SELL else 0)
    row["fill_ticks"] = ticks
    row["fill_lots"] = lots
    row["fee_atoms"] = charge["atoms"]
    row["trade_id"] = venue["next_trade_id"]
    venue["next_trade_id"] += 1
