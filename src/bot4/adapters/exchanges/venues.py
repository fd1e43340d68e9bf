"""Which venue, where it is reached, and what it calls a symbol and an interval.

ccxt takes seconds to import, so every function here imports it only when called.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from bot4.domain.errors import DataError, SettingError, UsageError

ALIASES = {"huobi": "htx", "gate.io": "gate", "gateio": "gate", "okex": "okx"}
PERPETUAL_SUFFIX = "_PERP"

_UNIT_NS = {"s": SECOND_NS, "m": MINUTE_NS, "h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS}


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """How a venue is reached.

    Attributes:
        base_url: a gateway that stands before the venue, ``http(s)://host[:port][/path]``; empty for none. Each
            address keeps the venue's host as its first folder: ``https://api.binance.com/api/v3`` is asked for as
            ``<base_url>/api.binance.com/api/v3``, and sockets likewise with ``ws(s)``.
        request_timeout_s: how long one request may take.
    """

    base_url: str = ""
    request_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.base_url and urlsplit(self.base_url).scheme not in ("http", "https"):
            raise SettingError(
                f"{self.base_url!r} is not an http address", where="base_url", remedy="write http(s)://host[:port]"
            )
        if not 0 < self.request_timeout_s <= 300:
            raise SettingError(
                f"{self.request_timeout_s} s is outside 0-300 s", where="request_timeout_s", remedy="10 s is usual"
            )


DIRECT = VenueSettings()


def venue_id(venue: str) -> str:
    """The venue's name as ccxt spells it; raises :class:`UsageError` with near matches where there is none."""
    import ccxt

    name = venue.strip().lower()
    name = ALIASES.get(name, name)
    if name in ccxt.exchanges:
        return name
    raise UsageError(
        f"unknown venue {venue!r}",
        where="venue",
        remedy=_did_you_mean(name, [*ccxt.exchanges, *ALIASES]) or "for example binance, kraken, coinbase, okx",
    )


@contextmanager
def opened_venue(venue: str, settings: VenueSettings = DIRECT, *, perpetual: bool = False) -> Iterator[Any]:
    """A blocking ccxt exchange for public data, closed at the end."""
    import ccxt

    exchange = _configured(getattr(ccxt, venue_id(venue)), settings, perpetual)
    try:
        yield exchange
    finally:
        exchange.session.close()


def new_async_venue(venue: str, settings: VenueSettings = DIRECT, *, perpetual: bool = False) -> Any:
    """An asyncio ccxt exchange with sockets; the caller awaits its ``close()``."""
    import ccxt.pro

    name = venue_id(venue)
    if name not in ccxt.pro.exchanges:
        raise UsageError(f"{name} has no live feed in ccxt", where="venue", remedy="choose binance, or poll by REST")
    return _configured(getattr(ccxt.pro, name), settings, perpetual)


def _configured(kind: Any, settings: VenueSettings, perpetual: bool) -> Any:
    exchange = kind(
        {
            "timeout": int(settings.request_timeout_s * 1000),
            "requests_trust_env": True,
            "aiohttp_trust_env": True,
            "options": {"defaultType": "swap" if perpetual else "spot"},
        }
    )
    if "fetchMarkets" in exchange.options and exchange.id.startswith("binance"):
        exchange.options["fetchMarkets"]["types"] = ["linear" if perpetual else "spot"]
    if settings.base_url:
        exchange.urls["api"] = _behind_gateway(exchange.urls["api"], settings.base_url.rstrip("/"))
    return exchange


