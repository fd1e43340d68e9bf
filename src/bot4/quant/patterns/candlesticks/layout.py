"""Where the numbers of a block of bars lie: one scratch array, seen as rows, and the state between blocks.

A row holds ``HISTORY`` bars before the block, then the block. Position ``HISTORY + k`` is bar ``t + k`` of a block
that starts at bar ``t``.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, record, void

Int16Array: TypeAlias = npt.NDArray[np.int16]

BLOCK = 128
"""Bars computed together: small enough that all rows stay in the first-level cache."""

HISTORY = 16
"""Bars before the block that are looked at."""

N_TAIL = 5
"""Values of each average that the state keeps: patterns look at those of four bars ago, and the next is ready."""

WIDTH = HISTORY + BLOCK + 8
"""Length of a row; an average has one value more than there are bars."""

OPEN, HIGH, LOW, CLOSE = 0, 1, 2, 3
BODY, UPPER, LOWER, TOP, BOTTOM, COLOUR, RANGE, SHADOWS = 4, 5, 6, 7, 8, 9, 10, 11
"""Size of the body, both shadows, the body's greater and lesser end, +1 white or -1 black, high - low, both shadows."""

BODY_CHANGE_10, RANGE_CHANGE_10, SHADOWS_CHANGE_10, RANGE_CHANGE_5 = 12, 13, 14, 15
"""What the window of ten or five bars gains by one bar more."""

FIRST_AVERAGE = 16
BODY_AVERAGE_10, BODY_AVERAGE_11, BODY_AVERAGE_12, BODY_AVERAGE_13, BODY_AVERAGE_14 = 16, 17, 18, 19, 20
TINY_10, TINY_11, TINY_12, TINY_13 = 21, 22, 23, 24
SHORT_SHADOW_10, SHORT_SHADOW_11, SHORT_SHADOW_12 = 25, 26, 27
RANGE_AVERAGE_5, RANGE_AVERAGE_6, RANGE_AVERAGE_10, RANGE_AVERAGE_11 = 28, 29, 30, 31
"""Averages over the bars before a bar: of ten bodies; a tenth of that of ten ranges; half that of ten pairs of
shadows; of five ranges. TA-Lib makes each a running total, whose rounding depends on where it started. So each
average is kept once for every bar at which a pattern of TA-Lib starts it, which is the number in its name: the
pattern's warm-up less the candle's distance from the last."""

N_ROWS = 32
N_AVERAGES = N_ROWS - FIRST_AVERAGE

AVERAGED_PARTS = (BODY, RANGE, SHADOWS)
AVERAGED = (BODY,) * 5 + (RANGE,) * 4 + (SHADOWS,) * 3 + (RANGE,) * 4
CHANGES = (BODY_CHANGE_10,) * 5 + (RANGE_CHANGE_10,) * 4 + (SHADOWS_CHANGE_10,) * 3 + (RANGE_CHANGE_5,) * 4
PERIODS = (10,) * 12 + (5,) * 4
STARTS = (10, 11, 12, 13, 14, 10, 11, 12, 13, 10, 11, 12, 5, 6, 10, 11)
FACTORS = (1.0,) * 5 + (0.1,) * 4 + (0.5,) * 3 + (1.0,) * 4

NEAR, FAR, EQUAL = 0.2, 0.6, 0.05
"""Parts of the average range of five bars."""

HIKKAKE_STATE = N_AVERAGES * N_TAIL
MODIFIED_HIKKAKE_STATE = HIKKAKE_STATE + 3
STATE_SIZE = HIKKAKE_STATE + 6
"""float64 values of state; all zero before the first bar."""

INT16 = record(np.dtype(np.int16))  # the type of a plain dtype is that of its scalar
GROUP = void(array(f8, 2), i8, array(INT16, 2))
"""``(rows, n, out)``: writes the values of some patterns for the block's ``n`` bars into their rows of ``out``."""


@kernel(void(array(f8), i8, array(INT16, 2), i8))
def write(values: FloatArray, n: int, out: Int16Array, pattern: int) -> None:
    """Write a pattern's values. They are made in scratch memory, apart from all that is read, to be vectorised."""
    row = out[pattern]
    for i in range(n):
        row[i] = values[i]
