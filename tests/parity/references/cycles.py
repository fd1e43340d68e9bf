"""Cycles and Ehlers' filters, which are compared output by output in tests of their own."""

from __future__ import annotations

from tests.parity.cases import Slow, Talib

TALIB: dict[str, Talib] = {}
SLOW: dict[str, Slow] = {}

_HILBERT = "test_hilbert_against_talib.py"
_EHLERS = "test_ehlers_against_references.py"
ELSEWHERE = {
    "hilbert": _HILBERT,
    "dominant_cycle_period": _HILBERT,
    "dominant_cycle_phase": _HILBERT,
    "phasor": _HILBERT,
    "sine_wave": _HILBERT,
    "trend_mode": _HILBERT,
    "instantaneous_trendline": _HILBERT,
    "mama": _HILBERT,
    "super_smoother": _EHLERS,
    "roofing_filter": _EHLERS,
    "laguerre_rsi": _EHLERS,
    "fisher_transform": _EHLERS,
    "inverse_fisher_rsi": _EHLERS,
}
