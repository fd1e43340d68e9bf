"""The search that harmonic patterns and Elliott waves share: pivots at several scales, legs fitted, ratios tested.

1. *Blocks.* At each scale closes are averaged over blocks of ``w`` bars (:data:`BLOCK_BARS`), and a pattern is looked
   for where it spans about 18 to 50 blocks: every size is searched alike.
2. *Last point.* A block lower than the three before it and the two, five or eight after it is the last point of a
   bullish pattern, confirmed as a swing by those later blocks, which must have come back by 0.15 of the last leg.
   (Bearish: the same upside down.)
3. *Pivots.* Among the extremes before it the smallest leg is taken away again and again. After each step the last
   legs are a candidate, so that swings of every size are tried without a threshold.
4. *Fit.* The candidate's legs, with up to seven blocks that lead to the first point and those that lead away from the
   last, are fitted to the blocks (:mod:`bot4.quant.patterns.wave_fit`); the knots move to where they fit best.
   RSS is then increased by what the ratios of the table cost. A candidate is refused where that is more than noise
   explains: ``increase x (n - knots) / RSS > 16``, about the 99th percentile for five ratios.
5. *Evidence.* ``E = n/2 ln(S / RSS) - U - G``, in natural logarithms. The first term is the log likelihood of "these
   legs and independent noise" against that of a random walk, or of noise about one level, whichever explains the
   ``n`` blocks better (``S``). ``U = 1/2 sum (ln(duration / mean duration) / 0.2)^2`` is what uneven legs cost, and
   those that the table calls equal in time likewise with 0.2. ``G`` is 8 (1 - how well the guidelines are kept).
6. *Confidence* is ``1 / (1 + exp(-(E - E0) / 2))``, with ``E0`` by kind: 0.5 is where a random walk begins to be
   found out rarely enough.

A pattern is known at the close of the bar that completes the confirming block; nothing is revised afterwards. One
whose ends are both within an eighth of its span of an earlier one's is the same and not told again.
A close that is not finite starts all scales again.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, record, records, void
from bot4.kernel_memory import scratch
from bot4.quant.patterns.detection import PATTERN
from bot4.quant.patterns.wave_fit import (
    GRAM,
    MAX_KNOTS,
    SPAN,
    SUMS,
    fit_legs,
    leg_misfit,
    ratio_misfit,
    refine_knots,
    running_sums,
    unexplained,
)
from bot4.quant.patterns.wave_pivots import drop_smallest_leg, find_pivots, smoothed

BLOCK_BARS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
N_SCALES = len(BLOCK_BARS)
RING = 64
MIN_BLOCKS, MAX_BLOCKS = 18, 52
LAGS = (2, 5, 8)
LEAD_BLOCKS = 7
MAX_KINDS = 16
MAX_POINTS_IN_WAVE = 6
N_SLOTS = 2 * MAX_KINDS
"""The best candidate of each kind, and its second-best among those with other points."""

EVENNESS, SYMMETRY = 0.2, 0.2
MOST_RATIO_MISFIT = 16.0
GUIDELINE_WEIGHT = 8.0
GUIDELINE_SPREAD = 0.2
_ROUGH, _STEPPED, _SETTLED = 1.3, 1.12, 1.04  # RSS, in what is acceptable, that is still worth going on with
_KEPT = 1 + 2 * MAX_KNOTS  # variant, times of the points, prices of the points
_BEST = N_SLOTS * _KEPT
N_RECENT = 32

_SCALE = np.dtype([("n_blocks", np.int64), ("n_in_block", np.int64), ("total", np.float64), ("ring", np.float64, RING)])
_RECENT = np.dtype([("group", np.int64), ("direction", np.int64), ("first_bar", np.int64), ("last_bar", np.int64)])
WAVE_STATE = np.dtype(
    [
        ("n_bars", np.int64),
        ("start_bar", np.int64),  # where the scales (re)started
        ("n_told", np.int64),
        ("scales", _SCALE, N_SCALES),
        ("recent", _RECENT, N_RECENT),
    ]
)
"""All that goes on from one bar to the next."""

VARIANT = np.dtype(
    [
        ("kind", np.int64),
        ("group", np.int64),  # what is told once only
        ("n_points", np.int64),
        ("first_limit", np.int64),
        ("last_limit", np.int64),
        ("first_guide", np.int64),
        ("last_guide", np.int64),
        ("evidence", np.float64),  # E0
        ("equal_time", np.int64),  # 1: legs two apart last alike
        ("target", np.float64, MAX_KNOTS),
        ("invalidation", np.float64, MAX_KNOTS),
    ]
)
"""One row of a family's table: a kind, or one of the sets of ratios that a kind may have."""

