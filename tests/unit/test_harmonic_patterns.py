"""Harmonic patterns: what one detection says, what the table says, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.domain.errors import DataError, SettingError
from bot4.quant.patterns.detection import Detection
from bot4.quant.patterns.harmonic import HARMONIC_FORMS, HARMONIC_KINDS, HarmonicStream, harmonic_patterns
from tests.wave_drawings import HARMONIC_NAMES, draw_wave


def bars_through(knots: list[tuple[int, float]]) -> dict[str, np.ndarray]:
    bars, prices = zip(*knots, strict=True)
    close = np.interp(np.arange(bars[-1] + 1), bars, prices)
    return {"high": close, "low": close, "close": close}


GARTLEY = bars_through([(0, 106.0), (10, 100.0), (20, 110.0), (29, 103.82), (37, 107.0), (46, 102.14), (58, 108.0)])


def the_gartley(found: tuple[Detection, ...]) -> Detection:
    return next(detection for detection in found if detection.name == "gartley")


def test_a_clean_gartley_is_found_at_its_points() -> None:
    gartley = the_gartley(harmonic_patterns(GARTLEY))
    assert gartley.family == "harmonic"
    assert gartley.direction == 1
    assert [point.label for point in gartley.points] == list("XABCD")
    np.testing.assert_allclose([point.bar for point in gartley.points], [10, 20, 29, 37, 46], atol=1)
    np.testing.assert_allclose([point.price for point in gartley.points], [100, 110, 103.82, 107, 102.14], atol=0.15)
    assert 48 <= gartley.known_at <= 54
    assert gartley.confidence > 0.99


def test_target_and_invalidation_follow_from_the_points() -> None:
    gartley = the_gartley(harmonic_patterns(GARTLEY))
    x, a, _, _, d = (point.price for point in gartley.points)
    assert gartley.target == pytest.approx(d + 0.382 * (a - d))
    assert gartley.invalidation == pytest.approx(x)


def test_a_butterfly_is_refuted_at_1_414_of_xa() -> None:
    knots = [(0, 106.0), (10, 100.0), (20, 110.0), (29, 102.14), (37, 107.0), (46, 97.3), (58, 103.0)]
    butterfly = next(item for item in harmonic_patterns(bars_through(knots)) if item.name == "butterfly")
    x, a = butterfly.points[0].price, butterfly.points[1].price
    assert butterfly.invalidation == pytest.approx(a - 1.414 * (a - x))


def test_the_same_upside_down_is_bearish() -> None:
    turned = {name: 200.0 - values for name, values in GARTLEY.items()}
    up, down = the_gartley(harmonic_patterns(GARTLEY)), the_gartley(harmonic_patterns(turned))
    assert down.direction == -1
    assert down.known_at == up.known_at
    assert down.target == pytest.approx(200.0 - up.target)


@pytest.mark.parametrize("name", HARMONIC_NAMES)
def test_each_kind_is_found_where_it_is_drawn_without_noise(name: str) -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_wave(name, length, rng, noise=0.0) for length in (24, 60, 200, 600)]
    assert all(wave.is_among(harmonic_patterns(wave.drawing.bars)) for wave in drawn)


def test_a_wrong_retracement_is_no_gartley() -> None:
    knots = [(0, 106.0), (10, 100.0), (20, 110.0), (29, 107.5), (37, 109.0), (46, 102.14), (58, 108.0)]
    assert not [item for item in harmonic_patterns(bars_through(knots)) if item.name == "gartley"]


def test_every_container_gives_the_same() -> None:
    n = len(GARTLEY["close"])
    open_ns = np.arange(n, dtype=np.int64) * MINUTE_NS
    series = BarSeries("X", MINUTE_NS, open_ns, GARTLEY["close"], **GARTLEY, volume=np.ones(n))
    expected = harmonic_patterns(GARTLEY)
    assert expected
    for bars in (series, pl.DataFrame(GARTLEY), pd.DataFrame(GARTLEY)):
        assert harmonic_patterns(bars) == expected


def test_kinds_may_be_chosen() -> None:
    assert {item.name for item in harmonic_patterns(GARTLEY, kinds=["gartley", "bat"])} == {"gartley"}


def test_constant_and_short_and_empty_prices_show_nothing() -> None:
    for close in (np.full(500, 7.0), np.arange(5.0), np.zeros(0)):
        assert harmonic_patterns({"high": close, "low": close, "close": close}) == ()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: harmonic_patterns(GARTLEY, kinds=["unicorn"]), SettingError),
        (lambda: harmonic_patterns(GARTLEY, least_confidence=1.0), SettingError),
        (lambda: HarmonicStream(least_confidence=0.0), SettingError),
        (lambda: harmonic_patterns({"close": GARTLEY["close"]}), DataError),
        (lambda: harmonic_patterns([1.0, 2.0]), DataError),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(call: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_the_table_says_ratios_and_sources() -> None:
    kinds = {kind.name: kind for kind in HARMONIC_KINDS}
    assert set(kinds) == set(HARMONIC_NAMES)
    assert kinds["gartley"].definition == (
        "AB = 0.618 XA; BC = 0.382 to 0.886 AB; AD = 0.786 XA; CD = 1.13 to 1.618 BC"
    )
    assert kinds["gartley"].target == "0.382 AD back from D"
    assert kinds["gartley"].invalidation == "beyond X"
    assert all(kind.source and kind.target for kind in kinds.values())
    assert all(ratio.tolerance == 0.05 for form in HARMONIC_FORMS for v in form.variants for ratio in v.ratios)


PLAIN = """
import numpy as np
from bot4.quant.patterns.harmonic import harmonic_patterns
from bot4.quant.patterns.elliott import elliott_waves
close = np.load({path!r})
bars = {{"high": close, "low": close, "close": close}}
print(harmonic_patterns(bars, least_confidence=0.1))
print(elliott_waves(bars))
"""


def test_plain_python_gives_what_compiled_code_gives(tmp_path: Any) -> None:
    rng = np.random.default_rng(3)
    parts = [draw_wave(name, 24, rng, noise=0.02).drawing.bars["close"] for name in ("gartley", "impulse")]
    path = tmp_path / "close.npy"
    np.save(path, np.concatenate(parts))
    told = [
        subprocess.run(
            [sys.executable, "-c", PLAIN.format(path=str(path))],
            env=os.environ | {"BOT4_JIT": jit, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for jit in ("0", "1")
    ]
    assert "gartley" in told[0]
    assert "impulse" in told[0]
    assert _rounded(told[0]) == _rounded(told[1])


def _rounded(text: str) -> list[str]:
    words = text.replace(",", " ").replace(")", " ").replace("=", " ").split()
    return [f"{float(word):.9g}" if word[0].isdigit() else word for word in words]
