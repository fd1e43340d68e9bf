"""The answers and user-stream messages of the spot interface, as Binance writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot4.app.exchange_server.listings import Listing, atoms_text, number_text
from bot4.app.exchange_server.order_requests import SELF_TRADE_NAMES
from bot4.app.exchange_server.records import FillRecord, ListRecord, OrderRecord
from bot4.domain.orders import BUY

_CONDITIONAL = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_ZERO = number_text(Decimal(0))


def side_name(side: int) -> str:
    """``BUY`` or ``SELL``."""
    return "BUY" if side == BUY else "SELL"


def acknowledged(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    """The ACK answer to an order."""
    return {
        "symbol": listing.name,
        "orderId": record.venue_id,
        "orderListId": record.list_id,
        "clientOrderId": record.client_id,
        "transactTime": record.updated_ms,
    }


def placed(listing: Listing, record: OrderRecord, response: str, decimals: dict[str, int]) -> dict[str, Any]:
    """The answer to an order: ACK, RESULT or FULL; ``decimals`` are those of each asset's atoms."""
    answer = acknowledged(listing, record)
    if response == "ACK":
        return answer
    answer |= _terms(listing, record)
    if response == "FULL":
        answer["fills"] = [
            {
                "price": listing.price(fill.price_ticks),
                "qty": listing.quantity(fill.qty_lots),
                "commission": atoms_text(fill.fee_atoms, decimals[fill.fee_asset]),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in record.fills
        ]
    return answer


def _terms(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "price": listing.price(record.limit_ticks),
        "origQty": listing.quantity(record.qty_lots),
        "executedQty": listing.quantity(record.filled_lots),
        "origQuoteOrderQty": number_text(Decimal(record.quote_qty or 0)),
        "cummulativeQuoteQty": listing.value(record.value),
        "status": record.status,
        "timeInForce": record.time_in_force,
        "type": record.kind,
        "side": side_name(record.side),
        "workingTime": record.working_ms,
        "selfTradePreventionMode": SELF_TRADE_NAMES[record.self_trade],
    }
    if record.kind in _CONDITIONAL:
        terms["stopPrice"] = listing.price(record.stop_ticks)
    if record.display_lots:
        terms["icebergQty"] = listing.quantity(record.display_lots)
    if record.trail_delta:
        terms["trailingDelta"] = int(record.trail_delta)
    return terms


def order(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    """The answer to a query."""
    return {
        "symbol": listing.name,
        "orderId": record.venue_id,
        "orderListId": record.list_id,
        "clientOrderId": record.original_client_id or record.client_id,
        **_terms(listing, record),
        "stopPrice": listing.price(record.stop_ticks),
        "icebergQty": listing.quantity(record.display_lots),
        "time": record.ts_ms,
        "updateTime": record.updated_ms,
        "isWorking": record.is_working,
    }


def cancelled(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    """The answer to a cancel."""
    return {
        "symbol": listing.name,
        "origClientOrderId": record.original_client_id or record.client_id,
        "orderId": record.venue_id,
        "orderListId": record.list_id,
        "clientOrderId": record.client_id,
        "transactTime": record.updated_ms,
        **_terms(listing, record),
    }


def amended(listing: Listing, record: OrderRecord, execution_id: int) -> dict[str, Any]:
    """The answer to an amendment that keeps the place in the queue."""
    return {
        "transactTime": record.updated_ms,
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": listing.name,
            "orderId": record.venue_id,
            "orderListId": record.list_id,
            "origClientOrderId": record.original_client_id or record.client_id,
            "clientOrderId": record.client_id,
            "price": listing.price(record.limit_ticks),
            "qty": listing.quantity(record.qty_lots),
            "executedQty": listing.quantity(record.filled_lots),
            "preventedQty": _ZERO,
            "quoteOrderQty": _ZERO,
            "cumulativeQuoteQty": listing.value(record.value),
            "status": record.status,
            "timeInForce": record.time_in_force,
            "type": record.kind,
            "side": side_name(record.side),
            "workingTime": record.working_ms,
            "selfTradePreventionMode": SELF_TRADE_NAMES[record.self_trade],
        },
    }


def trade(listing: Listing, record: OrderRecord, fill: FillRecord, decimals: dict[str, int]) -> dict[str, Any]:
    """One row of ``myTrades``."""
    return {
        "symbol": listing.name,
        "id": fill.trade_id,
        "orderId": record.venue_id,
        "orderListId": record.list_id,
        "price": listing.price(fill.price_ticks),
        "qty": listing.quantity(fill.qty_lots),
        "quoteQty": listing.value(fill.price_ticks * fill.qty_lots),
        "commission": atoms_text(fill.fee_atoms, decimals[fill.fee_asset]),
        "commissionAsset": fill.fee_asset,
        "time": fill.ts_ms,
        "isBuyer": record.side == BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def order_list(listing: Listing, record: ListRecord, orders: list[OrderRecord]) -> dict[str, Any]:
    """An order list, as it is answered to a query."""
    return {
        "orderListId": record.list_id,
        "contingencyType": record.contingency,
        "listStatusType": "EXEC_STARTED" if record.is_executing else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if record.is_executing else "ALL_DONE",
        "listClientOrderId": record.client_id,
        "transactionTime": record.ts_ms,
        "symbol": listing.name,
        "orders": [
            {"symbol": listing.name, "orderId": order.venue_id, "clientOrderId": order.client_id} for order in orders
        ],
    }


def list_status(listing: Listing, record: ListRecord, orders: list[OrderRecord], now_ms: int) -> dict[str, Any]:
    """The user-stream message about an order list."""
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": listing.name,
        "g": record.list_id,
        "c": record.contingency,
        "l": "EXEC_STARTED" if record.is_executing else "ALL_DONE",
        "L": "EXECUTING" if record.is_executing else "ALL_DONE",
        "r": "NONE",
        "C": record.client_id,
        "T": now_ms,
        "O": [{"s": listing.name, "i": order.venue_id, "c": order.client_id} for order in orders],
    }


def execution_report(
    listing: Listing,
    record: OrderRecord,
    execution: str,
    execution_id: int,
    now_ms: int,
    decimals: dict[str, int],
    fill: FillRecord | None = None,
    reason: str = "NONE",
) -> dict[str, Any]:
    """The user-stream message about one order.

    Args:
        execution: Binance's execution type: NEW, CANCELED, REPLACED, REJECTED, TRADE, EXPIRED, TRADE_PREVENTION.
        execution_id: rises by one a message.
        fill: of a TRADE.
        reason: of a rejection.
    """
    is_conditional = record.kind in _CONDITIONAL
    message = {
        "e": "executionReport",
        "E": now_ms,
        "s": listing.name,
        "c": record.client_id,
        "S": side_name(record.side),
        "o": record.kind,
        "f": record.time_in_force,
        "q": listing.quantity(record.qty_lots),
        "p": listing.price(record.limit_ticks),
        "P": listing.price(record.stop_ticks) if is_conditional else _ZERO,
        "F": listing.quantity(record.display_lots),
        "g": record.list_id,
        "C": record.original_client_id,
        "x": execution,
        "X": record.status,
        "r": reason,
        "i": record.venue_id,
        "l": listing.quantity(fill.qty_lots) if fill else _ZERO,
        "z": listing.quantity(record.filled_lots),
        "L": listing.price(fill.price_ticks) if fill else _ZERO,
        "n": atoms_text(fill.fee_atoms, decimals[fill.fee_asset]) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": record.updated_ms,
        "t": fill.trade_id if fill else -1,
        "v": 0,
        "I": execution_id,
        "w": record.is_working,
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": record.ts_ms,
        "Z": listing.value(record.value),
        "Y": listing.value(fill.price_ticks * fill.qty_lots) if fill else _ZERO,
        "Q": number_text(Decimal(record.quote_qty or 0)),
        "V": SELF_TRADE_NAMES[record.self_trade],
    }
    if record.is_working:
        message["W"] = record.working_ms
    if record.trail_delta:
        message["d"] = int(record.trail_delta)
    return message


def balances_message(balances: dict[str, tuple[str, str]], now_ms: int) -> dict[str, Any]:
    """The user-stream message about the account's balances, free and locked as texts."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [{"a": asset, "f": free, "l": locked} for asset, (free, locked) in balances.items()],
    }


def account(
    balances: dict[str, tuple[str, str]], maker: Decimal, taker: Decimal, now_ms: int, uid: int
) -> dict[str, Any]:
    """The answer of ``/api/v3/account``; fees are fractions."""
    return {
        "makerCommission": int(maker * 10_000),
        "takerCommission": int(taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": number_text(maker), "taker": number_text(taker), "buyer": _ZERO, "seller": _ZERO},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": [{"asset": asset, "free": free, "locked": locked} for asset, (free, locked) in balances.items()],
        "permissions": ["SPOT"],
        "uid": uid,
    }


