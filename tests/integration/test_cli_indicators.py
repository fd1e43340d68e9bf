"""``bot4 indicators`` and ``bot4 patterns`` as a user runs them, on files, the catalogue and the synthetic market."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage.bar_files import write_bars
from bot4.app.cli.main import run as run_command
from bot4.domain.bars import HOUR_NS
from bot4.quant.indicators import INDICATORS
from bot4.quant.indicators.arrays import compute
from bot4.quant.series.synthetic import synthetic_bars

SERIES = synthetic_bars(5, 900, HOUR_NS)


@pytest.fixture
def bars_file(tmp_path: Path) -> str:
    path = tmp_path / "SYNTH_1h.parquet"
    write_bars(SERIES, path, "synthetic")
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run_command(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def record(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_list_holds_every_indicator(capsys):
    listed = record(capsys, "indicators", "list")["indicators"]
    assert {row["name"] for row in listed} == set(INDICATORS)
    of_family = record(capsys, "indicators", "list", "--family", "volume")["indicators"]
    assert {row["name"] for row in of_family} == {n for n, i in INDICATORS.items() if i.family == "volume"}
    assert "rsi" in run(capsys, "indicators", "list")[1]


def test_one_is_explained_with_its_parameters_and_memory(capsys):
    shown = record(capsys, "indicators", "show", "ema:period=50")
    assert shown["values"] == {"period": 50.0}
    assert shown["warm_up_bars"] == 49
    off = shown["off_after_history"]
    assert off["199"] > off["399"] > off["999"]
    text = run(capsys, "indicators", "show", "macd")[1]
    assert "fast" in text
    assert INDICATORS["macd"].formula.splitlines()[0] in text


def test_values_are_those_of_the_python_interface(capsys, bars_file):
    computed = record(capsys, "indicators", "compute", "rsi", "sma:period=50", "--data", bars_file, "--rows", "4")
    assert computed["columns"] == ["rsi_14", "sma_50"]
    expected = compute("rsi", SERIES)["rsi_14"][-4:]
    assert [row["rsi_14"] for row in computed["rows"]] == expected.tolist()


def test_what_is_not_yet_defined_is_null(capsys, bars_file):
    computed = record(capsys, "indicators", "compute", "sma:period=50", "--data", bars_file, "--rows", "900")
    assert [row["sma_50"] for row in computed["rows"][:49]] == [None] * 49


@pytest.mark.parametrize("name", ["values.parquet", "values.csv"])
def test_every_bar_is_written_to_a_file(capsys, bars_file, tmp_path, name):
    out = tmp_path / name
    record(capsys, "indicators", "compute", "macd", "--data", bars_file, "--out", str(out))
    frame = pl.read_parquet(out) if out.suffix == ".parquet" else pl.read_csv(out)
    assert frame.columns == ["ts", "close", "macd_12_26_9.macd", "macd_12_26_9.signal", "macd_12_26_9.histogram"]
    column = frame["macd_12_26_9.macd"].cast(pl.Float64).to_numpy()
    np.testing.assert_array_equal(column, compute("macd", SERIES)["macd_12_26_9.macd"])


def test_a_picture_is_drawn_over_and_below_the_price(capsys, bars_file, tmp_path):
    out = tmp_path / "picture.svg"
    words = ("indicators", "plot", "bollinger", "rsi", "--data", bars_file, "--out", str(out), "--bars", "100")
    assert record(capsys, *words)["bars"] == 100
    text = " ".join(ET.parse(out).getroot().itertext())
    for name in ("bollinger_20_2.upper", "bollinger_20_2.percent_b", "rsi_14", "SYNTH 1h (synthetic)"):
        assert name in text


def test_patterns_are_found_dated_and_drawn(capsys, bars_file, tmp_path):
    out = tmp_path / "pattern.svg"
    words = ("patterns", "scan", "--data", bars_file, "--family", "candlestick", "--last", "5", "--out", str(out))
    found = record(capsys, *words)
    assert found["found"] > 100
    assert len(found["patterns"]) == 5
    for pattern in found["patterns"]:
        assert pattern["points"][-1]["bar"] == pattern["known_at"]
        assert pattern["confidence"] is None
    assert found["patterns"][-1]["name"] in " ".join(ET.parse(out).getroot().itertext())


def test_patterns_of_one_kind_or_family_are_listed_and_scanned(capsys, bars_file):
    kinds = record(capsys, "patterns", "list")["patterns"]
    assert sum(kind["family"] == "candlestick" for kind in kinds) == 61
    assert {kind["family"] for kind in kinds} == {"candlestick", "chart", "harmonic", "elliott"}
    found = record(capsys, "patterns", "scan", "--data", bars_file, "--kind", "doji", "--last", "1000")["patterns"]
    assert {pattern["name"] for pattern in found} == {"doji"}
    assert run(capsys, "patterns", "scan", "--data", bars_file)[0] == 0


def test_levels_lines_and_ratios_are_shown(capsys, bars_file):
    found = record(capsys, "patterns", "levels", "--data", bars_file)
    assert found["levels"]
    assert "support" in run(capsys, "patterns", "levels", "--data", bars_file)[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("indicators", "show", "rsy"), 4, "did you mean rsi"),
        (("indicators", "compute", "rsi:perid=3"), 4, "it takes period"),
        (("indicators", "compute", "rsi:period=1000000"), 4, "from 2 to"),
        (("indicators", "compute", "rsi:period"), 2, "sets nothing"),
        (("indicators", "compute", "rsi:period=x"), 2, "not a number"),
        (("indicators", "compute", "rsi", "--out", "values.txt"), 2, ".parquet or .csv"),
        (("indicators", "list", "--family", "x"), 2, "no family"),
        (("indicators", "compute", "rsi", "--data", "nowhere.parquet"), 8, "cannot be read"),
        (("patterns", "list", "--family", "x"), 2, "no family"),
    ],
)
def test_what_cannot_be_is_one_clear_line(capsys, words, code, said):
    ended, out, err = run(capsys, *words)
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert ended == code


def test_an_unknown_pattern_is_refused(capsys, bars_file):
    code, _, err = run(capsys, "patterns", "scan", "--data", bars_file, "--kind", "x")
    assert code == 2
    assert "patterns list" in err
