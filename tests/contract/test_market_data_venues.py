"""Names of venues and symbols, gateways, error classes and reachability: what holds for every venue."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.adapters.exchanges.faults import Patience, as_bot4_error, is_passing
from bot4.adapters.exchanges.instruments import as_instrument
from bot4.adapters.exchanges.reachability import is_reachable
from bot4.adapters.exchanges.venues import (
    VenueSettings,
    find_market,
    interval_name,
    interval_ns,
    new_async_venue,
    opened_venue,
    symbol_name,
    venue_id,
)
from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS
from bot4.domain.errors import DataError, Retryable, SettingError, UsageError
from tests.loopback.binance_server import HttpFault, LoopbackBinance
from tests.loopback.market_bars import minute_bars

ccxt = pytest.importorskip("ccxt")


@pytest.fixture(scope="module")
def binance():
    bars = minute_bars("BTCUSDT", 0, 20)
    with LoopbackBinance({"BTCUSDT": bars}, int(bars.ts_open_ns[-1])) as exchange:
        yield exchange


def test_nothing_imports_ccxt_before_it_is_needed():
    modules = "download, faults, instruments, live_bars, reachability, venue_feed, venues"
    script = f"import sys; from bot4.adapters.exchanges import {modules}; sys.exit('ccxt' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [("binance", "binance"), ("Binance ", "binance"), ("huobi", "htx"), ("gate.io", "gate"), ("okex", "okx")],
)
def test_old_names_of_venues_lead_to_the_present_ones(name, expected):
    assert venue_id(name) == expected


def test_an_unknown_venue_names_near_ones():
    with pytest.raises(UsageError, match="did you mean binance"):
        venue_id("binanse")
    with pytest.raises(UsageError, match="for example binance"):
        venue_id("nowhere at all")


@pytest.mark.parametrize(
    ("error", "expected", "passing"),
    [
        ("RateLimitExceeded", Retryable, True),
        ("DDoSProtection", Retryable, True),
        ("OnMaintenance", Retryable, True),
        ("ExchangeNotAvailable", Retryable, True),
        ("RequestTimeout", Retryable, True),
        ("NetworkError", Retryable, True),
        ("BadResponse", Retryable, True),
        ("BadSymbol", UsageError, False),
        ("BadRequest", UsageError, False),
        ("NotSupported", UsageError, False),
        ("RestrictedLocation", UsageError, False),
        ("PermissionDenied", UsageError, False),
        ("ExchangeError", Retryable, False),
    ],
)
def test_each_kind_of_venue_error_has_its_place_in_the_tree(error, expected, passing):
    raised = getattr(ccxt, error)("binance says\n no " + "x" * 500)
    mapped = as_bot4_error(raised, "binance BTCUSDT")
    assert type(mapped) is expected
    assert is_passing(raised) == passing
    assert mapped.where == "binance BTCUSDT"
    assert mapped.remedy
    assert "\n" not in str(mapped)
    assert len(str(mapped)) < 350


@given(
    first_s=st.floats(0.01, 10),
    factor=st.floats(1, 4),
    longest_s=st.floats(0.01, 100),
    attempts=st.integers(1, 200),
    asked_s=st.floats(0, 200),
)
def test_waits_grow_up_to_the_longest_and_end_with_the_attempts(first_s, factor, longest_s, attempts, asked_s):
    patience = Patience(first_s, factor, longest_s, attempts)
    waits = [patience.next_delay_s(failures, asked_s) for failures in range(1, attempts + 1)]
    assert waits[-1] is None
    granted = [wait for wait in waits[:-1] if wait is not None]
    assert granted == sorted(granted)
    assert all(wait <= longest_s and wait >= asked_s for wait in granted)
    assert len(granted) == (attempts - 1 if asked_s <= longest_s else 0)


def test_every_address_of_a_venue_stands_behind_the_gateway():
    settings = VenueSettings("https://gate.example:8443/venues/")

    def addresses(urls) -> list[str]:
        return [urls] if isinstance(urls, str) else [found for url in urls.values() for found in addresses(url)]

    for venue in ("binance", "kraken", "okx", "gate", "coinbase"):
        exchange = new_async_venue(venue, settings)
        found = addresses(exchange.urls["api"])
        assert found
        assert all(address.startswith(("https://gate.example:8443/venues/", "wss://gate.example")) for address in found)
    with opened_venue("binance", settings) as exchange:
        assert exchange.urls["api"]["public"] == "https://gate.example:8443/venues/api.binance.com/api/v3"


@pytest.mark.parametrize("settings", [{"base_url": "localhost:80"}, {"request_timeout_s": 0.0}])
def test_settings_out_of_bounds_are_refused(settings):
    with pytest.raises(SettingError):
        VenueSettings(**settings)


def test_intervals_have_one_length_and_one_name():
    assert [interval_ns(name) for name in ("1m", "5m", "1h", "1d")] == [MINUTE_NS, 5 * MINUTE_NS, HOUR_NS, DAY_NS]
    assert all(interval_name(interval_ns(name)) == name for name in ("1s", "1m", "15m", "1h", "4h", "1d", "3d"))
    for wrong in ("", "m", "0m", "1M", "-5m", "5 m", "²m", "1y"):
        with pytest.raises(UsageError):
            interval_ns(wrong)
    with pytest.raises(DataError):
        interval_name(1)


def market(base="BTC", quote="USDT", *, swap=False, **changes):
    suffix = f":{quote}" if swap else ""
    return {
        "symbol": f"{base}/{quote}{suffix}", "base": base, "quote": quote, "spot": not swap, "swap": swap,
        "linear": swap, "contractSize": 1.0 if swap else None, "maker": 0.0002, "taker": 0.0005,
        "precision": {"price": 0.1, "amount": 0.001},
        "limits": {"amount": {"min": 0.002}, "cost": {"min": None}},
    } | changes  # fmt: skip


class Listing:
    id = "somewhere"

    def __init__(self, *markets):
        self.markets = {market["symbol"]: market for market in markets}


def test_spot_and_perpetual_of_one_pair_are_told_apart():
    listing = Listing(market(), market(swap=True), market("ETH", swap=True))
    assert find_market(listing, "BTCUSDT")["symbol"] == "BTC/USDT"
    for spelling in ("BTCUSDT_PERP", "BTC/USDT:USDT", "btc/usdt:usdt", "BTC-USDT_PERP"):
        assert find_market(listing, spelling)["symbol"] == "BTC/USDT:USDT"
        assert symbol_name(find_market(listing, spelling)) == "BTCUSDT_PERP"
    with pytest.raises(UsageError, match="did you mean"):
        find_market(listing, "ETHUSDT")


def test_contracts_are_counted_in_base_units():
    facts = as_instrument(market(swap=True, contractSize=0.01), "okx", ccxt.TICK_SIZE)
    assert (facts.lot_size, facts.min_qty) == (Decimal("0.00001"), Decimal("0.00002"))
    assert (facts.symbol, facts.is_perpetual, facts.min_notional) == ("BTCUSDT_PERP", True, Decimal(0))


def test_very_fine_grids_stay_exact():
    fine = market("SHIB", precision={"price": 1e-18, "amount": 1e-08}, limits={"amount": {"min": None}, "cost": {}})
    fine["limits"]["cost"] = {"min": 1e-08}
    facts = as_instrument(fine, "somewhere", ccxt.TICK_SIZE)
    assert (facts.tick_size, facts.lot_size, facts.min_qty) == (Decimal("1E-18"), Decimal("1E-8"), Decimal("1E-8"))
    places = as_instrument(market(precision={"price": 2, "amount": 5}), "somewhere", ccxt.DECIMAL_PLACES)
    assert (places.tick_size, places.lot_size) == (Decimal("0.01"), Decimal("0.00001"))


@pytest.mark.parametrize("change", [{"precision": {"price": None, "amount": 0.1}}, {"taker": None}])
def test_facts_that_the_venue_does_not_state_are_not_invented(change):
    with pytest.raises(DataError, match="write the instrument into the settings"):
        as_instrument(market(**change), "somewhere", ccxt.TICK_SIZE)


def test_a_venue_that_answers_is_reachable(binance):
    assert is_reachable("binance", 5.0, VenueSettings(binance.base_url))


@pytest.mark.parametrize("status", [451, 503, 418, 0])
def test_a_venue_that_answers_with_an_error_is_not_reachable(binance, status):
    binance.faults.http = [HttpFault(status)] * 3
    try:
        assert not is_reachable("binance", 5.0, VenueSettings(binance.base_url))
    finally:
        binance.faults.http = []


def test_reachability_is_no_longer_in_doubt_than_allowed_and_never_raises():
    with socket.socket() as deaf:  # accepts connections and never answers
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        settings = VenueSettings(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        started_s = time.monotonic()
        assert not is_reachable("binance", 0.3, settings)
        assert time.monotonic() - started_s < 1.0
    assert not is_reachable("nowhere at all", 1.0)
    assert not is_reachable("binance", 1.0, VenueSettings("http://127.0.0.1:1"))
    assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
