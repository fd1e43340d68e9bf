"""The answer of ``/exchangeInfo``: what is listed, with the filters and limits that the exchange holds orders to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot4.app.exchange_server.listings import Listing, number_text
from bot4.app.exchange_server.order_requests import FUTURES_KINDS, SELF_TRADE_NAMES, SPOT_KINDS

if TYPE_CHECKING:
    from bot4.app.exchange_server.venue import VenueChoice

_ONBOARD_MS = 1_569_398_400_000


def exchange_info(choice: VenueChoice, listings: list[Listing], rate_limits: list[dict[str, Any]], now_ms: int) -> dict[str, Any]:
    """The whole answer."""
    is_futures = choice.market == "futures"
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": rate_limits,
        "exchangeFilters": [],
        "symbols": [_futures_symbol(listing) if is_futures else _spot_symbol(choice, listing) for listing in listings],
    }


def _spot_symbol(choice: VenueChoice, listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    return {
        "symbol": listing.name,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(SPOT_KINDS),
        "icebergAllowed": True,
        "ocoAllowed": choice.profile.has_native_oco,
        "otoAllowed": choice.profile.has_native_oto,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SELF_TRADE_NAMES[int(choice.profile.self_trade)],
        "allowedSelfTradePreventionModes": list(SELF_TRADE_NAMES.values()),
    }


def _futures_symbol(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    return {
        "symbol": listing.name,
        "pair": listing.name,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": _ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "marginAsset": instrument.quote,
        "pricePrecision": 8,
        "quantityPrecision": 8,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": filters(listing),
        "orderTypes": list(FUTURES_KINDS),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def filters(listing: Listing) -> list[dict[str, Any]]:
    """The filters of a symbol."""
    instrument = listing.instrument
    tick, lot = number_text(instrument.tick_size), number_text(instrument.lot_size)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "0.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": number_text(instrument.min_qty), "maxQty": "9000000.00000000", "stepSize": lot},
        {"filterType": "NOTIONAL", "minNotional": number_text(instrument.min_notional)},
    ]
