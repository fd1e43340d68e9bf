"""Square-root impact: its size, its decay against the formula, and that steps do not matter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.simulator.book.impact import (
    ImpactDecay,
    ImpactSettings,
    add_impact,
    average_fraction,
    felt_lots,
    impact_fraction,
    moved_ticks,
    open_impact,
)

S = 1_000_000_000
PLAIN = ImpactSettings(coefficient=0.8, daily_volatility=0.04, daily_volume_lots=1e6, tau_s=100.0)


@given(st.integers(1, 10**9))
def test_a_block_moves_the_price_by_the_square_root_law(lots: int) -> None:
    impact = open_impact(PLAIN)[0]
    add_impact(impact, 0, lots)
    assert impact_fraction(impact, 0) == pytest.approx(0.8 * 0.04 * math.sqrt(lots / 1e6), rel=1e-12)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=10))
def test_pieces_at_one_moment_have_the_impact_of_their_sum(pieces: list[int]) -> None:
    impact, whole = open_impact(PLAIN)[0], open_impact(PLAIN)[0]
    for lots in pieces:
        add_impact(impact, 5, lots)
    add_impact(whole, 5, sum(pieces))
    assert impact_fraction(impact, 9) == pytest.approx(impact_fraction(whole, 9), abs=1e-12)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 7.0, 100.0, 1000.0])
def test_an_exponential_impact_decays_exponentially(seconds: float) -> None:
    impact = open_impact(PLAIN)[0]
    add_impact(impact, 0, -5000)
    at_once = impact_fraction(impact, 0)
    assert at_once < 0
    assert impact_fraction(impact, int(seconds * S)) == pytest.approx(at_once * math.exp(-seconds / 100.0), rel=1e-9)


@pytest.mark.parametrize("beta", [0.1, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("ratio", [0.0, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e5, 1e6])
def test_a_power_impact_decays_as_the_power(beta: float, ratio: float) -> None:
    settings = ImpactSettings(coefficient=1.0, decay=ImpactDecay.POWER, beta=beta, tau_s=10.0)
    impact = open_impact(settings)[0]
    add_impact(impact, 0, 777)
    expected = impact_fraction(impact, 0) * (1.0 + ratio) ** -beta
    error = abs(impact_fraction(impact, int(ratio * 10.0 * S)) - expected) / impact_fraction(impact, 0)
    assert error < 2e-4


@pytest.mark.parametrize("decay", list(ImpactDecay))
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=8), st.integers(1, 10**6))
def test_looking_on_the_way_changes_nothing(decay: ImpactDecay, gaps: list[int], lots: int) -> None:
    settings = ImpactSettings(coefficient=1.0, decay=decay, tau_s=50.0)
    stepped, leap = open_impact(settings)[0], open_impact(settings)[0]
    add_impact(stepped, 0, lots)
    add_impact(leap, 0, lots)
    now = 0
    for gap in gaps:
        now += gap
        add_impact(stepped, now, 0)
    assert felt_lots(stepped, now) == pytest.approx(felt_lots(leap, now), rel=1e-9, abs=1e-12)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6).filter(bool))
def test_the_average_impact_is_the_mean_over_the_lots(before: int, lots: int) -> None:
    impact = open_impact(PLAIN)[0]
    add_impact(impact, 0, before)
    n = 2000
    total = 0.0
    for step in range(n):  # by the midpoint rule
        felt = before + lots * (step + 0.5) / n
        total += math.copysign(math.sqrt(abs(felt) / 1e6), felt)
    scale = math.sqrt(max(abs(before), abs(before + lots)) / 1e6)
    assert average_fraction(impact, 0, lots) == pytest.approx(0.8 * 0.04 * total / n, abs=1e-4 * scale)


def test_without_lots_the_average_is_the_impact_itself() -> None:
    impact = open_impact(PLAIN)[0]
    add_impact(impact, 0, 400)
    assert average_fraction(impact, 0, 0) == impact_fraction(impact, 0)


def test_a_moved_price_is_a_whole_number_of_ticks() -> None:
    impact = open_impact(PLAIN)[0]
    add_impact(impact, 0, 10_000)  # 0.8 * 0.04 * 0.1 = 0.32%
    assert moved_ticks(impact, 0, 100_000) == 320
    add_impact(impact, 0, -20_000)
    assert moved_ticks(impact, 0, 100_000) == -320


def test_without_a_coefficient_nothing_moves() -> None:
    impact = open_impact(ImpactSettings())[0]
    add_impact(impact, 0, 10**9)
    assert moved_ticks(impact, 0, 10**9) == 0


def test_a_time_before_the_state_is_taken_as_the_states() -> None:
    impact = open_impact(PLAIN, ts_ns=100 * S)[0]
    add_impact(impact, 100 * S, 500)
    assert felt_lots(impact, 50 * S) == 500.0
    add_impact(impact, 50 * S, 500)
    assert felt_lots(impact, 100 * S) == 1000.0


@pytest.mark.parametrize(
    "bad",
    [
        {"coefficient": -0.1}, {"coefficient": 11.0}, {"daily_volatility": math.nan}, {"daily_volume_lots": 0.5},
        {"tau_s": 0.0}, {"beta": 0.05}, {"decay": 7},
    ],
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(bad: dict) -> None:
    with pytest.raises(SettingError):
        ImpactSettings(**bad)
