"""Elliott counts: what one says, how others of the same stretch are ranked, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.quant.patterns.elliott import ELLIOTT_KINDS, ElliottStream, elliott_waves
from tests.wave_drawings import ELLIOTT_NAMES, draw_wave


def bars_through(knots: list[tuple[int, float]]) -> dict[str, np.ndarray]:
    bars, prices = zip(*knots, strict=True)
    close = np.interp(np.arange(bars[-1] + 1), bars, prices)
    return {"high": close, "low": close, "close": close}


RISE = [(0, 104.0), (8, 100.0), (16, 110.0), (24, 104.5), (32, 120.68), (40, 114.5), (48, 124.5), (58, 116.0)]


def test_five_waves_up_are_counted_and_a_fall_is_expected() -> None:
    (count,) = [item.best for item in elliott_waves(bars_through(RISE)) if item.best.name == "impulse"]
    assert count.direction == -1
    assert [point.label for point in count.points] == list("012345")
    np.testing.assert_allclose([point.bar for point in count.points], [8, 16, 24, 32, 40, 48], atol=1)
    zero, four, five = (count.points[k].price for k in (0, 4, 5))
    assert count.target == pytest.approx(five - 0.382 * (five - zero))
    assert count.invalidation == pytest.approx(five + 0.236 * (five - four))


def test_a_fourth_wave_in_the_territory_of_the_first_is_no_impulse() -> None:
    knots = [*RISE[:5], (40, 108.0), (48, 124.5), (58, 116.0)]
    assert not [item for item in elliott_waves(bars_through(knots)) if item.best.name == "impulse"]


def test_a_shortest_third_wave_is_no_impulse() -> None:
    knots = [(0, 104.0), (8, 100.0), (16, 112.0), (24, 106.0), (32, 115.0), (40, 112.6), (48, 124.6), (58, 116.0)]
    assert not [item for item in elliott_waves(bars_through(knots)) if item.best.name == "impulse"]


def test_a_second_wave_below_the_start_of_the_first_is_no_impulse() -> None:
    knots = [*RISE[:3], (24, 99.0), (32, 120.68), (40, 114.5), (48, 124.5), (58, 116.0)]
    assert not [item for item in elliott_waves(bars_through(knots)) if item.best.name == "impulse"]


def test_a_zigzag_after_a_rise_expects_the_rise_to_go_on() -> None:
    knots = [(0, 104.0), (8, 100.0), (18, 120.0), (26, 113.0), (34, 116.5), (42, 109.5), (54, 121.0)]
    (count,) = [item.best for item in elliott_waves(bars_through(knots)) if item.best.name == "zigzag"]
    assert count.direction == 1
    assert count.target == pytest.approx(count.points[1].price)
    assert count.invalidation == pytest.approx(count.points[0].price)


@pytest.mark.parametrize("name", ELLIOTT_NAMES)
def test_each_kind_is_found_where_it_is_drawn_without_noise(name: str) -> None:
    rng = np.random.default_rng(2)
    drawn = [draw_wave(name, length, rng, noise=0.0) for length in (24, 60, 200, 600)]
    for wave in drawn:
        assert wave.is_among([count.best for count in elliott_waves(wave.drawing.bars)])


def test_other_counts_of_a_stretch_are_ranked_by_confidence() -> None:
    rng = np.random.default_rng(4)
    counts = [
        count
        for name in ELLIOTT_NAMES
        for length in (60, 150, 400)
        for count in elliott_waves(draw_wave(name, length, rng, noise=0.03).drawing.bars)
    ]
    with_others = [count for count in counts if count.others]
    assert with_others
    for count in with_others:
        ranked = [count.best, *count.others]
        assert [item.confidence for item in ranked] == sorted((item.confidence for item in ranked), reverse=True)
        assert {(item.known_at, item.direction) for item in ranked} == {(count.best.known_at, count.best.direction)}
        assert len({(item.name, item.points) for item in ranked}) == len(ranked)


def test_other_counts_may_be_left_out_and_change_nothing_else() -> None:
    bars = draw_wave("impulse", 100, np.random.default_rng(6)).drawing.bars
    alone = elliott_waves(bars, least_other_confidence=None)
    assert [count.best for count in alone] == [count.best for count in elliott_waves(bars)]
    assert all(count.others == () for count in alone)


def test_a_count_is_plain_values_for_json() -> None:
    (count, *_) = elliott_waves(bars_through(RISE))
    assert json.loads(json.dumps(count.as_dict()))["best"]["name"] == "impulse"


def test_the_table_says_rules_and_sources() -> None:
    kinds = {kind.name: kind for kind in ELLIOTT_KINDS}
    assert set(kinds) == set(ELLIOTT_NAMES)
    assert "wave 3 not the shortest" in kinds["impulse"].definition
    assert "12 = 0.5 or 0.618 01" in kinds["impulse"].definition
    assert all("Frost" in kind.source for kind in kinds.values())


@pytest.mark.parametrize("confidence", [0.0, 1.0, -1.0, float("nan")])
def test_a_confidence_out_of_bounds_is_refused(confidence: float) -> None:
    with pytest.raises(SettingError, match="confidence"):
        ElliottStream(least_confidence=confidence)
