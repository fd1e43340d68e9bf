"""What a venue says of an instrument: grid, minimum sizes and fees, as the domain's exact :class:`Instrument`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from bot4.adapters.exchanges.faults import PATIENT, Patience, patiently
from bot4.adapters.exchanges.venues import DIRECT, VenueSettings, find_market, is_perpetual_name, opened_venue
from bot4.adapters.exchanges.venues import symbol_name as name_of
from bot4.domain.errors import DataError
from bot4.domain.instruments import Instrument


def fetch_instrument(
    venue: str,
    symbol: str,
    *,
    settings: VenueSettings = DIRECT,
    patience: Patience = PATIENT,
    sleep: Callable[[float], object] = time.sleep,
) -> Instrument:
    """Tick, lot, minimum sizes and base-tier fees of a symbol, from the venue's public list of markets.

    Fees are those that ccxt states for the venue's first tier; an account may pay less.

    Raises:
        UsageError: unknown venue or symbol.
        Retryable: the venue cannot be reached.
        DataError: the venue states no tick or lot.
    """
    with opened_venue(venue, settings, perpetual=is_perpetual_name(symbol)) as exchange:
        where = f"{exchange.id} {symbol}"
        patiently(exchange.load_markets, exchange, patience=patience, sleep=sleep, where=where)
        return as_instrument(find_market(exchange, symbol), exchange.id, exchange.precisionMode)


def as_instrument(market: Mapping[str, Any], venue: str, precision_mode: int) -> Instrument:
    """A ccxt market as an :class:`Instrument`; sizes of contracts are turned into base units."""
    symbol = name_of(market)
    contract = _exact(market.get("contractSize")) or Decimal(1)
    tick = _step(market["precision"]["price"], precision_mode, symbol)
    lot = _step(market["precision"]["amount"], precision_mode, symbol) * contract
    limits = market["limits"]
    min_qty = (_exact(limits["amount"]["min"]) or Decimal(0)) * contract
    return Instrument(
        symbol=symbol,
        base=market["base"],
        quote=market["quote"],
        tick_size=tick,
        lot_size=lot,
        min_qty=max(min_qty, lot),
        min_notional=_exact(limits["cost"]["min"]) or Decimal(0),
        maker_fee=_fee(market["maker"], symbol),
        taker_fee=_fee(market["taker"], symbol),
        is_perpetual=bool(market["swap"]),
        venue=venue,
    )


def _step(precision: Any, mode: int, symbol: str) -> Decimal:
    from ccxt.base.decimal_to_precision import DECIMAL_PLACES, TICK_SIZE

    value = _exact(precision)
    if value is not None and mode == TICK_SIZE:
        return value
    if value is not None and mode == DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(value))
    raise DataError(
        "the venue states no tick or lot size", where=symbol, remedy="write the instrument into the settings"
    )


def _fee(rate: Any, symbol: str) -> Decimal:
    value = _exact(rate)
    if value is None:
        raise DataError("the venue states no fees", where=symbol, remedy="write the instrument into the settings")
    return value


def _exact(value: Any) -> Decimal | None:
    """Floats come from ccxt; their shortest decimal is what the venue printed."""
    return None if value is None else Decimal(repr(value) if isinstance(value, float) else str(value))
