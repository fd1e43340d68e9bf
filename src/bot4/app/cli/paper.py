"""``bot4 paper``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot4.app.cli.options import ManyValues, json_option, settings_options
from bot4.app.cli.output import Terminal, size
from bot4.domain.errors import Retryable, UsageError

if TYPE_CHECKING:
    from bot4.app.paper import PaperOutcome, PaperTrading
    from bot4.app.paper_markets import MarketChoice, PaperMarket
    from bot4.app.read_model import Snapshot
    from bot4.app.settings import LoadedSettings

FEEDS = ("auto", "live", "replay", "synthetic")
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@click.command(
    "paper",
    cls=ManyValues,
    many=("--data", "--strategy", "--symbol"),
    short_help="Trade on paper: live, replayed or synthetic market.",
)
@click.option("--feed", type=click.Choice(FEEDS), default="auto", show_default=True, help="Where the market is from.")
@click.option("--venue", metavar="NAME", help="Exchange of the live feed, by its name in ccxt.")
@click.option("--symbol", "symbols", multiple=True, metavar="NAME...", help="What to trade, such as BTCUSDT.")
@click.option("--interval", metavar="1m", help="Length of a bar.")
@click.option("--strategy", multiple=True, metavar="NAME|FILE.py", help="Strategy; several share the run.")
@click.option("--data", multiple=True, metavar="FILE...", help="Bars to replay: files, or series of the catalogue.")
@click.option("--speed", metavar="max|N", help="Market seconds a second, of a replay or the synthetic market.")
@click.option("--for", "duration", metavar="DURATION", help="Stop by itself after 60s, 2m or 1h.")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Keep the run here.")
@click.option("--fresh", is_flag=True, help="Begin a new run; the old journal is kept aside.")
@click.option("--no-screen", is_flag=True, help="Say how it goes in lines, every ten seconds.")
@settings_options
@json_option
def command(
    feed: str,
    venue: str | None,
    symbols: tuple[str, ...],
    interval: str | None,
    strategy: tuple[str, ...],
    data: tuple[str, ...],
    speed: str | None,
    duration: str | None,
    home: Path | None,
    fresh: bool,
    no_screen: bool,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Trade on paper until Ctrl-C; the next start goes on where this one stopped.

    \b
    Examples:
      bot4 paper                                  live data if a venue answers, else a synthetic market
      bot4 paper --feed live --venue kraken --symbol BTCUSDT
      bot4 paper --feed replay --data BTCUSDT_1m.parquet --speed max --json
      bot4 paper --feed synthetic --for 60s

    No order leaves this machine: fills come from the simulated venue. Every event is journalled first.
    """  # noqa: D301 - click needs the character
    from bot4.app.settings import load_settings

    for_s, pace = seconds(duration, "--for"), market_speed(speed)
    _require_consistent(feed, data, speed)
    terminal = Terminal(is_json)
    loaded = load_settings(config, assignments, os.environ)
    choice = _choice(loaded, venue, symbols, interval, strategy, pace)
    market = _market(feed, choice, data, terminal)
    terminal.note(market.note)
    folder = home or loaded.settings.paper_home / market.kind
    request = _Request(loaded, choice, market, folder, for_s, fresh, not no_screen)
    outcome = _run(request, terminal)
    terminal.show(_text(outcome), outcome.to_json())


@dataclass(frozen=True, slots=True)
class _Request:
    loaded: LoadedSettings
    choice: MarketChoice
    market: PaperMarket
    home: Path
    for_s: float | None
    is_fresh: bool
    wants_screen: bool


