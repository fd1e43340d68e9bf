"""The technical voice: thirty-one indicators in four families, on three timeframes.

Each indicator votes in -1 (down) to 1 (up); a family's score is the mean of its votes; a frame's strength is the
weighted mean of its families; the score is the weighted mean of the frames (confluence). The table of votes is in
``docs/decision.md``. :func:`frame_votes`, :func:`frame_scores` and :func:`confidence_of` are the only place where
any of this is worked out: :func:`contributions` lists what they write.

A frame's votes change only when a bar of it completes, at the instant at which the latest price *is* its close;
so they are worked out then and its scores kept in ``memory`` until the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.pipeline.state import ENTER, LEAVE, N_FRAMES, N_STRATEGY_MEMORY
from bot4.pipeline.strategies.info import IndicatorRequest, StrategyInfo, StrategyParam
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

INDICATORS: tuple[IndicatorRequest, ...] = (
    ("sma", {"period": 20}),
    ("ema", {"period": 12}),
    ("ema", {"period": 26}),
    ("ema", {"period": 50}),
    ("wma", {"period": 20}),
    ("kama", {"period": 10}),
    ("hma", {"period": 16}),
    ("macd", {}),
    ("adx", {"period": 14}),
    ("aroon", {"period": 25}),
    ("parabolic_sar", {}),
    ("supertrend", {"period": 10, "multiplier": 3.0}),
    ("ichimoku", {}),
    ("linear_regression_slope", {"period": 20}),
    ("rsi", {"period": 14}),
    ("stochastic", {}),
    ("cci", {"period": 20}),
    ("williams_r", {"period": 14}),
    ("roc", {"period": 10}),
    ("trix", {"period": 15}),
    ("ultimate_oscillator", {}),
    ("atr", {"period": 14}),
    ("bollinger", {"period": 20}),
    ("keltner", {"period": 20}),
    ("donchian", {"period": 20}),
    ("standard_deviation", {"period": 20}),
    ("z_score", {"period": 50}),
    ("obv", {}),
    ("vwap", {}),
    ("cmf", {"period": 20}),
    ("mfi", {"period": 14}),
)

# Where the outputs that vote stand among the columns, in the order of INDICATORS.
_SMA, _EMA_12, _EMA_26, _EMA_50, _WMA, _KAMA, _HMA = 0, 1, 2, 3, 4, 5, 6
_MACD_HISTOGRAM = 9
_ADX, _PLUS_DI, _MINUS_DI = 10, 11, 12
_AROON = 15
_SAR_DIRECTION = 17
_SUPERTREND_DIRECTION = 19
_TENKAN, _KIJUN, _SENKOU_A, _SENKOU_B = 20, 21, 22, 23
_SLOPE = 24
_RSI, _STOCHASTIC_K, _STOCHASTIC_D, _CCI, _WILLIAMS, _ROC, _TRIX, _ULTIMATE = 25, 26, 27, 28, 29, 30, 31, 32
_ATR = 33
_PERCENT_B = 37
_KELTNER_UPPER, _KELTNER_MIDDLE = 39, 40
_DONCHIAN_UPPER, _DONCHIAN_MIDDLE = 42, 43
_DEVIATION, _Z_SCORE = 45, 46
_OBV, _VWAP, _CMF, _MFI = 47, 48, 49, 50

VOTES = (
    ("trend", "sma"), ("trend", "ema_12_26"), ("trend", "ema_50"), ("trend", "wma"), ("trend", "kama"),
    ("trend", "hma"), ("trend", "macd"), ("trend", "adx"), ("trend", "aroon"), ("trend", "parabolic_sar"),
    ("trend", "supertrend"), ("trend", "ichimoku"), ("trend", "linear_regression_slope"),
    ("momentum", "rsi"), ("momentum", "stochastic"), ("momentum", "cci"), ("momentum", "williams_r"),
    ("momentum", "roc"), ("momentum", "trix"), ("momentum", "ultimate_oscillator"),
    ("volatility", "bollinger"), ("volatility", "keltner"), ("volatility", "donchian"), ("volatility", "z_score"),
    ("volume", "obv"), ("volume", "vwap"), ("volume", "cmf"), ("volume", "mfi"),
)  # fmt: skip
FAMILIES = ("trend", "momentum", "volatility", "volume")
N_VOTES = 28
N_FAMILIES = 4

# Memory: per frame, what is kept of its latest bar; then the votes last worked out.
_N_KEPT = 8
_COMPLETED, _OBV_MEAN, _OBV_SPREAD, _SCORES = 0, 1, 2, 3
_STRENGTH = _SCORES + N_FAMILIES
_VOTES_AT = N_FRAMES * _N_KEPT

_ENTER_SCORE, _ENTER_CONFIDENCE, _LEAVE_SCORE, _STRONG_SCORE = 0, 1, 2, 3
_FRAME_WEIGHT, _FAMILY_WEIGHT, _OBV_SPAN = 4, 7, 11

assert len(VOTES) == N_VOTES
assert _VOTES_AT + N_VOTES <= N_STRATEGY_MEMORY


@kernel(f8(f8))
def clipped(x: float) -> float:
    """``x`` held within -1 to 1. NaN stays NaN, so that a frame that is not warm has no strength."""
    if x > 1.0:
        return 1.0
    return -1.0 if x < -1.0 else x


@kernel(f8(f8, f8))
def ratio(x: float, y: float) -> float:
    """``x / y``; 0 where ``y`` is zero or less, which is a market that did not move."""
    return 0.0 if y <= 0.0 else x / y


@kernel(void(f8, f8, f8, array(f8), array(i8), array(f8), i8))
def frame_votes(
    close: float,
    obv_mean: float,
    obv_spread: float,
    features: FloatArray,
    columns: npt.NDArray[np.int64],
    votes: FloatArray,
    at: int,
) -> None:
    """Write the votes of one frame.

    Args:
        close: the frame's close, quote currency.
        obv_mean, obv_spread: slow averages of the on-balance volume and of its distance from its average.
        features: float64[n_columns], the frame's row.
        columns: int64[>= 51], where the outputs of :data:`INDICATORS` stand in it.
        votes: float64[>= at + 28]; ``votes[at : at + 28]`` is overwritten in the order of :data:`VOTES`.
        at: where to write.
    """
    atr = features[columns[_ATR]]
    per_atr = ratio(1.0, atr)
    sma = features[columns[_SMA]]
    plus = features[columns[_PLUS_DI]]
    minus = features[columns[_MINUS_DI]]
    votes[at] = clipped(0.5 * (close - sma) * per_atr)
    votes[at + 1] = clipped((features[columns[_EMA_12]] - features[columns[_EMA_26]]) * per_atr)
    votes[at + 2] = clipped((close - features[columns[_EMA_50]]) * per_atr * (1.0 / 3.0))
    votes[at + 3] = clipped(0.5 * (close - features[columns[_WMA]]) * per_atr)
    votes[at + 4] = clipped(0.5 * (close - features[columns[_KAMA]]) * per_atr)
    votes[at + 5] = clipped((close - features[columns[_HMA]]) * per_atr)
    votes[at + 6] = clipped(4.0 * features[columns[_MACD_HISTOGRAM]] * per_atr)
    votes[at + 7] = ratio(plus - minus, plus + minus) * clipped(features[columns[_ADX]] * 0.04)
    votes[at + 8] = features[columns[_AROON]] * 0.01
    votes[at + 9] = features[columns[_SAR_DIRECTION]]
    votes[at + 10] = features[columns[_SUPERTREND_DIRECTION]]
    cloud_a = features[columns[_SENKOU_A]]
    cloud_b = features[columns[_SENKOU_B]]
    lines = clipped((features[columns[_TENKAN]] - features[columns[_KIJUN]]) * per_atr)
    cloud = ratio(close - 0.5 * (cloud_a + cloud_b), 0.5 * abs(cloud_a - cloud_b) + 0.5 * atr)
    votes[at + 11] = 0.5 * lines + 0.5 * clipped(cloud)
    votes[at + 12] = clipped(20.0 / 3.0 * features[columns[_SLOPE]] * per_atr)

    stochastic = features[columns[_STOCHASTIC_K]]
    crossing = clipped((stochastic - features[columns[_STOCHASTIC_D]]) * 0.1)
    votes[at + 13] = clipped((features[columns[_RSI]] - 50.0) * 0.04)
    votes[at + 14] = 0.5 * clipped((stochastic - 50.0) * 0.025) + 0.5 * crossing
    votes[at + 15] = clipped(features[columns[_CCI]] * (1.0 / 150.0))
    votes[at + 16] = clipped((features[columns[_WILLIAMS]] + 50.0) * 0.025)
    votes[at + 17] = clipped(0.005 * features[columns[_ROC]] * close * per_atr)
    votes[at + 18] = clipped(0.1 * features[columns[_TRIX]] * close * per_atr)
    votes[at + 19] = clipped((features[columns[_ULTIMATE]] - 50.0) * 0.05)

    expansion = clipped(features[columns[_DEVIATION]] * per_atr)
    keltner = features[columns[_KELTNER_MIDDLE]]
    donchian = features[columns[_DONCHIAN_MIDDLE]]
    votes[at + 20] = expansion * clipped(2.0 * features[columns[_PERCENT_B]] - 1.0)
    votes[at + 21] = expansion * clipped(ratio(close - keltner, features[columns[_KELTNER_UPPER]] - keltner))
    votes[at + 22] = expansion * clipped(ratio(close - donchian, features[columns[_DONCHIAN_UPPER]] - donchian))
    votes[at + 23] = expansion * clipped(0.5 * features[columns[_Z_SCORE]])

    votes[at + 24] = clipped(0.5 * ratio(features[columns[_OBV]] - obv_mean, obv_spread))
    votes[at + 25] = clipped(0.5 * (close - features[columns[_VWAP]]) * per_atr)
    votes[at + 26] = clipped(4.0 * features[columns[_CMF]])
    votes[at + 27] = clipped((features[columns[_MFI]] - 50.0) * 0.04)


@kernel(f8(array(f8), i8, i8, i8))
def _mean(values: FloatArray, at: int, first: int, last: int) -> float:
    total = 0.0
    for k in range(first, last):
        total += values[at + k]
    return total / (last - first)


@kernel(void(array(f8), i8, array(f8), array(f8), i8))
def frame_scores(votes: FloatArray, votes_at: int, params: FloatArray, scores: FloatArray, at: int) -> None:
    """Write the four family scores and, behind them, the frame's strength, all -1 to 1, to ``scores[at : at + 5]``.

    A family's score is the mean of its votes, the strength the weighted mean of the scores.
    """
    scores[at] = _mean(votes, votes_at, 0, 13)
    scores[at + 1] = _mean(votes, votes_at, 13, 20)
    scores[at + 2] = _mean(votes, votes_at, 20, 24)
    scores[at + 3] = _mean(votes, votes_at, 24, 28)
    total = 0.0
    weights = 0.0
    for f in range(N_FAMILIES):
        total += params[_FAMILY_WEIGHT + f] * scores[at + f]
        weights += params[_FAMILY_WEIGHT + f]
    scores[at + N_FAMILIES] = ratio(total, weights)


@kernel(void(f8, f8, f8, array(f8), array(i8), array(f8), array(f8), i8))
def update_frame(
    completed: float,
    close: float,
    obv_gain: float,
    features: FloatArray,
    columns: npt.NDArray[np.int64],
    params: FloatArray,
    memory: FloatArray,
    frame: int,
) -> None:
    """Work out a frame's votes and scores anew where a bar of it has completed since the last call."""
    at = frame * _N_KEPT
    if completed == memory[at + _COMPLETED]:
        return
    obv = features[columns[_OBV]]
    if memory[at + _COMPLETED] == 0.0 or math.isnan(memory[at + _OBV_MEAN]):
        memory[at + _OBV_MEAN] = obv
    distance = obv - memory[at + _OBV_MEAN]
    if not math.isnan(distance):
        memory[at + _OBV_MEAN] += obv_gain * distance
        memory[at + _OBV_SPREAD] += obv_gain * (abs(distance) - memory[at + _OBV_SPREAD])
    memory[at + _COMPLETED] = completed
    frame_votes(close, memory[at + _OBV_MEAN], memory[at + _OBV_SPREAD], features, columns, memory, _VOTES_AT)
    frame_scores(memory, _VOTES_AT, params, memory, at + _SCORES)


