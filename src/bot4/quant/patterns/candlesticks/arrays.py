"""Candlestick patterns for Python users: of whole columns, and one more bar at a time, by the very same kernel.

NaN policy: after a bar with a price that is not finite, detection *restarts*. That bar has no pattern, and the next
bar is its first, with the warm-up before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.quant.patterns.candlesticks.catalogue import N_PATTERNS, NAMES, CandlestickPattern, pattern_named
from bot4.quant.patterns.candlesticks.continuing import advance
from bot4.quant.patterns.candlesticks.layout import HISTORY, STATE_SIZE, Int16Array
from bot4.quant.series.bar_columns import bar_columns

_COLUMNS = ("open", "high", "low", "close")
_RING = 4 * HISTORY
_WHERE = "candlestick patterns"


def candlesticks(bars: Any, names: Iterable[str] | None = None) -> Any:
    """Candlestick patterns of whole columns: +100 for a bullish one, -100 for a bearish one, 0 for none.

    Some give 80 or 200 too, and the sign of some means something else: see
    :data:`bot4.quant.patterns.candlesticks.catalogue.CANDLESTICKS`.

    Args:
        bars: a :class:`BarSeries`, a mapping of arrays, or a polars or pandas DataFrame, oldest first, with the columns
            ``open high low close``.
        names: the patterns wanted, all 61 unless given. All are found in one pass either way.

    Returns:
        For a frame the same kind of frame (with its index) of int16 columns, else a dict of int16[n], by name. The
        value of a bar is known at its close. 0 during the warm-up, as in TA-Lib, and where the NaN policy says.

    Raises:
        SettingError: unknown pattern.
        DataError: a column is missing, is not numeric, or is of another length.
    """
    wanted = _wanted(names)
    found = evaluate(np.array(bar_columns(bars, _COLUMNS, _WHERE)))
    columns = {NAMES[row]: found[row] if len(wanted) == N_PATTERNS else found[row].copy() for row in wanted}
    kind = type(bars).__module__.partition(".")[0]  # neither library is imported here
    if kind == "polars":
        return type(bars)(columns)
    if kind == "pandas":
        return type(bars)(columns, index=bars.index)
    return columns


def evaluate(prices: FloatArray) -> Int16Array:
    """Patterns int16[61, n] of prices float64[>= 4, n] (open, high, low, close), restarting as the policy says."""
    prices = np.ascontiguousarray(prices, np.float64)
    n_bars = prices.shape[1]
    found = np.zeros((N_PATTERNS, n_bars), np.int16)
    for start, stop in _finite_runs(prices[: len(_COLUMNS)]):
        is_whole = stop - start == n_bars
        run = prices if is_whole else np.ascontiguousarray(prices[:, start:stop])
        out = found if is_whole else np.empty((N_PATTERNS, stop - start), np.int16)
        advance(run, -1, 0, stop - start, np.zeros(STATE_SIZE), out)
        if not is_whole:
            found[:, start:stop] = out
    return found


class CandlestickStream:
    """Candlestick patterns of bars fed one at a time.

    Args:
        names: the patterns wanted, all 61 unless given.

    Raises:
        SettingError: unknown pattern.
    """

    def __init__(self, names: Iterable[str] | None = None) -> None:
        self._wanted = frozenset(_wanted(names))
        self._state = np.zeros(STATE_SIZE)
        self._bars = np.zeros((len(_COLUMNS), _RING))
        self._out = np.zeros((N_PATTERNS, 1), np.int16)
        self._row = self._out[:, 0]
        self._t = 0

    def push(self, open: float, high: float, low: float, close: float) -> dict[str, int]:  # noqa: A002
        """Advance by one bar, and give the patterns that it completes: value by name, empty if there is none."""
        bar = (open, high, low, close)
        if not all(map(math.isfinite, bar)):
            self._state[:] = 0.0
            self._t = 0
            return {}
        self._bars[:, self._t & (_RING - 1)] = bar
        advance(self._bars, _RING - 1, self._t, self._t + 1, self._state, self._out)
        self._t += 1
        rows = self._row.nonzero()[0].tolist()
        return {NAMES[row]: int(self._row[row]) for row in rows if row in self._wanted}


def _wanted(names: Iterable[str] | None) -> list[int]:
    if names is None:
        return list(range(N_PATTERNS))
    if isinstance(names, str):
        raise SettingError(f"{names!r} is one name", where=_WHERE, remedy="pass a list of names")
    return [NAMES.index(pattern_named(name).name) for name in names]


def _finite_runs(prices: FloatArray) -> Iterator[tuple[int, int]]:
    """``(start, stop)`` of each run of bars whose prices are all finite."""
    is_finite = np.isfinite(prices).all(axis=0).astype(np.int8)
    edges = np.flatnonzero(np.diff(is_finite, prepend=0, append=0))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        yield int(start), int(stop)


__all__ = ["CandlestickPattern", "CandlestickStream", "candlesticks", "evaluate"]
