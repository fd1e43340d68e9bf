"""Whatever is wrong with what a user gives: one line that says what, where and what to do, and nothing half-written."""

from __future__ import annotations

import pytest

from tests.integration.cli_harness import files_in, say, say_alone

HEADER = "ts,open,high,low,close,volume"


def row(hour, opened=100.0, high=101.0, low=99.0, close=100.5, volume=3.0, time=None):
    stamp = f"2024-01-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z" if time is None else time
    return f"{stamp},{opened},{high},{low},{close},{volume}"


GOOD = [row(hour) for hour in range(30)]


def changed(at, line):
    return [*GOOD[:at], line, *GOOD[at + 1 :]]


BAD_FILES = {
    "a missing column": ([HEADER.replace("close,", "")] + [line.rpartition(",")[0] for line in GOOD], "close"),
    "a renamed column": ([HEADER.replace("high", "hgih"), *GOOD], "high"),
    "mixed time zones": ([HEADER, *changed(7, row(7, time="2024-01-01T07:00:00+02:00"))], "another time zone"),
    "NaN": ([HEADER, *changed(5, row(5, close="NaN"))], "not a finite number"),
    "a missing value": ([HEADER, *changed(5, row(5, close=""))], "not a finite number"),
    "a word for a price": ([HEADER, *changed(5, row(5, close="many"))], "'many' is not a number"),
    "a negative price": ([HEADER, *changed(5, row(5, low=-1.0))], "not above zero"),
    "a price of zero": ([HEADER, *changed(5, row(5, low=0.0))], "not above zero"),
    "a high below the low": ([HEADER, *changed(5, row(5, high=98.0))], "high and low"),
    "bars out of order": ([HEADER, *GOOD[:5], GOOD[6], GOOD[5], *GOOD[7:]], "before the bar in the row above"),
    "a repeated bar": ([HEADER, *GOOD[:6], GOOD[5], *GOOD[6:]], "repeats another row"),
    "two bars of one time": ([HEADER, *GOOD[:6], row(5, close=100.7), *GOOD[6:]], "different values"),
    "an empty file": ([], "empty"),
    "a header alone": ([HEADER], "no rows"),
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("BOT4_CONFIG", "BOT4_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("BOT4_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bars(home):
    path = home / "BTCUSDT_1h.csv"
    path.write_text("\n".join([HEADER, *GOOD]) + "\n")
    return path


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_backtest_refuses_bad_bars_in_one_line_and_writes_nothing(home, capsys, case):
    lines, what = BAD_FILES[case]
    path = home / "BTCUSDT_1h.csv"
    path.write_text("\n".join(lines))
    said = say(capsys, "backtest", "--data", path, "--journal", "run.b4j", "--report", "run.html")
    assert said.code == 3
    assert said.stdout == ""
    assert str(path) in said.error
    assert what in said.error
    assert "; " in said.error
    assert files_in(home) == ["BTCUSDT_1h.csv"]


@pytest.mark.parametrize("case", ["NaN", "a high below the low", "two bars of one time", "an empty file"])
def test_an_import_refuses_what_it_cannot_mend_and_leaves_no_series(home, capsys, case):
    path = home / "BTCUSDT_1h.csv"
    path.write_text("\n".join(BAD_FILES[case][0]))
    said = say(capsys, "data", "import", path, "--json")
    assert (said.code, said.record["exit_code"]) == (3, 3)
    assert said.record["error"]["where"] == str(path)
    assert not list(home.rglob("*.parquet"))


def test_a_truncated_parquet_file_is_refused(home, capsys):
    say(capsys, "data", "synthetic", "--bars", 500, "--out", "SYNTH_1h.parquet")
    whole = (home / "SYNTH_1h.parquet").read_bytes()
    (home / "SYNTH_1h.parquet").write_bytes(whole[: len(whole) // 2])
    said = say(capsys, "backtest", "--data", "SYNTH_1h.parquet")
    assert said.code == 3
    assert "cut short" in said.error


def test_a_file_that_is_not_there_is_a_storage_error(home, capsys):
    said = say(capsys, "backtest", "--data", "BTCUSDT_1h.parquet")
    assert said.code == 8
    assert "BTCUSDT_1h.parquet: cannot be read" in said.error


def test_a_name_that_is_neither_file_nor_series_is_refused(home, capsys):
    said = say(capsys, "backtest", "--data", "BTCUSDT")
    assert said.code == 3
    assert "no series of that name" in said.error


def test_an_unknown_symbol_says_how_to_describe_it(bars, capsys):
    said = say(capsys, "backtest", "--data", bars, "--symbol", "NOPEUSDT")
    assert said.code == 2
    assert "no instrument NOPEUSDT" in said.error
    assert "[instruments.NOPEUSDT]" in said.error


@pytest.mark.parametrize("option", ["--journal", "--report"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_run(bars, home, capsys, monkeypatch, option):
    monkeypatch.setattr("bot4.research.backtest.run_plan", lambda *_, **__: pytest.fail("it ran"))
    said = say(capsys, "backtest", "--data", bars, option, home / "missing" / "run.out")
    assert said.code == 8
    assert "its folder cannot be written" in said.error
    said = say(capsys, "backtest", "--data", bars, option, bars / "run.out")  # a file where the folder should be
    assert said.code == 8
    assert files_in(home) == ["BTCUSDT_1h.csv"]


def test_a_journal_that_exists_is_never_overwritten(bars, home, capsys):
    (home / "run.b4j").write_text("precious")
    said = say(capsys, "backtest", "--data", bars, "--journal", "run.b4j")
    assert said.code == 8
    assert "exists" in said.error
    assert (home / "run.b4j").read_text() == "precious"


def test_a_full_disk_leaves_no_part_of_a_file(home):
    limited = (
        "import resource, sys; sys.dont_write_bytecode = True; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    )
    said = say_alone("data", "synthetic", "--bars", 5000, "--out", "S.parquet", folder=home, program=limited)
    assert said.code == 8
    assert "S.parquet: cannot be written: File too large" in said.error
    assert files_in(home) == []


@pytest.mark.parametrize(
    ("assignment", "what"),
    [
        ("risk.drawdwn_stop=0.1", "did you mean risk.drawdown_stop?"),
        ("risk.drawdown_stop=0.9", "give a number from 0.01 to 0.5"),
        ("risk.drawdown_stop=much", "is not a number"),
        ("capital=-5", "out of bounds"),
        ("nonsense", "no assignment"),
        ("strategy.ema_cross.fast=0", "from 1 to 500"),
        ("strategy.ema_cross.fats=3", "it takes fast, slow"),
        ("instruments.BTCUSDT.tick=1", "did you mean instruments.BTCUSDT.tick_size?"),
    ],
)
def test_a_bad_setting_names_itself_its_source_and_what_would_do(bars, capsys, assignment, what):
    said = say(capsys, "backtest", "--data", bars, "--set", assignment)
    assert said.code == 4
    assert "--set" in said.error
    assert what in said.error


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--start", "yesterday"), "--start: 'yesterday' is no date or time"),
        (("--start", "2024-01-02", "--end", "2024-01-01"), "the end is not after the start"),
        (("--strategy", "ema_crss"), "no strategy 'ema_crss'"),
        (("--strategy", "mine.py"), "mine.py: no such file"),
        (("--synthetic", "1000"), "exclude each other"),
        (("--start", "2030-01-01"), "no event lies in the range"),
        (("--trades", "BTCUSDT_1h.csv"), "BTCUSDT_1h.csv"),
        (("--funding", "BTCUSDT_1h.csv"), "funding_rate"),
    ],
)
def test_a_command_that_makes_no_sense_is_answered_in_one_line(bars, home, capsys, arguments, what):
    said = say(capsys, "backtest", "--data", bars, *arguments)
    assert said.code in (2, 3, 4)
    assert what in said.error
    assert files_in(home) == ["BTCUSDT_1h.csv"]


def test_files_of_one_symbol_that_contradict_each_other_are_refused(bars, home, capsys):
    other = home / "BTCUSDT_1h_later.csv"
    other.write_text("\n".join([HEADER, *changed(20, row(20, close=100.9))[10:]]))
    said = say(capsys, "backtest", "--data", bars, other)
    assert said.code == 3
    assert "close of BTCUSDT at 2024-01-01T20:00Z is 100.9, but 100.5" in said.error


def test_a_report_refuses_what_is_no_journal(bars, home, capsys):
    (home / "result.json").write_text('{"bars": 3}')
    for name, what in (
        ("BTCUSDT_1h.csv", "journal"),
        ("result.json", "figures but no series"),
        ("none.b4j", "no such journal"),
        (".", "folder"),
    ):
        said = say(capsys, "report", name)
        assert said.code == 3, name
        assert what in said.error
    assert files_in(home) == ["BTCUSDT_1h.csv", "result.json"]
