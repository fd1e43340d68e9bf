"""What continues from block to block: exponential averages of a whole block, and the last values of a series.

An average ``y' = alpha x + (1 - alpha) y`` is a chain in which every value waits for the one before. Here only every
fourth does: four values are folded first, ``p = alpha x + (1 - alpha) p``, and ``y`` of each is
``(1 - alpha)^k y_0 + p``, where ``y_0`` is the average before the four. The fours are counted from the first value,
so a series gives the same bits however it is cut.
"""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void

AVERAGE_SIZE = 2
"""State of an average: the average before the current four (or the sum so far), and what was folded since."""

FOUR = 4


@kernel(void(array(f8), i8, i8, i8, f8, array(f8), i8, array(f8)), is_inlined=True)
def run_average(
    values: FloatArray, n: int, age: int, period: int, alpha: float, state: FloatArray, at: int, out: FloatArray
) -> None:
    """Exponential average of ``values[:n]`` that starts from the mean of the first ``period``, as TA-Lib's does.

    Args:
        values: the next ``n`` values of the series.
        age: how many values came before them.
        period: values whose mean starts the average.
        alpha: weight of a new value.
        state, at: its state, ``AVERAGE_SIZE`` long.
        out: the averages; not to be used before the one at ``period - 1 - age``.
    """
    before, folded = state[at], state[at + 1]
    i = 0
    while i < n and age + i < period:
        before += values[i]
        if age + i == period - 1:
            before /= period
        out[i] = before
        i += 1
    beta = 1.0 - alpha
    beta_2 = beta * beta
    beta_3, beta_4 = beta_2 * beta, beta_2 * beta_2
    phase = (age + i - period) % FOUR if i < n else 0
    while i < n:
        if phase == 0 and i + FOUR <= n:
            p0 = alpha * values[i]
            p1 = alpha * values[i + 1] + beta * p0
            p2 = alpha * values[i + 2] + beta * p1
            p3 = alpha * values[i + 3] + beta * p2
            out[i] = beta * before + p0
            out[i + 1] = beta_2 * before + p1
            out[i + 2] = beta_3 * before + p2
            before = beta_4 * before + p3
            out[i + 3] = before
            i += FOUR
            continue
        fresh = alpha * values[i]
        folded = fresh if phase == 0 else fresh + beta * folded
        power = beta if phase == 0 else (beta_2 if phase == 1 else (beta_3 if phase == 2 else beta_4))
        average = power * before + folded
        out[i] = average
        phase += 1
        if phase == FOUR:
            phase = 0
            before = average
        i += 1
    state[at], state[at + 1] = before, folded


@kernel(i8(array(f8), i8, i8, i8, array(f8)), is_inlined=True)
def recall(state: FloatArray, at: int, size: int, age: int, into: FloatArray) -> int:
    """The last ``size`` values of a series (or all, if it has ``age`` fewer), to the front of an array; how many."""
    n = min(max(age, 0), size)
    kept = state[at + size - n : at + size]
    for i in range(n):
        into[i] = kept[i]
    return n


@kernel(void(array(f8), i8, array(f8), i8, i8), is_inlined=True)
def remember(values: FloatArray, n: int, state: FloatArray, at: int, size: int) -> None:
    """Keep the last ``size`` of ``values[:n]``, which begin with what was recalled."""
    kept = min(n, size)
    last, into = values[n - kept : n], state[at + size - kept : at + size]
    for i in range(kept):
        into[i] = last[i]