GUIDE = np.dtype(
    [("leg", np.float64, MAX_KNOTS), ("unit", np.float64, MAX_KNOTS), ("ideals", np.float64, 3), ("weight", np.float64)]
)
"""A ratio that is usual but not required; unused ideals repeat the first."""

FOUND = np.dtype([("pattern", PATTERN), ("rank", np.int64)])
"""A detection; rank 0 is told for itself, higher ranks are other readings of the one before them."""

_WIDTHS = np.array(BLOCK_BARS, np.int64)
_NEVER = -1e300


@kernel(f8(array(f8), i8, i8))
def unevenness(knots: FloatArray, first: int, n_points: int) -> float:
    """``sum (ln(duration / mean duration) / EVENNESS)^2 / 2`` of the legs between ``n_points`` knots."""
    mean = (knots[first + n_points - 1] - knots[first]) / (n_points - 1)
    total = 0.0
    for k in range(first, first + n_points - 1):
        total += (math.log((knots[k + 1] - knots[k]) / mean) / EVENNESS) ** 2
    return 0.5 * total


@kernel(f8(array(f8), i8, i8))
def asymmetry(knots: FloatArray, first: int, n_points: int) -> float:
    """``sum (ln(duration / duration two legs before) / SYMMETRY)^2 / 2``."""
    total = 0.0
    for k in range(first, first + n_points - 3):
        total += (math.log((knots[k + 3] - knots[k + 2]) / (knots[k + 1] - knots[k])) / SYMMETRY) ** 2
    return 0.5 * total


@kernel(f8(records(GUIDE), i8, i8, array(f8), i8, i8))
def guideline_score(guides: Any, first: int, last: int, prices: FloatArray, at: int, n_points: int) -> float:
    """Weighted mean of ``exp(-(ln(ratio / nearest ideal) / SPREAD)^2 / 2)`` over the guidelines; 1 without any."""
    total, weight = 0.0, 0.0
    for g in range(first, last):
        guide = guides[g]
        leg, unit = 0.0, 0.0
        for k in range(n_points):
            leg += guide["leg"][k] * prices[at + k]
            unit += guide["unit"][k] * prices[at + k]
        off = 1e9
        if leg > 0.0 and unit > 0.0:
            for i in range(3):
                off = min(off, abs(math.log(leg / (unit * guide["ideals"][i]))))
        total += guide["weight"] * math.exp(-0.5 * (off / GUIDELINE_SPREAD) ** 2)
        weight += guide["weight"]
    return total / weight if weight > 0.0 else 1.0


@kernel(void(array(f8), array(f8), i8, f8, i8, array(f8), array(f8), i8, i8))
def keep_best(
    evidence: FloatArray,
    best: FloatArray,
    kind: int,
    support: float,
    v: int,
    knots: FloatArray,
    prices: FloatArray,
    at: int,
    n_points: int,
) -> None:
    """Keep a candidate if it is the best of its kind, or the second with other points."""
    slot = 2 * kind
    is_same = evidence[slot] != _NEVER and best[slot * _KEPT] >= 0.0
    for k in range(n_points):
        is_same = is_same and abs(best[slot * _KEPT + 1 + k] - knots[at + k]) <= 2.0
    if support > evidence[slot]:
        if not is_same:
            evidence[slot + 1] = evidence[slot]
            for k in range(_KEPT):
                best[(slot + 1) * _KEPT + k] = best[slot * _KEPT + k]
    elif is_same or support <= evidence[slot + 1]:
        return
    else:
        slot += 1
    evidence[slot] = support
    best[slot * _KEPT] = v
    for k in range(n_points):
        best[slot * _KEPT + 1 + k] = knots[at + k]
        best[slot * _KEPT + 1 + MAX_KNOTS + k] = prices[at + k]


@kernel(f8(array(f8), i8, i8, i8, array(f8), array(f8), f8, array(f8)))
def fit_candidate(
    knots: FloatArray,
    n_knots: int,
    at: int,
    n_points: int,
    sums: FloatArray,
    gram: FloatArray,
    most: float,
    prices: FloatArray,
) -> float:
    """Fit the legs and move the knots; returns RSS, at the latest when it is sure to end above ``most``."""
    rough = _ROUGH * most
    n = knots[n_knots - 1] + 1.0 - knots[0]
    rss: float = leg_misfit(knots, n_knots, sums, gram, prices)
    if rss > rough or rss > rough * math.exp(-unevenness(knots, at, n_points) / n):  # knots that move halve the cost
        return rss
    rss = refine_knots(knots, n_knots, sums, gram, prices, rss, 1.0, 1)
    if rss > _STEPPED * most:
        return rss
    rss = refine_knots(knots, n_knots, sums, gram, prices, rss, 1.0, 3)
    if rss > _SETTLED * most:
        return rss
    rss = refine_knots(knots, n_knots, sums, gram, prices, rss, 0.5, 3)
    refine_knots(knots, n_knots, sums, gram, prices, rss, 0.25, 3)
    return float(fit_legs(knots, n_knots, sums, gram, prices))


