"""``bot4 simulate``."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import ManyValues, json_option, settings_options
from bot4.app.cli.output import Terminal
from bot4.app.cli.paper import market_speed, seconds
from bot4.domain.errors import UsageError

if TYPE_CHECKING:
    from bot4.app.exchange_server.assembly import SimulationRequest
    from bot4.app.exchange_server.faults import Fault
    from bot4.app.exchange_server.server import ExchangeServer
    from bot4.app.exchange_server.signing import Credentials
    from bot4.domain.bars import BarSeries


@click.command(
    "simulate",
    cls=ManyValues,
    many=("--symbol", "--balance", "--price", "--data", "--fault"),
    short_help="Serve a simulated exchange that any Binance client can trade on.",
)
@click.option(
    "--symbol", "symbols", multiple=True, metavar="NAME...", help="What is listed [default: BTCUSDT ETHUSDT]."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8900, show_default=True, help="On loopback; 0 picks one."
)
@click.option(
    "--market", type=click.Choice(("synthetic", "manual")), default="synthetic", show_default=True,
    help="What moves prices: a seeded market, or whatever clients post.",
)  # fmt: skip
@click.option("--data", multiple=True, metavar="FILE...", help="Bars that synthetic prices follow.")
@click.option("--price", "prices", multiple=True, metavar="SYMBOL=PRICE...", help="Where a price starts.")
@click.option("--balance", "balances", multiple=True, metavar="ASSET=AMOUNT...", help="What the account starts with.")
@click.option("--speed", metavar="N", help="Market seconds a second [default: 1].")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True, help="Of market, keys, faults."
)
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Survive a kill here."
)
@click.option("--key", metavar="TEXT", help="API key [default: one of the seed]; goes with --secret.")
@click.option("--secret", metavar="TEXT", help="API secret.")
@click.option("--fault", "faults", multiple=True, metavar="KIND[:COUNT]...", help="Faults at work from the start.")
@click.option(
    "--fault-script",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="JSON list of faults in time.",
)
@click.option("--fault-rate", type=float, default=0.0, metavar="N", help="Faults a minute, drawn from the seed.")
@click.option("--no-rate-limits", is_flag=True, help="Take as many requests as come.")
@click.option("--for", "duration", metavar="DURATION", help="Stop by itself after 60s, 2m or 1h.")
@settings_options
@json_option
def command(
    symbols: tuple[str, ...],
    port: int,
    market: str,
    data: tuple[str, ...],
    prices: tuple[str, ...],
    balances: tuple[str, ...],
    speed: str | None,
    seed: int,
    state: Path | None,
    key: str | None,
    secret: str | None,
    faults: tuple[str, ...],
    fault_script: Path | None,
    fault_rate: float,
    no_rate_limits: bool,
    duration: str | None,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Serve a simulated exchange on loopback until Ctrl-C.

    \b
    Examples:
      bot4 simulate                                   spot BTCUSDT and ETHUSDT on port 8900
      bot4 simulate --symbol BTCUSDT BTCUSDT_PERP     spot and USD-margined futures
      bot4 simulate --fault ack_lost:3 silent_streams
      bot4 simulate --market manual --state exchange

    It speaks Binance's REST and WebSocket interface: point any client at the address that it prints, with the
    key and secret that it prints. docs/simulate.md shows how, and what of Binance is there.
    """  # noqa: D301 - click needs the character
    from bot4.app.exchange_server.assembly import SimulationRequest, make_ready, new_server
    from bot4.app.settings import load_settings
    from bot4.engine.clock import SystemClock

    for_s, pace = seconds(duration, "--for"), market_speed(speed)
    if pace == 0.0:
        raise UsageError("a served market has no speed max", where="--speed", remedy="give a number such as 60")
    if market == "manual" and (data or prices or speed is not None):
        raise UsageError("a manual market stands still", where="--market manual", remedy="leave out data, price, speed")
    loaded = load_settings(config, assignments, os.environ)
    series = _bars(data, loaded.settings.market_folder)
    request = SimulationRequest(
        symbols=tuple(symbol.upper() for symbol in symbols) or tuple(series) or ("BTCUSDT", "ETHUSDT"),
        market=market,
        prices={name: float(value) for name, value in _pairs(prices, "--price").items()},
        balances=_pairs(balances, "--balance"),
        bars=series,
        instruments=loaded.settings.instrument_overrides,
        port=port,
        seed=seed,
        speed=1.0 if pace is None else pace,
        state=state,
        credentials=_credentials(key, secret),
        faults=_faults(faults, fault_script),
        faults_per_minute=fault_rate,
        has_rate_limits=not no_rate_limits,
    )
    terminal = Terminal(is_json)
    clock = SystemClock()
    with terminal.compiling() as compiling:
        make_ready(compiling)
        server = new_server(request, clock, clock.monotonic)
    _serve(server, request, for_s, terminal)


