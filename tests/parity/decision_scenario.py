"""One scenario of signals, decisions and regimes, to be run compiled and in plain Python."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from bot4.pipeline.state import ENTER, LEARNED, SENTIMENT
from bot4.pipeline.strategies.registry import built_in, resolve
from tests.decision_records import (
    NOW_NS,
    a_brain,
    a_config,
    a_row,
    a_signal,
    decide,
    run_leaves,
    run_regime,
    run_set_voice,
)  # fmt: skip
from tests.strategy_runs import Asked, at_once, random_bars
from tests.technical_runs import Heard


def digest() -> str:
    """SHA-256 over everything that was decided."""
    found = hashlib.sha256()
    _add_decisions(found)
    _add_strategies(found)
    _add_regimes(found)
    return found.hexdigest()


def _add_decisions(found: hashlib._Hash) -> None:
    rng = np.random.default_rng(31)
    config, brain = a_config(), a_brain()
    config[0]["strategies"][0]["uses_voices"] = 1
    for _ in range(200):
        for voice in (LEARNED, SENTIMENT):
            run_set_voice(brain, 0, voice, *rng.uniform((-1, 0), 1), NOW_NS - int(rng.integers(-1, 2)))
        signal = a_signal(*rng.uniform((-1, 0), 1), win_probability=rng.choice([math.nan, 0.55]))
        base = a_row(*rng.uniform((50.0, 29_900.0, 29_000.0), (400.0, 31_000.0, 30_100.0)))
        refusal, proposal = decide(brain, config, base, signal)
        found.update(bytes([refusal]) + proposal.tobytes())
        brain[0]["sleeves"][0, 0]["lots"] = rng.integers(-1, 2)
        found.update(bytes([run_leaves(brain, config, 0, 0, signal)]))
        brain[0]["sleeves"][0, 0]["lots"] = 0


def _add_strategies(found: hashlib._Hash) -> None:
    bars = random_bars(900, 32)
    for name, info in built_in().items():
        factors = (1, 2, 4) if name == "hybrid" else (1,)
        run = Asked(resolve(info), bars, at_once, factors)
        assert (run.signals["action"] == ENTER).any(), name
        found.update(run.signals.tobytes())
    found.update(Heard(bars, (1, 2, 4)).states.tobytes())


def _add_regimes(found: hashlib._Hash) -> None:
    brain, config = a_brain(), a_config()
    state = brain[0]["risk"]["symbols"][0]
    state["long_variance"] = state["ewma_variance"] = 1.0
    for value in 1.5 * np.random.default_rng(33).standard_normal(300):
        state["n_returns"] += 1
        state["last_return"] = value
        run_regime(brain, config, 0)
        rounded = np.round(brain[0]["risk"]["regime_probability"], 9) + 0.0
        found.update(rounded.tobytes())


if __name__ == "__main__":
    print(digest())