_TABLES = (records(VARIANT), array(f8, 2), records(GUIDE), array(f8))


@kernel(i8(array(f8), i8, i8, i8, array(f8), *_TABLES, array(f8), array(f8)))
def weigh(
    knots: FloatArray,
    n_knots: int,
    at: int,
    n_points: int,
    sums: FloatArray,
    variants: Any,
    limits: FloatArray,
    guides: Any,
    floors: FloatArray,
    evidence: FloatArray,
    best: FloatArray,
) -> int:
    """Fit one candidate, and keep it for each kind whose ratios it has; returns whether it was kept."""
    gram = scratch(GRAM)
    prices = scratch(MAX_KNOTS)
    nearest = scratch(MAX_KNOTS)
    first, last = int(knots[0]), int(knots[n_knots - 1])
    n = last + 1 - first
    null = unexplained(sums, first, last)
    most = null * math.exp(-2.0 * floors[n_points] / n)
    rss = fit_candidate(knots, n_knots, at, n_points, sums, gram, most, prices)
    if rss > most:
        return 0
    uneven = unevenness(knots, at, n_points)
    skewed = asymmetry(knots, at, n_points)
    kept = 0
    for v in range(len(variants)):
        variant = variants[v]
        if variant["n_points"] != n_points:
            continue
        cost = uneven + skewed * variant["equal_time"]
        head = variant["first_limit"] + (1 - at)
        most_here = min(most * math.exp(-2.0 * cost / n) - rss, MOST_RATIO_MISFIT * rss / (n - n_knots))
        if most_here < 0.0:
            continue
        worse = ratio_misfit(gram, prices, n_knots, limits, 1 - at, head, variant["last_limit"], most_here, nearest)
        if worse > most_here:
            continue
        score = guideline_score(guides, variant["first_guide"], variant["last_guide"], nearest, at, n_points)
        support = 0.5 * n * math.log(null / max(rss + worse, 1e-9 * null)) - cost
        support -= GUIDELINE_WEIGHT * (1.0 - score) + variant["evidence"]
        keep_best(evidence, best, variant["kind"], support, v, knots, nearest, at, n_points)
        kept = 1
    return kept


@kernel(i8(array(f8), i8, i8, i8, *_TABLES, array(f8), array(f8)))
def search(
    values: FloatArray,
    n_values: int,
    last: int,
    is_start: int,
    variants: Any,
    limits: FloatArray,
    guides: Any,
    floors: FloatArray,
    evidence: FloatArray,
    best: FloatArray,
) -> int:
    """Weigh every candidate whose last point is the low at block ``last``; returns how many were kept.

    ``is_start``: 1 if ``values[0]`` is the first block there is, so that a pattern may begin there.
    """
    smooth = scratch(SPAN)
    pivots = scratch(SPAN)
    knots = scratch(MAX_KNOTS)
    weighed = scratch(MAX_KNOTS)
    sums = scratch(SUMS)
    smoothed(values, last, smooth)
    running_sums(values, n_values, sums)
    for k in range(MAX_KNOTS):
        weighed[k] = -1.0
    kept = 0
    n = find_pivots(smooth, last, pivots)
    while n >= 4:
        for n_points in range(4, MAX_POINTS_IN_WAVE + 1):
            start = n - n_points
            if start < 1 - is_start or floors[n_points] == math.inf:
                continue
            if pivots[start] > last - MIN_BLOCKS or pivots[start] < n_values - MAX_BLOCKS:
                continue
            mark = 0.0
            for k in range(start, n):
                mark = 64.0 * mark + pivots[k]
            if mark == weighed[n_points]:
                continue
            weighed[n_points] = mark
            lead = _lead(pivots, start)
            at = 1 if lead > 0 else 0
            knots[0] = pivots[start] - lead
            for k in range(n_points):
                knots[at + k] = pivots[start + k]
            knots[at + n_points] = n_values - 1
            kept += weigh(
                knots, at + n_points + 1, at, n_points, sums, variants, limits, guides, floors, evidence, best
            )
        n = drop_smallest_leg(smooth, pivots, n)
    return kept