def _behind_gateway(urls: Any, base_url: str) -> Any:
    if isinstance(urls, Mapping):
        return {name: _behind_gateway(url, base_url) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    original = urlsplit(urls)
    gateway = urlsplit(base_url)
    is_socket = original.scheme in ("ws", "wss")
    scheme = gateway.scheme.replace("http", "ws") if is_socket else gateway.scheme
    host = original.netloc.rpartition("@")[2].partition(":")[0]
    return urlunsplit((scheme, gateway.netloc, f"{gateway.path}/{host}{original.path}", original.query, ""))


# --- symbols ------------------------------------------------------------------------------------------------------


def is_perpetual_name(symbol: str) -> bool:
    """Whether the name asks for a perpetual: ``BTCUSDT_PERP`` or ccxt's ``BTC/USDT:USDT``."""
    return symbol.upper().endswith(PERPETUAL_SUFFIX) or ":" in symbol


def symbol_name(market: Mapping[str, Any]) -> str:
    """Bot4's name of a ccxt market: ``BTCUSDT`` for spot, ``BTCUSDT_PERP`` for a perpetual."""
    return f"{market['base']}{market['quote']}{PERPETUAL_SUFFIX if market['swap'] else ''}"


def find_market(exchange: Any, symbol: str) -> Mapping[str, Any]:
    """The ccxt market that ``BTCUSDT``, ``BTC/USDT``, ``btc-usdt`` or ``BTCUSDT_PERP`` names.

    ``exchange`` has its markets loaded. Raises :class:`UsageError` with near matches.
    """
    markets: Mapping[str, Mapping[str, Any]] = exchange.markets
    if symbol in markets:
        return markets[symbol]
    by_name = {symbol_name(market): market for market in markets.values() if market["spot"] or market["linear"]}
    wanted = symbol.upper()
    if ":" in wanted:
        wanted = wanted.partition(":")[0] + PERPETUAL_SUFFIX
    is_perpetual = wanted.endswith(PERPETUAL_SUFFIX)
    pair = wanted.removesuffix(PERPETUAL_SUFFIX)
    for separator in "/-_":
        pair = pair.replace(separator, "")
    wanted = pair + (PERPETUAL_SUFFIX if is_perpetual else "")
    if wanted in by_name:
        return by_name[wanted]
    raise UsageError(
        f"{exchange.id} does not list {symbol!r}",
        where="symbol",
        remedy=_did_you_mean(wanted, list(by_name)) or f"it lists {len(by_name)} symbols, such as BTCUSDT",
    )


# --- intervals ----------------------------------------------------------------------------------------------------


def interval_ns(interval: str) -> int:
    """Length of ``1s``, ``5m``, ``4h``, ``1d`` or ``1w`` in nanoseconds; :class:`UsageError` for anything else."""
    count, unit = interval[:-1], interval[-1:]
    if not (count.isascii() and count.isdigit() and int(count) > 0 and unit in _UNIT_NS):
        raise UsageError(
            f"{interval!r} is not an interval of fixed length", where="interval", remedy="write 1m, 5m, 1h or 1d"
        )
    return int(count) * _UNIT_NS[unit]


def offered_interval(exchange: Any, interval: str) -> int:
    """Length in nanoseconds of an interval that this venue offers; :class:`UsageError` listing them otherwise."""
    length_ns = interval_ns(interval)
    offered = exchange.timeframes or {}
    if interval not in offered:
        raise UsageError(
            f"{exchange.id} has no {interval} bars",
            where="interval",
            remedy=f"it has {', '.join(offered) or 'none'}",
        )
    return length_ns


def interval_name(length_ns: int) -> str:
    """The shortest name of an interval, for example ``5m``; :class:`DataError` if it is no whole second."""
    for unit in ("d", "h", "m", "s"):
        if length_ns > 0 and length_ns % _UNIT_NS[unit] == 0:
            return f"{length_ns // _UNIT_NS[unit]}{unit}"
    raise DataError(f"{length_ns} ns is no whole number of seconds", where="interval", remedy="use at least 1s")


def _did_you_mean(wanted: str, names: list[str]) -> str:
    near = difflib.get_close_matches(wanted, names, n=4, cutoff=0.6)
    return f"did you mean {', '.join(near)}?" if near else ""
