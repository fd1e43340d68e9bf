"""``bot4 backtest`` and ``bot4 report`` on whole runs: what is printed, what is written, and what a failure leaves."""

from __future__ import annotations

import json

import pytest

from tests.integration.cli_harness import files_in, say, say_alone
from tests.shared_data import bars_path, requires_shared_data, shared_path

PROMISED = {
    "bars", "trades", "orders", "final_equity", "total_return", "sharpe", "max_drawdown", "fees", "digest",
    "elapsed_s", "events_per_s",
}  # fmt: skip
HOURLY = "binance_spot_1h/BTCUSDT_1h_{}.parquet"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("BOT4_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures(said):
    assert said.code == 0, said.stderr
    return said.record


def test_json_is_exactly_one_object_with_what_is_promised(home, capsys):
    said = say(capsys, "backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--json")
    result = figures(said)
    assert said.stdout.count("\n") == 1
    assert set(result) >= PROMISED
    assert (result["bars"], result["is_synthetic"]) == (3000, True)


def test_the_same_command_gives_the_same_digest_and_another_seed_another(home, capsys):
    arguments = ("backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--json")
    first, again = (figures(say(capsys, *arguments))["digest"] for _ in range(2))
    other = figures(say(capsys, *arguments, "--seed", 2))["digest"]
    assert first == again != other


def test_the_text_says_that_the_market_is_synthetic_and_shows_the_digest(home, capsys):
    said = say(capsys, "backtest", "--synthetic", 3000, "--strategy", "ema_cross")
    assert said.code == 0
    assert "synthetic data, not a real market" in said.stdout
    assert "digest " in said.stdout
    assert "events/s" in said.stdout


def test_a_journal_alone_gives_the_report_with_the_digest_of_the_backtest(home, capsys):
    run = ("backtest", "--synthetic", 3000, "--strategy", "ema_cross", "breakout")
    result = figures(say(capsys, *run, "--journal", "run.b4j", "--report", "run.html", "--json"))
    assert files_in(home) == ["run.b4j", "run.html"]
    again = figures(say(capsys, "report", "run.b4j", "-o", "again.html", "--json"))
    for name in PROMISED - {"elapsed_s", "events_per_s"}:
        assert again[name] == result[name], name
    assert again["is_synthetic"]
    assert "synthetic" in (home / "again.html").read_text()


def test_a_journal_cut_within_a_record_still_gives_a_report_that_says_so(home, capsys):
    say(capsys, "backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--journal", "run.b4j")
    whole = (home / "run.b4j").read_bytes()
    (home / "run.b4j").write_bytes(whole[:-37])
    said = say(capsys, "report", "run.b4j", "--json")
    notes = figures(said)["notes"]
    assert any("the run was cut off" in note for note in notes)
    assert (home / "run.html").is_file()


def test_a_journal_damaged_in_its_header_is_refused_and_no_report_is_written(home, capsys):
    say(capsys, "backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--journal", "run.b4j")
    (home / "run.b4j").write_bytes((home / "run.b4j").read_bytes()[:100])
    said = say(capsys, "report", "run.b4j")
    assert said.code == 3
    assert "run.b4j" in said.error
    assert files_in(home) == ["run.b4j"]


def test_a_disk_that_fills_while_the_journal_is_written_leaves_no_journal(home, capsys):
    figures(say(capsys, "backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--json"))  # compiles, if need be
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))"
    arguments = ("backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--journal", "run.b4j")
    said = say_alone(*arguments, folder=home, program=limited, PYTHONDONTWRITEBYTECODE="1")
    assert said.code == 8
    assert "the journal cannot be written (File too large)" in said.error
    assert said.stdout == ""
    assert files_in(home) == []


def test_settings_reach_the_run_from_file_environment_and_command_line(home, capsys, monkeypatch):
    (home / "bot4.toml").write_text("capital = 20000\n[strategy.ema_cross]\nfast = 5\n")
    arguments = ("backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--json")
    from_file = figures(say(capsys, *arguments))
    assert from_file["initial_equity"] == 20_000
    monkeypatch.setenv("BOT4_SET__CAPITAL", "30000")
    assert figures(say(capsys, *arguments))["initial_equity"] == 30_000
    over = figures(say(capsys, *arguments, "--set", "capital=20000", "--set", "strategy.ema_cross.fast=10"))
    assert over["initial_equity"] == 20_000
    assert over["digest"] != from_file["digest"]


def test_a_strategy_file_runs_with_its_own_parameters(home, capsys):
    (home / "mine.py").write_text(
        "from bot4.pipeline.strategies.registry import BarView, Signal, Strategy\n"
        "class Mine(Strategy):\n"
        "    'Buys every fiftieth bar.'\n"
        "    def on_bar(self, view):\n"
        "        return None\n"
    )
    result = figures(say(capsys, "backtest", "--synthetic", 500, "--strategy", "mine.py", "--json"))
    assert (result["orders"], result["trades"]) == (0, 0)


@requires_shared_data
def test_two_files_of_one_symbol_are_joined_in_either_order(home, capsys):
    early, late = (bars_path(HOURLY.format(span)) for span in ("20170817_20200919", "20200920_20231231"))
    run = ("--strategy", "buy_and_hold", "--json")
    result = figures(say(capsys, "backtest", "--data", early, late, *run))
    turned = figures(say(capsys, "backtest", "--data", late, "--data", early, *run))
    assert result["bars"] == 27_008 + 28_732
    assert result["digest"] == turned["digest"]


@requires_shared_data
def test_a_span_keeps_the_bars_known_within_it(home, capsys):
    path = bars_path(HOURLY.format("20200920_20231231"))
    run = ("--strategy", "buy_and_hold", "--start", "2021-01-01", "--end", "2021-02-01", "--json")
    assert figures(say(capsys, "backtest", "--data", path, *run))["bars"] == 31 * 24


@requires_shared_data
def test_funding_is_paid_only_while_there_are_bars_and_on_the_second(home, capsys):
    bars = bars_path("binance_usdm_5m/BTCUSDT_PERP_5m_2023.parquet")
    funding = shared_path("funding/BTCUSDT_PERP_binance_funding_2022_2023.parquet")
    run = ("--strategy", "buy_and_hold", "--start", "2023-01-01", "--json")
    without = figures(say(capsys, "backtest", "--data", bars, *run))
    paid = figures(say(capsys, "backtest", "--data", bars, "--funding", funding, *run))
    assert without["funding"] == 0
    assert paid["funding"] > 0
    assert paid["start_ns"] == without["start_ns"]
    assert paid["bars"] == without["bars"]


def test_progress_never_reaches_stdout(home):
    said = say_alone("backtest", "--synthetic", 3000, "--strategy", "ema_cross", "--json", folder=home)
    assert said.code == 0
    assert set(json.loads(said.stdout)) >= PROMISED