@kernel(i8(array(f8), i8))
def _lead(pivots: FloatArray, start: int) -> int:
    """Blocks before the first point that belong to the fit: none, or two to five of the leg that leads to it."""
    x = int(pivots[start])
    before = x - int(pivots[start - 1]) if start > 0 else x
    lead = min(max(before, 2), LEAD_BLOCKS)
    return lead if x - lead >= 0 else 0


@kernel(i8(record(_SCALE), i8))
def turn(scale: Any, lag: int) -> int:
    """+1 if the block ``lag`` back is lower than the three before it and all after it, -1 if higher, else 0."""
    n_blocks = scale["n_blocks"]
    if n_blocks < MIN_BLOCKS:
        return 0
    ring = scale["ring"]
    at = n_blocks - 1 - lag
    middle = ring[at & (RING - 1)]
    side = 1 if ring[(at + 1) & (RING - 1)] > middle else -1
    for k in range(at - 3, n_blocks):
        if k != at and not (ring[k & (RING - 1)] - middle) * side > 0.0:
            return 0
    return side


@kernel(i8(record(WAVE_STATE), i8, i8, i8, i8))
def is_told(state: Any, group: int, direction: int, first_bar: int, last_bar: int) -> int:
    """1 if the same was told before; else it is remembered as told, and 0."""
    for k in range(min(state["n_told"], N_RECENT)):
        told = state["recent"][k]
        if told["group"] == group and told["direction"] == direction:
            span = min(told["last_bar"] - told["first_bar"], last_bar - first_bar)
            if 8 * max(abs(told["last_bar"] - last_bar), abs(told["first_bar"] - first_bar)) < span:
                return 1
    told = state["recent"][state["n_told"] % N_RECENT]
    told["group"], told["direction"], told["first_bar"], told["last_bar"] = group, direction, first_bar, last_bar
    state["n_told"] += 1
    return 0


@kernel(void(record(FOUND), record(VARIANT), array(f8), i8, i8, i8, i8, f8, f8))
def write(
    found: Any,
    variant: Any,
    best: FloatArray,
    slot: int,
    first_bar: int,
    width: int,
    direction: int,
    base: float,
    unit: float,
) -> None:
    """Write the points, target and invalidation of a candidate in bars and prices."""
    pattern = found["pattern"]
    n_points = variant["n_points"]
    target, invalidation = 0.0, 0.0
    for k in range(n_points):
        price = base + direction * unit * best[slot * _KEPT + 1 + MAX_KNOTS + k]
        bar = first_bar + math.floor(best[slot * _KEPT + 1 + k] * width + 0.5 * width)
        pattern["point_bar"][k], pattern["point_price"][k] = bar, price
        target += variant["target"][k] * price
        invalidation += variant["invalidation"][k] * price
    for k in range(n_points, MAX_KNOTS):
        pattern["point_bar"][k], pattern["point_price"][k] = 0, 0.0
    pattern["kind"], pattern["direction"], pattern["n_points"] = variant["kind"], direction, n_points
    pattern["target"], pattern["invalidation"] = target, invalidation


@kernel(i8(record(WAVE_STATE), i8, i8, i8, f8, f8, records(VARIANT), f8, f8, array(f8), array(f8), records(FOUND), i8))
def tell(
    state: Any,
    first_bar: int,
    width: int,
    direction: int,
    base: float,
    unit: float,
    variants: Any,
    least: float,
    least_other: float,
    evidence: FloatArray,
    best: FloatArray,
    out: Any,
    n_out: int,
) -> int:
    """Write the candidates kept, best first, that are above ``least`` and new; returns the new number written.

    Others of the same group follow with ranks 1, 2 .. while they are above ``least_other``.
    """
    ranks = scratch(MAX_KINDS)
    for group in range(MAX_KINDS):
        ranks[group] = 0.0
    while True:
        top = 0
        for slot in range(N_SLOTS):
            if evidence[slot] > evidence[top]:
                top = slot
        support = evidence[top]
        if support < min(least, least_other):
            return n_out
        evidence[top] = _NEVER
        variant = variants[int(best[top * _KEPT])]
        group = variant["group"]
        rank = int(ranks[group])
        if rank < 0 or support < (least if rank == 0 else least_other):
            continue
        found = out[n_out]
        write(found, variant, best, top, first_bar, width, direction, base, unit)
        pattern = found["pattern"]
        end = pattern["point_bar"][variant["n_points"] - 1]
        if rank == 0 and is_told(state, group, direction, pattern["point_bar"][0], end) == 1:
            ranks[group] = -1.0
            continue
        pattern["known_at"] = state["n_bars"]
        pattern["confidence"] = 1.0 / (1.0 + math.exp(-0.5 * support))
        found["rank"] = rank
        ranks[group] = rank + 1.0
        n_out += 1