@kernel(f8(array(f8), array(f8), i8))
def score_of(memory: FloatArray, params: FloatArray, n_frames: int) -> float:
    """Confluence: the frames' strengths weighted and summed over the sum of weights, -1 to 1; NaN until warm."""
    total = 0.0
    weights = 0.0
    for k in range(n_frames):
        if memory[k * _N_KEPT + _COMPLETED] == 0.0:
            return math.nan
        total += params[_FRAME_WEIGHT + k] * memory[k * _N_KEPT + _STRENGTH]
        weights += params[_FRAME_WEIGHT + k]
    return float(ratio(total, weights))


@kernel(f8(array(f8), array(f8), i8, f8))
def confidence_of(memory: FloatArray, params: FloatArray, n_frames: int, score: float) -> float:
    """``agreement * alignment * min(|score| / strong_score, 1)``, 0 to 1. It is not a probability.

    Agreement is the share of family weight, over all frames, on the side of the score; alignment the share of
    frame weight whose strength is on it.
    """
    agreeing = 0.0
    aligned = 0.0
    frame_total = 0.0
    family_total = 0.0
    for k in range(n_frames):
        frame_weight = params[_FRAME_WEIGHT + k]
        frame_total += frame_weight
        at = k * _N_KEPT
        aligned += frame_weight if memory[at + _STRENGTH] * score > 0.0 else 0.0
        for f in range(N_FAMILIES):
            weight = frame_weight * params[_FAMILY_WEIGHT + f]
            family_total += weight
            agreeing += weight if memory[at + _SCORES + f] * score > 0.0 else 0.0
    strength = clipped(ratio(abs(score), params[_STRONG_SCORE]))
    return float(ratio(agreeing, family_total) * ratio(aligned, frame_total) * strength)


