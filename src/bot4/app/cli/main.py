"""``bot4``: the group of commands, and the one place where errors become lines and exit codes.

A command's module is imported only when the command is asked for, and imports what is slow (NumPy, numba, Polars,
ccxt) inside its functions, so that help opens at once. To add a command, write ``bot4/app/cli/NAME.py`` with a click
command called ``command`` and add its row to :data:`COMMANDS`.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from bot4 import __version__
from bot4.app.cli.output import silence_stdout, write_stdout
from bot4.domain.errors import Bot4Error, StorageError, UsageError

INTERRUPTED = 130
BROKEN_PIPE = 141
UNEXPECTED = 70
LONGEST_MESSAGE = 200


class LazyCommand(NamedTuple):
    """Where a command is found, and its line in the list of commands."""

    module: str
    summary: str


COMMANDS = {
    "backtest": LazyCommand("bot4.app.cli.backtest", "Run strategies over recorded market data."),
    "paper": LazyCommand("bot4.app.cli.paper", "Trade on paper: live, replayed or synthetic market."),
    "simulate": LazyCommand(
        "bot4.app.cli.simulate", "Serve a simulated exchange that any Binance client can trade on."
    ),
    "replay": LazyCommand("bot4.app.cli.replay", "Re-run a journal and prove its decisions."),
    "explain": LazyCommand("bot4.app.cli.explain", "Show how one trade or decision of a journal came about."),
    "status": LazyCommand("bot4.app.cli.status", "Show where a paper run stands."),
    "orders": LazyCommand("bot4.app.cli.orders", "Show the orders of a paper run."),
    "reconcile": LazyCommand("bot4.app.cli.reconcile", "Compare a paper run's books with its venue."),
    "halt": LazyCommand("bot4.app.cli.halt", "Step a paper run's mode down: no new risk."),
    "liquidate": LazyCommand("bot4.app.cli.liquidate", "Emergency: cancel every order, close every position."),
    "report": LazyCommand("bot4.app.cli.report", "Write the HTML report of a journal."),
    "data": LazyCommand("bot4.app.cli.data", "Import, download, check and show market data."),
    "indicators": LazyCommand("bot4.app.cli.indicators", "List, explain, compute and draw indicators."),
    "patterns": LazyCommand("bot4.app.cli.patterns", "Find patterns, levels and trend lines in bars."),
    "book": LazyCommand("bot4.app.cli.book", "Rebuild order books from recorded streams."),
    "risk": LazyCommand("bot4.app.cli.risk", "Fit volatility models to bars."),
    "strategies": LazyCommand("bot4.app.cli.strategies", "List strategies and their parameters."),
    "config": LazyCommand("bot4.app.cli.config", "Show the settings and where each came from."),
    "doctor": LazyCommand("bot4.app.cli.doctor", "Check this machine and say what to mend."),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is invoked or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command, imported now.

        Raises:
            UsageError: the table has none of that name.
        """
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            near = difflib.get_close_matches(cmd_name, list(COMMANDS), n=1)
            raise UsageError(
                f"no command {cmd_name!r}",
                where="bot4",
                remedy=f"did you mean {near[0]}?" if near else f"give one of {', '.join(COMMANDS)}",
            )
        command: click.Command = importlib.import_module(entry.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 command, 3 data, 4 setting, 5 try again, 6 outcome unknown, 7 halted, 8 storage. "
    "More in docs/cli.md and docs/errors.md.",
)
@click.version_option(__version__, prog_name="bot4")
def bot4() -> None:
    """Autonomous crypto trading: one deterministic brain for backtest and paper."""


def main() -> None:
    """The entry point of the ``bot4`` command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors become one line on stderr, or JSON on stdout."""
    if "_BOT4_COMPLETE" in os.environ:  # the shell asks for completions
        bot4.main(args=list(arguments), prog_name="bot4")
    is_json = "--json" in arguments
    try:
        code = _invoke(list(arguments))
    except Bot4Error as error:
        return _report(error, error.exit_code, is_json)
    except (KeyboardInterrupt, click.Abort):
        return _report(Bot4Error("interrupted"), INTERRUPTED, is_json)
    except BrokenPipeError:
        silence_stdout()
        return BROKEN_PIPE
    except Exception as error:  # the last door: nothing reaches the user as a traceback
        if os.environ.get("BOT4_DEBUG") == "1":
            raise
        return _report(_unexpected(error), UNEXPECTED, is_json)
    return code


def _invoke(arguments: list[str]) -> int:
    try:
        with bot4.make_context("bot4", arguments) as context:
            bot4.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx is not None else error.format_message())
        return UsageError.exit_code
    except click.UsageError as error:
        named = f"bot4 {arguments[0]}" if arguments and arguments[0] in COMMANDS else "bot4"
        where = error.ctx.command_path if error.ctx is not None and error.ctx.command_path != "bot4" else named
        what, near = _parted(error.format_message())
        remedy = f"did you mean {near}?" if near else f"see `{where} --help`"
        raise UsageError(_without_stop(what), where=where, remedy=remedy) from error
    except click.ClickException as error:
        raise UsageError(_without_stop(error.format_message())) from error
    return 0


def _parted(message: str) -> tuple[str, str]:
    """Click's message, and the near matches that it offers."""
    what, _, near = " ".join(message.split()).partition("Did you mean ")
    return what.rstrip(" ("), near.removeprefix("one of: ").rstrip("?)")


def _without_stop(message: str) -> str:
    line = " ".join(message.split()).removesuffix(".")
    return line[:1].lower() + line[1:]


def _report(error: Bot4Error, exit_code: int, is_json: bool) -> int:
    line = " ".join(f"error: {error}".split())
    try:
        if is_json:
            write_stdout(json.dumps({"error": error_record(error), "exit_code": exit_code}))
        else:
            print(line, file=sys.stderr)
    except (OSError, StorageError):  # nobody is left to tell; the exit code still speaks
        silence_stdout()
    return exit_code


def error_record(error: Bot4Error) -> dict[str, Any]:
    """An error as the ``error`` object of ``--json``."""
    return {"class": type(error).__name__, "what": error.what, "where": error.where, "remedy": error.remedy}


def _unexpected(error: Exception) -> Bot4Error:
    path = _write_crash(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    what = what if len(what) <= LONGEST_MESSAGE else f"{what[:LONGEST_MESSAGE]}..."
    return Bot4Error(
        f"unexpected, and a fault of Bot4: {what}",
        remedy=f"please report it with {path}" if path is not None else "run it again with BOT4_DEBUG=1 and report it",
    )


def _write_crash(error: Exception) -> Path | None:
    """Write the traceback to a file of its own and return its path; None where no folder takes it."""
    import platform
    import tempfile
    import traceback

    import platformdirs

    text = "".join(traceback.format_exception(error))
    head = f"bot4 {__version__}, Python {platform.python_version()}, {platform.platform()}\n{sys.argv[1:]}\n\n"
    for folder in (platformdirs.user_log_dir("bot4"), tempfile.gettempdir()):
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="crash-", suffix=".txt", dir=folder, text=True)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(head + text)
        except OSError:
            continue
        return Path(name)
    return None


if __name__ == "__main__":
    main()
