"""How much of an indicator's value depends on how far its history reaches back."""

from __future__ import annotations

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.quant.indicators.arrays import evaluate
from bot4.quant.indicators.registry import ResolvedIndicator

HISTORIES = (199, 399, 999, 1999)
"""Lengths of history at which dependence is measured, in bars."""


def history_dependence(
    member: ResolvedIndicator, bars: FloatArray, histories: tuple[int, ...] = HISTORIES
) -> dict[int, float | None]:
    """How far the value at the last bar is off where only so many bars were seen, against all of them.

    Args:
        member: the indicator.
        bars: float64[6, n], ``n`` well above the longest history.
        histories: numbers of bars.

    Returns:
        By history ``max |short - whole| / scale`` over the outputs, ``scale`` being the mean absolute value of the
        output over the last 1,000 bars; None where an output is not defined after so few bars. 0 means that the
        value does not depend on anything earlier.
    """
    whole = evaluate(member, bars)
    recent = np.abs(whole[:, -1000:])
    scale = np.maximum(np.nanmean(recent, axis=1), np.finfo(np.float64).tiny)
    found: dict[int, float | None] = {}
    for history in histories:
        short = evaluate(member, np.ascontiguousarray(bars[:, -history:]))[:, -1]
        is_defined = bool(np.isfinite(short).all())
        found[history] = float(np.max(np.abs(short - whole[:, -1]) / scale)) if is_defined else None
    return found
