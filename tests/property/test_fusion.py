"""Fusion: what must hold whatever the voices say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.kernel import array, f8, i8, kernel, records
from bot4.pipeline.decision.fusion import bound_stretch, is_in_conflict, raw_weight, voice_weight, weight_scale
from bot4.pipeline.state import BRAIN, CONFIG, LEARNED, N_VOICES, ORDER_FLOW, SENTIMENT, SIGNAL, TECHNICAL
from tests.decision_records import NOW_NS, a_brain, a_config, a_signal, run_fusion, run_set_voice

CONFIGURATION = a_config()
SHARED_BRAIN = a_brain()

directions = st.floats(-1.0, 1.0)
confidences = st.floats(0.0, 1.0)
voice = st.tuples(directions, confidences)
others = st.dictionaries(st.sampled_from([LEARNED, ORDER_FLOW, SENTIMENT]), voice)
adapted = st.one_of(st.none(), st.tuples(*[st.floats(0.01, 1.0)] * N_VOICES))


@kernel(i8(records(BRAIN), records(CONFIG), i8, records(SIGNAL), array(f8)))
def run_weights(brain, config, ts_ns, signal, out):
    scale = weight_scale(brain[0], config[0], 0, 0, ts_ns)
    stretch = bound_stretch(brain[0], config[0], 0, 0, ts_ns)
    for v in range(N_VOICES):
        out[v] = voice_weight(brain[0], config[0], 0, 0, v, ts_ns, scale, stretch)
        out[N_VOICES + v] = raw_weight(brain[0], config[0], 0, 0, v, ts_ns)
    return 1 if is_in_conflict(brain[0], config[0], 0, 0, ts_ns, signal[0]) else 0


def brain_hearing(voices, weights=None):
    brain = SHARED_BRAIN
    brain[0]["voices"] = np.zeros_like(brain[0]["voices"])
    brain[0]["strategies"][0]["voice_weight"][:] = weights or (0.0,) * N_VOICES
    for number, (direction, confidence) in voices.items():
        assert run_set_voice(brain, 0, number, direction, confidence, NOW_NS)
    return brain


def fused(technical, voices, weights=None):
    out = np.zeros(2)
    brain = brain_hearing(voices, weights)
    run_fusion(brain, CONFIGURATION, 0, 0, NOW_NS, a_signal(*technical), out)
    return float(out[0]), float(out[1])


def weights_of(technical, voices, weights=None):
    out = np.zeros(2 * N_VOICES)
    conflict = run_weights(brain_hearing(voices, weights), CONFIGURATION, NOW_NS, a_signal(*technical), out)
    return out[:N_VOICES], out[N_VOICES:], bool(conflict)


@given(voice, others, adapted)
@settings(max_examples=300, deadline=None)
def test_the_direction_lies_within_the_range_of_the_voices_that_count(technical, voices, adapted_weights):
    direction, confidence = fused(technical, voices, adapted_weights)
    counting = [technical] + [spoken for number, spoken in voices.items() if adapted_weights or number != ORDER_FLOW]
    if direction != 0.0:
        assert min(d for d, _ in counting) - 1e-12 <= direction <= max(d for d, _ in counting) + 1e-12
    assert 0.0 <= confidence <= max(c for _, c in counting) + 1e-12


@given(voice, others, adapted)
@settings(max_examples=300, deadline=None)
def test_flipping_every_sign_flips_the_result(technical, voices, adapted_weights):
    flipped = {number: (-direction, confidence) for number, (direction, confidence) in voices.items()}
    direction, confidence = fused(technical, voices, adapted_weights)
    mirrored, same = fused((-technical[0], technical[1]), flipped, adapted_weights)
    assert mirrored == -direction
    assert same == confidence


@given(voice, others, st.tuples(directions, confidences), st.integers(1, 10**9))
@settings(max_examples=200, deadline=None)
def test_what_stands_in_an_absent_slot_changes_nothing(technical, voices, stale, age_ns):
    before = fused(technical, voices)
    for number in {LEARNED, ORDER_FLOW, SENTIMENT} - set(voices):
        slot = SHARED_BRAIN[0]["voices"][0, number]
        slot["is_present"], slot["valid_until_ns"] = 1, NOW_NS - age_ns
        slot["direction"], slot["confidence"] = stale
    out = np.zeros(2)
    run_fusion(SHARED_BRAIN, CONFIGURATION, 0, 0, NOW_NS, a_signal(*technical), out)
    assert (out[0], out[1]) == before


@given(voice, others, adapted)
@settings(max_examples=300, deadline=None)
def test_weights_sum_to_one_within_bounds_wherever_bounds_allow(technical, voices, adapted_weights):
    weights, raw, _ = weights_of(technical, voices, adapted_weights)
    decision = CONFIGURATION[0]["decision"]
    speaks = raw > 0.0
    assert abs(weights.sum() - 1.0) < 1e-9
    assert (weights[~speaks] == 0.0).all()
    assert (weights[speaks] >= decision["voice_low"][speaks] - 1e-12).all()
    room = decision["voice_high"][speaks].sum()
    highs = decision["voice_high"] / min(room, 1.0)
    assert (weights <= highs + 1e-9).all()


def test_the_strategys_signal_alone_passes_unchanged():
    assert fused((0.37, 0.61), {}) == (0.37, 0.61)


def test_technical_and_learned_voice_carry_equal_weight_without_sentiment():
    weights, _, _ = weights_of((1.0, 1.0), {LEARNED: (1.0, 1.0)})
    assert weights[TECHNICAL] == weights[LEARNED]
    assert abs(weights[TECHNICAL] - 0.5) < 1e-12


def test_fresh_sentiment_makes_it_forty_forty_twenty():
    weights, _, _ = weights_of((1.0, 1.0), {LEARNED: (1.0, 1.0), SENTIMENT: (1.0, 1.0)})
    np.testing.assert_allclose(weights, [0.4, 0.4, 0.0, 0.2], atol=1e-12)


def test_order_flow_has_no_weight_in_the_direction_before_it_has_earned_one():
    assert fused((0.5, 0.8), {ORDER_FLOW: (-1.0, 1.0)}) == (0.5, 0.8)


def test_a_confidence_weighted_average_decides_where_the_voices_agree():
    direction, confidence = fused((0.8, 0.9), {LEARNED: (0.2, 0.3)})
    assert abs(direction - (0.8 * 0.9 + 0.2 * 0.3) / 1.2) < 1e-12
    assert abs(confidence - 0.6) < 1e-12


def test_dissent_counts_as_no_confidence():
    direction, confidence = fused((0.8, 0.9), {LEARNED: (-0.2, 0.3)})
    assert direction > 0.0
    assert abs(confidence - 0.45) < 1e-12


def test_technical_and_learned_apart_and_about_as_confident_do_not_trade():
    assert fused((0.8, 0.6), {LEARNED: (-0.8, 0.5)})[0] == 0.0
    assert fused((0.8, 0.6), {LEARNED: (-0.8, 0.39)})[0] > 0.0  # more than 1.5 times as confident


def test_the_majority_decides_where_the_average_does_not_point():
    # 0.4 * 0.9 up against 0.4 * 0.3 and 0.2 * 1.0 (stronger words) down: the average is about nought.
    voices = {LEARNED: (-1.0, 0.3), SENTIMENT: (-1.0, 1.0)}
    technical = ((0.4 * 0.3 + 0.2) / (0.4 * 0.9), 0.9)
    direction, _ = fused(technical, voices)
    assert direction < 0.0


@given(voice, voice)
@settings(max_examples=200, deadline=None)
def test_no_conflict_is_seen_between_voices_that_agree(technical, learned):
    _, _, conflict = weights_of(technical, {LEARNED: learned})
    if technical[0] * learned[0] >= 0.0:
        assert not conflict
