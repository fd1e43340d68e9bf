"""``bot4 data``, ``config``, ``strategies`` and ``doctor``: what they print and what they leave in the catalogue."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from bot4.adapters.exchanges.download import download_bars
from bot4.adapters.storage.bar_files import read_bars
from bot4.adapters.storage.catalogue import Catalogue
from bot4.domain.bars import MINUTE_NS
from bot4.quant.series.time_grid import utc_text
from tests.integration.cli_harness import files_in, say
from tests.loopback.binance_server import LoopbackBinance
from tests.loopback.market_bars import generated_bars


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("BOT4_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("BOT4_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sample(home, capsys):
    say(capsys, "data", "synthetic", "--bars", 400, "--seed", 3, "--out", "sample.parquet")
    return home / "sample.parquet"


def test_equal_seeds_write_equal_bars_and_the_file_says_that_they_are_synthetic(home, sample, capsys):
    say(capsys, "data", "synthetic", "--bars", 400, "--seed", 3, "--out", "again.parquet")
    first, again = read_bars(sample), read_bars(home / "again.parquet")
    assert np.array_equal(first.close, again.close)
    assert first.is_synthetic
    assert len(first) == 400


def test_an_import_shows_in_the_list_and_by_every_name(home, sample, capsys):
    said = say(capsys, "data", "import", sample, "--venue", "lab", "--json")
    assert said.record["imported"][0]["new_bars"] == 400
    listed = say(capsys, "data", "list", "--json").record["series"]
    assert [(s["venue"], s["symbol"], s["interval"], s["bars"]) for s in listed] == [("lab", "SYNTH", "1h", 400)]
    assert listed[0]["is_synthetic"]
    for name in ("SYNTH", "SYNTH/1h", "lab/SYNTH", "lab/SYNTH/1h", "synth"):
        assert say(capsys, "data", "show", name, "--json").record["bars"] == 400


def test_importing_twice_adds_nothing(home, sample, capsys):
    say(capsys, "data", "import", sample)
    assert say(capsys, "data", "import", sample, "--json").record["imported"][0]["new_bars"] == 0


def test_a_name_of_several_series_asks_for_the_full_name(home, sample, capsys):
    for venue in ("one", "two"):
        say(capsys, "data", "import", sample, "--venue", venue)
    said = say(capsys, "data", "show", "SYNTH")
    assert said.code == 2
    assert "one/SYNTH/1h, two/SYNTH/1h" in said.error


def test_show_prints_first_and_last_bars_and_a_chart(home, sample, capsys):
    said = say(capsys, "data", "show", sample, "--rows", 2)
    assert "2024-01-01T00:00Z" in said.stdout
    assert "2024-01-17T15:00Z" in said.stdout
    assert "synthetic, not a real market" in said.stdout
    assert "█" in said.stdout


def test_check_tells_defects_apart_and_ends_with_3_where_bars_cannot_be_used(home, capsys):
    lines = [f"{1_704_067_200_000 + k * 3_600_000},10,11,9,10,1" for k in range(20)]
    path = home / "BTCUSDT_1h.csv"
    path.write_text("\n".join(["ts,open,high,low,close,volume", *lines[:9], *lines[12:]]))
    said = say(capsys, "data", "check", path, "--json")
    assert said.code == 0
    assert {f["defect"]: f["bars"] for f in said.record["reports"][0]["findings"]} == {"gap": 3, "frozen": 17}
    path.write_text("\n".join(["ts,open,high,low,close,volume", *lines, lines[-1]]))
    said = say(capsys, "data", "check", path)
    assert said.code == 3
    assert "NOT usable" in said.stdout
    assert "exact_duplicate" in said.stdout


def test_a_download_fetches_what_is_missing_after_and_before_what_is_held(home, capsys, monkeypatch):
    bars = generated_bars("BTCUSDT", 3_000)
    times = [utc_text(int(bars.ts_open_ns[k])).removesuffix("Z") for k in (0, 500, 1_500, 2_500)]
    with LoopbackBinance({"BTCUSDT": bars}, int(bars.ts_open_ns[-1]) + MINUTE_NS) as venue:
        monkeypatch.setenv("BOT4_SET__PAPER__BASE_URL", venue.base_url)

        def download(*arguments):
            said = say(capsys, "data", "download", "BTCUSDT", "--interval", "1m", *arguments, "--json")
            assert said.code == 0, said.stdout
            return said.record

        assert download("--start", times[1], "--end", times[2])["bars"] == 1_000
        assert download("--start", times[1], "--end", times[2])["bars"] == 0
        assert download("--start", times[0], "--end", times[3])["bars"] == 1_500
    held = Catalogue().load("BTCUSDT", MINUTE_NS, "binance")
    assert np.array_equal(held.ts_open_ns, bars.ts_open_ns[:2_500])
    assert np.array_equal(held.close, bars.close[:2_500])


def test_a_download_without_a_start_and_without_bars_says_what_to_give(home, capsys):
    said = say(capsys, "data", "download", "BTCUSDT")
    assert said.code == 2
    assert "give --start" in said.error


def test_a_venue_that_cannot_be_reached_is_worth_another_try(home, capsys, monkeypatch):
    monkeypatch.setenv("BOT4_SET__PAPER__BASE_URL", "http://127.0.0.1:9")
    impatient = functools.partial(download_bars, sleep=lambda _s: None)
    monkeypatch.setattr("bot4.app.downloads.download_bars", impatient)
    said = say(capsys, "data", "download", "BTCUSDT", "--start", "2024-01-01")
    assert said.code == 5
    assert files_in(home) == []


def test_config_show_says_where_each_value_came_from(home, capsys, monkeypatch):
    (home / "bot4.toml").write_text("\n[risk]\n# a comment\ndrawdown_stop = 0.1\n")
    monkeypatch.setenv("BOT4_SET__RISK__HEAT_LIMIT", "0.2")
    said = say(capsys, "config", "show", "--set", "slippage_bps=2", "--json")
    shown = said.record["settings"]
    assert said.record["file"] == "bot4.toml"
    assert shown["risk.drawdown_stop"]["source"] == "bot4.toml:4"
    assert shown["risk.drawdown_stop"]["value"] == 0.1
    assert shown["risk.heat_limit"]["source"] == "$BOT4_SET__RISK__HEAT_LIMIT"
    assert shown["slippage_bps"]["source"] == "--set slippage_bps"
    assert shown["capital"] == {
        "value": "10000",
        "unit": "",
        "bounds": "above 0 to 1,000,000,000",
        "description": "deposit at the start, quote currency",
        "source": "default",
    }
    text = say(capsys, "config", "show", "--changed").stdout
    assert "drawdown_stop" in text
    assert "capital" not in text


def test_strategies_are_listed_and_shown_with_their_bounds(home, capsys):
    listed = say(capsys, "strategies", "--json").record["strategies"]
    assert {"hybrid", "ema_cross", "breakout", "mean_reversion", "buy_and_hold"} <= {s["name"] for s in listed}
    shown = say(capsys, "strategies", "ema_cross", "--set", "strategy.ema_cross.fast=7", "--json").record
    fast = next(p for p in shown["parameters"] if p["name"] == "fast")
    assert (fast["value"], fast["default"], fast["low"], fast["high"]) == (7, 10, 1, 500)
    assert "1 to 500" in say(capsys, "strategies", "ema_cross").stdout


def test_doctor_finds_nothing_wrong_here_and_names_what_is(home, capsys, monkeypatch):
    said = say(capsys, "doctor", "--offline", "--json")
    assert said.code == 0
    names = {check["name"] for check in said.record["checks"]}
    assert {"version", "libraries", "clock", "settings", "data folder", "disk", "kernels"} <= names
    monkeypatch.setenv("BOT4_CACH_DIR", "/tmp")
    said = say(capsys, "doctor", "--offline", "--set", "risk.heat_limit=9")
    assert said.code == 8
    assert "FAIL  settings" in said.stdout
    assert "give a number from 0.01 to 1" in said.stdout
    assert "not read: BOT4_CACH_DIR" in said.stdout


def test_doctor_fails_a_data_folder_that_cannot_be_made(home, capsys, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("BOT4_DATA_DIR", str(home / "file" / "data"))
    said = say(capsys, "doctor", "--offline")
    assert said.code == 8
    assert "FAIL  data folder" in said.stdout


def test_doctor_sees_whether_the_venue_answers(home, capsys, monkeypatch):
    bars = generated_bars("BTCUSDT", 10)
    with LoopbackBinance({"BTCUSDT": bars}, int(bars.ts_open_ns[-1])) as venue:
        monkeypatch.setenv("BOT4_SET__PAPER__BASE_URL", venue.base_url)
        assert "ok    venue        binance answers" in say(capsys, "doctor").stdout
