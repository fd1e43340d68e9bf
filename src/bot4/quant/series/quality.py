"""What is wrong with a series of bars, and what is done about each kind of defect.

A *finding* is one kind of defect with its count, its first examples and the policy that applies to it. Nothing is
repaired silently: :func:`apply_policy` hands back the report of what it found beside the series it leaves.

====================  ========  ==========  =================================================================
defect                strict    repair      why
====================  ========  ==========  =================================================================
non-finite            refuse    refuse      NaN or infinity in a price or a volume: nothing can be computed
non-positive          refuse    refuse      a price at or below zero, a volume below zero
OHLC violation        refuse    refuse      high below open, low or close, or low above them
disorder              refuse    sort        a bar opens before the one in the row above
exact duplicate       refuse    drop        all six columns repeat another row
conflicting dup.      refuse    refuse      one open time, different values: which one is true?
overlap               refuse    refuse      two bars open less than one interval apart
off grid              warn      warn        opens at no whole multiple of the interval since the epoch
spike                 warn      warn        a close far away that comes back at the next bar; may be real
frozen                warn      warn        three or more bars with identical open, high, low and close
gap                   keep      keep        no bar: the exchange was down or nothing traded; never filled in
zero volume           keep      keep        a bar without a trade, as exchanges emit them
====================  ========  ==========  =================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.domain.errors import DataError
from bot4.quant.series.time_grid import grid_offset_ns, interval_name, utc_text

Mask = npt.NDArray[np.bool_]

EXAMPLES_KEPT = 5
FROZEN_RUN_BARS = 3
SPIKE_SCALES = 15.0
SPIKE_REVERTED_SHARE = 0.5
NORMAL_MAD = 1.4826  # standard deviation of a normal variable per unit of its median absolute deviation


class Defect(StrEnum):
    """A kind of defect."""

    NON_FINITE = "non_finite"
    NON_POSITIVE = "non_positive"
    OHLC_VIOLATION = "ohlc_violation"
    DISORDER = "disorder"
    EXACT_DUPLICATE = "exact_duplicate"
    CONFLICTING_DUPLICATE = "conflicting_duplicate"
    OVERLAP = "overlap"
    OFF_GRID = "off_grid"
    SPIKE = "spike"
    FROZEN = "frozen"
    GAP = "gap"
    ZERO_VOLUME = "zero_volume"


class Policy(StrEnum):
    """What is done about a defect."""

    REFUSE = "refuse"
    SORT = "sort"
    DROP = "drop"
    WARN = "warn"
    KEEP = "keep"


Policies = Mapping[Defect, Policy]

STRICT: Policies = {
    Defect.NON_FINITE: Policy.REFUSE,
    Defect.NON_POSITIVE: Policy.REFUSE,
    Defect.OHLC_VIOLATION: Policy.REFUSE,
    Defect.DISORDER: Policy.REFUSE,
    Defect.EXACT_DUPLICATE: Policy.REFUSE,
    Defect.CONFLICTING_DUPLICATE: Policy.REFUSE,
    Defect.OVERLAP: Policy.REFUSE,
    Defect.OFF_GRID: Policy.WARN,
    Defect.SPIKE: Policy.WARN,
    Defect.FROZEN: Policy.WARN,
    Defect.GAP: Policy.KEEP,
    Defect.ZERO_VOLUME: Policy.KEEP,
}
"""For what is about to be traded on: whatever would need a guess is refused."""

REPAIR: Policies = {**STRICT, Defect.DISORDER: Policy.SORT, Defect.EXACT_DUPLICATE: Policy.DROP}
"""For an import: what can be mended without a guess is mended, and reported."""

_DROPPABLE = (Defect.NON_FINITE, Defect.NON_POSITIVE, Defect.OHLC_VIOLATION, Defect.EXACT_DUPLICATE, Defect.OFF_GRID)
_TEXT = {
    Defect.NON_FINITE: "not a finite number",
    Defect.NON_POSITIVE: "price not above zero or volume below zero",
    Defect.OHLC_VIOLATION: "high and low do not enclose open and close",
    Defect.DISORDER: "opens before the bar in the row above",
    Defect.EXACT_DUPLICATE: "repeats another row exactly",
    Defect.CONFLICTING_DUPLICATE: "same open time as another row, different values",
    Defect.OVERLAP: "opens before the bar before it has closed",
    Defect.OFF_GRID: "opens off the grid of the interval",
    Defect.SPIKE: "close far away that comes back at the next bar",
    Defect.FROZEN: "identical open, high, low and close run on",
    Defect.GAP: "missing bars",
    Defect.ZERO_VOLUME: "no volume",
}
_REMEDY = {
    Defect.NON_FINITE: "fetch those bars again or remove the rows",
    Defect.NON_POSITIVE: "fetch those bars again or remove the rows",
    Defect.OHLC_VIOLATION: "check the order of the columns or fetch those bars again",
    Defect.DISORDER: "sort the file by time, or import it with repair",
    Defect.EXACT_DUPLICATE: "remove the repeated rows, or import it with repair",
    Defect.CONFLICTING_DUPLICATE: "remove the wrong row of each pair",
    Defect.OVERLAP: "split the file by interval or give the interval that it has",
    Defect.OFF_GRID: "correct the times",
    Defect.SPIKE: "compare those bars with another source",
    Defect.FROZEN: "compare those bars with another source",
    Defect.GAP: "fetch those bars again",
    Defect.ZERO_VOLUME: "fetch those bars again",
}


@dataclass(frozen=True, slots=True)
class Example:
    """One place where a defect was seen: ``row`` counts from 1 without a header line."""

    row: int
    ts_open_ns: int
    detail: str

    def __str__(self) -> str:
        return f"row {self.row} ({utc_text(self.ts_open_ns)}): {self.detail}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of defect in a series.

    Attributes:
        defect: what kind.
        policy: what is done about it.
        bars: how many bars are concerned; for a gap, how many are missing.
        occurrences: how many separate places; equal to ``bars`` unless the defect comes in runs.
        examples: the first few.
    """

    defect: Defect
    policy: Policy
    bars: int
    occurrences: int
    examples: tuple[Example, ...]

    def __str__(self) -> str:
        places = f" in {self.occurrences} places" if self.occurrences != self.bars else ""
        return f"{self.defect.value}: {self.bars} bars{places}, {self.policy.value}; first {self.examples[0]}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "defect": self.defect.value,
            "policy": self.policy.value,
            "bars": self.bars,
            "occurrences": self.occurrences,
            "examples": [
                {"row": e.row, "ts_open": utc_text(e.ts_open_ns), "ts_open_ns": e.ts_open_ns, "detail": e.detail}
                for e in self.examples
            ],
        }


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What was found in a series of ``bars`` bars; ``findings`` is empty for a clean one."""

    symbol: str
    interval_ns: int
    bars: int
    first_open_ns: int | None
    last_open_ns: int | None
    is_synthetic: bool
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        """Whether no finding is to be refused."""
        return all(finding.policy is not Policy.REFUSE for finding in self.findings)

    def find(self, defect: Defect) -> Finding | None:
        """The finding of one kind, if there is one."""
        return next((finding for finding in self.findings if finding.defect is defect), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "symbol": self.symbol,
            "interval": interval_name(self.interval_ns),
            "bars": self.bars,
            "first_open": None if self.first_open_ns is None else utc_text(self.first_open_ns),
            "last_open": None if self.last_open_ns is None else utc_text(self.last_open_ns),
            "is_synthetic": self.is_synthetic,
            "is_usable": self.is_usable,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def check_bars(series: BarSeries, policies: Policies = STRICT) -> QualityReport:
    """Find every kind of defect in a series; raises nothing, changes nothing.

    Defects of order are those of the rows as they stand; gaps, overlaps, spikes and frozen runs are looked for in
    order of time. A spike is a bar t with log returns r_t and r_{t+1} both beyond ``SPIKE_SCALES`` robust standard
    deviations (1.4826 x median absolute deviation), of opposite sign, that cancel to less than half of r_t.

    Args:
        series: n bars, in any state.
        policies: what each finding says is done about it.
    """
    findings = [
        _finding(series, policies, defect, rows)
        for defect, rows in (
            (Defect.NON_FINITE, _rows(~_is_finite(series))),
            (Defect.NON_POSITIVE, _rows(_is_non_positive(series))),
            (Defect.OHLC_VIOLATION, _rows(_is_ohlc_violation(series))),
            (Defect.DISORDER, _rows(np.diff(series.ts_open_ns) < 0) + 1),
        )
    ]
    order = np.argsort(series.ts_open_ns, kind="stable") if len(findings[-1].examples) else None
    ts_ns = series.ts_open_ns if order is None else series.ts_open_ns[order]
    steps = np.diff(ts_ns)
    exact, conflicting = _duplicates(series, steps, order)
    is_off_grid = (series.ts_open_ns - grid_offset_ns(series.interval_ns)) % series.interval_ns != 0
    findings += [
        _finding(series, policies, Defect.EXACT_DUPLICATE, exact),
        _finding(series, policies, Defect.CONFLICTING_DUPLICATE, conflicting),
        _finding(
            series, policies, Defect.OVERLAP, _in_rows(_rows((steps > 0) & (steps < series.interval_ns)) + 1, order)
        ),
        _finding(series, policies, Defect.OFF_GRID, _rows(is_off_grid)),
        _finding(series, policies, Defect.SPIKE, _in_rows(_spikes(series, order), order)),
        _frozen_finding(series, policies, order),
        _gap_finding(series, policies, steps, order),
        _finding(series, policies, Defect.ZERO_VOLUME, _rows(series.volume == 0)),
    ]
    return QualityReport(
        symbol=series.symbol,
        interval_ns=series.interval_ns,
        bars=len(series),
        first_open_ns=int(ts_ns[0]) if len(series) else None,
        last_open_ns=int(ts_ns[-1]) if len(series) else None,
        is_synthetic=series.is_synthetic,
        findings=tuple(finding for finding in findings if finding.bars),
    )


def apply_policy(series: BarSeries, policies: Policies = REPAIR, where: str = "") -> tuple[BarSeries, QualityReport]:
    """Do what the policies say: refuse, sort, drop; and report everything that was found before.

    Args:
        series: n bars, in any state; it is not changed.
        policies: :data:`STRICT`, :data:`REPAIR` or a mapping of your own that covers every :class:`Defect`.
        where: what an error names, such as the file.

    Returns:
        The series that is left, in order of time and without a refused defect, and the report of what was found.

    Raises:
        DataError: at the first finding whose policy is to refuse, or if no bar is left.
        ValueError: if a policy makes no sense for its defect (sorting what is not disorder).
    """
    _require_sensible(policies)
    report = check_bars(series, policies)
    name = where or series.symbol
    for finding in report.findings:
        if finding.policy is Policy.REFUSE:
            raise DataError(
                f"{finding.examples[0]} [{finding.defect.value}, {finding.bars} bars]",
                where=name,
                remedy=_REMEDY[finding.defect],
            )
    kept = _kept_rows(series, report)
    if kept is not None:
        series = _take(series, kept)
        second = check_bars(series, policies)
        left = next((f for f in second.findings if f.policy not in (Policy.KEEP, Policy.WARN)), None)
        if left is not None:
            raise DataError(f"{left.examples[0]} after repair", where=name, remedy=_REMEDY[left.defect])
    if not len(series):
        raise DataError("no bars", where=name, remedy="give a file or a period that holds some")
    return series, report


def _require_sensible(policies: Policies) -> None:
    for defect in Defect:
        policy = policies[defect]
        can_apply = policy in (Policy.REFUSE, Policy.KEEP, Policy.WARN)
        can_apply |= policy is Policy.SORT and defect is Defect.DISORDER
        can_apply |= policy is Policy.DROP and defect in _DROPPABLE
        if not can_apply:
            raise ValueError(f"the policy '{policy.value}' cannot be applied to '{defect.value}'")


def _kept_rows(series: BarSeries, report: QualityReport) -> IntArray | None:
    """Rows to keep, in order; None where every row stays where it is."""
    policies = {finding.defect: finding.policy for finding in report.findings}
    drops = [defect for defect, policy in policies.items() if policy is Policy.DROP]
    must_sort = policies.get(Defect.DISORDER) is Policy.SORT
    if not drops and not must_sort:
        return None
    is_dropped = np.zeros(len(series), dtype=bool)
    for defect in drops:
        is_dropped[_defect_rows(series, defect)] = True
    rows = np.arange(len(series), dtype=np.int64)
    if must_sort:
        rows = np.argsort(series.ts_open_ns, kind="stable").astype(np.int64)
    return rows[~is_dropped[rows]]


def _defect_rows(series: BarSeries, defect: Defect) -> IntArray:
    if defect is Defect.NON_FINITE:
        return _rows(~_is_finite(series))
    if defect is Defect.NON_POSITIVE:
        return _rows(_is_non_positive(series))
    if defect is Defect.OHLC_VIOLATION:
        return _rows(_is_ohlc_violation(series))
    if defect is Defect.OFF_GRID:
        return _rows((series.ts_open_ns - grid_offset_ns(series.interval_ns)) % series.interval_ns != 0)
    order = np.argsort(series.ts_open_ns, kind="stable").astype(np.int64)
    return _duplicates(series, np.diff(series.ts_open_ns[order]), order)[0]


def _take(series: BarSeries, rows: IntArray) -> BarSeries:
    return BarSeries(
        series.symbol, series.interval_ns, series.ts_open_ns[rows], series.open[rows], series.high[rows],
        series.low[rows], series.close[rows], series.volume[rows], series.is_synthetic,
    )  # fmt: skip


# --- where the defects are ---------------------------------------------------------------------------------------


def _columns(series: BarSeries) -> tuple[FloatArray, ...]:
    return series.open, series.high, series.low, series.close, series.volume


def _rows(mask: Mask) -> IntArray:
    return np.flatnonzero(mask).astype(np.int64)


def _in_rows(positions: IntArray, order: npt.NDArray[np.intp] | None) -> IntArray:
    return positions if order is None else order[positions].astype(np.int64)


def _is_finite(series: BarSeries) -> Mask:
    total = series.open + series.high + series.low + series.close + series.volume
    if np.isfinite(total).all():
        return np.ones(len(series), dtype=bool)
    return np.asarray(np.logical_and.reduce([np.isfinite(column) for column in _columns(series)]))


def _is_non_positive(series: BarSeries) -> Mask:
    lowest = np.fmin(np.fmin(series.open, series.high), np.fmin(series.low, series.close))
    return np.asarray((lowest <= 0) | (series.volume < 0))


def _is_ohlc_violation(series: BarSeries) -> Mask:
    top, bottom = np.fmax(series.open, series.close), np.fmin(series.open, series.close)
    return np.asarray((series.high < top) | (series.low > bottom) | (series.high < series.low))


def _duplicates(series: BarSeries, steps: IntArray, order: npt.NDArray[np.intp] | None) -> tuple[IntArray, IntArray]:
    """Rows that repeat an earlier row of their open time exactly, and rows that contradict one."""
    is_repeated = np.concatenate([[False], steps == 0]) if len(series) else np.empty(0, dtype=bool)
    repeated = _in_rows(_rows(is_repeated), order)
    if not len(repeated):
        return repeated, repeated
    is_concerned = is_repeated | np.append(is_repeated[1:], False)
    rows = np.sort(_in_rows(_rows(is_concerned), order))
    keys = [column[rows].view(np.int64) for column in _columns(series)] + [series.ts_open_ns[rows]]
    alike = np.lexsort(keys)
    is_copy = np.logical_and.reduce([key[alike][1:] == key[alike][:-1] for key in keys])
    exact = np.sort(rows[alike[1:][is_copy]])
    return exact, np.setdiff1d(repeated, exact)


def _spikes(series: BarSeries, order: npt.NDArray[np.intp] | None) -> IntArray:
    close = series.close if order is None else series.close[order]
    if len(close) < 3:
        return np.empty(0, np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(close))
    usable = returns[np.isfinite(returns) & (returns != 0)]  # an unchanged close says nothing of the scale
    if not len(usable):
        return np.empty(0, np.int64)
    limit = SPIKE_SCALES * NORMAL_MAD * float(np.median(np.abs(usable - np.median(usable))))
    if limit == 0:
        return np.empty(0, np.int64)
    returns = np.where(np.isfinite(returns), returns, 0.0)
    away, back = returns[:-1], returns[1:]
    is_spike = (np.abs(away) > limit) & (np.abs(back) > limit) & (away * back < 0)
    return _rows(is_spike & (np.abs(away + back) < SPIKE_REVERTED_SHARE * np.abs(away))) + 1


# --- findings ------------------------------------------------------------------------------------------------------


def _finding(series: BarSeries, policies: Policies, defect: Defect, rows: IntArray) -> Finding:
    examples = tuple(
        Example(int(row) + 1, int(series.ts_open_ns[row]), _detail(series, defect, int(row)))
        for row in rows[:EXAMPLES_KEPT]
    )
    return Finding(defect, policies[defect], len(rows), len(rows), examples)


def _detail(series: BarSeries, defect: Defect, row: int) -> str:
    values = ", ".join(
        f"{name} {column[row]:.10g}"
        for name, column in zip(("open", "high", "low", "close", "volume"), _columns(series), strict=True)
    )
    if defect in (Defect.NON_FINITE, Defect.NON_POSITIVE, Defect.OHLC_VIOLATION, Defect.CONFLICTING_DUPLICATE):
        return f"{_TEXT[defect]} ({values})"
    if defect is Defect.SPIKE:
        return f"{_TEXT[defect]} (close {series.close[row]:.10g})"
    return _TEXT[defect]


def _frozen_finding(series: BarSeries, policies: Policies, order: npt.NDArray[np.intp] | None) -> Finding:
    prices = _columns(series)[:4]
    if order is not None:
        prices = tuple(column[order] for column in prices)
    is_same = np.logical_and.reduce([column[1:] == column[:-1] for column in prices])
    edges = np.diff(np.concatenate([[0], is_same.view(np.int8), [0]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + 1
    is_long = ends - starts >= FROZEN_RUN_BARS
    starts, ends = starts[is_long], ends[is_long]
    examples = tuple(
        Example(
            int(row) + 1,
            int(series.ts_open_ns[row]),
            f"{end - start} bars at {series.close[row]:.10g}, volume {_run_volume(series, order, start, end):.10g}",
        )
        for start, end in zip(starts[:EXAMPLES_KEPT].tolist(), ends[:EXAMPLES_KEPT].tolist(), strict=True)
        for row in _in_rows(np.array([start], dtype=np.int64), order)
    )
    return Finding(Defect.FROZEN, policies[Defect.FROZEN], int(np.sum(ends - starts)), len(starts), examples)


def _run_volume(series: BarSeries, order: npt.NDArray[np.intp] | None, start: int, end: int) -> float:
    return float(series.volume[_in_rows(np.arange(start, end, dtype=np.int64), order)].sum())


def _gap_finding(series: BarSeries, policies: Policies, steps: IntArray, order: npt.NDArray[np.intp] | None) -> Finding:
    before = _rows(steps > series.interval_ns)
    missing = steps[before] // series.interval_ns - 1
    before, missing = before[missing > 0], missing[missing > 0]
    rows = _in_rows(before[:EXAMPLES_KEPT], order)
    following = _in_rows(before[:EXAMPLES_KEPT] + 1, order)
    examples = tuple(
        Example(
            int(row) + 1,
            int(series.ts_open_ns[row]),
            f"{count} missing bars before {utc_text(int(series.ts_open_ns[after]))}",
        )
        for row, after, count in zip(rows, following, missing[:EXAMPLES_KEPT], strict=True)
    )
    return Finding(Defect.GAP, policies[Defect.GAP], int(missing.sum()), len(before), examples)
