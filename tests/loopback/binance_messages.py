"""Binance's public answers and stream messages, made from bars, in the shapes of recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot4.domain.bars import BarSeries

NS_PER_MS = 1_000_000
TRADES_PER_BAR = 4


@dataclass(frozen=True)
class Kline:
    """A bar as it stands at a moment: whole, or still forming."""

    index: int
    open_ms: int
    close_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    is_closed: bool

    @property
    def trades(self) -> int:
        return TRADES_PER_BAR if self.volume else 0


def whole(bars: BarSeries, index: int) -> Kline:
    open_ms = int(bars.ts_open_ns[index]) // NS_PER_MS
    return Kline(
        index,
        open_ms,
        open_ms + bars.interval_ns // NS_PER_MS - 1,
        float(bars.open[index]),
        float(bars.high[index]),
        float(bars.low[index]),
        float(bars.close[index]),
        float(bars.volume[index]),
        is_closed=True,
    )


def forming(bars: BarSeries, index: int, fraction: float) -> Kline:
    """The bar after a fraction of its time: on its way from open to close, with that share of its volume."""
    bar = whole(bars, index)
    close = round(bar.open + (bar.close - bar.open) * fraction, 8)
    return Kline(
        index,
        bar.open_ms,
        bar.close_ms,
        bar.open,
        max(bar.open, close),
        min(bar.open, close),
        close,
        round(bar.volume * fraction, 8),
        is_closed=False,
    )


def kline_row(bar: Kline) -> list[Any]:
    return [
        bar.open_ms,
        _number(bar.open),
        _number(bar.high),
        _number(bar.low),
        _number(bar.close),
        _number(bar.volume),
        bar.close_ms,
        _number(bar.volume * bar.close),
        bar.trades,
        _number(bar.volume / 2),
        _number(bar.volume * bar.close / 2),
        "0",
    ]


def kline_message(symbol: str, interval: str, bar: Kline, event_ms: int) -> dict[str, Any]:
    first_trade = bar.index * TRADES_PER_BAR if bar.trades else -1
    return {
        "e": "kline",
        "E": event_ms,
        "s": symbol,
        "k": {
            "t": bar.open_ms,
            "T": bar.close_ms,
            "s": symbol,
            "i": interval,
            "f": first_trade,
            "L": first_trade + bar.trades - 1 if bar.trades else -1,
            "o": _number(bar.open),
            "c": _number(bar.close),
            "h": _number(bar.high),
            "l": _number(bar.low),
            "v": _number(bar.volume),
            "n": bar.trades,
            "x": bar.is_closed,
            "q": _number(bar.volume * bar.close),
            "V": _number(bar.volume / 2),
            "Q": _number(bar.volume * bar.close / 2),
            "B": "0",
        },
    }


def agg_trades(bars: BarSeries, index: int) -> list[dict[str, Any]]:
    """Four trades of a bar, a quarter of its time apart: at its open, high, low and close."""
    bar = whole(bars, index)
    step_ms = bars.interval_ns // NS_PER_MS // TRADES_PER_BAR
    prices = (bar.open, bar.high, bar.low, bar.close)[: bar.trades]
    return [
        {
            "a": index * TRADES_PER_BAR + n,
            "p": _number(price),
            "q": _number(bar.volume / TRADES_PER_BAR),
            "f": index * TRADES_PER_BAR + n,
            "l": index * TRADES_PER_BAR + n,
            "T": bar.open_ms + n * step_ms,
            "m": n % 2 == 0,
            "M": True,
        }
        for n, price in enumerate(prices)
    ]


def agg_trade_message(symbol: str, trade: dict[str, Any]) -> dict[str, Any]:
    return {"e": "aggTrade", "E": trade["T"], "s": symbol, **trade}


def trade_message(symbol: str, trade: dict[str, Any]) -> dict[str, Any]:
    message = {"e": "trade", "E": trade["T"], "s": symbol, "t": trade["a"], "p": trade["p"], "q": trade["q"]}
    return message | {"T": trade["T"], "m": trade["m"], "M": True}


def exchange_info(symbols: list[str], server_ms: int) -> dict[str, Any]:
    limits = (
        ("REQUEST_WEIGHT", "MINUTE", 1, 6000),
        ("ORDERS", "SECOND", 10, 100),
        ("RAW_REQUESTS", "MINUTE", 5, 61000),
    )
    return {
        "timezone": "UTC",
        "serverTime": server_ms,
        "rateLimits": [
            {"rateLimitType": kind, "interval": unit, "intervalNum": count, "limit": limit}
            for kind, unit, count, limit in limits
        ],
        "exchangeFilters": [],
        "symbols": [_symbol_info(symbol) for symbol in symbols],
    }


def _symbol_info(symbol: str) -> dict[str, Any]:
    base, quote = symbol.removesuffix("USDT"), "USDT"
    step = {"BTC": "0.00001000", "ETH": "0.00010000"}.get(base, "0.01000000")
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000"}
            | {"tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000.00000000", "stepSize": step},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "97.09521512"}
            | {"stepSize": "0.00000000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True}
            | {"maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }


def error(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "msg": message}


def _number(value: float) -> str:
    return f"{value:.8f}"
