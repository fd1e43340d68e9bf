"""How much of the movement was upwards: the RSI and its relatives."""

from __future__ import annotations

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, void
from bot4.kernel_memory import scratch, stretch
from bot4.quant.indicators.rates_of_change import growth
from bot4.quant.indicators.registry import CLOSE, OPEN, SPAN, Param, indicator
from bot4.quant.indicators.running import AVERAGE_SIZE, run_average
from bot4.quant.indicators.stretches import balances, put_last, rises_and_falls, shares
from bot4.quant.indicators.windows import blank, window_sums

TA_LIB = "TA-Lib"
RSI_SIZE = 2 * AVERAGE_SIZE


@kernel(i8(array(f8), array(f8), i8, i8, i8, array(f8), i8, array(f8), array(f8)), is_inlined=True)
def wilder_averages(
    later: FloatArray, earlier: FloatArray, n: int, age: int, period: int, state: FloatArray, at: int,
    gains: FloatArray, losses: FloatArray,
) -> int:  # fmt: skip
    """Wilder averages of the rises and of the falls from ``earlier[:n]`` to ``later[:n]``.

    ``age``: how many changes came before these. Returns how many averages are defined, the last ones; ``state`` from
    ``at`` on is ``RSI_SIZE`` long.
    """
    rises, falls = scratch(SPAN), scratch(SPAN)
    rises_and_falls(later, earlier, n, rises, falls)
    run_average(rises, n, age, period, 1.0 / period, state, at, gains)
    run_average(falls, n, age, period, 1.0 / period, state, at + AVERAGE_SIZE, losses)
    return min(n, max(age + n - (period - 1), 0))


@kernel(i8(array(f8), array(f8), i8, i8, i8, array(f8), i8, array(f8)), is_inlined=True)
def run_rsi(
    later: FloatArray, earlier: FloatArray, n: int, age: int, period: int, state: FloatArray, at: int, out: FloatArray
) -> int:
    """The RSI of such changes, to the front of ``out``; arguments and result as of :func:`wilder_averages`."""
    gains, losses = scratch(SPAN), scratch(SPAN)
    defined: int = wilder_averages(later, earlier, n, age, period, state, at, gains, losses)
    shares(gains[n - defined :], losses[n - defined :], defined, 0.0, out)
    return defined


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8), i8, array(f8)), is_inlined=True)
def rsi_of_block(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, state: FloatArray, at: int, out: FloatArray
) -> int:
    """The RSI of the closes of a block, for its bars from ``period`` on, to the front of ``out``; how many."""
    spare = scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - 1, t1, spare)
    n = len(close) - 1
    found: int = run_rsi(close[1:], close, n, t1 - 1 - n, period, state, at, out)
    return found


@indicator(
    "rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 500),),
    outputs=("rsi",),
    state_size=RSI_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB} (RSI); Wilder 1978",
)
def rsi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Relative strength index: ``100 gain / (gain + loss)``, Wilder averages of rises and falls of the close.

    They start from the mean of the first ``period`` changes. 0 if the close never moved. Unit: percent.
    """
    spare, gains, losses = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - 1, t1, spare)
    n = len(close) - 1
    defined: int = wilder_averages(close[1:], close, n, t1 - 1 - n, int(params[0]), state, 0, gains, losses)
    blank(out, 0, t1 - t0 - defined)
    shares(gains[n - defined :], losses[n - defined :], defined, 0.0, out[0, t1 - t0 - defined : t1 - t0])


@indicator(
    "cmo",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 500),),
    outputs=("cmo",),
    state_size=RSI_SIZE,
    warm_up=lambda period: period,
    lookback=1,
    source=f"{TA_LIB} (CMO); Chande 1994",
)
def cmo(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """``100 (gain - loss) / (gain + loss)``, Wilder averages as in the RSI; 0 if the close never moved.

    Chande's own, with plain sums, is :func:`cmo_unsmoothed`. Unit: percent.
    """
    spare, gains, losses = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - 1, t1, spare)
    n = len(close) - 1
    defined: int = wilder_averages(close[1:], close, n, t1 - 1 - n, int(params[0]), state, 0, gains, losses)
    blank(out, 0, t1 - t0 - defined)
    balances(gains[n - defined :], losses[n - defined :], defined, out[0, t1 - t0 - defined : t1 - t0])


@indicator(
    "relative_momentum_index",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 20, 2, 400), Param("lag", 5, 1, 400)),
    outputs=("relative_momentum_index",),
    state_size=RSI_SIZE,
    warm_up=lambda period, lag: period + lag - 1,
    lookback=lambda lag: lag,
    source="Altman, Relative Momentum Index, Stocks & Commodities 1993",
)
def relative_momentum_index(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """The RSI of changes over ``lag`` bars: ``100 gain / (gain + loss)``, Wilder averages of ``period``.

    With a lag of 1 it is the RSI. 0 if no close differed from that ``lag`` bars before. Unit: percent.
    """
    lag = int(params[1])
    spare, values = scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - lag, t1, spare)
    n = max(len(close) - lag, 0)
    found: int = run_rsi(close[len(close) - n :], close, n, t1 - lag - n, int(params[0]), state, 0, values)
    put_last(values, found, found, out, 0, t1 - t0)


# --- plain sums --------------------------------------------------------------------------------------------------


@kernel(i8(array(f8, 2), i8, i8, i8, i8, array(f8), array(f8)), is_inlined=True)
def sums_of_moves(
    bars: FloatArray, mask: int, t0: int, t1: int, period: int, gains: FloatArray, losses: FloatArray
) -> int:
    """Sums of the last ``period`` rises and falls of the close, for the block's bars from ``period`` on; how many."""
    spare, rises, falls = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = max(len(close) - 1, 0)
    rises_and_falls(close[len(close) - n :], close, n, rises, falls)
    found: int = window_sums(rises, n, period, gains)
    window_sums(falls, n, period, losses)
    return found


