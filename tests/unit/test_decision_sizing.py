"""Stops, targets, Kelly and the proposal made of them."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.orders import BUY, SELL
from bot4.pipeline.decision.kelly import kelly, shrunk_win_rate
from bot4.pipeline.state import (
    ALREADY_IN,
    APPROVED,
    BAD_NUMBER,
    BAD_STOP,
    BEAR,
    BELOW_MINIMUM,
    BULL,
    CRISIS,
    HOLD,
    LEARNED,
    LEAVE,
    LOW_CONFIDENCE,
    NO_EDGE,
    ORDER_FLOW,
    ORDER_FLOW_VETO,
    PROPOSAL,
    REGIME_VETO,
    SHORT_ON_SPOT,
    SIDEWAYS,
    SUSPENDED,
    WARMING_UP,
)  # fmt: skip
from tests.decision_records import (
    NOW_NS,
    PRICE_TICKS,
    a_brain,
    a_config,
    a_row,
    a_signal,
    bitcoin,
    decide,
    run_leaves,
    run_set_voice,
)  # fmt: skip

COST = 2 * (0.001 + 0.0002)
FLOATS = [name for name in PROPOSAL.names if PROPOSAL[name] == np.dtype("f8")]


def proposal_of(brain=None, config=None, base=None, signal=None):
    refusal, proposal = decide(
        a_brain() if brain is None else brain,
        a_config() if config is None else config,
        a_row() if base is None else base,
        a_signal() if signal is None else signal,
    )
    assert refusal == APPROVED
    return proposal


def refusal_of(brain=None, config=None, base=None, signal=None):
    return decide(
        a_brain() if brain is None else brain,
        a_config() if config is None else config,
        a_row() if base is None else base,
        a_signal() if signal is None else signal,
    )[0]


# --- stop and targets ------------------------------------------------------------------------------------------


def test_the_stop_is_the_tighter_of_atr_stop_and_support():
    assert proposal_of(base=a_row(atr=150.0, low=29_750.0))["stop_ticks"] == 2_975_000  # support, 250 away
    assert proposal_of(base=a_row(atr=80.0, low=29_000.0))["stop_ticks"] == PRICE_TICKS - 21_600  # three round trips
    assert proposal_of(base=a_row(atr=120.0, low=29_000.0))["stop_ticks"] == PRICE_TICKS - 24_000  # two ATR


def test_the_stop_is_never_nearer_than_half_an_atr():
    assert proposal_of(base=a_row(atr=600.0, low=29_950.0))["stop_ticks"] == PRICE_TICKS - 30_000


def test_the_stop_is_never_nearer_than_three_round_trips():
    stop = proposal_of(base=a_row(atr=20.0, low=29_990.0))["stop_ticks"]
    assert stop == PRICE_TICKS - round(3 * COST * PRICE_TICKS)


def test_the_stop_is_never_farther_than_the_emergency_stop():
    assert proposal_of(base=a_row(atr=4_000.0, low=20_000.0))["stop_ticks"] == PRICE_TICKS - 300_000


def test_a_least_distance_beyond_the_emergency_stop_refuses():
    assert refusal_of(base=a_row(atr=7_000.0)) == BAD_STOP


def test_a_price_below_its_support_has_no_support():
    assert proposal_of(base=a_row(atr=150.0, low=30_100.0))["stop_ticks"] == PRICE_TICKS - 30_000


def test_a_short_is_the_mirror_of_a_long():
    long = proposal_of(base=a_row(low=29_750.0))
    short = proposal_of(base=a_row(high=30_250.0), signal=a_signal(-1.0))
    assert (long["side"], short["side"]) == (BUY, SELL)
    assert short["stop_ticks"] - PRICE_TICKS == PRICE_TICKS - long["stop_ticks"]
    assert short["worst_ticks"] - PRICE_TICKS == PRICE_TICKS - long["worst_ticks"]
    np.testing.assert_array_equal(PRICE_TICKS - short["target_ticks"], long["target_ticks"] - PRICE_TICKS)
    for name in ("qty_lots", "kelly", "payoff", "edge", "trail_ticks"):
        assert short[name] == long[name]


def test_targets_stand_at_one_and_a_half_two_and_three_times_the_risk():
    proposal = proposal_of(base=a_row(low=29_750.0))
    np.testing.assert_array_equal(proposal["target_ticks"] - PRICE_TICKS, [37_500, 50_000, 75_000])


def test_a_signal_without_targets_or_trail_gets_none():
    proposal = proposal_of(signal=a_signal(has_targets=0, has_trail=0))
    assert not proposal["target_ticks"].any()
    assert proposal["trail_ticks"] == 0


def test_distances_are_rounded_away_from_the_price():
    config = a_config(bitcoin(tick_size=Decimal("7")))
    brain = a_brain(price_ticks=4_286)  # 30,002
    proposal = proposal_of(brain, config, a_row(atr=150.0, low=29_000.0))
    assert proposal["stop_ticks"] == 4_286 - 43  # 300 / 7 = 42.9
    np.testing.assert_array_equal(proposal["target_ticks"] - 4_286, [65, 86, 129])  # 1.5 * 43 = 64.5


def test_the_strategys_own_stop_is_obeyed_up_to_the_emergency_stop():
    assert proposal_of(signal=a_signal(stop_distance=150.0))["stop_ticks"] == PRICE_TICKS - 15_000
    assert proposal_of(signal=a_signal(stop_distance=9_000.0))["stop_ticks"] == PRICE_TICKS - 300_000
    assert refusal_of(signal=a_signal(stop_distance=-1.0)) == BAD_STOP


def test_a_signal_that_wants_no_stop_is_sized_as_if_it_stood_at_the_emergency_stop():
    without = proposal_of(signal=a_signal(stop_distance=0.0, has_targets=0))
    emergency = proposal_of(signal=a_signal(stop_distance=3_000.0))
    assert without["stop_ticks"] == 0
    assert without["qty_lots"] == emergency["qty_lots"]
    targets_need_one = proposal_of(signal=a_signal(stop_distance=0.0, has_targets=1))
    assert targets_need_one["stop_ticks"] == emergency["stop_ticks"]


def test_a_feature_that_is_not_defined_yet_means_warming_up():
    assert refusal_of(base=a_row(atr=math.nan)) == WARMING_UP
    assert refusal_of(base=a_row(low=math.nan)) == WARMING_UP


def test_without_atr_and_channel_the_emergency_stop_is_left():
    config = a_config()
    for name in ("atr_column", "high_column", "low_column"):
        config[0][name] = -1
    assert proposal_of(config=config)["stop_ticks"] == PRICE_TICKS - 300_000


# --- Kelly -----------------------------------------------------------------------------------------------------


def test_kelly_is_the_textbook_formula():
    assert kelly(0.6, 1.0) == pytest.approx(0.2)
    assert kelly(0.5, 2.0) == pytest.approx(0.25)
    assert kelly(0.2, 2.0) == 0.0
    assert kelly(0.9, -0.1) == 0.0


@given(st.floats(0.01, 0.99), st.floats(0.1, 10.0))
@settings(max_examples=100, deadline=None)
def test_kelly_maximises_expected_log_wealth(p, b):
    def growth(f):
        return p * math.log1p(f * b) + (1 - p) * math.log1p(-f)

    best = kelly(p, b)
    for other in np.linspace(0.0, 0.99, 45):
        assert growth(other) <= growth(min(best, 1 - 1e-9)) + 1e-9


def test_the_win_rate_is_shrunk_towards_one_half():
    assert shrunk_win_rate(0, 0, 30) == 0.5
    assert shrunk_win_rate(10, 10, 30) == pytest.approx(25 / 40)
    assert shrunk_win_rate(0, 0, 0) == 0.5


def test_payoff_and_edge_are_net_of_costs():
    proposal = proposal_of(base=a_row(low=29_750.0))
    cost_r = COST * PRICE_TICKS / 25_000
    gross = 0.33 * 1.5 + 0.33 * 2.0 + 0.34 * 3.0
    assert proposal["payoff"] == pytest.approx((gross - cost_r) / (1 + cost_r))
    assert proposal["edge"] == pytest.approx(0.5 * (gross - cost_r) - 0.5 * (1 + cost_r))


def test_confidence_never_becomes_a_probability():
    sure, unsure = proposal_of(signal=a_signal(confidence=1.0)), proposal_of(signal=a_signal(confidence=0.4))
    assert sure["win_probability"] == unsure["win_probability"] == 0.5
    assert sure["qty_lots"] == unsure["qty_lots"]


def test_the_win_probability_comes_from_closed_trades_or_from_a_calibrated_claim():
    brain = a_brain()
    brain[0]["strategies"][0]["n_trades"], brain[0]["strategies"][0]["n_wins"] = 70, 50
    assert proposal_of(brain)["win_probability"] == pytest.approx(0.65)
    assert proposal_of(brain, signal=a_signal(win_probability=0.55))["win_probability"] == 0.55
    assert refusal_of(brain, signal=a_signal(win_probability=1.2)) == BAD_NUMBER


@pytest.mark.parametrize(("regime", "fraction"), [(BULL, 0.30), (SIDEWAYS, 0.20), (BEAR, 0.15), (CRISIS, 0.05)])
def test_the_stake_is_the_regimes_fraction_of_kelly(regime, fraction):
    proposal = proposal_of(a_brain(regime=regime))
    assert proposal["kelly"] == pytest.approx(fraction * kelly(0.5, float(proposal["payoff"])))
    assert proposal["regime"] == regime


def test_the_stake_is_capped_by_regime():
    config = a_config(kelly_cap_sideways=0.01)
    assert proposal_of(config=config)["kelly"] == 0.01


def test_kelly_is_the_fraction_of_equity_lost_at_the_stop():
    proposal = proposal_of()
    lot = 0.00001
    loss = proposal["qty_lots"] * lot * (PRICE_TICKS - proposal["stop_ticks"]) * 0.01
    assert loss <= proposal["kelly"] * 10_000.0
    assert loss > proposal["kelly"] * 10_000.0 - 0.01 * (PRICE_TICKS - proposal["stop_ticks"]) * lot


def test_a_losing_strategy_has_no_edge():
    brain = a_brain()
    brain[0]["strategies"][0]["n_trades"], brain[0]["strategies"][0]["n_wins"] = 200, 40
    assert refusal_of(brain) == NO_EDGE


def test_a_fixed_quantity_is_taken_as_it_is_whatever_the_edge():
    brain = a_brain()
    brain[0]["strategies"][0]["n_trades"], brain[0]["strategies"][0]["n_wins"] = 200, 0
    assert proposal_of(brain, signal=a_signal(fixed_lots=1_000))["qty_lots"] == 1_000


# --- refusals --------------------------------------------------------------------------------------------------


def test_a_strategy_that_is_in_or_moving_is_not_let_in_again():
    for name, value in (("lots", 5), ("is_entering", 1), ("is_exiting", 1)):
        brain = a_brain()
        brain[0]["sleeves"][0, 0][name] = value
        assert refusal_of(brain) == ALREADY_IN


def test_spot_is_not_sold_short():
    assert refusal_of(config=a_config(bitcoin(is_perpetual=False)), signal=a_signal(-1.0)) == SHORT_ON_SPOT


@pytest.mark.parametrize(
    ("regime", "direction", "expected"),
    [
        (BULL, 1.0, APPROVED), (BULL, -1.0, REGIME_VETO), (BEAR, 1.0, REGIME_VETO), (BEAR, -1.0, APPROVED),
        (SIDEWAYS, 1.0, APPROVED), (SIDEWAYS, -1.0, APPROVED), (CRISIS, 1.0, REGIME_VETO), (CRISIS, -1.0, APPROVED),
    ],
)  # fmt: skip
def test_the_regime_vetoes_only_strategies_that_let_it(regime, direction, expected):
    config = a_config()
    assert refusal_of(a_brain(regime=regime), config, signal=a_signal(direction)) == APPROVED
    config[0]["strategies"][0]["uses_regime"] = 1
    assert refusal_of(a_brain(regime=regime), config, signal=a_signal(direction)) == expected


def test_a_suspended_strategy_is_refused():
    brain = a_brain()
    brain[0]["strategies"][0]["is_suspended"] = 1
    assert refusal_of(brain) == SUSPENDED


def test_too_little_confidence_is_refused():
    assert refusal_of(signal=a_signal(confidence=0.2)) == LOW_CONFIDENCE


def test_an_account_too_small_for_one_lot_is_below_the_minimum():
    assert refusal_of(a_brain(equity=0.0)) == BELOW_MINIMUM
    assert refusal_of(a_brain(equity=-5.0)) == BELOW_MINIMUM


def test_another_voice_can_turn_an_entry_round_and_order_flow_can_veto_it():
    config, brain = a_config(), a_brain()
    config[0]["strategies"][0]["uses_voices"] = 1
    run_set_voice(brain, 0, LEARNED, -1.0, 1.0, NOW_NS)
    assert proposal_of(brain, config, signal=a_signal(0.4, 0.5))["side"] == SELL
    brain = a_brain()
    run_set_voice(brain, 0, ORDER_FLOW, -0.2, 0.9, NOW_NS)
    assert refusal_of(brain, config, signal=a_signal(0.9, 0.6)) == ORDER_FLOW_VETO
    assert refusal_of(brain, config, signal=a_signal(0.9, 0.7)) == APPROVED


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -0.0, 1e-300, 1e300, 30_000.0, -1.0])
)


@given(
    st.lists(numbers, min_size=3, max_size=3), numbers, numbers, numbers, numbers, numbers,
    st.integers(-(2**62), 2**62), st.integers(-5, 2**62),
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_no_input_puts_a_nan_into_a_proposal(row, direction, confidence, probability, stop, equity, price, fixed):
    signal = a_signal(direction, confidence, win_probability=probability, stop_distance=stop, fixed_lots=fixed)
    brain = a_brain(equity=equity, price_ticks=price)
    refusal, proposal = decide(brain, a_config(), np.array(row), signal)
    for name in FLOATS:
        assert math.isfinite(proposal[name]), name
    if refusal == APPROVED:
        side = int(proposal["side"])
        assert side in (BUY, SELL)
        assert proposal["qty_lots"] > 0
        assert proposal["worst_ticks"] >= 1
        if proposal["stop_ticks"]:
            assert (proposal["reference_ticks"] - proposal["stop_ticks"]) * side > 0
        assert (proposal["target_ticks"] >= 0).all()


# --- leaving ---------------------------------------------------------------------------------------------------


def leaves(brain, signal, config=None):
    return bool(run_leaves(brain, a_config() if config is None else config, 0, 0, signal))


def holding(lots=10, is_entering=0):
    brain = a_brain()
    brain[0]["sleeves"][0, 0]["lots"] = lots
    brain[0]["sleeves"][0, 0]["is_entering"] = is_entering
    return brain


def test_a_position_is_left_when_its_strategy_says_so_or_turns_round():
    assert leaves(holding(), a_signal(action=LEAVE))
    assert leaves(holding(0, is_entering=1), a_signal(action=LEAVE))
    assert leaves(holding(), a_signal(-1.0))
    assert leaves(holding(-10), a_signal(1.0))
    assert not leaves(holding(), a_signal(1.0))
    assert not leaves(holding(), a_signal(-1.0, action=HOLD))
    assert not leaves(holding(0), a_signal(action=LEAVE))


def test_the_fused_voice_can_end_a_position_but_never_hold_one():
    config = a_config()
    config[0]["strategies"][0]["uses_voices"] = 1
    brain = holding()
    assert not leaves(brain, a_signal(-0.1, 0.2, action=HOLD), config)
    run_set_voice(brain, 0, LEARNED, -0.9, 0.9, NOW_NS)
    assert leaves(brain, a_signal(0.1, 0.1, action=HOLD), config)
    run_set_voice(brain, 0, LEARNED, 0.9, 0.9, NOW_NS)
    assert leaves(brain, a_signal(-0.9, 0.9, action=LEAVE), config)
