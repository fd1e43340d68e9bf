"""Which of four regimes the market is in: bull, bear, sideways or crisis.

One Hamilton filter serves the run, since the regime sets limits on the whole book. It is driven by one return a
risk bar, that of the *leader*: the first symbol of the run that is not silent. A mean over symbols would mix in
series on which the filter was never fitted and would make its clock depend on which symbols had arrived; the
leader's return is one number at one instant. A symbol is silent when it is more than two risk bars behind the one
that asks.

The return is divided by its long-run deviation, so that one set of parameters serves every symbol. The most
probable state becomes the regime once it has led for ``regime_persistence`` risk bars in a row. Crisis is also
declared at once, by measured triggers:

- short over long volatility of the leader above ``crisis_volatility_ratio``; or
- traded value above ``crisis_volume_ratio`` times its slow average *and* the average correlation of the symbols
  above ``crisis_correlation`` (each alone is common in a calm rally).

A crisis is left as any other regime is: once another state has led for the persistence, the triggers being silent.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.kernel import b1, f8, i8, kernel, record
from bot4.pipeline.state import BRAIN, CONFIG, CRISIS, N_REGIMES, SIDEWAYS
from bot4.quant.regimes import hamilton_step

SILENT_AFTER_BARS = 2


@kernel(i8(record(BRAIN), record(CONFIG), i8))
def update_regime(brain: Any, config: Any, symbol: int) -> int:
    """Take in a symbol's completed risk bar and return the regime.

    Called once ``brain["risk"]["symbols"][symbol]`` holds the bar's return and variances. Other symbols than the
    leader move no probabilities, but their traded value and correlation may trigger a crisis.

    Changes ``regime``, ``regime_probability``, ``regime_candidate``, ``regime_lead`` and ``is_crisis`` of
    ``brain["risk"]``; uses ``brain["weights"]`` as scratch. A return or variance that is not a number says
    nothing. Before the first return the regime is SIDEWAYS.
    """
    risk = brain["risk"]
    has_started = False
    for k in range(N_REGIMES):
        has_started = has_started or risk["regime_probability"][k] > 0.0
    if not has_started:
        risk["regime"] = SIDEWAYS
        risk["regime_candidate"] = SIDEWAYS
        risk["regime_lead"] = 0
    if symbol == leader(brain, config, symbol):
        _filter(brain, config, symbol)
    if is_triggered(brain, config, symbol):
        risk["regime"] = CRISIS
        risk["regime_lead"] = 0
    risk["is_crisis"] = 1 if risk["regime"] == CRISIS else 0
    return int(risk["regime"])


@kernel(i8(record(BRAIN), record(CONFIG), i8))
def leader(brain: Any, config: Any, symbol: int) -> int:
    """The first symbol with a return whose risk bar is at most two behind that of ``symbol``."""
    states = brain["risk"]["symbols"]
    latest = states[symbol]["bucket"] - SILENT_AFTER_BARS
    for i in range(config["n_symbols"]):
        if states[i]["n_returns"] > 0 and states[i]["bucket"] >= latest:
            return i
    return symbol


@kernel(b1(record(BRAIN), record(CONFIG), i8))
def is_triggered(brain: Any, config: Any, symbol: int) -> bool:
    """Whether the measured triggers declare a crisis: volatility, or volume together with correlation."""
    limits = config["risk"]
    if volatility_ratio(brain, leader(brain, config, symbol)) > limits["crisis_volatility_ratio"]:
        return True
    if not volume_ratio(brain, symbol) > limits["crisis_volume_ratio"]:
        return False
    return bool(average_correlation(brain, config) > limits["crisis_correlation"])


@kernel(f8(record(BRAIN), i8))
def volatility_ratio(brain: Any, symbol: int) -> float:
    """Short over long volatility of a symbol, from its EWMA and slow variance; 0 while either is unknown."""
    state = brain["risk"]["symbols"][symbol]
    short = state["ewma_variance"]
    long = state["long_variance"]
    return math.sqrt(short / long) if short > 0.0 and long > 0.0 else 0.0


@kernel(f8(record(BRAIN), i8))
def volume_ratio(brain: Any, symbol: int) -> float:
    """A day's traded value at the recent pace over its slow average; 0 while either is unknown."""
    state = brain["risk"]["symbols"][symbol]
    slow = state["day_volume_quote"]
    return float(state["short_volume_quote"] / slow) if slow > 0.0 else 0.0


@kernel(f8(record(BRAIN), record(CONFIG)))
def average_correlation(brain: Any, config: Any) -> float:
    """Mean correlation of all pairs of symbols with a variance; 0 where there is no pair."""
    covariance = brain["risk"]["covariance"]
    total = 0.0
    n_pairs = 0
    for i in range(config["n_symbols"]):
        for j in range(i):
            scale = covariance[i, i] * covariance[j, j]
            if scale > 0.0:
                total += covariance[i, j] / math.sqrt(scale)
                n_pairs += 1
    return total / n_pairs if n_pairs > 0 else 0.0


@kernel(i8(record(BRAIN), record(CONFIG), i8))
def _filter(brain: Any, config: Any, symbol: int) -> int:
    state = brain["risk"]["symbols"][symbol]
    if state["n_returns"] < 1 or not state["long_variance"] > 0.0:
        return 0
    model = config["risk"]
    hamilton_step(
        state["last_return"] / math.sqrt(state["long_variance"]),
        model["regime_mean"][:],
        model["regime_deviation"][:],
        model["regime_transition"][:],
        brain["risk"]["regime_probability"][:],
        brain["weights"][:],
    )
    return int(_follow(brain, config))


@kernel(i8(record(BRAIN), record(CONFIG)))
def _follow(brain: Any, config: Any) -> int:
    """Let the most probable state become the regime once it has led for long enough."""
    risk = brain["risk"]
    probability = risk["regime_probability"]
    best = 0
    for k in range(1, N_REGIMES):
        if probability[k] > probability[best]:
            best = k
    if best == risk["regime"]:
        risk["regime_lead"] = 0
        risk["regime_candidate"] = best
        return best
    risk["regime_lead"] = risk["regime_lead"] + 1 if best == risk["regime_candidate"] else 1
    risk["regime_candidate"] = best
    if risk["regime_lead"] >= config["risk"]["regime_persistence"]:
        risk["regime"] = best
        risk["regime_lead"] = 0
    return best
