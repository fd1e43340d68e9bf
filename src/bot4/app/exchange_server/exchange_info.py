"""The answer of ``/exchangeInfo``: what is listed, with the filters and limits that the exchange holds orders to."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot4.app.exchange_server.listings import Listing, atoms_text
from bot4.app.exchange_server.order_requests import FUTURES_KINDS, SELF_TRADE_NAMES, SPOT_KINDS
from bot4.simulator.rules.filters import BAND_SCALE, pack_filters

if TYPE_CHECKING:
    from bot4.app.exchange_server.venue import VenueChoice

_ONBOARD_MS = 1_569_398_400_000


def exchange_info(
    choice: VenueChoice, listings: list[Listing], rate_limits: list[dict[str, Any]], now_ms: int
) -> dict[str, Any]:
    """The whole answer."""
    is_futures = choice.market == "futures"
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": rate_limits,
        "exchangeFilters": [],
        "symbols": [
            _futures_symbol(choice, listing) if is_futures else _spot_symbol(choice, listing) for listing in listings
        ],
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
        "filters": filters(choice, listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SELF_TRADE_NAMES[int(choice.profile.self_trade)],
        "allowedSelfTradePreventionModes": [
            name for mode, name in SELF_TRADE_NAMES.items() if mode or not choice.profile.self_trade
        ],
    }


def _futures_symbol(choice: VenueChoice, listing: Listing) -> dict[str, Any]:
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
        "filters": filters(choice, listing),
        "orderTypes": list(FUTURES_KINDS),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def filters(choice: VenueChoice, listing: Listing) -> list[dict[str, Any]]:
    """The filters of a symbol; a limit of zero is one that the exchange has not."""
    row = pack_filters(choice.universe, choice.rules.filters)[listing.symbol]
    decimals = choice.universe.decimals(listing.instrument.quote)
    notional = {name: atoms_text(row[f"{name}_notional_atoms"], decimals) for name in ("min", "max")}
    tick, lot = int(row["tick_step"]), int(row["lot_step"])
    found: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": listing.price(max(tick, int(row["min_ticks"]))),
            "maxPrice": listing.price(int(row["max_ticks"])),
            "tickSize": listing.price(tick),
        },
        _quantity_filter("LOT_SIZE", listing, row["min_lots"], row["max_lots"], lot),
        _quantity_filter(
            "MARKET_LOT_SIZE", listing, row["market_min_lots"], row["market_max_lots"], row["market_lot_step"]
        ),
    ]
    if choice.market == "futures":
        found += [
            {"filterType": "MIN_NOTIONAL", "notional": notional["min"]},
            {"filterType": "MAX_NUM_ORDERS", "limit": int(row["max_orders"])},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": int(row["max_stops"])},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": _multiplier(row["buy_up"]),
                "multiplierDown": _multiplier(row["sell_down"]),
                "multiplierDecimal": "4",
            },
        ]
        return found
    found.append(
        {
            "filterType": "NOTIONAL",
            "minNotional": notional["min"],
            "applyMinToMarket": True,
            "maxNotional": notional["max"],
            "applyMaxToMarket": True,
            "avgPriceMins": 0,
        }
    )
    if row["buy_up"] or row["sell_up"]:
        found.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": _multiplier(row["buy_up"]),
                "bidMultiplierDown": _multiplier(row["buy_down"]),
                "askMultiplierUp": _multiplier(row["sell_up"]),
                "askMultiplierDown": _multiplier(row["sell_down"]),
                "avgPriceMins": 0,
            }
        )
    counts = (
        ("ICEBERG_PARTS", "limit", "max_iceberg_parts"),
        ("MAX_NUM_ORDERS", "maxNumOrders", "max_orders"),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", "max_stops"),
    )
    found += [{"filterType": name, key: int(row[field])} for name, key, field in counts if row[field]]
    if row["max_position_lots"]:
        most = listing.quantity(int(row["max_position_lots"]))
        found.append({"filterType": "MAX_POSITION", "maxPosition": most})
    return found


def _quantity_filter(name: str, listing: Listing, least: Any, most: Any, step: Any) -> dict[str, Any]:
    return {
        "filterType": name,
        "minQty": listing.quantity(int(least)),
        "maxQty": listing.quantity(int(most)),
        "stepSize": listing.quantity(int(step)),
    }


def _multiplier(parts: Any) -> str:
    return str(Decimal(int(parts)) / BAND_SCALE)
