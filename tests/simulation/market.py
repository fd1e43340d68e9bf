"""A small level-2 market from a seed: a walk of the best prices, the trades that move them, and changes of levels.

Both sides always hold :data:`LEVELS` levels, a gap apart; the book is never crossed. A move takes the best level whole,
by a trade, and the other side follows; a jump moves several levels in one moment.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.events import BOOK_CHANGE, EVENT, IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL

LEVELS = 5
GAP = 10  # ticks
START_TICKS = 100_000
MEAN_GAP_NS = 300_000_000
QUIET_FACTOR = 4.0  # how much slower the market is towards the end
_MOST_LOTS = 40


class SmallMarket:
    """Events of one symbol, in steps: every step is one moment."""

    def __init__(self, seed: int, symbol: int, n_busy: int, n_quiet: int, start_ns: int, lot: float) -> None:
        n_steps = n_busy + n_quiet
        self._rng = np.random.Generator(np.random.PCG64([seed, symbol, 77]))
        self._lots = self._rng.integers(1, _MOST_LOTS, 40 * n_steps + 40).tolist()
        self._at = 0
        self.bid = START_TICKS // GAP
        self.sizes = {BUY: {}, SELL: {}}
        self._rows: list[tuple[int, int, int, int, int, int]] = []  # ts, kind, flags, gaps, lots, side
        gaps = self._rng.exponential(MEAN_GAP_NS, n_steps)
        gaps[n_busy:] *= QUIET_FACTOR
        self.times = (start_ns + np.cumsum(1 + gaps)).astype(np.int64)
        self.ends = self._tell(start_ns, n_steps)
        self.events = self._as_events(symbol, lot)

    def step(self, at: int) -> Any:
        """The events of a step; step 0 is the opening book."""
        return self.events[self.ends[at - 1] if at else 0 : self.ends[at]]

    def _tell(self, start_ns: int, n_steps: int) -> list[int]:
        for distance in range(LEVELS):
            self._set(start_ns, self.bid - distance, BUY, self._next())
            self._set(start_ns, self.bid + 1 + distance, SELL, self._next())
        ts, kind, _, gaps, lots, side = self._rows[0]
        self._rows[0] = (ts, kind, IS_BOOK_RESET, gaps, lots, side)
        ends = [len(self._rows)]
        kinds = self._rng.random(n_steps).tolist()
        sides = np.where(self._rng.random(n_steps) < 0.5, BUY, SELL).tolist()
        jumps = self._rng.integers(2, 5, n_steps).tolist()
        for ts, drawn, side, jump in zip(self.times.tolist(), kinds, sides, jumps, strict=True):
            if drawn < 0.30:
                self._move(ts, side)
            elif drawn < 0.36:
                for _ in range(jump):
                    self._move(ts, side)
            elif drawn < 0.72:
                self._small_trade(ts, side)
            else:
                self._resize(ts, side)
            ends.append(len(self._rows))
        return ends

    def _next(self) -> int:
        self._at = (self._at + 1) % len(self._lots)
        return int(self._lots[self._at])

    def _set(self, ts: int, gaps: int, side: int, lots: int) -> None:
        self.sizes[side][gaps] = lots
        self._rows.append((ts, BOOK_CHANGE, 0, gaps, lots, side))

    def _drop(self, ts: int, gaps: int, side: int) -> None:
        del self.sizes[side][gaps]
        self._rows.append((ts, BOOK_CHANGE, 0, gaps, 0, side))

    def _best(self, side: int) -> int:
        return self.bid if side == BUY else self.bid + 1

    def _move(self, ts: int, side: int) -> None:
        """Buyers take the best ask whole and the bids follow, or the other way round."""
        taken = self._best(-side)
        self._rows.append((ts, TRADE, 0, taken, self.sizes[-side][taken], side))
        self._drop(ts, taken, -side)
        self._set(ts, taken + side * LEVELS, -side, self._next())
        self.bid += side
        self._set(ts, taken, side, self._next())
        self._drop(ts, taken - side * LEVELS, side)

    def _small_trade(self, ts: int, side: int) -> None:
        taken = self._best(-side)
        standing = self.sizes[-side][taken]
        lots = 1 + self._next() % standing
        self._rows.append((ts, TRADE, 0, taken, lots, side))
        self._set(ts, taken, -side, standing - lots or self._next())

    def _resize(self, ts: int, side: int) -> None:
        self._set(ts, self._best(side) - side * (self._next() % LEVELS), side, self._next())

    def _as_events(self, symbol: int, lot: float) -> Any:
        rows = np.array(self._rows, dtype=np.int64)
        events = np.zeros(len(rows), EVENT)
        is_trade = rows[:, 1] == TRADE
        events["ts_ns"], events["kind"], events["flags"] = rows[:, 0], rows[:, 1], rows[:, 2]
        events["symbol"] = symbol
        events["level_ticks"] = rows[:, 3] * GAP  # the price of a trade stands in the same bytes
        quantity = rows[:, 4] * lot
        events["level_quantity"] = quantity  # and its quantity too
        events["level_side"] = rows[:, 5]
        assert (events["price_ticks"][is_trade] == rows[is_trade, 3] * GAP).all()
        assert (events["quantity"][is_trade] == quantity[is_trade]).all()
        assert (events["aggressor"][is_trade] == rows[is_trade, 5]).all()
        return events
