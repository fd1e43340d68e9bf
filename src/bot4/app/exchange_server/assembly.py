"""From what a user asks for to a server: symbols to exchanges, default prices and balances, keys and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import numpy as np

from bot4.adapters.instrument_table import universe_of
from bot4.app.exchange_server import admission
from bot4.app.exchange_server.faults import Fault, drawn_faults
from bot4.app.exchange_server.market_driver import MANUAL, SyntheticDriver
from bot4.app.exchange_server.server import ExchangeServer, ServerSettings
from bot4.app.exchange_server.signing import Credentials, drawn_credentials
from bot4.app.exchange_server.venue import FUTURES, SPOT, ServedVenue, VenueChoice
from bot4.domain.bars import BarSeries
from bot4.domain.errors import SettingError, UsageError
from bot4.domain.instruments import Instrument, Universe
from bot4.domain.ports import Clock
from bot4.kernel import KERNELS, WarmUpStep, warm_up
from bot4.quant.series.synthetic_book import DEFAULT_BOOK, SyntheticBookParameters
from bot4.simulator import doors, exchange
from bot4.simulator.profile import VenueProfile, binance_linear, binance_spot
from bot4.simulator.rules.rate_limits import RateSettings, turn_windows

DEFAULT_PRICES = {
    "BTC": 60_000.0, "ETH": 3_000.0, "BNB": 600.0, "SOL": 150.0, "XRP": 0.6, "ADA": 0.45, "DOGE": 0.15, "DOT": 7.0,
    "LINK": 15.0, "LTC": 80.0, "AVAX": 30.0, "TRX": 0.12, "SYNTH": 30_000.0,
}  # fmt: skip
STARTING_VALUE = Decimal(100_000)  # of the quote asset, and of each base asset
UNTHINNED_SPEED = 5.0
_FAULT_HOURS = 24.0
_KEY_STREAM, _FAULT_STREAM = 11, 12


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """What a user asks for.

    Attributes:
        symbols: as in the table of instruments; perpetuals make a second exchange.
        market: ``synthetic`` or ``manual``.
        prices: where synthetic prices start, by symbol.
        balances: what both accounts start with, by asset; empty takes defaults.
        bars: recorded bars that prices follow.
        speed: market seconds a second.
        faults: scheduled ones; ``faults_per_minute`` draws more.
        has_rate_limits: whether requests and orders are counted against limits.
    """

    symbols: Sequence[str]
    market: str = "synthetic"
    prices: Mapping[str, float] = field(default_factory=dict)
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    bars: Mapping[str, BarSeries] = field(default_factory=dict)
    instruments: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    port: int = 0
    seed: int = 1
    speed: float = 1.0
    state: Path | None = None
    credentials: Credentials | None = None
    faults: tuple[Fault, ...] = ()
    faults_per_minute: float = 0.0
    has_rate_limits: bool = True


def new_server(request: SimulationRequest, clock: Clock, monotonic_s: Callable[[], float]) -> ExchangeServer:
    """The server that a user asks for.

    Raises:
        UsageError: a symbol that is not known, or a balance or price of what is not there.
        SettingError, DataError, StorageError: as the parts say.
    """
    choices = _choices(request)
    _require_known(request, choices)
    settings = ServerSettings(
        credentials=request.credentials or drawn_credentials(_generator(request.seed, _KEY_STREAM)),
        port=request.port,
        seed=request.seed,
        speed=0.0 if request.market == MANUAL else request.speed,
        state=request.state,
        faults=_faults(request),
    )

    def driver(venue: ServedVenue) -> SyntheticDriver | None:
        if request.market == MANUAL:
            return None
        instruments = venue.choice.universe.instruments
        prices = {instrument.symbol: starting_price(instrument, request.prices) for instrument in instruments}
        return SyntheticDriver(venue, request.seed, prices, request.bars, _thinned(request.speed))

    return ExchangeServer(settings, choices, driver, clock, monotonic_s)


def make_ready(progress: Callable[[WarmUpStep], None]) -> None:
    """Compile, or load, every kernel that the exchange calls, so that no request waits for it."""
    known = {id(value) for module in (exchange, doors, admission) for value in vars(module).values()}
    known |= {id(turn_windows)}
    warm_up([entry.compiled for entry in KERNELS.values() if id(entry.compiled) in known], progress)


def starting_price(instrument: Instrument, given: Mapping[str, float]) -> float:
    """Where a synthetic price starts: as given, else a usual price of the asset, else ten thousand ticks."""
    price = given.get(instrument.symbol) or DEFAULT_PRICES.get(instrument.base)
    return price if price is not None else 10_000 * float(instrument.tick_size)


def _thinned(speed: float) -> SyntheticBookParameters:
    """A fast market's book with so few trades and changes that a real second has no more than at five times."""
    share = min(1.0, UNTHINNED_SPEED / speed)
    return replace(
        DEFAULT_BOOK, trades_per_s=DEFAULT_BOOK.trades_per_s * share, changes_per_s=DEFAULT_BOOK.changes_per_s * share
    )


