"""The answers and user-stream messages of the USD-margined futures interface, as Binance writes them (one-way mode)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot4.app.exchange_server.listings import Listing, atoms_text, number_text
from bot4.app.exchange_server.order_requests import SELF_TRADE_NAMES
from bot4.app.exchange_server.records import FillRecord, OrderRecord
from bot4.app.exchange_server.spot_shapes import side_name
from bot4.domain.orders import BUY

_ZERO = number_text(Decimal(0))


def order(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    """An order, as every request of it is answered."""
    answer = {
        "orderId": record.venue_id,
        "symbol": listing.name,
        "status": status(record),
        "clientOrderId": record.original_client_id or record.client_id,
        "price": listing.price(record.limit_ticks),
        "avgPrice": listing.ratio(record.value, record.filled_lots),
        "origQty": listing.quantity(record.qty_lots),
        "executedQty": listing.quantity(record.filled_lots),
        "cumQty": listing.quantity(record.filled_lots),
        "cumQuote": listing.value(record.value),
        "timeInForce": record.time_in_force,
        "type": record.kind,
        "reduceOnly": record.is_reduce_only,
        "closePosition": record.closes_position,
        "side": side_name(record.side),
        "positionSide": "BOTH",
        "stopPrice": listing.price(record.stop_ticks),
        "workingType": record.working_type,
        "priceProtect": False,
        "origType": record.kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": SELF_TRADE_NAMES[record.self_trade],
        "goodTillDate": record.expires_ms,
        "time": record.ts_ms,
        "updateTime": record.updated_ms,
    }
    if record.trail_delta:
        answer |= {"activatePrice": listing.price(record.stop_ticks), "priceRate": record.trail_delta}
    return answer


def algo_order(listing: Listing, record: OrderRecord) -> dict[str, Any]:
    """A conditional order, as the requests under ``algoOrder`` answer it."""
    return {
        "algoId": record.venue_id,
        "clientAlgoId": record.original_client_id or record.client_id,
        "algoType": "CONDITIONAL",
        "orderType": record.kind,
        "symbol": listing.name,
        "side": side_name(record.side),
        "positionSide": "BOTH",
        "timeInForce": record.time_in_force,
        "quantity": listing.quantity(record.qty_lots),
        "algoStatus": "TRIGGERED" if record.is_working and record.is_open else status(record),
        "triggerPrice": listing.price(record.stop_ticks),
        "price": listing.price(record.limit_ticks),
        "icebergQuantity": None,
        "selfTradePreventionMode": SELF_TRADE_NAMES[record.self_trade],
        "workingType": record.working_type,
        "priceMatch": "NONE",
        "closePosition": record.closes_position,
        "priceProtect": False,
        "reduceOnly": record.is_reduce_only,
        "activatePrice": listing.price(record.stop_ticks) if record.trail_delta else "",
        "callbackRate": record.trail_delta,
        "createTime": record.ts_ms,
        "updateTime": record.updated_ms,
        "triggerTime": record.working_ms if record.is_working else 0,
        "goodTillDate": record.expires_ms,
    }


def status(record: OrderRecord) -> str:
    """Status of an order; futures have no pending new ones."""
    return "NEW" if record.status == "PENDING_NEW" else record.status


def trade(listing: Listing, record: OrderRecord, fill: FillRecord, decimals: dict[str, int]) -> dict[str, Any]:
    """One row of ``userTrades``."""
    return {
        "symbol": listing.name,
        "id": fill.trade_id,
        "orderId": record.venue_id,
        "side": side_name(record.side),
        "positionSide": "BOTH",
        "price": listing.price(fill.price_ticks),
        "qty": listing.quantity(fill.qty_lots),
        "quoteQty": listing.value(fill.price_ticks * fill.qty_lots),
        "realizedPnl": _ZERO,
        "commission": atoms_text(fill.fee_atoms, decimals[fill.fee_asset]),
        "commissionAsset": fill.fee_asset,
        "time": fill.ts_ms,
        "buyer": record.side == BUY,
        "maker": fill.is_maker,
    }


def order_update(
    listing: Listing,
    record: OrderRecord,
    execution: str,
    now_ms: int,
    decimals: dict[str, int],
    fill: FillRecord | None = None,
) -> dict[str, Any]:
    """The user-stream message about one order."""
    return {
        "e": "ORDER_TRADE_UPDATE",
        "E": now_ms,
        "T": record.updated_ms,
        "o": {
            "s": listing.name,
            "c": record.client_id,
            "S": side_name(record.side),
            "o": record.kind,
            "f": record.time_in_force,
            "q": listing.quantity(record.qty_lots),
            "p": listing.price(record.limit_ticks),
            "ap": listing.ratio(record.value, record.filled_lots),
            "sp": listing.price(record.stop_ticks),
            "x": execution,
            "X": status(record),
            "i": record.venue_id,
            "l": listing.quantity(fill.qty_lots) if fill else _ZERO,
            "z": listing.quantity(record.filled_lots),
            "L": listing.price(fill.price_ticks) if fill else _ZERO,
            "n": atoms_text(fill.fee_atoms, decimals[fill.fee_asset]) if fill else "0",
            "N": fill.fee_asset if fill else None,
            "T": record.updated_ms,
            "t": fill.trade_id if fill else 0,
            "b": "0",
            "a": "0",
            "m": fill.is_maker if fill else False,
            "R": record.is_reduce_only,
            "wt": record.working_type,
            "ot": record.kind,
            "ps": "BOTH",
            "cp": record.closes_position,
            "rp": "0",
            "pP": False,
            "si": 0,
            "ss": 0,
            "V": SELF_TRADE_NAMES[record.self_trade],
            "pm": "NONE",
            "gtd": record.expires_ms,
        },
    }


def position(listing: Listing, row: Any, decimals: int, now_ms: int) -> dict[str, Any]:
    """One row of ``positionRisk`` from an :data:`~bot4.simulator.account_view.ACCOUNT_POSITION` record.

    Args:
        listing: of the symbol.
        row: the record.
        decimals: of the settlement asset's atoms.
        now_ms: the market's time.
    """
    lots, mark_ticks = int(row["lots"]), int(row["mark_ticks"])
    quantity = lots * listing.instrument.lot_size
    cost = Decimal(int(row["cost_atoms"])).scaleb(-decimals)
    mark = mark_ticks * listing.instrument.tick_size
    margin = atoms_text(row["margin_atoms"], decimals)
    leverage = max(1, int(row["leverage"]))
    initial = number_text(abs(quantity * mark) / leverage)
    return {
        "symbol": listing.name,
        "positionSide": "BOTH",
        "positionAmt": listing.quantity(lots),
        "entryPrice": number_text(abs(cost / quantity) if lots else Decimal(0)),
        "breakEvenPrice": number_text(abs(cost / quantity) if lots else Decimal(0)),
        "markPrice": listing.price(mark_ticks),
        "unRealizedProfit": number_text(quantity * mark - cost if lots and mark_ticks else Decimal(0)),
        "liquidationPrice": listing.price(int(row["liquidation_ticks"])),
        "leverage": str(leverage),
        "marginType": "isolated" if row["is_isolated"] else "cross",
        "isolatedMargin": margin if row["is_isolated"] else _ZERO,
        "isolatedWallet": margin if row["is_isolated"] else _ZERO,
        "isAutoAddMargin": "false",
        "notional": number_text(quantity * mark),
        "marginAsset": listing.instrument.quote,
        "initialMargin": initial,
        "positionInitialMargin": initial,
        "openOrderInitialMargin": _ZERO,
        "maintMargin": _ZERO,
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": now_ms,
    }


def leverage_brackets(listing: Listing, brackets: Any) -> dict[str, Any]:
    """One row of ``leverageBracket`` from the brackets of a margin setting."""
    rows, floor = [], Decimal(0)
    for at, bracket in enumerate(brackets, 1):
        rows.append(
            {
                "bracket": at,
                "initialLeverage": bracket.max_leverage,
                "notionalCap": float(bracket.cap),
                "notionalFloor": float(floor),
                "maintMarginRatio": float(bracket.maintenance_rate),
                "cum": 0.0,
            }
        )
        floor = bracket.cap
    return {"symbol": listing.name, "notionalCoef": 1.0, "brackets": rows}


def premium(listing: Listing, mark_ticks: int, now_ms: int) -> dict[str, Any]:
    """One row of ``premiumIndex``."""
    every_ms = 8 * 3_600_000
    return {
        "symbol": listing.name,
        "markPrice": listing.price(mark_ticks),
        "indexPrice": listing.price(mark_ticks),
        "estimatedSettlePrice": listing.price(mark_ticks),
        "lastFundingRate": "0.00010000",
        "interestRate": "0.00010000",
        "nextFundingTime": (now_ms // every_ms + 1) * every_ms,
        "time": now_ms,
    }


def balances(free_and_locked: dict[str, tuple[str, str]], wallets: dict[str, str], now_ms: int) -> list[dict[str, Any]]:
    """The answer of ``balance``."""
    return [
        {
            "accountAlias": "SgsR",
            "asset": asset,
            "balance": wallets[asset],
            "crossWalletBalance": wallets[asset],
            "crossUnPnl": _ZERO,
            "availableBalance": free,
            "maxWithdrawAmount": _ZERO,
            "marginAvailable": True,
            "updateTime": now_ms,
        }
        for asset, (free, _locked) in free_and_locked.items()
    ]


def account(
    free_and_locked: dict[str, tuple[str, str]], wallets: dict[str, str], positions: list[dict[str, Any]], now_ms: int
) -> dict[str, Any]:
    """The answer of ``account``."""
    return {
        "canTrade": True,
        "canDeposit": False,
        "canWithdraw": False,
        "updateTime": now_ms,
        "assets": [
            {
                "asset": asset,
                "walletBalance": wallets[asset],
                "unrealizedProfit": _ZERO,
                "marginBalance": wallets[asset],
                "maintMargin": _ZERO,
                "initialMargin": locked,
                "positionInitialMargin": _ZERO,
                "openOrderInitialMargin": locked,
                "crossWalletBalance": wallets[asset],
                "crossUnPnl": _ZERO,
                "availableBalance": free,
                "maxWithdrawAmount": _ZERO,
                "updateTime": now_ms,
            }
            for asset, (free, locked) in free_and_locked.items()
        ],
        "positions": positions,
    }


def account_message(wallets: dict[str, str], positions: list[dict[str, Any]], now_ms: int) -> dict[str, Any]:
    """The user-stream message about balances and positions."""
    return {
        "e": "ACCOUNT_UPDATE",
        "E": now_ms,
        "T": now_ms,
        "a": {
            "m": "ORDER",
            "B": [{"a": asset, "wb": wallet, "cw": wallet, "bc": "0"} for asset, wallet in wallets.items()],
            "P": [
                {"s": row["symbol"], "pa": row["positionAmt"], "ps": "BOTH"}
                | {"ep": row.get("entryPrice", _ZERO), "up": row.get("unRealizedProfit", _ZERO)}
                for row in positions
            ],
        },
    }
