"""Pictures: well-formed, nothing lost that matters, each curve where it belongs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np

from bot4.domain.bars import HOUR_NS
from bot4.quant.indicators import resolve
from bot4.quant.patterns.detection import Detection, PatternPoint
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.pictures.bars import indicator_picture, pattern_picture
from bot4.research.pictures.svg import Curve, Panel, render_svg

SVG = "{http://www.w3.org/2000/svg}"
SERIES = synthetic_bars(2, 400, HOUR_NS)


def drawn(values: np.ndarray, name: str = "curve") -> ET.Element:
    times = HOUR_NS * np.arange(len(values))
    return ET.fromstring(render_svg("title", times, [Panel("panel", (Curve(name, values),))]).encode())


def path_of(root: ET.Element, style: str) -> str:
    return next(
        p.get("d") or "" for p in root.iter(f"{SVG}path") if p.get("class") == f"line {style}" and "L" in p.get("d", "")
    )


def titles(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "label"]


def test_a_line_is_broken_where_values_are_missing() -> None:
    values = np.arange(20.0)
    values[7:9] = np.nan
    path = path_of(drawn(values), "c0")
    assert path.count("M") == 2
    assert path.count("L") == 16


def test_of_very_many_values_the_extremes_are_drawn() -> None:
    values = np.zeros(100_000)
    values[54_321] = 9.0
    path = path_of(drawn(values), "c0")
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
    assert len(heights) < 4_000
    assert sum(height == min(heights) for height in heights) == 1


def test_a_column_without_any_value_is_no_line() -> None:
    assert ET.tostring(drawn(np.full(10, np.nan)))


def test_names_are_text_and_never_markup() -> None:
    root = drawn(np.arange(5.0), name="<b> & co")
    assert "<b> & co" in [text.text for text in root.iter(f"{SVG}text")]


def test_what_has_the_unit_of_the_price_and_is_near_it_lies_over_it() -> None:
    members = [resolve("ema"), resolve("rsi"), resolve("atr"), resolve("bollinger")]
    root = ET.fromstring(indicator_picture(SERIES, members).encode())
    assert titles(root) == ["SYNTH", "rsi_14", "atr_14", "bollinger_20_2", "bollinger_20_2"]


def test_an_indicator_is_drawn_alike_whatever_the_prices_are() -> None:
    cheap = replace(SERIES, **{name: getattr(SERIES, name) * 2.0**-20 for name in ("open", "high", "low", "close")})
    root = ET.fromstring(indicator_picture(cheap, [resolve("rsi"), resolve("sma")]).encode())
    assert titles(root) == ["SYNTH", "rsi_14"]


def test_a_pattern_shows_its_points_levels_and_when_it_was_known() -> None:
    points = (PatternPoint("X", 100, 1.0), PatternPoint("A", 120, float(SERIES.close[120])))
    found = Detection("harmonic", "gartley", 1, 130, points, float(SERIES.high[120]), 1.5, 0.8)
    root = ET.fromstring(pattern_picture(SERIES, [found]).encode())
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"X", "A", "target", "invalid"} <= set(words)
    assert any((p.get("class") or "").startswith("known") for p in root.iter(f"{SVG}path"))
    assert "SYNTH 1h (synthetic): gartley" in words


def test_a_picture_without_patterns_shows_the_bars() -> None:
    assert ET.fromstring(pattern_picture(SERIES, []).encode()) is not None