def seconds(text: str | None, option: str) -> float | None:
    """Seconds of ``60``, ``60s``, ``2m``, ``1.5h``; None stays None.

    Raises:
        UsageError: it is no duration above zero.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if not found or float(found[1]) == 0.0:
        raise UsageError(f"{text!r} is no duration", where=option, remedy="write 60s, 2m or 1h")
    return float(found[1]) * _UNITS_S[found[2]]


def market_speed(text: str | None) -> float | None:
    """Market seconds a second: 0 for ``max``; None where nothing was given.

    Raises:
        UsageError: it is no number above zero.
    """
    if text is None:
        return None
    if text == "max":
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < float("inf"):
        raise UsageError(f"{text!r} is no speed", where="--speed", remedy="write max, or a number such as 60")
    return value


def _require_consistent(feed: str, data: tuple[str, ...], speed: str | None) -> None:
    if feed == "replay" and not data:
        raise UsageError("no market data to replay", where="--feed replay", remedy="give --data FILE")
    if feed != "replay" and data:
        raise UsageError(f"--data does not go with --feed {feed}", where="--data", remedy="use --feed replay")
    if feed == "live" and speed is not None:
        raise UsageError("a live market has its own speed", where="--speed", remedy="leave it out")


def _choice(
    loaded: LoadedSettings,
    venue: str | None,
    symbols: tuple[str, ...],
    interval: str | None,
    strategy: tuple[str, ...],
    speed: float | None,
) -> MarketChoice:
    from bot4.app.paper_markets import MarketChoice

    paper = loaded.settings.paper
    return MarketChoice(
        settings=loaded.settings,
        strategies=tuple(loaded.strategies(strategy or paper.strategies)),
        symbols=tuple(symbol.upper() for symbol in symbols or paper.symbols),
        venue=venue or paper.venue,
        interval=interval or paper.interval,
        speed=speed,
    )


def _market(feed: str, choice: MarketChoice, data: tuple[str, ...], terminal: Terminal) -> PaperMarket:
    from bot4.adapters.exchanges.reachability import is_reachable
    from bot4.adapters.exchanges.venues import VenueSettings
    from bot4.app.market_data import load_series
    from bot4.app.paper_markets import live_market, replay_market, synthetic_market
    from bot4.engine.clock import SystemClock

    clock = SystemClock()
    if feed == "replay":
        return replay_market(choice, load_series(data, market_folder=choice.settings.market_folder))
    if feed == "synthetic":
        return synthetic_market(choice, "asked for")
    live = live_market(choice, clock, clock.monotonic, "asked for" if feed == "live" else "the venue answers")
    wait_s = choice.settings.paper.connect_timeout_s
    terminal.note(f"asking {choice.venue} for public data, {wait_s:g} s at most")
    if is_reachable(choice.venue, wait_s, VenueSettings(choice.settings.paper.base_url)):
        return live
    silence = f"{choice.venue} did not answer within {wait_s:g} s"
    if feed == "live":
        raise Retryable(silence, where="--feed live", remedy="check the network and try again, or use --feed synthetic")
    return synthetic_market(choice, silence)


def _run(request: _Request, terminal: Terminal) -> PaperOutcome:
    from datetime import UTC, datetime

    from bot4.app.paper import PaperTrading
    from bot4.engine.clock import SystemClock
    from bot4.engine.paper import PaperRun, set_aside

    clock = SystemClock()
    market = request.market
    if request.is_fresh:
        stamp = datetime.fromtimestamp(clock.now_ns() / 1e9, UTC).strftime("%Y%m%dT%H%M%SZ")
        kept = set_aside(request.home, stamp)
        if kept is not None:
            terminal.note(f"the earlier journal is kept as {kept}")
    with terminal.compiling() as compiling, terminal.progress("going on", "events") as progress:
        run = PaperRun.open(
            request.home, market.plan, market.notes, compiling=compiling, progress=lambda n: progress(n, n)
        )
    with run:
        if run.was_resumed:
            cut = f"; {run.torn_bytes} torn bytes were cut" if run.torn_bytes else ""
            terminal.note(f"going on with the run in {request.home}{cut}")
        trading = PaperTrading(market, run, clock, _history(request))
        trading.require_same_data()
        return _traded(trading, request, terminal)


def _history(request: _Request) -> int | None:
    from bot4.app.paper_markets import history_bars

    if request.market.kind != "live":
        return None
    is_given = ("paper", "history_bars") in request.loaded.given
    return history_bars(request.loaded.settings, request.market.plan.interval_ns, is_given=is_given)


def _traded(trading: PaperTrading, request: _Request, terminal: Terminal) -> PaperOutcome:
    from bot4.app.cli.output import PLAIN_EVERY_S
    from bot4.app.cli.paper_screen import SCREEN_EVERY_S, Screen, status_line

    if terminal.is_interactive and request.wants_screen:
        with Screen() as screen:
            return trading.trade(request.for_s, screen.show, SCREEN_EVERY_S)

    def say(snapshot: Snapshot) -> None:
        click.echo(status_line(snapshot), err=True)

    return trading.trade(request.for_s, say, PLAIN_EVERY_S)


def _text(outcome: PaperOutcome) -> str:
    result = outcome.result
    return "\n".join(
        [
            str(result),
            f"stopped: {outcome.stopped_because}",
            f"saved: every event up to here, {size(outcome.journal_bytes)} in {outcome.home}",
            "the same command goes on from here; --fresh begins anew",
        ]
    )
