"""Weighted confluence of timeframes: family strengths of each become one score, with what each contributed.

Let ``s[k, f]`` be the strength of family ``f`` on timeframe ``k``, -1 (down) to 1 (up), ``v[f]`` the family weights as
shares, ``w[k]`` the timeframe weights and ``q[k]`` the damper of volatility. Sums over ``k`` run over the timeframes
that are *warm*; one that is not is absent, not neutral, and changes nothing but coverage.

1. Strength of a timeframe: ``S[k] = sum(q[k] v[f] s[k, f])``; NaN, and the timeframe absent, where any ``s`` is NaN.
2. Contribution: ``c[k, f] = w[k] / sum(w) * q[k] v[f] s[k, f]``; 0 of an absent timeframe.
3. Score: the sum of all contributions, timeframe by timeframe and family by family, which is
   ``sum(w[k] S[k]) / sum(w[k])``. It is held within -1 to 1, which corrects a last bit at most.
4. Alignment: the share of ``sum(w[k] |S[k]|)`` that is on the side of the score. 1: every timeframe that says
   something agrees; just above 1/2: they nearly cancel; 0 where the score is 0.
5. Confidence: ``alignment * min(|score| / strong_score, 1)``. It is not a probability.
6. Coverage: the share of timeframe weight that is warm. Below ``min_coverage`` there is no score (NaN).

After section 10.4 of the source specification, whose sum of weights runs over all timeframes, present or not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.kernel import f8, i8, kernel, record, records, void
from bot4.pipeline.signals.settings import TechnicalSettings
from bot4.pipeline.state import FAMILIES, N_FAMILIES, N_FRAMES, TECHNICAL_CONFIG, TECHNICAL_FRAME, TECHNICAL_STATE


@kernel(f8(f8))
def clipped(x: float) -> float:
    """``x`` held within -1 to 1. NaN stays NaN."""
    if x > 1.0:
        return 1.0
    return -1.0 if x < -1.0 else x


@kernel(void(record(TECHNICAL_CONFIG), i8, record(TECHNICAL_STATE)))
def weigh(config: Any, n_frames: int, state: Any) -> None:
    """Work out the strengths of all timeframes and their confluence.

    Args:
        config: record of ``TECHNICAL_CONFIG``.
        n_frames: timeframes of the run.
        state: record of ``TECHNICAL_STATE``; reads ``damper`` and ``families`` of its frames, overwrites their
            ``strength`` and the whole of ``confluence``.
    """
    found = state["confluence"]
    weights = config["timeframe_weight"]
    total = 0.0
    present = 0.0
    found["n_warm"] = 0
    for k in range(n_frames):
        total += weights[k]
        if _strengthen(config, state["frames"][k]) and weights[k] > 0.0:
            present += weights[k]
            found["n_warm"] += 1
    found["coverage"] = present / total if total > 0.0 else 0.0
    found["score"] = math.nan
    found["alignment"] = 0.0
    found["confidence"] = 0.0
    found["is_confluent"] = 0
    _contribute(config, n_frames, state, present)
    if found["n_warm"] > 0 and found["coverage"] >= config["min_coverage"]:
        _judge(config, n_frames, state, present)


@kernel(i8(record(TECHNICAL_CONFIG), record(TECHNICAL_FRAME)))
def _strengthen(config: Any, frame: Any) -> int:
    """Write a timeframe's strength; returns whether it is warm."""
    strength = 0.0
    for f in range(N_FAMILIES):
        strength += frame["damper"] * config["family_weight"][f] * frame["families"][f]
    frame["strength"] = strength
    return 0 if math.isnan(strength) else 1


@kernel(void(record(TECHNICAL_CONFIG), i8, record(TECHNICAL_STATE), f8))
def _contribute(config: Any, n_frames: int, state: Any, present: float) -> None:
    contributions = state["confluence"]["contributions"]
    for k in range(n_frames):
        frame = state["frames"][k]
        share = config["timeframe_weight"][k] / present if present > 0.0 else 0.0
        is_warm = not math.isnan(frame["strength"])
        for f in range(N_FAMILIES):
            said = frame["damper"] * config["family_weight"][f] * frame["families"][f]
            contributions[k, f] = share * said if is_warm else 0.0


