"""Help opens at once, and the list of commands says what the commands say of themselves."""

from __future__ import annotations

import importlib

import click
import pytest

from bot4.app.cli.main import COMMANDS
from tests.integration.cli_harness import say, say_alone

SLOW = ("numba", "numpy", "polars", "ccxt", "pydantic", "rich")


def imported_by(tmp_path, *arguments):
    found = f"[m for m in {SLOW!r} if m in sys.modules]"
    at_exit = f"import atexit, sys; atexit.register(lambda: print('IMPORTED', {found}))"
    said = say_alone(*arguments, folder=tmp_path, program=at_exit)
    assert said.code == 0, said.stderr
    return said.stdout.rpartition("IMPORTED ")[2].strip()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("backtest", "--help"), ("data", "--help"), ("data", "import", "-h")]
)
def test_help_imports_nothing_slow(tmp_path, arguments):
    assert imported_by(tmp_path, *arguments) == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_imports_nothing_slow(tmp_path, name):
    assert imported_by(tmp_path, name, "--help") == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_command_says_of_itself(name):
    command = importlib.import_module(COMMANDS[name].module).command
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name].summary


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_explained(name):
    waiting = [importlib.import_module(COMMANDS[name].module).command]
    while waiting:
        command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += command.commands.values()
        unexplained = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
        assert not unexplained, command.name
        assert command.help, command.name


def test_the_group_lists_every_command(capsys):
    said = say(capsys, "--help")
    assert said.code == 0
    for name, entry in COMMANDS.items():
        assert name in said.stdout
        assert entry.summary in said.stdout


def test_a_misspelt_command_is_answered_with_the_nearest(capsys):
    said = say(capsys, "backtset")
    assert (said.code, said.stdout) == (2, "")
    assert said.error == "error: bot4: no command 'backtset'; did you mean backtest?"


def test_a_misspelt_command_of_a_group_is_answered_likewise(capsys):
    said = say(capsys, "data", "lst")
    assert said.code == 2
    assert said.error == "error: bot4 data: no such command 'lst'; did you mean 'list'?"


def test_a_misspelt_option_is_answered_in_one_line(capsys):
    said = say(capsys, "backtest", "--jurnal", "x")
    assert said.code == 2
    assert said.error == "error: bot4 backtest: no such option '--jurnal'; did you mean '--journal'?"
    said = say(capsys, "backtest", "--xyzzy")
    assert said.error == "error: bot4 backtest: no such option '--xyzzy'; see `bot4 backtest --help`"


def test_with_json_an_error_is_one_object_on_stdout_and_nothing_on_stderr(capsys):
    said = say(capsys, "backtest", "--json")
    assert said.code == 2
    assert said.stderr == ""
    assert said.record["exit_code"] == 2
    assert said.record["error"]["class"] == "UsageError"
    assert "--data" in said.record["error"]["remedy"]


def test_a_fault_of_the_program_is_one_line_and_a_file_with_the_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("BOT4_DEBUG", raising=False)
    monkeypatch.setattr("bot4.app.settings.load_settings", lambda *_: 1 / 0)
    said = say(capsys, "config", "show")
    assert said.code == 70
    crash = next(tmp_path.rglob("crash-*.txt"))
    assert str(crash) in said.error
    assert "ZeroDivisionError" in said.error
    assert "Traceback" in crash.read_text()


def test_debugging_shows_the_fault_itself(capsys, monkeypatch):
    monkeypatch.setenv("BOT4_DEBUG", "1")
    monkeypatch.setattr("bot4.app.settings.load_settings", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        say(capsys, "config", "show")


def test_an_interrupt_is_one_line_and_130(capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bot4.app.settings.load_settings", interrupt)
    said = say(capsys, "config", "show")
    assert (said.code, said.error) == (130, "error: interrupted")


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    closed = "import os; r, w = os.pipe(); os.close(r); os.dup2(w, 1)"
    said = say_alone("config", "show", folder=tmp_path, program=closed)
    assert (said.code, said.stderr) == (141, "")


def test_a_result_that_cannot_be_written_is_an_error(tmp_path):
    full = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"
    said = say_alone("config", "show", folder=tmp_path, program=full)
    assert said.code == 8
    assert said.error.startswith("error: stdout: the result could not be written")
