"""Chart figures drawn cleanly: what is told of each, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bot4.domain.bars import MINUTE_NS, BarSeries
from bot4.domain.errors import DataError, SettingError
from bot4.quant.patterns.chart import CHART_KINDS, ChartStream, chart_patterns
from tests.pattern_drawings import CHART_FIGURES, DOUBLE_TOP, HEAD_AND_SHOULDERS, Drawing, Figure, draw

FIGURES = pytest.mark.parametrize("figure", CHART_FIGURES, ids=lambda figure: f"{figure.name}{figure.direction:+d}")


def clean(figure: Figure, length_bars: int = 120, price_scale: float = 1.0) -> Drawing:
    return draw(figure, length_bars, np.random.default_rng(1), price_scale=price_scale, noise=0.0, freehand=0.0)


def only(figure: Figure, drawing: Drawing, **options):
    found = chart_patterns(drawing.bars, kinds=[figure.name], **options)
    return [one for one in found if one.direction == figure.direction]


@FIGURES
def test_a_clean_figure_is_found_at_its_corners_when_its_boundary_breaks(figure):
    drawing = clean(figure)
    (found,) = only(figure, drawing)
    assert found.confidence > 0.8
    assert drawing.last_bar - 4 <= found.known_at <= drawing.last_bar + 24
    assert found.points[-1].bar == found.known_at
    assert found.points[-1].price == drawing.bars["close"][found.known_at]
    corners = [drawing.first_bar + round(time * 120) for time, _ in figure.knots]
    for point in found.points[:-1]:
        if "wedge" in figure.name and point.label == "start":
            continue  # on the leg that enters the wedge, which is drawn before it
        assert min(abs(point.bar - corner) for corner in corners) <= 5, point
        assert drawing.bars["low"][point.bar] <= point.price <= drawing.bars["high"][point.bar]
    assert [point.bar for point in found.points] == sorted({point.bar for point in found.points})


@FIGURES
def test_the_target_lies_beyond_the_break_and_the_invalidation_behind_it(figure):
    (found,) = only(figure, clean(figure))
    drawn_break = 1.0 + 0.2 * figure.knots[-1][1]
    assert (found.target - drawn_break) * figure.direction > 0.04
    assert (drawn_break - found.invalidation) * figure.direction > 0.01


@pytest.mark.parametrize(
    ("name", "target", "invalidation"),
    [
        ("head_and_shoulders", -1.0, 0.6),
        ("double_top", -1.0, 1.0),
        ("triple_top", -1.0, 1.0),
        ("ascending_triangle", 2.0, 0.536),
        ("rising_wedge", 0.0, 0.976),
        ("bull_flag", 1.89, 0.54),
        ("bull_pennant", 1.85, 0.5),
        ("rectangle", 2.0, 0.0),
        ("cup_and_handle", 2.0, 0.7),
        ("rounding_bottom", 2.0, 0.0),
    ],
)
def test_target_and_invalidation_follow_the_stated_rules(name, target, invalidation):
    figure = next(one for one in CHART_FIGURES if one.name == name)
    (found,) = only(figure, clean(figure, 240))
    assert found.target == pytest.approx(1.0 + 0.2 * target, abs=0.025)
    assert found.invalidation == pytest.approx(1.0 + 0.2 * invalidation, abs=0.01)


@FIGURES
@pytest.mark.parametrize("price_scale", [2.0**-20, 2.0**20])
def test_the_scale_of_prices_changes_nothing_but_prices(figure, price_scale):
    one, scaled = only(figure, clean(figure)), only(figure, clean(figure, price_scale=price_scale))
    assert [(d.name, d.known_at, d.confidence) for d in one] == [(d.name, d.known_at, d.confidence) for d in scaled]
    assert [point.bar for d in one for point in d.points] == [point.bar for d in scaled for point in d.points]
    assert [d.target * price_scale for d in one] == [d.target for d in scaled]


@FIGURES
def test_turned_upside_down_it_is_the_mirror_figure(figure):
    bars = clean(figure).bars
    found = chart_patterns(bars)
    mirrored = chart_patterns({"high": -bars["low"], "low": -bars["high"], "close": -bars["close"]})
    assert [(d.known_at, -d.direction, d.confidence, -d.target) for d in found] == [
        (d.known_at, d.direction, d.confidence, d.target) for d in mirrored
    ]


def test_every_kind_is_described_with_a_label_for_each_point():
    names = {kind.name for kind in CHART_KINDS}
    assert names == {figure.name for figure in CHART_FIGURES}
    assert len(names) == 20
    for kind in CHART_KINDS:
        assert kind.definition
        assert kind.target
        assert kind.invalidation
        assert kind.source
        assert kind.labels[-1] == "break"
    for figure in CHART_FIGURES:
        for found in only(figure, clean(figure)):
            labels = [kind.labels for kind in CHART_KINDS if kind.name == figure.name]
            assert tuple(point.label for point in found.points) in labels


def test_a_detection_is_plain_json():
    (found,) = only(DOUBLE_TOP, clean(DOUBLE_TOP))
    told = json.loads(json.dumps(found.as_dict()))
    assert told["family"] == "chart"
    assert told["points"][0]["label"] == "start"
    assert told["confidence"] == found.confidence


def test_series_mappings_and_frames_give_the_same():
    bars = clean(HEAD_AND_SHOULDERS).bars
    n = len(bars["close"])
    series = BarSeries("X", MINUTE_NS, np.arange(n, dtype=np.int64) * MINUTE_NS, **bars)
    expected = chart_patterns(bars)
    assert expected
    assert (
        chart_patterns(series) == chart_patterns(pl.DataFrame(bars)) == chart_patterns(pd.DataFrame(bars)) == expected
    )


def test_a_bar_that_is_not_finite_ends_every_figure_in_the_making():
    bars = {name: values.copy() for name, values in clean(HEAD_AND_SHOULDERS).bars.items()}
    bars["low"][len(bars["low"]) // 2] = np.nan
    assert not only(HEAD_AND_SHOULDERS, Drawing(bars, 0, 0))
    whole = clean(DOUBLE_TOP).bars
    joined = {name: np.concatenate([[np.nan] * 960, whole[name]]) for name in whole}
    shifted = [found.known_at - 960 for found in chart_patterns(joined)]
    assert shifted == [found.known_at for found in chart_patterns(whole)]


def test_too_few_bars_or_flat_ones_are_no_error_and_no_figure():
    for close in (np.zeros(0), np.ones(1), np.full(500, 7.0)):
        assert chart_patterns({"high": close, "low": close, "close": close}) == ()


def test_a_higher_threshold_reports_no_less_sure_figure():
    bars = draw(HEAD_AND_SHOULDERS, 60, np.random.default_rng(4)).bars
    assert all(found.confidence >= 0.7 for found in chart_patterns(bars, min_confidence=0.7))
    assert len(chart_patterns(bars, min_confidence=0.1)) > len(chart_patterns(bars, min_confidence=0.9))


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"kinds": ["double_tip"]}, "there is no pattern double_tip; choose from"),
        ({"min_confidence": 0.0}, "a confidence of 0 is out of bounds; choose 0.01 to 1"),
        ({"min_confidence": float("nan")}, "a confidence of nan is out of bounds"),
    ],
)
def test_unknown_kinds_and_thresholds_are_refused(options, what):
    bars = clean(DOUBLE_TOP).bars
    for refuse in (lambda: chart_patterns(bars, **options), lambda: ChartStream(**options)):
        with pytest.raises(SettingError) as refused:
            refuse()
        assert what in str(refused.value)


def test_bars_without_a_column_are_refused():
    with pytest.raises(DataError, match="there is no column low"):
        chart_patterns({"high": [1.0], "close": [1.0]})
