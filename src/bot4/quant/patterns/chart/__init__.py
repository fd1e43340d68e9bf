"""Chart figures, for arrays, frames and one bar at a time, by the very same kernel.

A figure is looked for among the last confirmed swings of 33 scales (:mod:`bot4.quant.patterns.swings`), at the moment
price breaks out of it. It is then drawn as a template, fitted to all closes of its bars, and reported if it is like
enough to the textbook's. ``known_at`` is the bar at whose close that was so: the figure is complete, its boundary is
broken, and no later bar changes anything. Figures are 20 to 1,800 bars long.

Confidence is ``2 ** -misfit``; the misfit is in :mod:`bot4.quant.patterns.chart.shape`, the kinds in words in
:data:`CHART_KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.domain.errors import SettingError
from bot4.quant.patterns.chart.kinds import CHART_KINDS
from bot4.quant.patterns.chart.scan import BARS_RING, MOST_A_BAR, advance_chart, chart_state
from bot4.quant.patterns.detection import PATTERN, PRICE_ROWS, Detection, detections, kind_numbers, price_rows

DEFAULT_CONFIDENCE = 0.5
_CHUNK_BARS = 64


def chart_patterns(
    bars: Any, kinds: Iterable[str] | None = None, min_confidence: float = DEFAULT_CONFIDENCE
) -> tuple[Detection, ...]:
    """All chart figures in the bars, ordered by ``known_at``.

    Args:
        bars: a :class:`~bot4.domain.bars.BarSeries`, a mapping of arrays or a polars or pandas DataFrame with
            ``high``, ``low`` and ``close``, oldest first. After a bar that is not finite the scan starts again.
        kinds: names of the kinds wanted, see :data:`CHART_KINDS`; all by default.
        min_confidence: threshold, 0.01 .. 1. Of overlapping figures of one kind the first to reach it is reported.

    Returns:
        Detections of family ``chart``.

    Raises:
        DataError: a column is missing, is not numeric, or is of another length.
        SettingError: an unknown kind, or a threshold out of its bounds.
    """
    return detections("chart", chart_records(price_rows(bars), kinds, min_confidence), CHART_KINDS)


def chart_records(
    rows: FloatArray, kinds: Iterable[str] | None = None, min_confidence: float = DEFAULT_CONFIDENCE
) -> npt.NDArray[Any]:
    """As :func:`chart_patterns`, from float64[3, n] of high, low and close, as records of PATTERN."""
    least, wanted = _threshold(min_confidence), kind_numbers(kinds, CHART_KINDS)
    rows = np.ascontiguousarray(rows, np.float64)
    state, room, found = chart_state(), np.zeros(_CHUNK_BARS * MOST_A_BAR, PATTERN), [np.zeros(0, PATTERN)]
    for t0 in range(0, rows.shape[1], _CHUNK_BARS):
        n = advance_chart(state[0], rows, -1, t0, min(t0 + _CHUNK_BARS, rows.shape[1]), least, room)
        if n:
            found.append(room[:n].copy())
    records = np.concatenate(found)
    return records[np.isin(records["kind"], sorted(wanted))]


class ChartStream:
    """Chart figures fed one bar at a time: the same detections as :func:`chart_patterns`, bit for bit.

    Args:
        kinds: as in :func:`chart_patterns`.
        min_confidence: as in :func:`chart_patterns`.

    Raises:
        SettingError: an unknown kind, or a threshold out of its bounds.
    """

    def __init__(self, kinds: Iterable[str] | None = None, min_confidence: float = DEFAULT_CONFIDENCE) -> None:
        self._wanted = kind_numbers(kinds, CHART_KINDS)
        self._least = _threshold(min_confidence)
        self._state = chart_state()
        self._bars = np.zeros((len(PRICE_ROWS), BARS_RING))
        self._out = np.zeros(MOST_A_BAR, PATTERN)
        self._t = 0

    def push(self, high: float, low: float, close: float) -> tuple[Detection, ...]:
        """Advance by one bar; returns what becomes known at its close, most often nothing."""
        t, mask = self._t, BARS_RING - 1
        self._bars[:, t & mask] = high, low, close
        n = advance_chart(self._state[0], self._bars, mask, t, t + 1, self._least, self._out)
        self._t += 1
        wanted = [record for record in self._out[:n] if int(record["kind"]) in self._wanted]
        return detections("chart", np.array(wanted, PATTERN), CHART_KINDS)

    def save(self) -> bytes:
        """Everything that :meth:`restore` needs to go on from here."""
        return np.int64(self._t).tobytes() + self._state.tobytes() + self._bars.tobytes()

    def restore(self, saved: bytes) -> None:
        """Go on where a stream of the same settings was saved.

        Raises:
            SettingError: what was saved is of another version.
        """
        n_state, n_bars = self._state.nbytes, self._bars.nbytes
        if len(saved) != 8 + n_state + n_bars:
            raise SettingError("the saved stream is of another version", where="patterns", remedy="start it anew")
        self._t = int(np.frombuffer(saved, np.int64, 1)[0])
        self._state[:] = np.frombuffer(saved, self._state.dtype, 1, 8)
        self._bars[:] = np.frombuffer(saved, np.float64, offset=8 + n_state).reshape(self._bars.shape)


def _threshold(min_confidence: float) -> float:
    if not 0.01 <= min_confidence <= 1.0:
        remedy = "choose 0.01 to 1"
        raise SettingError(f"a confidence of {min_confidence:g} is out of bounds", where="patterns", remedy=remedy)
    return float(min_confidence)


__all__ = ["CHART_KINDS", "DEFAULT_CONFIDENCE", "ChartStream", "chart_patterns", "chart_records"]
