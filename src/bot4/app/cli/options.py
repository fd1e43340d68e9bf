"""Options that several commands share, and what their values mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bot4.domain.errors import UsageError

if TYPE_CHECKING:
    from bot4.domain.bars import BarSeries

F = TypeVar("F", bound=Callable[..., Any])

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "is_json", is_flag=True, help="Print exactly one JSON object.")(function)


def settings_options(function: F) -> F:
    """``--config`` and ``--set``, as ``config`` and ``assignments``."""
    function = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one setting, such as risk.drawdown_stop=0.1; may be repeated.",
    )(function)
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Settings file (TOML); otherwise $BOT4_CONFIG, ./bot4.toml or the user's own.",
    )(function)


def symbol_option(function: F) -> F:
    """``--symbol``."""
    return click.option("--symbol", metavar="NAME", help="Symbol of the bars, for files that do not say.")(function)


def one_series(name: str, symbol: str | None, config: Path | None, assignments: Sequence[str]) -> BarSeries:
    """The bars that a user names: a file, or a series of the catalogue.

    Raises:
        DataError, StorageError, UsageError: as :func:`bot4.app.market_data.load_series`.
    """
    from bot4.app.market_data import load_series
    from bot4.app.settings import load_settings
    from bot4.domain.bars import BarSeries

    settings = load_settings(config, assignments, os.environ).settings
    (series,) = load_series([name], symbol=symbol, market_folder=settings.market_folder)
    assert isinstance(series, BarSeries)
    return series


class ManyValues(click.Command):
    """A command whose options named in ``many`` take several values: ``--data A B`` is ``--data A --data B``."""

    def __init__(self, *args: Any, many: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.many = many

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values, then parse as usual."""
        spread: list[str] = []
        option = ""
        for at, argument in enumerate(args):
            if argument == "--":
                spread += args[at:]
                break
            if argument.startswith("-") and argument != "-":
                option = argument if argument in self.many else ""
            elif option and spread[-1] != option:
                spread.append(option)
            spread.append(argument)
        return super().parse_args(ctx, spread)


def time_ns(text: str | None, option: str) -> int | None:
    """UTC nanoseconds of an ISO 8601 date or time; without a zone it is UTC. None stays None.

    Raises:
        UsageError: it is no such time, or lies outside 1678-2262.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no date or time", where=option, remedy="write 2023-01-31 or 2023-01-31T12:30 (UTC)"
        ) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    ns = (moment - EPOCH) // timedelta(microseconds=1) * 1000
    if not -(2**63) <= ns < 2**63:
        raise UsageError(f"{text!r} lies outside 1678-2262", where=option, remedy="give a time within it")
    return ns


def one_line(values: Mapping[str, int]) -> str:
    """Counts by name, greatest first: ``minimum_size 12, heat 3``."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count:,}" for name, count in ordered)