def _serve(server: ExchangeServer, request: SimulationRequest, for_s: float | None, terminal: Terminal) -> None:
    import asyncio
    import contextlib
    import signal

    def ready() -> None:
        terminal.show(_text(server), _record(server))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C interrupts instead
                loop.add_signal_handler(name, server.stop)
        if for_s is not None:
            loop.call_later(for_s, server.stop)
        await server.run(ready)

    asyncio.run(serve())
    kept = f"; kept in {request.state}" if request.state is not None else ""
    n_orders = sum(len(venue.desk.orders) for venue in server.venues.values())
    terminal.note(f"stopped after {server.n_requests:,} requests, {n_orders:,} orders{kept}")


def _record(server: ExchangeServer) -> dict[str, Any]:
    credentials = server.settings.credentials
    return {
        "address": server.base_url,
        "api_key": credentials.api_key,
        "secret": credentials.secret,
        "markets": {market: list(venue.listings) for market, venue in server.venues.items()},
        "moved_by": {market: "clients" if market not in server.drivers else "simulator" for market in server.venues},
        "balances": {
            market: {asset: free for asset, (free, _locked) in venue.balance_texts().items()}
            for market, venue in server.venues.items()
        },
        "seed": server.settings.seed,
        "speed": server.settings.speed,
        "state": None if server.settings.state is None else str(server.settings.state),
        "was_restored": server.was_restored,
        "open_orders": sum(len(venue.desk.open_orders()) for venue in server.venues.values()),
        "faults": server.faults.to_json(server.monotonic_s()),
    }


def _text(server: ExchangeServer) -> str:
    record = _record(server)
    lines = [
        f"a simulated exchange is served at {record['address']}; nothing here is real, and nothing leaves this machine"
    ]
    for market, names in record["markets"].items():
        base = "/fapi/v1" if market == "futures" else "/api/v3"
        amounts = ", ".join(f"{free} {asset}" for asset, free in record["balances"][market].items())
        lines.append(f"{market}: {', '.join(names)} under {base}; the account has {amounts}")
    lines += [f"key: {record['api_key']}", f"secret: {record['secret']}"]
    pace = "stands still until a client moves it" if not record["speed"] else f"runs at {record['speed']:g} x real time"
    lines.append(f"the market {pace}, seed {record['seed']}")
    shown = record["faults"]
    at_work = ", ".join(fault["kind"] for fault in shown["active"]) or "none"
    lines.append(f"faults: {at_work} at work, {shown['scheduled']} to come; POST {record['address']}/simulator/faults")
    if record["state"] is not None:
        went_on = f"; went on with {record['open_orders']} open orders" if record["was_restored"] else ""
        lines.append(f"state is kept in {record['state']}{went_on}")
    return "\n".join([*lines, "Ctrl-C stops it"])


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, Decimal]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            amount = Decimal(value)
        except InvalidOperation:
            amount = Decimal(-1)
        if not name or not amount.is_finite() or amount < 0:
            raise UsageError(f"{text!r} is no NAME=NUMBER", where=option, remedy="write for example USDT=100000")
        found[name.upper()] = amount
    return found


def _credentials(key: str | None, secret: str | None) -> Credentials | None:
    from bot4.app.exchange_server.signing import Credentials

    if (key is None) != (secret is None):
        raise UsageError("a key goes with a secret", where="--key", remedy="give both, or neither")
    return None if key is None or secret is None else Credentials(key, secret)


def _faults(texts: tuple[str, ...], script: Path | None) -> tuple[Fault, ...]:
    from bot4.app.exchange_server.faults import fault_of, scripted_faults

    found = []
    for text in texts:
        kind, _, count = text.partition(":")
        if count and not count.isdecimal():
            raise UsageError(f"{count!r} is no count", where="--fault", remedy="write for example ack_lost:3")
        found.append(fault_of({"kind": kind, "count": int(count or 1)}, "--fault"))
    return (*found, *(scripted_faults(script) if script is not None else ()))


def _bars(names: tuple[str, ...], folder: Path) -> dict[str, BarSeries]:
    from bot4.app.market_data import load_series
    from bot4.domain.bars import BarSeries

    if not names:
        return {}
    series = load_series(list(names), market_folder=folder)
    return {one.symbol: one for one in series if isinstance(one, BarSeries)}