@kernel(i8(record(WAVE_STATE), i8, i8, i8, *_TABLES, f8, f8, records(FOUND), i8))
def look(
    state: Any,
    s: int,
    lag: int,
    direction: int,
    variants: Any,
    limits: FloatArray,
    guides: Any,
    floors: FloatArray,
    least: float,
    least_other: float,
    out: Any,
    n_out: int,
) -> int:
    """Tell what has its last point ``lag`` blocks back; returns the new number of detections."""
    scale = state["scales"][s]
    ring = scale["ring"]
    n_blocks = scale["n_blocks"]
    n_values = min(n_blocks, MAX_BLOCKS + LEAD_BLOCKS + 2)
    values = scratch(SPAN)
    evidence = scratch(N_SLOTS)
    best = scratch(_BEST)
    base = ring[(n_blocks - 1) & (RING - 1)]
    unit = 0.0
    for t in range(n_values):
        values[t] = (ring[(n_blocks - n_values + t) & (RING - 1)] - base) * direction
        unit = max(unit, abs(values[t]))
    if unit <= 1e-12 * abs(base):
        return n_out
    for t in range(n_values):
        values[t] /= unit
    for slot in range(N_SLOTS):
        evidence[slot] = _NEVER
    is_start = 1 if n_values == n_blocks else 0
    last = n_values - 1 - lag
    if search(values, n_values, last, is_start, variants, limits, guides, floors, evidence, best) == 0:
        return n_out
    if least_other < least:  # something is found here: now what else it may be
        lower = scratch(MAX_KNOTS)
        for k in range(MAX_KNOTS):
            lower[k] = floors[k] - (least - least_other)
        for slot in range(N_SLOTS):
            evidence[slot] = _NEVER
        search(values, n_values, last, is_start, variants, limits, guides, lower, evidence, best)
    width = _WIDTHS[s]
    first_bar = state["start_bar"] + (n_blocks - n_values) * width
    return int(
        tell(state, first_bar, width, direction, base, unit, variants, least, least_other, evidence, best, out, n_out)
    )


@kernel(void(record(WAVE_STATE)))
def restart_waves(state: Any) -> None:
    """Forget all closes: the next one is the first."""
    state["start_bar"] = state["n_bars"]
    for s in range(N_SCALES):
        scale = state["scales"][s]
        scale["n_blocks"] = 0
        scale["n_in_block"] = 0
        scale["total"] = 0.0


MOST_PER_BAR = N_SCALES * len(LAGS) * N_SLOTS
"""Records that one bar may need."""


@kernel(i8(array(f8), record(WAVE_STATE), *_TABLES, f8, f8, records(FOUND)))
def advance_waves(
    closes: FloatArray,
    state: Any,
    variants: Any,
    limits: FloatArray,
    guides: Any,
    floors: FloatArray,
    least: float,
    least_other: float,
    out: Any,
) -> int:
    """Go on over more closes; returns how many detections were written to ``out``.

    Stops before the first close for whose detections ``out`` may be too short; ``state["n_bars"]`` tells how far it
    came.

    Args:
        closes: float64[n], those after the last one seen.
        state: one record of :data:`WAVE_STATE`, zero before the first close.
        variants, limits, guides, floors: of :func:`bot4.quant.patterns.wave_table.wave_table`.
        least, least_other: ``2 ln(c / (1 - c))`` of the least confidence of a detection, and of its other readings.
        out: records of :data:`FOUND`, at least :data:`MOST_PER_BAR`.
    """
    n_out = 0
    for t in range(len(closes)):
        if n_out + MOST_PER_BAR > len(out):
            return n_out
        close = closes[t]
        if not math.isfinite(close):
            state["n_bars"] += 1
            restart_waves(state)
            continue
        for s in range(N_SCALES):
            scale = state["scales"][s]
            scale["total"] += close
            scale["n_in_block"] += 1
            if scale["n_in_block"] < _WIDTHS[s]:
                continue
            scale["ring"][scale["n_blocks"] & (RING - 1)] = scale["total"] / _WIDTHS[s]
            scale["n_blocks"] += 1
            scale["n_in_block"] = 0
            scale["total"] = 0.0
            for lag in LAGS:
                direction = turn(scale, lag)
                if direction != 0:
                    n_out = look(
                        state, s, lag, direction, variants, limits, guides, floors, least, least_other, out, n_out
                    )
        state["n_bars"] += 1
    return n_out
