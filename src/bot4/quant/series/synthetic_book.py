"""A synthetic level-2 market from a seed: changes of a book and the trades that take from it, one step of time at once.

It is made for serving and testing an exchange without a real one; no result on it says anything about a real market.

Model, per step of length dt (years):

- *Price*: a reference price p follows p exp(sigma sqrt(dt) z - sigma^2 dt / 2), z standard normal. The best bid is the
  last multiple of ``gap_ticks`` at or below it, the best ask the next one.
- *A move* up by k gaps: buyers take the k lowest asks whole, one trade a level, and bids follow to the new best; down
  likewise. A move past the whole book starts it anew (a reset).
- *Small trades*: Poisson, at the best price of a fair side, each for an exponential share of what stands there, never
  all of it.
- *Changes*: Poisson, a level drawn evenly gets a new size. Sizes are log-normal, grow with the distance from the best
  price, and are whole lots of at least one.

Both sides always have ``n_levels`` levels, and no event leaves the book crossed or a level below zero. The same seed
gives the same events; the state is plain values, so that a stopped market goes on where it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import DAY_NS
from bot4.domain.errors import SettingError
from bot4.domain.events import BOOK_CHANGE, EVENT, IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL

_YEAR_NS = 365 * DAY_NS
_SECOND_NS = 1_000_000_000
_LEAST_GAPS = 4  # from zero that the price keeps


@dataclass(frozen=True, slots=True)
class SyntheticBookParameters:
    """Parameters of the market.

    Attributes:
        volatility_per_year: sigma, as a fraction.
        n_levels: on each side.
        gap_share: distance of two levels as a fraction of the starting price; at least one tick.
        trades_per_s: small trades.
        changes_per_s: levels that get a new size.
        level_value: median value of the best level, quote currency.
        size_spread: standard deviation of the logarithm of a size.
    """

    volatility_per_year: float = 0.6
    n_levels: int = 20
    gap_share: float = 0.00005
    trades_per_s: float = 2.0
    changes_per_s: float = 20.0
    level_value: float = 50_000.0
    size_spread: float = 0.6

    def __post_init__(self) -> None:
        bounds = {
            "volatility_per_year": (0.0, 10.0),
            "n_levels": (1, 500),
            "gap_share": (0.0, 0.01),
            "trades_per_s": (0.0, 10_000.0),
            "changes_per_s": (0.0, 100_000.0),
            "level_value": (0.01, 1e12),
            "size_spread": (0.0, 3.0),
        }
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise SettingError(
                    f"{name} is {getattr(self, name)}, outside {least:g}-{most:g}",
                    where="synthetic book",
                    remedy="choose a value within the bounds",
                )


DEFAULT_BOOK = SyntheticBookParameters()


class SyntheticBook:
    """The market of one symbol.

    Args:
        symbol: id that its events carry.
        price_ticks: where it starts.
        tick, lot: of the instrument, quote and base currency.
        seed: of this market; symbols of one seed differ.
    """

    def __init__(
        self,
        symbol: int,
        price_ticks: int,
        tick: float,
        lot: float,
        seed: int,
        parameters: SyntheticBookParameters = DEFAULT_BOOK,
    ) -> None:
        self.symbol = symbol
        self.lot = lot
        self.parameters = parameters
        self.gap_ticks = max(1, round(price_ticks * parameters.gap_share))
        self.reference_ticks = max(float(price_ticks), float(_LEAST_GAPS * self.gap_ticks))
        self._base_lots = max(1.0, parameters.level_value / (price_ticks * tick * lot))
        self._rng = np.random.Generator(np.random.PCG64([seed, symbol]))
        self._ts_ns = 0
        self._sizes: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}  # lots by price in gaps
        self._rows: list[tuple[int, int, int, int, int]] = []  # kind, flags, gaps, lots, side

    @property
    def best_gaps(self) -> tuple[int, int]:
        """Best bid and best ask, in gaps."""
        return max(self._sizes[BUY]), min(self._sizes[SELL])

    def opening(self, ts_ns: int) -> npt.NDArray[np.void]:
        """The whole book as a reset and its levels: what comes first, or again to one who joins late."""
        self._ts_ns = ts_ns
        if not self._sizes[BUY]:
            self._fill_up()
        self._rows = []
        for side in (BUY, SELL):
            for gaps in sorted(self._sizes[side], reverse=side == BUY):
                self._change(gaps, side, self._sizes[side][gaps])
        kind, flags, gaps, lots, side = self._rows[0]
        self._rows[0] = (kind, flags | IS_BOOK_RESET, gaps, lots, side)
        return self._taken_events(ts_ns)

    def step(self, ts_ns: int) -> npt.NDArray[np.void]:
        """What happens until a time: :data:`~bot4.domain.events.EVENT` records stamped with it; the book is open."""
        dt_ns = max(0, ts_ns - self._ts_ns)
        self._ts_ns = ts_ns
        self._rows = []
        self._move(dt_ns / _YEAR_NS)
        for _ in range(self._rng.poisson(self.parameters.trades_per_s * dt_ns / _SECOND_NS)):
            self._small_trade()
        for _ in range(self._rng.poisson(self.parameters.changes_per_s * dt_ns / _SECOND_NS)):
            self._resize()
        return self._taken_events(ts_ns)

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as plain values."""
        return {
            "ts_ns": self._ts_ns,
            "reference_ticks": self.reference_ticks,
            "gap_ticks": self.gap_ticks,
            "base_lots": self._base_lots,
            "bids": [[gaps, lots] for gaps, lots in self._sizes[BUY].items()],
            "asks": [[gaps, lots] for gaps, lots in self._sizes[SELL].items()],
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self._ts_ns = state["ts_ns"]
        self.reference_ticks = state["reference_ticks"]
        self.gap_ticks = state["gap_ticks"]
        self._base_lots = state["base_lots"]
        self._sizes = {BUY: dict(map(tuple, state["bids"])), SELL: dict(map(tuple, state["asks"]))}
        self._rng.bit_generator.state = state["rng"]

    def _move(self, years: float) -> None:
        sigma = self.parameters.volatility_per_year
        drawn = sigma * math.sqrt(years) * float(self._rng.standard_normal()) - sigma * sigma * years / 2
        least = float(_LEAST_GAPS * self.gap_ticks)
        self.reference_ticks = max(least, self.reference_ticks * math.exp(drawn))
        bid = int(self.reference_ticks // self.gap_ticks)
        old_bid, _old_ask = self.best_gaps
        if abs(bid - old_bid) >= self.parameters.n_levels:
            self._sizes = {BUY: {}, SELL: {}}
            self._fill_up()
            self._rows += [(BOOK_CHANGE, 0, *level) for level in self._levels()]
            kind, flags, gaps, lots, side = self._rows[-2 * self.parameters.n_levels]
            self._rows[-2 * self.parameters.n_levels] = (kind, flags | IS_BOOK_RESET, gaps, lots, side)
        elif bid > old_bid:
            self._sweep(SELL, bid)
        elif bid < old_bid:
            self._sweep(BUY, bid + 1)

    def _levels(self) -> list[tuple[int, int, int]]:
        """Price in gaps, lots and side of every level, best first, bids before asks."""
        bids = [(gaps, self._sizes[BUY][gaps], BUY) for gaps in sorted(self._sizes[BUY], reverse=True)]
        return bids + [(gaps, self._sizes[SELL][gaps], SELL) for gaps in sorted(self._sizes[SELL])]

    def _sweep(self, side: int, until: int) -> None:
        """Take the levels of a side up to a price whole, let the other side follow, and fill up the far ends."""
        step = 1 if side == SELL else -1
        best = self.best_gaps[1] if side == SELL else self.best_gaps[0]
        for gaps in range(best, until + step, step):
            lots = self._sizes[side].pop(gaps)
            self._rows.append((TRADE, 0, gaps, lots, -side))
            self._change(gaps, side, 0)
        for gaps in range(best, until + step, step):
            self._set(gaps, -side, self._drawn_lots(abs(until - gaps)))
        for gaps in sorted(self._sizes[-side], reverse=side == BUY)[: -self.parameters.n_levels]:
            del self._sizes[-side][gaps]
            self._change(gaps, -side, 0)
        self._fill_up(with_events=True)

    def _fill_up(self, *, with_events: bool = False) -> None:
        """Add levels at the far ends until both sides have all of theirs."""
        bid = int(self.reference_ticks // self.gap_ticks)
        for side, best, step in ((BUY, bid, -1), (SELL, bid + 1, 1)):
            for distance in range(self.parameters.n_levels):
                gaps = best + step * distance
                if gaps >= 1 and gaps not in self._sizes[side]:
                    self._sizes[side][gaps] = self._drawn_lots(distance)
                    if with_events:
                        self._change(gaps, side, self._sizes[side][gaps])

    def _small_trade(self) -> None:
        side = BUY if self._rng.random() < 0.5 else SELL
        gaps = self.best_gaps[0] if side == BUY else self.best_gaps[1]
        standing = self._sizes[side][gaps]
        lots = min(standing - 1, math.ceil(standing * 0.1 * float(self._rng.exponential())))
        if lots > 0:
            self._rows.append((TRADE, 0, gaps, lots, -side))
            self._set(gaps, side, standing - lots)

    def _resize(self) -> None:
        side = BUY if self._rng.random() < 0.5 else SELL
        gaps = list(self._sizes[side])[int(self._rng.integers(len(self._sizes[side])))]
        bid, ask = self.best_gaps
        self._set(gaps, side, self._drawn_lots(bid - gaps if side == BUY else gaps - ask))

    def _drawn_lots(self, distance: int) -> int:
        spread = self.parameters.size_spread
        drawn = math.exp(spread * float(self._rng.standard_normal()))
        return max(1, round(self._base_lots * (1.0 + 0.2 * distance) * drawn))

    def _set(self, gaps: int, side: int, lots: int) -> None:
        self._sizes[side][gaps] = lots
        self._change(gaps, side, lots)

    def _change(self, gaps: int, side: int, lots: int) -> None:
        self._rows.append((BOOK_CHANGE, 0, gaps, lots, side))

    def _taken_events(self, ts_ns: int) -> npt.NDArray[np.void]:
        events = np.zeros(len(self._rows), dtype=EVENT)
        for row, (kind, flags, gaps, lots, side) in zip(events, self._rows, strict=True):
            row["ts_ns"] = ts_ns
            row["kind"] = kind
            row["symbol"] = self.symbol
            row["flags"] = flags
            if kind == TRADE:
                row["price_ticks"] = gaps * self.gap_ticks
                row["quantity"] = lots * self.lot
                row["aggressor"] = side
            else:
                row["level_ticks"] = gaps * self.gap_ticks
                row["level_quantity"] = lots * self.lot
                row["level_side"] = side
        self._rows = []
        return events
