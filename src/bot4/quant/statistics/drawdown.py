"""Drawdowns of an equity curve: how deep, how long, recovered or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot4.domain.bars import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall from a peak.

    Attributes:
        depth: loss from the peak to the trough as a fraction of the peak, positive.
        peak_ns, trough_ns: UTC times of the last sample at the peak and of the lowest sample.
        recovery_ns: UTC time of the first sample back at the peak or above it; None while under water.
        end_ns: ``recovery_ns``, or the last sample's time while under water.

    """

    depth: float
    peak_ns: int
    trough_ns: int
    recovery_ns: int | None
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Nanoseconds from the peak to the recovery, or to the last sample while under water."""
        return self.end_ns - self.peak_ns


def drawdown_curve(equity: FloatArray) -> FloatArray:
    """Fraction lost since the highest value so far: ``1 - equity / running maximum``.

    float64[n] to float64[n]; 0 at a new high, 1 at ruin, above 1 with debt. Empty for an equity curve that is
    empty, holds a NaN or an infinity, or starts at or below zero.
    """
    if len(equity) == 0 or not np.all(np.isfinite(equity)) or equity[0] <= 0.0:
        return np.empty(0, dtype=np.float64)
    peak = np.maximum.accumulate(equity)
    return (peak - equity) / peak


def maximum_drawdown(ts_ns: IntArray, equity: FloatArray) -> Drawdown | None:
    """The deepest drawdown, the earliest of equals; None where the curve is undefined or never falls."""
    curve = drawdown_curve(equity)
    if len(curve) == 0 or not np.any(curve > 0.0):
        return None
    return _drawdown_around(ts_ns, curve, int(np.argmax(curve)))


def longest_drawdown(ts_ns: IntArray, equity: FloatArray) -> Drawdown | None:
    """The drawdown that lasted longest, the earliest of equals; None where undefined or never under water."""
    curve = drawdown_curve(equity)
    under_water = curve > 0.0
    if not np.any(under_water):
        return None
    edges = np.diff(np.concatenate(([False], under_water, [False])).astype(np.int8))
    first, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    ends = ts_ns[np.minimum(after, len(ts_ns) - 1)]
    widest = int(np.argmax(ends - ts_ns[first - 1]))
    start, stop = int(first[widest]), int(after[widest])
    return _drawdown_around(ts_ns, curve, start + int(np.argmax(curve[start:stop])))


def ulcer_index(equity: FloatArray) -> float | None:
    """Root mean square of the drawdown, a fraction: ``sqrt(mean(drawdown^2))`` (Martin and McCann, 1989).

    float64[n], evenly spaced (daily closes). None where the drawdown is undefined.
    """
    curve = drawdown_curve(equity)
    if len(curve) == 0:
        return None
    return float(np.sqrt(np.mean(curve * curve)))


def _drawdown_around(ts_ns: IntArray, curve: FloatArray, trough: int) -> Drawdown:
    """The drawdown that holds sample ``trough``, which is under water."""
    peak = int(np.flatnonzero(curve[:trough] == 0.0)[-1])
    recovered = np.flatnonzero(curve[trough:] == 0.0)
    recovery_ns = int(ts_ns[trough + recovered[0]]) if len(recovered) else None
    return Drawdown(
        depth=float(curve[trough]),
        peak_ns=int(ts_ns[peak]),
        trough_ns=int(ts_ns[trough]),
        recovery_ns=recovery_ns,
        end_ns=int(ts_ns[-1]) if recovery_ns is None else recovery_ns,
    )