@kernel(void(record(TECHNICAL_CONFIG), i8, record(TECHNICAL_STATE), f8))
def _judge(config: Any, n_frames: int, state: Any, present: float) -> None:
    found = state["confluence"]
    total = 0.0
    for k in range(n_frames):
        for f in range(N_FAMILIES):
            total += found["contributions"][k, f]
    score = clipped(total)
    agreeing = 0.0
    mass = 0.0
    for k in range(n_frames):
        strength = state["frames"][k]["strength"]
        weighted = config["timeframe_weight"][k] * abs(strength)
        if not math.isnan(weighted):
            mass += weighted
            agreeing += weighted if strength * score > 0.0 else 0.0
    alignment = agreeing / mass if mass > 0.0 else 0.0
    found["score"] = score
    found["alignment"] = alignment
    found["confidence"] = alignment * min(abs(score) / config["strong_score"], 1.0)
    found["is_confluent"] = 1 if abs(score) >= config["threshold"] else 0


@kernel(void(records(TECHNICAL_CONFIG), i8, records(TECHNICAL_STATE)))
def _weigh_arrays(config: Any, n_frames: int, state: Any) -> None:
    weigh(config[0], n_frames, state[0])


@dataclass(frozen=True, slots=True)
class TimeframeScore:
    """What one timeframe said.

    Attributes:
        is_warm: whether it counts; one that does not is absent.
        share: of the weight of the warm timeframes, 0 to 1; 0 where absent.
        damper: what volatility leaves of every strength, 0 to 1.
        families: strengths by family, -1 to 1; NaN until warm.
        strength: of the whole timeframe, -1 to 1; NaN until warm.
        contributions: to the score, by family; 0 where absent.
    """

    is_warm: bool
    share: float
    damper: float
    families: Mapping[str, float]
    strength: float
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ConfluenceScore:
    """One score of several timeframes; the formulas are at the head of this module.

    Attributes:
        score: -1 to 1; NaN where too little is warm.
        alignment, coverage, confidence: 0 to 1.
        is_confluent: whether ``|score|`` is at the threshold or above.
        timeframes: in the order of the run's timeframes.
    """

    score: float
    alignment: float
    coverage: float
    confidence: float
    is_confluent: bool
    timeframes: tuple[TimeframeScore, ...]

    @property
    def contributions(self) -> tuple[float, ...]:
        """Every contribution, timeframe by timeframe, family by family: added in this order they give the score."""
        return tuple(c for timeframe in self.timeframes for c in timeframe.contributions.values())

    @classmethod
    def read(cls, config: Any, n_frames: int, state: Any) -> ConfluenceScore:
        """From records of ``TECHNICAL_CONFIG`` and ``TECHNICAL_STATE``."""
        weights = [float(weight) for weight in config["timeframe_weight"][:n_frames]]
        is_warm = [not math.isnan(frame["strength"]) for frame in state["frames"][:n_frames]]
        present = sum(weight for weight, counts in zip(weights, is_warm, strict=True) if counts)
        found = state["confluence"]
        return cls(
            score=float(found["score"]),
            alignment=float(found["alignment"]),
            coverage=float(found["coverage"]),
            confidence=float(found["confidence"]),
            is_confluent=bool(found["is_confluent"]),
            timeframes=tuple(
                TimeframeScore(
                    is_warm=is_warm[k],
                    share=weights[k] / present if is_warm[k] and present > 0.0 else 0.0,
                    damper=float(state["frames"][k]["damper"]),
                    families=_by_family(state["frames"][k]["families"]),
                    strength=float(state["frames"][k]["strength"]),
                    contributions=_by_family(found["contributions"][k]),
                )
                for k in range(n_frames)
            ),
        )


def confluence_of(
    families: Sequence[Mapping[str, float] | None],
    settings: TechnicalSettings | None = None,
    dampers: Sequence[float] | None = None,
) -> ConfluenceScore:
    """The confluence of some timeframes, by the kernel that decides.

    Args:
        families: for each timeframe the strengths by family, -1 to 1, or None where it is not warm.
        settings: weights and thresholds; by default the defaults.
        dampers: for each timeframe, above 0 to 1; by default 1.
    """
    assert 1 <= len(families) <= N_FRAMES
    config, state = np.zeros(1, TECHNICAL_CONFIG), np.zeros(1, TECHNICAL_STATE)
    (settings or TechnicalSettings()).write(config[0])
    for k, strengths in enumerate(families):
        frame = state[0]["frames"][k]
        frame["damper"] = 1.0 if dampers is None else dampers[k]
        frame["families"] = math.nan if strengths is None else [strengths[family] for family in FAMILIES]
    _weigh_arrays(config, len(families), state)
    return ConfluenceScore.read(config[0], len(families), state[0])


def _by_family(values: Any) -> dict[str, float]:
    return {family: float(values[f]) for f, family in enumerate(FAMILIES)}
