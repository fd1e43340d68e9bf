"""Market data by request, for the spot interface and, with few differences, for futures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot4.app.exchange_server.calls import Call, Route, Routes
from bot4.app.exchange_server.listings import find_listing, number_text
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.refusals import Refusal, missing
from bot4.app.exchange_server.tape import BOOK_LEVELS, DAY_MS, MINUTE_MS, Tape, TapeBar, TapeTrade

INTERVALS_MIN = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1440,
}  # fmt: skip
_MOST_ROWS = 1_000
_AVERAGE_MINUTES = 5


def tape_of(call: Call) -> Tape:
    """The tape of the symbol that a request names."""
    return call.venue.tapes[find_listing(call.venue.listings, call.sent.text("symbol")).symbol]


def ping(_call: Call) -> dict[str, Any]:
    """``/ping``."""
    return {}


def server_time(call: Call) -> dict[str, Any]:
    """``/time``."""
    return {"serverTime": call.request_ms}


def exchange_info(call: Call) -> dict[str, Any]:
    """``/exchangeInfo``, of all symbols or of those named."""
    info = call.venue.exchange_info(call.request_ms)
    one, several = call.sent.optional("symbol"), call.sent.optional("symbols")
    if one is not None or several is not None:
        wanted = {one} if one is not None else set((several or "").strip("[]").replace('"', "").split(","))
        for name in wanted:
            find_listing(call.venue.listings, name or "")
        info["symbols"] = [symbol for symbol in info["symbols"] if symbol["symbol"] in wanted]
    return info


def nothing_listed(call: Call) -> dict[str, Any]:
    """``/exchangeInfo`` of a market that is not served."""
    empty: list[Any] = []
    return {
        "timezone": "UTC",
        "serverTime": call.request_ms,
        "rateLimits": empty,
        "exchangeFilters": empty,
        "symbols": empty,
    }


def depth(call: Call) -> dict[str, Any]:
    """``/depth``."""
    tape = tape_of(call)
    limit = call.sent.integer("limit", 100, 1, BOOK_LEVELS)
    call.venue.refresh_book(tape.listing.symbol)
    answer: dict[str, Any] = {"lastUpdateId": tape.update_id}
    if call.venue.is_futures:
        answer |= {"E": call.venue.now_ms, "T": call.venue.now_ms}
    return answer | {"bids": tape.levels(True, limit), "asks": tape.levels(False, limit)}


def depth_weight(sent: Parameters) -> int:
    """Weight of ``/depth`` by its limit."""
    limit = sent.integer("limit", 100, 1, 5_000)
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def trades(call: Call) -> list[dict[str, Any]]:
    """``/trades``: the latest."""
    tape = tape_of(call)
    return [trade_row(tape, trade) for trade in list(tape.trades)[-call.sent.integer("limit", 500, 1, _MOST_ROWS) :]]


def historical_trades(call: Call) -> list[dict[str, Any]]:
    """``/historicalTrades``: from an id on, as far as they are remembered."""
    tape = tape_of(call)
    from_id = call.sent.optional_integer("fromId")
    if from_id is None:
        return trades(call)
    found = [trade for trade in tape.trades if trade.trade_id >= from_id]
    return [trade_row(tape, trade) for trade in found[: call.sent.integer("limit", 500, 1, _MOST_ROWS)]]


def trade_row(tape: Tape, trade: TapeTrade) -> dict[str, Any]:
    """One row of ``/trades``."""
    return {
        "id": trade.trade_id,
        "price": tape.listing.price(trade.price_ticks),
        "qty": tape.listing.quantity(trade.lots),
        "quoteQty": tape.listing.value(trade.price_ticks * trade.lots),
        "time": trade.ts_ms,
        "isBuyerMaker": trade.is_buyer_maker,
        "isBestMatch": True,
    }


def agg_trades(call: Call) -> list[dict[str, Any]]:
    """``/aggTrades``; every trade is an aggregate of its own here."""
    tape, sent = tape_of(call), call.sent
    from_id = sent.optional_integer("fromId")
    since, until = sent.optional_integer("startTime"), sent.optional_integer("endTime")
    found = [
        trade
        for trade in tape.trades
        if (from_id is None or trade.trade_id >= from_id)
        and (since is None or trade.ts_ms >= since)
        and (until is None or trade.ts_ms <= until)
    ]
    limit = sent.integer("limit", 500, 1, _MOST_ROWS)
    return [agg_row(tape, t) for t in (found[-limit:] if from_id is None and since is None else found[:limit])]


def agg_row(tape: Tape, trade: TapeTrade) -> dict[str, Any]:
    """One row of ``/aggTrades``, also the payload of its stream."""
    return {
        "a": trade.trade_id,
        "p": tape.listing.price(trade.price_ticks),
        "q": tape.listing.quantity(trade.lots),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.ts_ms,
        "m": trade.is_buyer_maker,
        "M": True,
    }


def klines(call: Call) -> list[list[Any]]:
    """``/klines``, made of the minutes that are remembered."""
    tape, sent = tape_of(call), call.sent
    minutes = INTERVALS_MIN.get(sent.text("interval"))
    if minutes is None:
        raise Refusal(-1120, "Invalid interval.")
    width_ms = minutes * MINUTE_MS
    since, until = sent.optional_integer("startTime") or 0, sent.optional_integer("endTime")
    grouped: dict[int, list[TapeBar]] = {}
    for bar in tape.bars:
        open_ms = bar.open_ms // width_ms * width_ms
        if open_ms >= since and (until is None or open_ms <= until):
            grouped.setdefault(open_ms, []).append(bar)
    rows = [kline_row(tape, bars, open_ms, width_ms) for open_ms, bars in grouped.items()]
    limit = sent.integer("limit", 500, 1, _MOST_ROWS)
    return rows[:limit] if "startTime" in sent else rows[-limit:]


def kline_row(tape: Tape, bars: list[TapeBar], open_ms: int, width_ms: int) -> list[Any]:
    """One row of ``/klines`` of the minutes within it."""
    listing = tape.listing
    return [
        open_ms,
        listing.price(bars[0].open),
        listing.price(max(bar.high for bar in bars)),
        listing.price(min(bar.low for bar in bars)),
        listing.price(bars[-1].close),
        listing.quantity(sum(bar.lots for bar in bars)),
        open_ms + width_ms - 1,
        listing.value(sum(bar.value for bar in bars)),
        sum(bar.n_trades for bar in bars),
        listing.quantity(sum(bar.buy_lots for bar in bars)),
        listing.value(sum(bar.buy_value for bar in bars)),
        "0",
    ]


def average_price(call: Call) -> dict[str, Any]:
    """``/avgPrice`` of the last five minutes of trades."""
    tape = tape_of(call)
    bars = [bar for bar in tape.bars if bar.open_ms > call.venue.now_ms - _AVERAGE_MINUTES * MINUTE_MS]
    lots = sum(bar.lots for bar in bars)
    price = tape.listing.ratio(sum(bar.value for bar in bars), lots) if lots else tape.listing.price(tape.last_ticks)
    return {"mins": _AVERAGE_MINUTES, "price": price, "closeTime": call.venue.now_ms}


def price_ticker(call: Call) -> Any:
    """``/ticker/price``."""
    return _of_one_or_all(call, lambda tape: {"symbol": tape.listing.name, "price": _last(tape)})


def book_ticker(call: Call) -> Any:
    """``/ticker/bookTicker``."""
    for tape in call.venue.tapes.values():
        call.venue.refresh_book(tape.listing.symbol)
    return _of_one_or_all(call, book_ticker_row)


def book_ticker_row(tape: Tape) -> dict[str, Any]:
    """Best bid and ask."""
    bid, ask = tape.best
    return {
        "symbol": tape.listing.name,
        "bidPrice": tape.listing.price(bid),
        "bidQty": tape.listing.quantity(tape.bids.get(bid, 0)),
        "askPrice": tape.listing.price(ask),
        "askQty": tape.listing.quantity(tape.asks.get(ask, 0)),
    }


def day_ticker(call: Call) -> Any:
    """``/ticker/24hr``."""
    return _of_one_or_all(call, lambda tape: day_row(tape, call.venue.now_ms))


def day_row(tape: Tape, now_ms: int) -> dict[str, Any]:
    """One row of ``/ticker/24hr``."""
    day, listing = tape.day(now_ms), tape.listing
    change = day["last"] - day["open"]
    percent = Decimal(100 * change) / day["open"] if day["open"] else Decimal(0)
    row = {
        "symbol": listing.name,
        "priceChange": number_text(change * listing.instrument.tick_size),
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": listing.ratio(day["value"], day["lots"]),
        "prevClosePrice": listing.price(day["open"]),
        "lastPrice": listing.price(day["last"]),
        "lastQty": listing.quantity(tape.trades[-1].lots if tape.trades else 0),
        "openPrice": listing.price(day["open"]),
        "highPrice": listing.price(day["high"]),
        "lowPrice": listing.price(day["low"]),
        "volume": listing.quantity(day["lots"]),
        "quoteVolume": listing.value(day["value"]),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": day["first"],
        "lastId": tape.trades[-1].trade_id if tape.trades else 0,
        "count": day["n"],
    }
    return row | {name: value for name, value in book_ticker_row(tape).items() if name != "symbol"}


def _last(tape: Tape) -> str:
    return tape.listing.price(tape.last_ticks)


def _of_one_or_all(call: Call, row: Any) -> Any:
    name = call.sent.optional("symbol")
    if name is not None:
        return row(tape_of(call))
    several = call.sent.optional("symbols")
    if several is None:
        return [row(tape) for tape in call.venue.tapes.values()]
    names = several.strip("[]").replace('"', "").split(",")
    if not names[0]:
        raise missing("symbols")
    return [row(call.venue.tapes[find_listing(call.venue.listings, name).symbol]) for name in names]


def public_routes(base: str) -> Routes:
    """The routes under ``/api/v3`` or ``/fapi/v1``."""
    return {
        ("GET", f"{base}/ping"): Route(ping),
        ("GET", f"{base}/time"): Route(server_time),
        ("GET", f"{base}/exchangeInfo"): Route(exchange_info, 20),
        ("GET", f"{base}/depth"): Route(depth, depth_weight),
        ("GET", f"{base}/trades"): Route(trades, 25),
        ("GET", f"{base}/historicalTrades"): Route(historical_trades, 25),
        ("GET", f"{base}/aggTrades"): Route(agg_trades, 4),
        ("GET", f"{base}/klines"): Route(klines, 2),
        ("GET", f"{base}/avgPrice"): Route(average_price, 2),
        ("GET", f"{base}/ticker/price"): Route(price_ticker, lambda sent: 2 if "symbol" in sent else 4),
        ("GET", f"{base}/ticker/bookTicker"): Route(book_ticker, lambda sent: 2 if "symbol" in sent else 4),
        ("GET", f"{base}/ticker/24hr"): Route(day_ticker, lambda sent: 2 if "symbol" in sent else 80),
    }
