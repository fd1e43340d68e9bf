"""Confluence of timeframes: bounds, sums, absence, weights as data, against the formula in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.pipeline.signals.confluence import confluence_of
from bot4.pipeline.signals.settings import TechnicalSettings
from bot4.pipeline.state import FAMILIES, N_FRAMES

UP = dict.fromkeys(FAMILIES, 0.6)
DOWN = dict.fromkeys(FAMILIES, -0.6)
EVER_SPEAKING = TechnicalSettings(min_coverage=0.0)


def of_trend(*strengths):
    """Timeframes on which the trend alone speaks, and alone counts."""
    families = [None if s is None else dict.fromkeys(FAMILIES, 0.0) | {"trend": s} for s in strengths]
    return families, {f"{name}_weight": float(name == "trend") for name in FAMILIES}


strength = st.floats(-1.0, 1.0)
weight = st.floats(0.0, 1.0).filter(lambda x: x == 0.0 or x > 1e-6)
timeframe = st.one_of(st.none(), st.tuples(st.tuples(*[strength] * len(FAMILIES)), st.floats(0.05, 1.0)))


@st.composite
def situations(draw):
    said = draw(st.lists(timeframe, min_size=1, max_size=N_FRAMES))
    weights = draw(st.lists(weight, min_size=len(said), max_size=len(said)).filter(any))
    family = draw(st.lists(weight, min_size=len(FAMILIES), max_size=len(FAMILIES)).filter(any))
    settings = TechnicalSettings(
        timeframe_weights=weights,
        min_coverage=draw(st.sampled_from([0.0, 0.5])),
        **{f"{name}_weight": w for name, w in zip(FAMILIES, family, strict=True)},
    )
    families = [None if one is None else dict(zip(FAMILIES, one[0], strict=True)) for one in said]
    dampers = [1.0 if one is None else one[1] for one in said]
    return families, settings, dampers, weights, family


@given(situations())
def test_the_contributions_sum_to_the_score_and_everything_keeps_within_its_bounds(situation):
    families, settings, dampers, _, _ = situation
    found = confluence_of(families, settings, dampers)
    for one, said in zip(found.timeframes, families, strict=True):
        assert one.is_warm == (said is not None)
    if math.isnan(found.score):
        assert (found.alignment, found.confidence, found.is_confluent) == (0.0, 0.0, False)
        return
    total = 0.0
    for contribution in found.contributions:
        total += contribution
    assert found.score == min(max(total, -1.0), 1.0)
    assert abs(total) <= 1.0 + 1e-12
    assert 0.0 <= found.alignment <= 1.0 + 1e-12
    assert 0.0 <= found.confidence <= found.alignment
    assert settings.min_coverage <= found.coverage <= 1.0
    assert found.is_confluent == (abs(found.score) >= settings.threshold)


@given(situations())
def test_the_score_is_the_weighted_mean_of_the_strengths_of_the_warm_timeframes(situation):
    families, settings, dampers, weights, family = situation
    found = confluence_of(families, settings, dampers)
    warm = [k for k, said in enumerate(families) if said is not None]
    present = sum(weights[k] for k in warm)
    strengths = {
        k: dampers[k] * sum(v * families[k][name] for v, name in zip(family, FAMILIES, strict=True)) / sum(family)
        for k in warm
    }
    assert found.coverage == pytest.approx(present / sum(weights), abs=1e-12)
    if present == 0.0 or found.coverage < settings.min_coverage:
        assert math.isnan(found.score)
        return
    score = sum(weights[k] * strengths[k] for k in warm) / present
    assert found.score == pytest.approx(score, abs=1e-12)
    mass = sum(weights[k] * abs(strengths[k]) for k in warm)
    if mass > 1e-9 and abs(score) > 1e-9:
        on_its_side = sum(weights[k] * abs(strengths[k]) for k in warm if strengths[k] * score > 0.0)
        assert found.alignment == pytest.approx(on_its_side / mass, abs=1e-9)
        assert found.alignment > 0.5 - 1e-9
        assert abs(found.score) * present == pytest.approx((2.0 * found.alignment - 1.0) * mass, abs=1e-9)


@given(situations())
def test_what_is_said_upside_down_gives_the_score_upside_down(situation):
    families, settings, dampers, _, _ = situation
    mirrored = [None if said is None else {name: -s for name, s in said.items()} for said in families]
    found, mirror = confluence_of(families, settings, dampers), confluence_of(mirrored, settings, dampers)
    assert mirror.score == -found.score or (math.isnan(mirror.score) and math.isnan(found.score))
    assert (mirror.alignment, mirror.confidence) == (found.alignment, found.confidence)


@given(situations())
def test_a_timeframe_that_is_not_warm_changes_nothing_but_coverage(situation):
    families, settings, dampers, weights, _ = situation
    open_to_all = settings.model_copy(update={"min_coverage": 0.0})
    warm = [k for k, said in enumerate(families) if said is not None]
    if not any(weights[k] for k in warm):
        assert math.isnan(confluence_of(families, open_to_all, dampers).score)
        return
    alone = open_to_all.model_copy(update={"timeframe_weights": tuple(weights[k] for k in warm)})
    found = confluence_of(families, open_to_all, dampers)
    without = confluence_of([families[k] for k in warm], alone, [dampers[k] for k in warm])
    assert (found.score, found.alignment, found.confidence) == (without.score, without.alignment, without.confidence)


def test_an_absent_timeframe_is_not_a_neutral_one():
    families, weights = of_trend(0.8, None)
    found = confluence_of(families, TechnicalSettings(min_coverage=0.0, **weights))
    families, weights = of_trend(0.8, 0.0)
    neutral = confluence_of(families, TechnicalSettings(min_coverage=0.0, **weights))
    assert (found.score, found.coverage) == (0.8, 0.5)
    assert (neutral.score, neutral.coverage) == (0.4, 1.0)


def test_too_little_that_is_warm_does_not_speak():
    families = [UP, None, None]
    assert math.isnan(confluence_of(families).score)
    assert confluence_of([UP, UP, None]).score == pytest.approx(0.6)
    weighty = TechnicalSettings(timeframe_weights=(1.0, 0.5, 0.5))
    assert confluence_of(families, weighty).score == pytest.approx(0.6)
    assert math.isnan(confluence_of([None, None, None], EVER_SPEAKING).score)


def test_alignment_is_the_share_of_weighted_strength_on_the_side_of_the_score():
    families, weights = of_trend(0.6, 0.6, -0.4)
    found = confluence_of(families, TechnicalSettings(**weights))
    assert found.alignment == pytest.approx(1.2 / 1.6)
    assert found.score == pytest.approx(0.8 / 3)
    assert found.confidence == pytest.approx(0.75 * (0.8 / 3) / 0.5)
    assert confluence_of([UP, UP, UP]).alignment == pytest.approx(1.0)
    assert confluence_of([UP, DOWN]).alignment == 0.0


def test_a_heavier_timeframe_and_a_heavier_family_count_for_more():
    even = confluence_of([UP, DOWN])
    assert even.score == 0.0
    assert confluence_of([UP, DOWN], TechnicalSettings(timeframe_weights=(0.3, 0.1))).score == pytest.approx(0.3)
    mixed = dict.fromkeys(FAMILIES, -0.5) | {"trend": 0.5}
    assert confluence_of([mixed]).score == pytest.approx(-0.3)
    assert confluence_of([mixed], TechnicalSettings(trend_weight=1.0)).score == pytest.approx(0.1 / 1.8)


def test_a_family_is_bounded_by_its_share_whatever_it_says():
    loud = dict.fromkeys(FAMILIES, 0.0) | {"trend": 1.0}
    found = confluence_of([loud] * 3)
    assert found.score == pytest.approx(0.2)
    assert sum(one.contributions["trend"] for one in found.timeframes) == pytest.approx(0.2)


def test_a_damper_lessens_a_timeframe_and_no_other():
    found = confluence_of([UP, UP], dampers=[0.5, 1.0])
    assert [one.strength for one in found.timeframes] == pytest.approx([0.3, 0.6])
    assert found.score == pytest.approx(0.45)


def test_everything_at_its_greatest_is_held_within_one():
    loud = dict.fromkeys(FAMILIES, 1.0)
    for n in range(1, N_FRAMES + 1):
        for seed in range(50):
            weights = np.random.default_rng(seed).uniform(0.01, 1.0, n + len(FAMILIES))
            settings = TechnicalSettings(
                timeframe_weights=weights[:n],
                **{f"{name}_weight": w for name, w in zip(FAMILIES, weights[n:], strict=True)},
            )
            found = confluence_of([loud] * n, settings)
            assert 1.0 - 1e-12 < found.score <= 1.0
            assert 0.0 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    ("given_values", "words"),
    [
        ({"timeframe_weights": (0.0, 0.0)}, "one must count"),
        ({f"{name}_weight": 0.0 for name in FAMILIES}, "one must count"),
        ({"timeframe_weights": (1.5,)}, "less than or equal to 1"),
        ({"timeframe_weights": (1.0,) * (N_FRAMES + 1)}, "at most 6"),
        ({"threshold": 1.1}, "less than or equal to 1"),
        ({"trend_weight": math.nan}, "finite"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(given_values, words):
    with pytest.raises(ValueError, match=words):
        TechnicalSettings(**given_values)
