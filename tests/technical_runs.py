"""The technical voice over whole bars, without the rest of the pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.bars import BarSeries
from bot4.kernel import array, f8, i8, kernel, records, void
from bot4.pipeline.signals.confluence import ConfluenceScore, weigh
from bot4.pipeline.signals.settings import TechnicalSettings
from bot4.pipeline.signals.technical import COLUMNS, INDICATORS, update_frame, votes_of
from bot4.pipeline.state import N_VOTES, TECHNICAL_CONFIG, TECHNICAL_STATE
from bot4.quant.indicators.arrays import compute

PLACES = np.arange(len(COLUMNS), dtype=np.int64)


@kernel(void(records(TECHNICAL_CONFIG), records(TECHNICAL_STATE), i8, i8, f8, array(f8), array(f8)))
def run_update(config: Any, state: Any, k: int, completed: int, close: float, features: Any, votes: Any) -> None:
    settings = config[0]
    update_frame(state[0]["frames"][k], completed, close, settings["obv_gain"], features, settings["columns"][:], votes)


@kernel(void(records(TECHNICAL_CONFIG), i8, records(TECHNICAL_STATE)))
def run_weigh(config: Any, n_frames: int, state: Any) -> None:
    weigh(config[0], n_frames, state[0])


def every(bars: BarSeries, factor: int) -> BarSeries:
    """Whole bars of ``factor`` base bars each, counted from the first."""
    n = len(bars.close) // factor
    names = ("open", "high", "low", "close", "volume")
    parts = {name: getattr(bars, name)[: n * factor].reshape(n, factor) for name in names}
    return BarSeries(
        symbol=bars.symbol,
        interval_ns=bars.interval_ns * factor,
        ts_open_ns=bars.ts_open_ns[: n * factor : factor].copy(),
        open=parts["open"][:, 0].copy(),
        high=parts["high"].max(axis=1),
        low=parts["low"].min(axis=1),
        close=parts["close"][:, -1].copy(),
        volume=parts["volume"].cumsum(axis=1)[:, -1].copy(),  # added bar by bar, as the pipeline does
    )


def feature_table(bars: BarSeries) -> Any:
    """float64[n, n_columns]: what votes, over bars."""
    found: dict[str, Any] = {}
    for name, params in INDICATORS:
        found |= compute(name, bars, **params)
    return np.ascontiguousarray(np.array([found[column] for column in COLUMNS]).T)


class Heard:
    """What the technical voice said, bar by bar.

    Attributes:
        tables: feature tables by timeframe.
        closes: closes by timeframe.
        states: TECHNICAL_STATE[n], after each bar.
    """

    def __init__(
        self, bars: BarSeries, factors: tuple[int, ...] = (1, 3, 12), settings: TechnicalSettings | None = None
    ) -> None:
        n = len(bars.close)
        self.factors = factors
        series = [bars if factor == 1 else every(bars, factor) for factor in factors]
        self.tables = [feature_table(one) for one in series]
        self.closes = [one.close for one in series]
        self.config, state = np.zeros(1, TECHNICAL_CONFIG), np.zeros(1, TECHNICAL_STATE)
        (settings or TechnicalSettings()).write(self.config[0])
        self.config[0]["columns"][: len(COLUMNS)] = PLACES
        self.states = np.zeros(n, TECHNICAL_STATE)
        nothing, votes = np.full(len(COLUMNS), np.nan), np.zeros(N_VOTES)
        for t in range(n):
            for k, factor in enumerate(factors):
                done = (t + 1) // factor
                row = self.tables[k][done - 1] if done else nothing
                close = float(self.closes[k][done - 1]) if done else 0.0
                run_update(self.config, state, k, done, close, row, votes)
            run_weigh(self.config, len(factors), state)
            self.states[t] = state[0]

    def score(self, t: int) -> ConfluenceScore:
        """What was said after bar ``t``."""
        return ConfluenceScore.read(self.config[0], len(self.factors), self.states[t])

    def votes(self, t: int, k: int) -> dict[str, dict[str, float]]:
        """Votes of timeframe ``k`` after bar ``t``."""
        done = (t + 1) // self.factors[k]
        frame = self.states[t]["frames"][k]
        return votes_of(float(self.closes[k][done - 1]), frame, self.tables[k][done - 1], PLACES)