@STRATEGY_FAMILY.kernel
def hybrid(
    view: Any,
    base: FloatArray,
    middle: FloatArray,
    slow: FloatArray,
    columns: Any,
    params: FloatArray,
    memory: FloatArray,
    signal: Any,
) -> int:
    """Enter with the score where score and confidence pass, leave where the score turns against the position.

    Direction and confidence are given on every bar once warm, whatever the action: they are the technical voice.
    Memory: see the module's constants.
    """
    n_frames = view["n_frames"]
    close = view["close"]
    completed = view["completed"]
    gain = 2.0 / (params[_OBV_SPAN] + 1.0)
    update_frame(float(completed[0]), close, gain, base, columns, params, memory, 0)
    update_frame(float(completed[1]) if n_frames > 1 else 0.0, close, gain, middle, columns, params, memory, 1)
    update_frame(float(completed[2]) if n_frames > 2 else 0.0, close, gain, slow, columns, params, memory, 2)
    score = score_of(memory, params, n_frames)
    if math.isnan(score):
        return 0
    confidence = confidence_of(memory, params, n_frames, score)
    signal["direction"] = score
    signal["confidence"] = confidence
    lots = view["position_lots"]
    if lots != 0:
        side = 1.0 if lots > 0 else -1.0
        if score * side < -params[_LEAVE_SCORE]:
            signal["action"] = LEAVE
        return 0
    if abs(score) >= params[_ENTER_SCORE] and confidence >= params[_ENTER_CONFIDENCE] and view["is_entering"] == 0:
        signal["action"] = ENTER
        signal["has_targets"] = 1
        signal["has_trail"] = 1
    return 0


