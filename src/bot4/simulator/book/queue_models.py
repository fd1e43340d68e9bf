"""Our place in the queue of a price, where only the total that stands there is known (level-2 data).

An order of ours joins the end of its queue: ``ahead`` is then what stands there (:func:`level_lots
<bot4.simulator.book.ladder.level_lots>`). Two things move it forward. A trade at the price is taken from the front.
A fall of the total that trades do not explain is cancellations, of which a part stood ahead of us; how large a part
is what the models differ in. With ``a`` lots ahead of us and ``b`` behind, a cancelled lot stood ahead with

=================  ==================================================  ==========================================
model              probability that it stood ahead                     assumes
=================  ==================================================  ==========================================
``PESSIMISTIC``    0, as long as there is room behind                  nobody ahead of us ever gives up
``PROPORTIONAL``   ``a / (a + b)``                                     every lot is as likely to be cancelled
``POWER``          ``a^n / (a^n + b^n)``, n the parameter              n > 1: the longer part loses more than its
                                                                       share; n < 1: less
``LOGARITHMIC``    ``ln(1 + a) / (ln(1 + a) + ln(1 + b))``, in lots    the parts lose nearly alike
=================  ==================================================  ==========================================

``ahead`` is a float of lots that may fall below 0: what lies below is what trades have given us, and
:func:`filled_lots` takes whole lots of it, to the nearest. Kernels, the model being an id and a parameter, so that
it is data:

- ``ahead_after_trade(ahead, traded_lots) -> ahead``
- ``ahead_after_change(model, parameter, ahead, traded_lots, before_lots, after_lots) -> ahead``
- ``filled_lots(ahead, open_lots) -> lots``: how many fill now; add them to ``ahead``
- ``share_ahead(model, parameter, ahead, behind) -> probability``

:func:`calibrate` chooses model and parameter by the likelihood of observed cancellations (level-3 data knows where
each stood), :func:`calibrate_on_lives` by least squares on recorded lives of orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from bot4.domain.bars import FloatArray, IntArray
from bot4.domain.errors import DataError, SettingError
from bot4.kernel import array, f8, i8, kernel, void

PESSIMISTIC = 0
PROPORTIONAL = 1
POWER = 2
LOGARITHMIC = 3


class QueueModel(IntEnum):
    """Who is taken to have cancelled; see the module."""

    PESSIMISTIC = PESSIMISTIC
    PROPORTIONAL = PROPORTIONAL
    POWER = POWER
    LOGARITHMIC = LOGARITHMIC


MIN_POWER = 0.05
MAX_POWER = 20.0
_MAX_RATIO = 1e15  # whose greatest power is still finite
_POWERS_TRIED = 60
_LOG_TOLERANCE = 1e-7
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """A queue model and its parameter (of POWER: the exponent, 0.05 to 20; else not looked at)."""

    model: QueueModel = QueueModel.PESSIMISTIC
    parameter: float = 1.0

    def __post_init__(self) -> None:
        if self.model not in list(QueueModel):
            raise SettingError(f"queue model {self.model}", where="queue model", remedy="give one of QueueModel")
        if self.model == POWER and not MIN_POWER <= self.parameter <= MAX_POWER:
            raise SettingError(
                f"the power of a queue model is {self.parameter}", where="queue model",
                remedy=f"give {MIN_POWER:g} to {MAX_POWER:g}",
            )  # fmt: skip


@kernel(f8(i8, f8, f8, f8))
def share_ahead(model: int, parameter: float, ahead: float, behind: float) -> float:
    """Probability that a cancelled lot stood ahead of us; 0 where nothing is ahead, 1 where nothing is behind."""
    if ahead <= 0.0:
        return 0.0
    if behind <= 0.0:
        return 1.0
    if model == PROPORTIONAL:
        return ahead / (ahead + behind)
    if model == POWER:
        return float(1.0 / (1.0 + min(behind / ahead, _MAX_RATIO) ** parameter))
    if model == LOGARITHMIC:
        of_ahead, of_behind = math.log1p(ahead), math.log1p(behind)
        return of_ahead / (of_ahead + of_behind)
    return 0.0


@kernel(f8(f8, i8), is_inlined=True)
def ahead_after_trade(ahead: float, traded_lots: int) -> float:
    """What is ahead of us once so many lots have traded at our price."""
    return ahead - traded_lots


@kernel(f8(i8, f8, f8, i8, i8, i8))
def ahead_after_change(
    model: int, parameter: float, ahead: float, traded_lots: int, before_lots: int, after_lots: int
) -> float:
    """What is ahead of us once the total at our price has changed.

    Args:
        model: a :class:`QueueModel`.
        parameter: its parameter.
        ahead: lots ahead before, trades already taken off.
        traded_lots: lots traded at the price since the total was last told: that much of the fall is explained.
        before_lots, after_lots: the total before and now.

    Returns:
        The lots ahead, never more than the total; below 0 where trades have already reached us.
    """
    cancelled = before_lots - after_lots - traded_lots
    if cancelled > 0 and ahead > 0.0 and model != PESSIMISTIC:
        behind = before_lots - ahead
        share = share_ahead(model, parameter, ahead, behind)
        from_behind = (1.0 - share) * cancelled
        ahead = ahead - share * cancelled - max(from_behind - max(behind, 0.0), 0.0)
    return min(ahead, float(after_lots))


@kernel(i8(f8, i8), is_inlined=True)
def filled_lots(ahead: float, open_lots: int) -> int:
    """Whole lots of our order that trades have reached, to the nearest lot.

    The caller adds them to ``ahead``, so that what was rounded is carried to the next trade.
    """
    if ahead > -0.5:
        return 0
    return int(min(math.floor(0.5 - ahead), open_lots))


# --- calibration --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueFit:
    """A fitted queue model.

    Attributes:
        settings: the model and parameter that fit best.
        losses: of every model, its loss at its best parameter: the mean negative log-likelihood of a cancelled lot
            in nats (:func:`calibrate`; infinite for PESSIMISTIC where lots ahead were cancelled), or the mean squared
            error in lots squared (:func:`calibrate_on_lives`).
        power: the best exponent of POWER, whether or not it won.
        n: observations used.
    """

    settings: QueueSettings
    losses: dict[QueueModel, float]
    power: float
    n: int


def calibrate(ahead: FloatArray, behind: FloatArray, cancelled_ahead: FloatArray, cancelled: FloatArray) -> QueueFit:
    """Choose the model that makes observed cancellations most likely.

    Each observation is a cancellation at a price where an order of known place stood: of ``cancelled`` lots,
    ``cancelled_ahead`` stood ahead of it (Bernoulli, each lot by :func:`share_ahead`). The exponent of POWER maximises
    ``sum(c_a ln p + (c - c_a) ln(1 - p))``, ``p = 1 / (1 + (b / a)^n)``, which is concave in n. POWER wins over
    PROPORTIONAL only where its parameter pays for itself by the Bayesian information criterion.

    Args:
        ahead, behind: float64[n], lots ahead of and behind the order before each cancellation. Rows in which either
            is 0 say nothing of the model and are left out.
        cancelled_ahead: float64[n], lots cancelled from ahead.
        cancelled: float64[n], lots cancelled in all, positive.

    Raises:
        DataError: where the columns differ in length, hold NaN or impossible numbers, or nothing is left.
    """
    a, b, c_a, c = _columns(ahead, behind, cancelled_ahead, cancelled)
    if not (np.all(c_a >= 0) and np.all(c_a <= c) and np.all(c > 0) and np.all(a >= 0) and np.all(b >= 0)):
        raise DataError(
            "a cancellation of more lots ahead than in all, or of negative ones", where="queue calibration",
            remedy="correct the observations",
        )  # fmt: skip
    kept = (a > 0) & (b > 0)
    a, b, c_a, c = a[kept], b[kept], c_a[kept], c[kept]
    _require(len(a))
    total = float(c.sum())

    def loss(model: QueueModel, power: float) -> float:
        p = _shares(model, power, a, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_ahead = np.where(c_a > 0, c_a * np.log(p), 0.0)
            of_behind = np.where(c - c_a > 0, (c - c_a) * np.log1p(-p), 0.0)
        return -float(np.sum(of_ahead + of_behind)) / total

    return _choose(loss, len(a), penalty=math.log(len(a)) / (2.0 * total))


def calibrate_on_lives(
    ahead_at_start: FloatArray, changes: IntArray, first_change: IntArray, ahead_at_end: FloatArray
) -> QueueFit:
    """Choose the model that best foretells where recorded orders stood at the end of their lives.

    The mean of ``(foretold - ahead_at_end)^2`` in lots is least; the exponent of POWER is found on a grid of its
    logarithm and refined by golden section.

    Args:
        ahead_at_start: float64[m], lots ahead of each order when it joined.
        changes: int64[k, 3], what happened at the price of the orders, one life after the other, in order: lots
            before, lots after, and lots that traded there in between.
        first_change: int64[m + 1], where each order's rows begin; the last one is k.
        ahead_at_end: float64[m], lots really ahead after the last row; 0 where the order was about to fill.

    Raises:
        DataError: where the columns do not fit one another, hold NaN, or are empty.
    """
    start, end = _columns(ahead_at_start, ahead_at_end)
    rows = np.ascontiguousarray(changes, dtype=np.int64).reshape(-1, 3)
    firsts = np.ascontiguousarray(first_change, dtype=np.int64)
    _require(len(start))
    if len(firsts) != len(start) + 1 or firsts[0] != 0 or firsts[-1] != len(rows) or np.any(np.diff(firsts) < 0):
        raise DataError(
            "the rows of the orders' lives do not fit the orders", where="queue calibration",
            remedy="give for each order where its rows begin, and their number last",
        )  # fmt: skip
    foretold = np.zeros(len(start))

    def loss(model: QueueModel, power: float) -> float:
        follow_lives(int(model), power, start, rows, firsts, foretold)
        return float(np.mean((foretold - end) ** 2))

    return _choose(loss, len(start), penalty=0.0)


@kernel(void(i8, f8, array(f8), array(i8, 2), array(i8), array(f8)))
def follow_lives(
    model: int, parameter: float, start: FloatArray, changes: IntArray, first_change: IntArray, foretold: FloatArray
) -> None:
    """Write what a model has ahead of each recorded order at its end, not below 0."""
    for life in range(len(start)):
        ahead = start[life]
        for row in range(first_change[life], first_change[life + 1]):
            traded = changes[row, 2]
            ahead = ahead_after_trade(ahead, traded)
            ahead = ahead_after_change(model, parameter, ahead, traded, changes[row, 0], changes[row, 1])
        foretold[life] = max(ahead, 0.0)


def _shares(model: QueueModel, power: float, ahead: FloatArray, behind: FloatArray) -> FloatArray:
    """:func:`share_ahead` of columns in which neither part is 0."""
    if model is QueueModel.PROPORTIONAL:
        return np.asarray(ahead / (ahead + behind))
    if model is QueueModel.POWER:
        return np.asarray(1.0 / (1.0 + np.exp(power * np.log(behind / ahead))))
    if model is QueueModel.LOGARITHMIC:
        return np.asarray(np.log1p(ahead) / (np.log1p(ahead) + np.log1p(behind)))
    return np.zeros(len(ahead))


def _choose(loss: Callable[[QueueModel, float], float], n: int, penalty: float) -> QueueFit:
    power = _best_power(lambda candidate: loss(QueueModel.POWER, candidate))
    losses = {model: loss(model, power if model is QueueModel.POWER else 1.0) for model in QueueModel}
    best = min(QueueModel, key=lambda model: losses[model] + (penalty if model is QueueModel.POWER else 0.0))
    return QueueFit(QueueSettings(best, power if best is QueueModel.POWER else 1.0), losses, power, n)


def _best_power(loss: Callable[[float], float]) -> float:
    """The exponent of the least loss, by its logarithm: the best of a grid, then golden section around it."""
    grid = np.linspace(math.log(MIN_POWER), math.log(MAX_POWER), _POWERS_TRIED)
    at = int(np.argmin([loss(math.exp(x)) for x in grid]))
    low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, len(grid) - 1)])
    while high - low > _LOG_TOLERANCE:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if loss(math.exp(left)) <= loss(math.exp(right)):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2.0)


def _columns(*columns: FloatArray) -> list[FloatArray]:
    found = [np.ascontiguousarray(column, dtype=np.float64) for column in columns]
    if len({len(column) for column in found}) != 1 or not all(np.isfinite(column).all() for column in found):
        raise DataError(
            "columns of different lengths, or numbers that are not finite", where="queue calibration",
            remedy="give columns of one length without NaN",
        )  # fmt: skip
    return found


def _require(n: int) -> None:
    if n == 0:
        raise DataError(
            "no observation that says anything of the model", where="queue calibration", remedy="give more data"
        )