@indicator(
    "cutler_rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 440),),
    outputs=("cutler_rsi",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="Cutler's RSI",
)
def cutler_rsi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 gain / (gain + loss)``, sums of the last ``period`` rises and falls of the close; 0 if none moved.

    Unlike Wilder's it does not depend on where the data begin. Unit: percent.
    """
    gains, losses = scratch(SPAN), scratch(SPAN)
    n: int = sums_of_moves(bars, mask, t0, t1, int(params[0]), gains, losses)
    blank(out, 0, t1 - t0 - n)
    shares(gains, losses, n, 0.0, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "cmo_unsmoothed",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 1, 440),),
    outputs=("cmo_unsmoothed",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source=f"{TA_LIB} (CMOU); Chande and Kroll, The New Technical Trader, 1994",
)
def cmo_unsmoothed(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """``100 (gain - loss) / (gain + loss)``, sums of the last ``period`` rises and falls of the close.

    0 if none moved. Unit: percent.
    """
    gains, losses = scratch(SPAN), scratch(SPAN)
    n: int = sums_of_moves(bars, mask, t0, t1, int(params[0]), gains, losses)
    blank(out, 0, t1 - t0 - n)
    balances(gains, losses, n, out[0, t1 - t0 - n : t1 - t0])


@indicator(
    "imi",
    family="momentum",
    inputs=(OPEN, CLOSE),
    params=(Param("period", 14, 1, 440),),
    outputs=("imi",),
    state_size=0,
    warm_up=lambda period: period - 1,
    lookback=lambda period: period - 1,
    source=f"{TA_LIB} (IMI); Chande and Kroll, The New Technical Trader, 1994",
)
def imi(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Intraday momentum index: share of rising bodies in all bodies of the last ``period`` bars.

    ``100 gain / (gain + loss)``, sums of ``close - open`` of rising and of ``open - close`` of falling bars; 50 if
    every bar closed where it opened. Unit: percent.
    """
    period = int(params[0])
    spare_open, spare_close = scratch(SPAN), scratch(SPAN)
    rises, falls, gains, losses = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    open_ = stretch(bars, OPEN, mask, t0 - (period - 1), t1, spare_open)
    close = stretch(bars, CLOSE, mask, t0 - (period - 1), t1, spare_close)
    rises_and_falls(close, open_, len(close), rises, falls)
    n: int = window_sums(rises, len(close), period, gains)
    window_sums(falls, len(close), period, losses)
    blank(out, 0, t1 - t0 - n)
    shares(gains, losses, n, 50.0, out[0, t1 - t0 - n : t1 - t0])


@kernel(void(array(f8), array(f8), i8, array(f8)), is_inlined=True)
def _is_above(x: FloatArray, y: FloatArray, n: int, out: FloatArray) -> None:
    """1 where ``x > y``, else 0."""
    for i in range(n):
        out[i] = 1.0 if x[i] > y[i] else 0.0


@indicator(
    "psychological_line",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 12, 1, 440),),
    outputs=("psychological_line",),
    state_size=0,
    warm_up=lambda period: period,
    lookback=lambda period: period,
    source="the psychological line of Japanese charts",
)
def psychological_line(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Share of the last ``period`` bars that closed above the close before: ``100 rises / period``. Unit: percent."""
    period = int(params[0])
    spare, is_rise, rises = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - period, t1, spare)
    n = max(len(close) - 1, 0)
    _is_above(close[len(close) - n :], close, n, is_rise)
    n = window_sums(is_rise, n, period, rises)
    for i in range(n):
        rises[i] = 100.0 * rises[i] / period
    put_last(rises, n, n, out, 0, t1 - t0)


# --- Connors RSI -------------------------------------------------------------------------------------------------


@kernel(i8(array(f8), i8, i8, array(f8)))
def counts_below(x: FloatArray, n: int, period: int, out: FloatArray) -> int:
    """How many of the ``period`` values before it each value of ``x[period:n]`` is above; returns how many values."""
    m = max(n - period, 0)
    if m == 1:
        count = 0
        for k in range(period):
            count += 1 if x[k] < x[period] else 0
        out[0] = count
        return 1
    last = x[n - m : n]
    for i in range(m):
        out[i] = 0.0
    whole = period - period % 4
    for k in range(0, whole, 4):
        a, b, c, d = x[k : k + m], x[k + 1 : k + 1 + m], x[k + 2 : k + 2 + m], x[k + 3 : k + 3 + m]
        for i in range(m):
            now = last[i]
            first, second = (1.0 if a[i] < now else 0.0), (1.0 if b[i] < now else 0.0)
            third, fourth = (1.0 if c[i] < now else 0.0), (1.0 if d[i] < now else 0.0)
            out[i] += (first + second) + (third + fourth)
    for k in range(whole, period):
        a = x[k : k + m]
        for i in range(m):
            out[i] += 1.0 if a[i] < last[i] else 0.0
    return m


@kernel(void(array(f8), i8, f8, array(f8)))
def streaks(close: FloatArray, n: int, streak: float, out: FloatArray) -> None:
    """Bars that the close has risen (above 0) or fallen (below 0) in a row, before ``close[1:]`` and for each."""
    out[0] = streak
    for i in range(n):
        if close[i + 1] > close[i]:
            streak = streak + 1.0 if streak > 0.0 else 1.0
        elif close[i + 1] < close[i]:
            streak = streak - 1.0 if streak < 0.0 else -1.0
        else:
            streak = 0.0
        out[i + 1] = streak


@kernel(void(array(f8), array(f8), array(f8), i8, f8, array(f8)), is_inlined=True)
def _means_of_three(x: FloatArray, y: FloatArray, z: FloatArray, n: int, unit: float, out: FloatArray) -> None:
    for i in range(n):
        out[i] = (x[i] + y[i] + unit * z[i]) / 3.0


@indicator(
    "connors_rsi",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 3, 2, 400), Param("streak", 2, 2, 400), Param("rank", 100, 1, 439)),
    outputs=("connors_rsi",),
    state_size=2 * RSI_SIZE + 1,
    warm_up=lambda period, streak, rank: max(period, streak, rank + 1),
    lookback=lambda rank: rank + 1,
    source="Connors and Alvarez, An Introduction to ConnorsRSI, 2012",
)
def connors_rsi(
    bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray
) -> None:
    """Mean of three: RSI of the close, RSI of its streak, and rank of its last change.

    * ``RSI(close, period)``;
    * ``RSI(streak, streak)``: the bars that the close has risen in a row, or fallen (negative), 0 if it stood still;
    * ``100 count / rank``: how many of the ``rank`` changes in percent before it the last one is above.

    The RSI are those of :func:`rsi`. Unit: percent.
    """
    period, streak_period, rank = int(params[0]), int(params[1]), int(params[2])
    spare, runs, changes = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    strength, streak_strength, ranks = scratch(SPAN), scratch(SPAN), scratch(SPAN)
    close = stretch(bars, CLOSE, mask, t0 - (rank + 1), t1, spare)
    n = min(t1 - t0, t1 - 1)  # bars of the block that have one before them
    recent = close[len(close) - n - 1 :]
    of_close: int = run_rsi(recent[1:], recent, n, t1 - 1 - n, period, state, 0, strength)
    streaks(recent, n, state[2 * RSI_SIZE], runs)
    state[2 * RSI_SIZE] = runs[n]
    of_streak: int = run_rsi(runs[1:], runs, n, t1 - 1 - n, streak_period, state, RSI_SIZE, streak_strength)
    growth(close[1:], close, len(close) - 1, 100.0, 1.0, changes)
    of_rank: int = counts_below(changes, len(close) - 1, rank, ranks)
    defined = min(of_close, of_streak, of_rank)
    blank(out, 0, t1 - t0 - defined)
    _means_of_three(
        strength[of_close - defined :], streak_strength[of_streak - defined :], ranks[of_rank - defined :], defined,
        100.0 / rank, out[0, t1 - t0 - defined : t1 - t0],
    )  # fmt: skip


# --- QQE ---------------------------------------------------------------------------------------------------------

QQE_LINE = RSI_SIZE
QQE_MOVE = QQE_LINE + AVERAGE_SIZE
QQE_REACH = QQE_MOVE + AVERAGE_SIZE
LAST_LINE, LOWER, UPPER, SIDE = range(QQE_REACH + AVERAGE_SIZE, QQE_REACH + AVERAGE_SIZE + 4)
QQE_SIZE = SIDE + 1


@kernel(void(array(f8), array(f8), i8, i8, f8, array(f8), array(f8), array(f8)))
def _trail(
    line: FloatArray, reach: FloatArray, n: int, age: int, factor: float, state: FloatArray,
    level: FloatArray, trend: FloatArray,
) -> None:  # fmt: skip
    """Bands that follow ``line[1:]``; ``line[0]`` is the one before. ``age``: bands before these."""
    lower, upper, side = state[LOWER], state[UPPER], state[SIDE]
    for i in range(n):
        now, before = line[i + 1], line[i]
        low, high = now - factor * reach[i], now + factor * reach[i]
        if age + i == 0:
            side = 1.0
        else:
            side = 1.0 if now > upper else (-1.0 if now < lower else side)
            low = max(low, lower) if before > lower and now > lower else low
            high = min(high, upper) if before < upper and now < upper else high
        lower, upper = low, high
        level[i] = lower if side > 0.0 else upper
        trend[i] = side
    state[LOWER], state[UPPER], state[SIDE] = lower, upper, side


@indicator(
    "qqe",
    family="momentum",
    inputs=(CLOSE,),
    params=(Param("period", 14, 2, 100), Param("smooth", 5, 1, 100), Param("factor", 4.236, 0.1, 20.0)),
    outputs=("line", "level", "trend"),
    state_size=QQE_SIZE,
    warm_up=lambda period, smooth: 5 * period + smooth - 4,
    lookback=1,
    source="the QQE of MetaTrader and Pine, after Livshin",
)
def qqe(bars: FloatArray, mask: int, t0: int, t1: int, params: FloatArray, state: FloatArray, out: FloatArray) -> None:
    """Quantitative qualitative estimation: a smoothed RSI and a level that trails it.

    ``line = EMA(RSI(period), smooth)``; ``reach = factor EMA(EMA(|change of line|, n), n)`` with ``n = 2 period - 1``.
    A lower band ``line - reach`` may only rise while the line stays above it, an upper band ``line + reach`` only fall
    while the line stays below it. ``trend`` turns to 1 when the line goes above the upper band of the bar before and
    to -1 when it goes below the lower one; it starts with 1. ``level`` is the lower band while ``trend`` is 1, else
    the upper. Each average starts from the mean of its first values. Unit: percent (``trend``: 1 or -1).
    """
    period, smooth, factor = int(params[0]), int(params[1]), params[2]
    values, line, moves, once, reach = scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN), scratch(SPAN)
    n: int = rsi_of_block(bars, mask, t0, t1, period, state, 0, values)
    line[0] = state[LAST_LINE]
    first = period
    run_average(values, n, t1 - n - first, smooth, 2.0 / (smooth + 1), state, QQE_LINE, line[1:])
    state[LAST_LINE] = line[n]
    first += smooth
    m = min(n, max(t1 - first, 0))
    line = line[n - m :]
    for i in range(m):
        moves[i] = abs(line[i + 1] - line[i])
    steps = 2 * period - 1
    run_average(moves, m, t1 - m - first, steps, 1.0 / period, state, QQE_MOVE, once)
    first += steps - 1
    n = min(m, max(t1 - first, 0))
    run_average(once[m - n :], n, t1 - n - first, steps, 1.0 / period, state, QQE_REACH, reach)
    first += steps - 1
    defined = min(n, max(t1 - first, 0))
    for row in range(3):
        blank(out, row, t1 - t0 - defined)
    line = line[m - defined :]
    for i in range(defined):
        out[0, t1 - t0 - defined + i] = line[i + 1]
    _trail(
        line, reach[n - defined :], defined, t1 - defined - first, factor, state,
        out[1, t1 - t0 - defined : t1 - t0], out[2, t1 - t0 - defined : t1 - t0],
    )  # fmt: skip