@dataclass(frozen=True, slots=True)
class FrameContribution:
    """What one frame said: its votes by indicator, its family scores and its strength, all -1 to 1."""

    votes: dict[str, float]
    scores: dict[str, float]
    strength: float


def contributions(
    close: float,
    features: FloatArray,
    columns: npt.NDArray[np.int64],
    params: FloatArray,
    memory: FloatArray,
    frame: int,
) -> FrameContribution:
    """List one frame's votes and scores, by the kernels that decide.

    Args:
        close: close of the frame's latest completed bar.
        features, columns, params: as the strategy got them.
        memory: the strategy's, *after* that bar was decided; it is not changed.
        frame: 0, 1 or 2.
    """
    votes, scores = np.empty(N_VOTES), np.empty(N_FAMILIES + 1)
    at = frame * _N_KEPT
    frame_votes(close, memory[at + _OBV_MEAN], memory[at + _OBV_SPREAD], features, columns, votes, 0)
    frame_scores(votes, 0, params, scores, 0)
    return FrameContribution(
        votes={name: float(vote) for (_, name), vote in zip(VOTES, votes, strict=True)},
        scores={name: float(scores[k]) for k, name in enumerate(FAMILIES)},
        strength=float(scores[N_FAMILIES]),
    )


def _weight(name: str, default: float, of: str) -> StrategyParam:
    return StrategyParam(name, default, 0.0, 1.0, "share", f"weight of the {of}")


STRATEGY = StrategyInfo(
    name="hybrid",
    summary="Thirty-one indicators in four families on three timeframes, fused with the other voices.",
    kernel=hybrid,
    parameters=(
        StrategyParam("enter_score", 0.25, 0.0, 1.0, "score", "least |score| that enters"),
        StrategyParam("enter_confidence", 0.35, 0.0, 1.0, "confidence", "least confidence that enters"),
        StrategyParam("leave_score", 0.10, 0.0, 1.0, "score", "score against the position beyond which it is left"),
        StrategyParam(
            "strong_score", 0.50, 0.05, 1.0, "score", "|score| from which strength no longer limits confidence"
        ),
        _weight("base_weight", 0.30, "base timeframe"),
        _weight("middle_weight", 0.35, "middle timeframe"),
        _weight("slow_weight", 0.35, "slow timeframe"),
        _weight("trend_weight", 0.40, "trend family"),
        _weight("momentum_weight", 0.25, "momentum family"),
        _weight("volatility_weight", 0.15, "volatility family"),
        _weight("volume_weight", 0.20, "volume family"),
        StrategyParam("obv_span", 20, 2, 500, "bars", "of the average that on-balance volume is compared with"),
    ),
    indicators=INDICATORS,
    n_frames=3,
    uses_regime=True,
    uses_voices=True,
)
