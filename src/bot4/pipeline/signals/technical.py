"""The technical voice: thirty-three indicators in five families, on every timeframe of the run.

Each indicator votes in -1 (down) to 1 (up); the strength of a family is the mean of its votes, so that none can exceed
the others whatever the number of its indicators; :mod:`bot4.pipeline.signals.confluence` weighs families and
timeframes. The table of votes is in ``docs/decision.md``. :func:`frame_votes` and :func:`frame_families` are the only
place where they are worked out: :func:`votes_of` lists what they write.

Volatility speaks twice. As a family it votes with the place in a channel that widens. As the *damper* of a timeframe
it lessens every strength where the range of a bar (ATR 14) exceeds its usual size (ATR 50): the votes count moves in
the range of fourteen bars, and in a burst such a move says less.

A timeframe's votes change only when a bar of it completes; they are worked out then and kept until the next.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, record, records, void
from bot4.pipeline.signals.confluence import clipped, weigh
from bot4.pipeline.state import (
    BRAIN,
    CONFIG,
    FAMILIES,
    MARKET,
    N_TECHNICAL_COLUMNS,
    N_VOTES,
    RING,
    TECHNICAL_FRAME,
)
from bot4.quant.indicators.registry import CLOSE

INDICATORS: tuple[tuple[str, dict[str, float]], ...] = (
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
    ("rsi", {"period": 14}),
    ("stochastic", {}),
    ("cci", {"period": 20}),
    ("williams_r", {"period": 14}),
    ("momentum", {"period": 10}),
    ("trix", {"period": 15}),
    ("ultimate_oscillator", {}),
    ("atr", {"period": 14}),
    ("atr", {"period": 50}),
    ("bollinger", {"period": 20}),
    ("keltner", {"period": 20}),
    ("obv", {}),
    ("rolling_vwap", {"period": 20}),
    ("cmf", {"period": 20}),
    ("mfi", {"period": 14}),
    ("donchian", {"period": 20}),
    ("linear_regression_slope", {"period": 20}),
    ("linear_regression_r2", {"period": 20}),
    ("z_score", {"period": 50}),
    ("efficiency_ratio", {"period": 10}),
)

COLUMNS = (
    "sma_20", "ema_12", "ema_26", "ema_50", "wma_20", "kama_10", "hma_16", "macd_12_26_9.histogram",
    "adx_14.adx", "adx_14.plus_di", "adx_14.minus_di", "aroon_25.oscillator",
    "parabolic_sar_0.02_0.2.direction", "supertrend_10_3.direction",
    "ichimoku_9_26_52_26.tenkan", "ichimoku_9_26_52_26.kijun", "ichimoku_9_26_52_26.senkou_a",
    "ichimoku_9_26_52_26.senkou_b",
    "rsi_14", "stochastic_14_3_3.k", "stochastic_14_3_3.d", "cci_20", "williams_r_14", "momentum_10", "trix_15",
    "ultimate_oscillator_7_14_28",
    "atr_14", "atr_50", "bollinger_20_2.upper", "bollinger_20_2.middle", "bollinger_20_2.percent_b",
    "keltner_20_10_2.upper", "keltner_20_10_2.middle",
    "obv", "rolling_vwap_20", "cmf_20", "mfi_14",
    "donchian_20.upper", "donchian_20.middle", "linear_regression_slope_20", "linear_regression_r2_20", "z_score_50",
    "efficiency_ratio_10",
)  # fmt: skip
"""What votes, in the order of the constants below; ``TECHNICAL_CONFIG`` holds where each stands in a feature row."""

(
    _SMA, _EMA_12, _EMA_26, _EMA_50, _WMA, _KAMA, _HMA, _MACD_HISTOGRAM,
    _ADX, _PLUS_DI, _MINUS_DI, _AROON,
    _SAR_DIRECTION, _SUPERTREND_DIRECTION,
    _TENKAN, _KIJUN, _SENKOU_A,
    _SENKOU_B,
    _RSI, _STOCHASTIC_K, _STOCHASTIC_D, _CCI, _WILLIAMS, _MOMENTUM, _TRIX,
    _ULTIMATE,
    _ATR, _USUAL_ATR, _BOLLINGER_UPPER, _BOLLINGER_MIDDLE, _PERCENT_B,
    _KELTNER_UPPER, _KELTNER_MIDDLE,
    _OBV, _VWAP, _CMF, _MFI,
    _DONCHIAN_UPPER, _DONCHIAN_MIDDLE, _SLOPE, _R2, _Z_SCORE,
    _EFFICIENCY,
) = range(len(COLUMNS))  # fmt: skip

VOTES = (
    ("trend", "sma"), ("trend", "ema_12_26"), ("trend", "ema_50"), ("trend", "wma"), ("trend", "kama"),
    ("trend", "hma"), ("trend", "macd"), ("trend", "adx"), ("trend", "aroon"), ("trend", "parabolic_sar"),
    ("trend", "supertrend"), ("trend", "ichimoku"),
    ("momentum", "rsi"), ("momentum", "stochastic"), ("momentum", "cci"), ("momentum", "williams_r"),
    ("momentum", "momentum"), ("momentum", "trix"), ("momentum", "ultimate_oscillator"),
    ("volatility", "bollinger"), ("volatility", "keltner"),
    ("volume", "obv"), ("volume", "vwap"), ("volume", "cmf"), ("volume", "mfi"),
    ("structure", "donchian"), ("structure", "linear_regression"), ("structure", "z_score"),
    ("structure", "efficiency"),
)  # fmt: skip

_MASK = RING - 1

assert len(VOTES) == N_VOTES
assert tuple(dict.fromkeys(family for family, _ in VOTES)) == FAMILIES
assert len(COLUMNS) <= N_TECHNICAL_COLUMNS


@kernel(f8(f8, f8))
def ratio(x: float, y: float) -> float:
    """``x / y``; 0 where ``y`` is zero or less, which is a market that did not move. NaN where either is NaN."""
    return 0.0 if y <= 0.0 else x / y


@kernel(f8(f8, f8))
def damper_of(atr: float, usual_atr: float) -> float:
    """``min(1, usual_atr / atr)``: what volatility leaves of every strength; 1 in a market that does not move."""
    return 1.0 if atr <= usual_atr or atr <= 0.0 else usual_atr / atr


@kernel(void(f8, f8, f8, array(f8), array(i8), array(f8)))
def frame_votes(
    close: float,
    obv_mean: float,
    obv_spread: float,
    features: FloatArray,
    columns: npt.NDArray[np.int64],
    votes: FloatArray,
) -> None:
    """Write the votes of one timeframe.

    Args:
        close: of its latest completed bar, quote currency.
        obv_mean, obv_spread: slow averages of the on-balance volume and of its distance from its average.
        features: float64[n_columns], the row of that bar.
        columns: int64[>= 43], where :data:`COLUMNS` stand in it.
        votes: float64[29], overwritten in the order of :data:`VOTES`. NaN where an indicator is.
    """
    atr = features[columns[_ATR]]
    per_atr = ratio(1.0, atr)
    plus = features[columns[_PLUS_DI]]
    minus = features[columns[_MINUS_DI]]
    votes[0] = clipped(0.5 * (close - features[columns[_SMA]]) * per_atr)
    votes[1] = clipped((features[columns[_EMA_12]] - features[columns[_EMA_26]]) * per_atr)
    votes[2] = clipped((close - features[columns[_EMA_50]]) * per_atr * (1.0 / 3.0))
    votes[3] = clipped(0.5 * (close - features[columns[_WMA]]) * per_atr)
    votes[4] = clipped(0.5 * (close - features[columns[_KAMA]]) * per_atr)
    votes[5] = clipped((close - features[columns[_HMA]]) * per_atr)
    votes[6] = clipped(4.0 * features[columns[_MACD_HISTOGRAM]] * per_atr)
    votes[7] = ratio(plus - minus, plus + minus) * clipped(features[columns[_ADX]] * 0.04)
    votes[8] = features[columns[_AROON]] * 0.01
    votes[9] = features[columns[_SAR_DIRECTION]]
    votes[10] = features[columns[_SUPERTREND_DIRECTION]]
    cloud_a = features[columns[_SENKOU_A]]
    cloud_b = features[columns[_SENKOU_B]]
    lines = clipped((features[columns[_TENKAN]] - features[columns[_KIJUN]]) * per_atr)
    cloud = ratio(close - 0.5 * (cloud_a + cloud_b), 0.5 * abs(cloud_a - cloud_b) + 0.5 * atr)
    votes[11] = 0.5 * lines + 0.5 * clipped(cloud)

    stochastic = features[columns[_STOCHASTIC_K]]
    crossing = clipped((stochastic - features[columns[_STOCHASTIC_D]]) * 0.1)
    votes[12] = clipped((features[columns[_RSI]] - 50.0) * 0.04)
    votes[13] = 0.5 * clipped((stochastic - 50.0) * 0.025) + 0.5 * crossing
    votes[14] = clipped(features[columns[_CCI]] * (1.0 / 150.0))
    votes[15] = clipped((features[columns[_WILLIAMS]] + 50.0) * 0.025)
    votes[16] = clipped(0.5 * features[columns[_MOMENTUM]] * per_atr)
    votes[17] = clipped(0.1 * features[columns[_TRIX]] * close * per_atr)
    votes[18] = clipped((features[columns[_ULTIMATE]] - 50.0) * 0.05)

    deviation = 0.5 * (features[columns[_BOLLINGER_UPPER]] - features[columns[_BOLLINGER_MIDDLE]])
    expansion = clipped(deviation * per_atr)
    keltner = features[columns[_KELTNER_MIDDLE]]
    votes[19] = expansion * clipped(2.0 * features[columns[_PERCENT_B]] - 1.0)
    votes[20] = expansion * clipped(ratio(close - keltner, features[columns[_KELTNER_UPPER]] - keltner))

    votes[21] = clipped(0.5 * ratio(features[columns[_OBV]] - obv_mean, obv_spread))
    votes[22] = clipped(0.5 * (close - features[columns[_VWAP]]) * per_atr)
    votes[23] = clipped(4.0 * features[columns[_CMF]])
    votes[24] = clipped((features[columns[_MFI]] - 50.0) * 0.04)

    donchian = features[columns[_DONCHIAN_MIDDLE]]
    momentum = features[columns[_MOMENTUM]]
    votes[25] = clipped(ratio(close - donchian, features[columns[_DONCHIAN_UPPER]] - donchian))
    votes[26] = features[columns[_R2]] * clipped(20.0 / 3.0 * features[columns[_SLOPE]] * per_atr)
    votes[27] = clipped(0.5 * features[columns[_Z_SCORE]])
    votes[28] = -features[columns[_EFFICIENCY]] if momentum < 0.0 else features[columns[_EFFICIENCY]]


@kernel(f8(array(f8), i8, i8))
def _mean(values: FloatArray, first: int, last: int) -> float:
    total = 0.0
    for k in range(first, last):
        total += values[k]
    return total / (last - first)


@kernel(void(array(f8), array(f8)))
def frame_families(votes: FloatArray, families: FloatArray) -> None:
    """Write the strengths of the five families, -1 to 1: each is the mean of its votes."""
    families[0] = _mean(votes, 0, 12)
    families[1] = _mean(votes, 12, 19)
    families[2] = _mean(votes, 19, 21)
    families[3] = _mean(votes, 21, 25)
    families[4] = _mean(votes, 25, 29)


@kernel(void(record(TECHNICAL_FRAME), f8, f8))
def _follow_obv(frame: Any, obv: float, gain: float) -> None:
    if frame["completed"] == 0 or math.isnan(frame["obv_mean"]):
        frame["obv_mean"] = obv
    distance = obv - frame["obv_mean"]
    if not math.isnan(distance):
        frame["obv_mean"] += gain * distance
        frame["obv_spread"] += gain * (abs(distance) - frame["obv_spread"])


@kernel(void(record(TECHNICAL_FRAME), i8, f8, f8, array(f8), array(i8), array(f8)))
def update_frame(
    frame: Any,
    completed: int,
    close: float,
    obv_gain: float,
    features: FloatArray,
    columns: npt.NDArray[np.int64],
    votes: FloatArray,
) -> None:
    """Work out a timeframe's families and damper anew where a bar of it has completed since the last call.

    Args:
        frame: record of ``TECHNICAL_FRAME``.
        completed: bars of the timeframe so far; before the first its features are NaN, and so are its families.
        close, features, columns: as of :func:`frame_votes`.
        obv_gain: weight of the newest bar in the slow averages of on-balance volume.
        votes: float64[29], overwritten.
    """
    if completed == frame["completed"] and completed > 0:
        return
    if completed > 0:
        _follow_obv(frame, features[columns[_OBV]], obv_gain)
    frame["completed"] = completed
    frame_votes(close, frame["obv_mean"], frame["obv_spread"], features, columns, votes)
    frame_families(votes, frame["families"][:])
    frame["damper"] = damper_of(features[columns[_ATR]], features[columns[_USUAL_ATR]])


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), i8))
def update_technical(brain: Any, config: Any, markets: Any, symbol: int) -> None:
    """Take in a symbol's latest bar: families of the timeframes that it completed, then the confluence of all."""
    settings = config["technical"]
    state = brain["technical"][symbol]
    n_frames = config["n_frames"]
    for k in range(n_frames):
        frame = markets[symbol]["frames"][k]
        row = brain["symbol_rows"][symbol, k]
        completed = frame["n_bars"] - frame["n_rows"] + row
        close = frame["ring"][CLOSE, (completed - 1) & _MASK]
        features = frame["features"][row]
        update_frame(
            state["frames"][k], completed, close, settings["obv_gain"], features, settings["columns"][:],
            brain["votes"][:],
        )  # fmt: skip
    weigh(settings, n_frames, state)


def votes_of(
    close: float, frame: Any, features: FloatArray, columns: npt.NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """List one timeframe's votes by family and name, by the kernel that decides.

    Args:
        close: of the timeframe's latest completed bar.
        frame: record of ``TECHNICAL_FRAME``, *after* that bar was taken in; it is not changed.
        features, columns: as of :func:`frame_votes`.
    """
    votes = np.empty(N_VOTES)
    frame_votes(close, float(frame["obv_mean"]), float(frame["obv_spread"]), features, columns, votes)
    listed: dict[str, dict[str, float]] = {family: {} for family in FAMILIES}
    for (family, name), vote in zip(VOTES, votes, strict=True):
        listed[family][name] = float(vote)
    return listed
