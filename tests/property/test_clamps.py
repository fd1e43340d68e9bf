"""What must hold for any book, any proposal and any limits."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot4.domain.orders import BUY, SELL
from bot4.kernel import JIT
from bot4.pipeline.risk.clamps import (
    clamp_concentration,
    clamp_correlation,
    clamp_crisis,
    clamp_deviation,
    clamp_heat,
    clamp_linear,
    clamp_minimum,
)
from bot4.pipeline.risk.settings import RiskSettings
from bot4.pipeline.state import APPROVED, N_CLAMPS, POST_TRADE_CHECK, REFUSALS
from tests.risk_books import NOW_NS, Book, Market
from tests.risk_reference import Reference

EXAMPLES = settings(
    max_examples=150 if JIT else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TOLERANCE = 1e-9
fractions = st.floats(0.0, 1.0)


@st.composite
def risk_settings(draw: Any) -> RiskSettings:
    return RiskSettings(
        volatility_target=draw(st.floats(0.10, 0.30)),
        var_limit_sideways=draw(st.floats(0.005, 0.04)),
        cvar_multiple=draw(st.floats(1.0, 2.0)),
        heat_limit=draw(st.floats(0.01, 1.0)),
        correlation_limit=draw(st.floats(0.0, 1.0)),
        leverage_limit=draw(st.floats(0.1, 5.0)),
        symbol_loss_limit=draw(st.floats(0.005, 0.2)),
        strategy_risk_limit=draw(st.floats(0.01, 0.4)),
        sector_limit=draw(st.floats(0.01, 0.4)),
        garch_df=draw(st.sampled_from([3.0, 4.0, 30.0])),
    )


@st.composite
def books(draw: Any, *, is_perpetual: bool | None = None) -> Book:
    n = draw(st.integers(1, 4))
    markets = [
        Market(
            price=draw(st.sampled_from([0.5, 12.34, 100.0, 43_210.99])),
            deviation=draw(st.floats(1e-4, 0.02)),
            long_deviation=draw(st.floats(1e-4, 0.02)),
            day_value=draw(st.sampled_from([1e3, 1e5, 1e7, 1e9])),
            is_perpetual=draw(st.booleans()) if is_perpetual is None else is_perpetual,
            sector=draw(st.sampled_from(["coins", "memes"])),
        )
        for _ in range(n)
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    loads = rng.normal(size=(n, 2)) * draw(st.sampled_from([0.1, 1.0, 5.0]))
    book = Book(
        markets,
        n_strategies=draw(st.integers(1, 2)),
        correlation=loads @ loads.T + np.eye(n),
        settings=draw(risk_settings()),
    )
    for symbol in range(n):
        _fill(draw, book, symbol)
    book.brain["risk"]["is_crisis"] = draw(st.integers(0, 3)) == 0
    return book


def _fill(draw: Any, book: Book, symbol: int) -> None:
    """A position in up to two sleeves, and an open entry with its stop, all on one side."""
    perpetual = book.markets[symbol].is_perpetual
    side = draw(st.sampled_from([BUY, SELL])) if perpetual else BUY
    mark = int(book.brain["positions"][symbol]["mark_ticks"])
    share = 2_000.0 if perpetual else 500.0
    for strategy in range(book.n_strategies):
        if draw(st.booleans()):
            distance = draw(st.integers(0, mark // 3))
            lots = side * book.lots(symbol, share * draw(fractions))
            if lots:
                book.hold(symbol, lots, strategy=strategy, stop_ticks=mark - side * distance if distance else 0)
    if draw(st.integers(0, 2)) == 0:
        limit = draw(st.sampled_from([0, mark, max(1, mark - mark // 50), mark + mark // 50]))
        book.order(
            symbol, side, 1 + book.lots(symbol, share * draw(fractions)), limit_ticks=limit,
            strategy=draw(st.integers(0, book.n_strategies - 1)), stop_ticks=max(1, mark - side * (mark // 10)),
            status=draw(st.sampled_from([2, 3, 4, 5, 6, 11])),
        )  # fmt: skip


@st.composite
def cases(draw: Any) -> tuple[Book, Any]:
    book = draw(books())
    symbol = draw(st.integers(0, len(book.markets) - 1))
    mark = int(book.brain["positions"][symbol]["mark_ticks"])
    lots = max(1, book.lots(symbol, 10.0 ** draw(st.floats(0.5, 5.5))))
    side = BUY if not book.markets[symbol].is_perpetual else draw(st.sampled_from([BUY, SELL]))
    held = int(np.sign(book.brain["positions"][symbol]["lots"]))
    slip, stop = draw(st.integers(0, mark // 50)), draw(st.integers(0, mark // 4))
    proposal = book.proposal(
        symbol, held or side, lots, slip=slip, stop=stop, strategy=draw(st.integers(0, book.n_strategies - 1))
    )
    return book, proposal


@EXAMPLES
@given(cases())
def test_an_approved_order_keeps_every_limit_as_a_third_reckoning_has_it(case: tuple[Book, Any]) -> None:
    book, proposal = case
    refusal = book.approve(proposal)
    assert refusal != POST_TRADE_CHECK
    lots = int(book.decision["approved_lots"])
    assert 0 <= lots <= proposal["qty_lots"]
    if refusal != APPROVED:
        assert lots == 0
        assert book.decision["approval_id"] == 0
        return
    reference = Reference(book)
    assert book.decision["equity"] == pytest.approx(reference.equity, rel=1e-12)
    before = reference.measures(proposal, 0)
    for name, (after, limit) in reference.measures(proposal, lots).items():
        assert after <= max(limit, before[name][0]) + TOLERANCE, name
    if reference.correlation_with_book(proposal) > book.config["risk"]["correlation_limit"] + 1e-9:
        summed, alone, limit = reference.fully_correlated(proposal, lots)
        assert summed <= max(limit, alone) + TOLERANCE
    assert book.decision["proposal"]["side"] == proposal["side"]


@EXAMPLES
@given(cases())
def test_what_the_clamps_write_down_agrees_with_the_third_reckoning(case: tuple[Book, Any]) -> None:
    book, proposal = case
    book.approve(proposal)
    decision = book.decision
    assume(decision["lots_after"][0] > 0)
    reference = Reference(book)
    before = reference.measures(proposal, 0)
    for clamp, name in enumerate(("volatility", "var", "cvar", "heat")):
        after = reference.measures(proposal, int(decision["lots_after"][clamp]))[name]
        assert decision["measure_before"][clamp] == pytest.approx(before[name][0], rel=1e-9, abs=1e-12)
        assert decision["measure_after"][clamp] == pytest.approx(after[0], rel=1e-9, abs=1e-12)
        assert decision["limit"][clamp] == pytest.approx(after[1])


@EXAMPLES
@given(cases())
def test_no_clamp_raises_the_size_and_what_binds_has_cut(case: tuple[Book, Any]) -> None:
    book, proposal = case
    book.approve(proposal)
    sizes = [int(x) for x in book.decision["lots_after"]]
    assert all(later <= earlier for earlier, later in pairwise(sizes))
    assert sizes[0] <= proposal["qty_lots"]
    binding = int(book.decision["binding_clamp"])
    if binding > 0:
        assert sizes[binding] < sizes[binding - 1]
        assert sizes[binding:] == [sizes[binding]] * (N_CLAMPS - binding)


@EXAMPLES
@given(cases())
def test_a_size_that_was_approved_is_approved_again_unchanged_outside_a_crisis(case: tuple[Book, Any]) -> None:
    book, proposal = case
    book.brain["risk"]["is_crisis"] = 0
    assume(book.approve(proposal) == APPROVED)
    lots = int(book.decision["approved_lots"])
    proposal["qty_lots"] = lots
    assert book.approve(proposal) == APPROVED
    assert book.decision["approved_lots"] == lots


LIMITS = (
    "volatility_target", "cvar_multiple", "heat_limit", "correlation_limit", "leverage_limit", "crisis_share",
    "symbol_loss_limit", "strategy_risk_limit", "sector_limit",
)  # fmt: skip


@EXAMPLES
@given(cases(), st.sampled_from((*LIMITS, "var_limit")), st.floats(1.0, 4.0))
def test_a_wider_limit_never_gives_a_smaller_size(case: tuple[Book, Any], name: str, factor: float) -> None:
    book, proposal = case
    book.approve(proposal)
    lots = int(book.decision["approved_lots"])
    risk = book.config["risk"]
    if name == "var_limit":
        risk["var_limit"][:] *= factor
    else:
        risk[name] = (
            min(1.0, risk[name] * factor) if name in ("crisis_share", "correlation_limit") else risk[name] * factor
        )
    book.approve(proposal)
    assert book.decision["approved_lots"] >= lots


@EXAMPLES
@given(cases())
def test_a_book_and_its_mirror_image_get_the_same_size(case: tuple[Book, Any]) -> None:
    book, proposal = case
    n = len(book.markets)
    mirrored = Book(
        book.markets, n_strategies=book.n_strategies, correlation=book.brain["risk"]["covariance"][:n, :n].copy(),
        settings=book.settings,
    )  # fmt: skip
    for side_of in (book, mirrored):
        side_of.config["instruments"]["is_perpetual"][:n] = 1
        side_of.config["instruments"]["min_notional_atoms"][:n] = 0  # the lower of two prices has no mirror image
    mirrored.brains[:] = book.brains
    marks = book.brain["positions"]["mark_ticks"].copy()
    brain = mirrored.brain
    for spot in range(n):
        if not book.markets[spot].is_perpetual:
            for one in (book, mirrored):
                one.brain["positions"][spot]["cost_atoms"] = one.brain["positions"][spot]["lots"] * marks[spot] * 100
    brain["positions"]["lots"] *= -1
    brain["positions"]["cost_atoms"] *= -1
    brain["sleeves"]["lots"] *= -1
    orders = brain["orders"]
    orders["side"] *= -1
    for price in ("limit_ticks", "stop_ticks"):
        orders[price] = np.where(orders[price] != 0, 2 * marks[orders["symbol"]] - orders[price], 0)
    stops = brain["sleeves"]["stop_ticks"]
    stops[:] = np.where(stops != 0, 2 * marks[None, :] - stops, 0)
    opposite = proposal.copy()
    mark = marks[proposal["symbol"]]
    opposite["side"] = -proposal["side"]
    opposite["worst_ticks"] = 2 * mark - proposal["worst_ticks"]
    opposite["stop_ticks"] = 2 * mark - proposal["stop_ticks"] if proposal["stop_ticks"] else 0
    assert book.approve(proposal) == mirrored.approve(opposite)
    assert book.decision["approved_lots"] == mirrored.decision["approved_lots"]


BAD = (math.nan, math.inf, -math.inf)
PROPOSED = ("edge", "direction", "confidence", "win_probability", "payoff", "kelly")
STATES = ("garch_variance", "long_variance", "day_volume_quote")


@EXAMPLES
@given(cases(), st.sampled_from(BAD), st.sampled_from((*PROPOSED, *STATES, *LIMITS, "var_limit", "covariance")))
def test_a_number_that_is_none_refuses(case: tuple[Book, Any], bad: float, place: str) -> None:
    book, proposal = case
    symbol = int(proposal["symbol"])
    assume(book.approve(proposal) == APPROVED)
    risk = book.config["risk"]
    if place in PROPOSED:
        proposal[place] = bad
    elif place in STATES:
        book.brain["risk"]["symbols"][symbol][place] = bad
    elif place == "covariance":
        assume(len(book.markets) > 1)
        other = (symbol + 1) % len(book.markets)
        assume(book.brain["positions"][other]["lots"] != 0)
        book.brain["risk"]["covariance"][symbol, other] = math.nan
    else:
        assume(place not in ("strategy_risk_limit", "sector_limit", "crisis_share"))
        risk[place] = math.nan
    assert book.approve(proposal) != APPROVED
    assert book.decision["approved_lots"] == 0
    assert book.decision["approval_id"] == 0


@EXAMPLES
@given(cases(), st.sampled_from(["qty_lots", "reference_ticks", "worst_ticks", "stop_ticks"]), st.integers(-(2**62), 0))
def test_a_negative_number_refuses(case: tuple[Book, Any], place: str, bad: int) -> None:
    book, proposal = case
    proposal[place] = min(bad, -1)
    assert REFUSALS[book.approve(proposal)] in ("bad_number", "bad_stop")


@EXAMPLES
@given(cases(), st.integers(1, 10**15), st.sampled_from([-1, 1]))
def test_a_mark_that_is_stale_or_from_the_future_refuses(case: tuple[Book, Any], age_ns: int, sign: int) -> None:
    book, proposal = case
    limit = int(book.config["risk"]["max_data_age_ns"])
    age_ns = -age_ns if sign < 0 else limit + age_ns
    book.brain["positions"][proposal["symbol"]]["mark_ts_ns"] = NOW_NS - age_ns
    assert REFUSALS[book.approve(proposal)] == "stale_data"


@EXAMPLES
@given(books(), st.data())
def test_reducing_is_never_refused(book: Book, data: Any) -> None:
    brain = book.brain
    brain["is_halted"] = brain["mode"] = 1
    brain["risk"]["is_drawdown_stopped"] = brain["risk"]["is_day_stopped"] = 1
    brain["positions"]["mark_ts_ns"] = 0
    brain["risk"]["symbols"]["garch_variance"] = math.nan
    brain["ledger"]["balances"][0, 0] = data.draw(st.integers(-(10**12), 10**12))
    lots = data.draw(st.integers(1, 2**62))
    for symbol in range(len(book.markets)):
        for strategy in range(book.n_strategies):
            held = abs(int(brain["sleeves"][strategy, symbol]["lots"]))
            issued = int(brain["next_approval_id"])
            approval = book.approve_reduction(symbol, strategy, lots)
            assert approval == (issued if held else 0)
            assert book.reducible_lots(symbol, strategy, lots) == min(lots, held)


@EXAMPLES
@given(cases(), st.floats(1.05, 10.0))
def test_the_independent_check_sees_a_size_above_the_limits(case: tuple[Book, Any], factor: float) -> None:
    book, proposal = case
    proposal["qty_lots"] = 2**40
    book.config["instruments"]["is_perpetual"][: len(book.markets)] = 1
    assume(book.approve(proposal) == APPROVED)
    lots = int(book.decision["approved_lots"] * factor) + 2
    after = Reference(book).measures(proposal, lots)
    before = Reference(book).measures(proposal, 0)
    if any(value > max(limit, before[name][0]) + 1e-8 for name, (value, limit) in after.items()):
        assert book.violated_limits(proposal, lots) != 0


sizes = st.integers(0, 2**61)
units = st.floats(1e-18, 1e-3)
variances = st.floats(0.0, 1.0)


@EXAMPLES
@given(sizes, units, variances, st.floats(-1.0, 1.0), variances, st.floats(0.1, 20.0), st.floats(0.0, 2.0))
def test_the_deviation_clamp_is_exact_to_one_lot(
    lots: int, unit: float, book: float, rho: float, own: float, scale: float, limit: float
) -> None:
    cross = rho * math.sqrt(book * own)
    kept = clamp_deviation(lots, unit, book, cross, own, scale, limit)
    assert 0 <= kept <= lots
    assert clamp_deviation(kept, unit, book, cross, own, scale, limit) == kept

    def measure(size: int) -> float:
        x = float(size) * unit
        return scale * math.sqrt(max(0.0, book + 2.0 * cross * x + own * x * x))

    allowed = max(limit, measure(0))
    assert measure(kept) <= allowed * (1 + 1e-12)
    if kept < lots:
        assert measure(kept + 1) >= allowed * (1 - 1e-12)


@EXAMPLES
@given(sizes, units, fractions, st.floats(1e-6, 0.2), fractions, st.floats(1e-9, 1e6), fractions)
def test_the_heat_clamp_is_exact_to_one_lot(
    lots: int, unit: float, others: float, deviation: float, size: float, days: float, limit: float
) -> None:
    kept = clamp_heat(lots, unit, others, deviation, size, days, limit)
    assert 0 <= kept <= lots

    def measure(count: int) -> float:
        x = size + float(count) * unit
        return others + x * deviation * math.sqrt(max(1.0, x * days))

    allowed = max(limit, measure(0))
    assert measure(kept) <= allowed * (1 + 1e-12)
    if kept < lots:
        assert measure(kept + 1) >= allowed * (1 - 1e-12)


@EXAMPLES
@given(sizes, st.floats(1e-12, 1e-3), st.lists(fractions, min_size=6, max_size=6), st.integers(0, 6))
def test_a_nan_in_any_argument_of_a_clamp_leaves_nothing(
    lots: int, unit: float, values: list[float], place: int
) -> None:
    lots = max(1, lots)
    a, b, c, d, e, limit = (math.nan if k == place else v for k, v in enumerate(values))
    unit = math.nan if place == 6 else unit
    assert clamp_heat(lots, unit, a, b, c, d, limit) == 0 or place == 4
    if place in (0, 1, 2, 5, 6):
        assert clamp_deviation(lots, unit, a, b, c, 1.0, limit) == 0
        assert clamp_correlation(lots, unit, a, b if place != 1 else 1.0, c, 0.0, math.nan) in (0, lots)
    if place in (0, 5, 6):
        assert clamp_linear(lots, unit, a, 1.0, limit) == 0
    assert clamp_concentration(lots, unit, a, b, c, d, e, limit) == 0


@EXAMPLES
@given(sizes, sizes, fractions, st.booleans())
def test_the_crisis_clamp_leaves_its_share_and_no_more(lots: int, allowed: int, share: float, is_crisis: bool) -> None:
    kept = clamp_crisis(lots, allowed, share, is_crisis)
    assert 0 <= kept <= lots
    assert clamp_crisis(kept, allowed, share, is_crisis) == kept
    assert kept == lots if not is_crisis else kept <= share * allowed
    assert clamp_crisis(lots, allowed, math.nan, True) == 0


@EXAMPLES
@given(st.integers(0, 10**9), st.integers(1, 1000), st.floats(1e-6, 10.0), st.floats(0.0, 100.0))
def test_the_minimum_clamp_is_all_or_nothing(lots: int, least: int, value: float, notional: float) -> None:
    kept = clamp_minimum(lots, least, value, notional)
    assert kept in (0, lots)
    assert clamp_minimum(kept, least, value, notional) == kept
    assert (kept == 0) == (lots < least or lots * value < notional * (1 - 1e-12)) or lots == 0