def _choices(request: SimulationRequest) -> list[VenueChoice]:
    universe = universe_of(request.symbols, request.instruments)
    spot = tuple(i for i in universe.instruments if not i.is_perpetual)
    perpetual = tuple(i for i in universe.instruments if i.is_perpetual)
    choices = []
    if spot:
        choices.append(VenueChoice(SPOT, Universe(spot), _limited(request, binance_spot()), _balances(request, spot)))
    if perpetual:
        choices.append(
            VenueChoice(
                FUTURES, Universe(perpetual), _limited(request, binance_linear()), _balances(request, perpetual)
            )
        )
    return choices


def _limited(request: SimulationRequest, profile: VenueProfile) -> VenueProfile:
    """The profile, without limits of rate where the user wants none."""
    if request.has_rate_limits or profile.rules is None:
        return profile
    return replace(profile, rules=replace(profile.rules, rates=RateSettings()))


def _balances(request: SimulationRequest, instruments: tuple[Instrument, ...]) -> dict[str, Decimal]:
    assets = {instruments[0].quote, *(i.base for i in instruments if not i.is_perpetual)}
    if request.balances:
        return {asset: amount for asset, amount in request.balances.items() if asset in assets}
    balances = {instruments[0].quote: STARTING_VALUE}
    for instrument in instruments:
        if not instrument.is_perpetual:
            worth = STARTING_VALUE / Decimal(str(starting_price(instrument, request.prices)))
            balances[instrument.base] = worth.quantize(instrument.lot_size, ROUND_DOWN)
    return balances


def _require_known(request: SimulationRequest, choices: list[VenueChoice]) -> None:
    symbols = [symbol for choice in choices for symbol in choice.universe.symbols]
    assets = {asset for choice in choices for asset in choice.universe.assets}
    for name in request.prices:
        if name not in symbols:
            raise UsageError(f"{name} is not served", where="--price", remedy=f"give one of {', '.join(symbols)}")
    for name in request.balances:
        if name not in assets:
            raise UsageError(f"nothing is in {name}", where="--balance", remedy=f"give {', '.join(sorted(assets))}")
    for name in request.bars:
        if name not in symbols:
            raise UsageError(f"{name} is not served", where="--data", remedy=f"add it to --symbol {', '.join(symbols)}")
    if not 0.001 <= request.speed <= 100_000:
        raise SettingError(f"{request.speed:g} is outside 0.001-100000", where="--speed", remedy="1 is real time")


def _faults(request: SimulationRequest) -> tuple[Fault, ...]:
    if not 0 <= request.faults_per_minute <= 600:
        raise SettingError(
            f"{request.faults_per_minute:g} is outside 0-600", where="--fault-rate", remedy="give faults a minute"
        )
    rng = _generator(request.seed, _FAULT_STREAM)
    drawn = drawn_faults(rng, request.faults_per_minute, 60.0 * _FAULT_HOURS)
    return tuple(sorted((*request.faults, *drawn), key=lambda fault: fault.at_s))


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, stream]))
