"""The gate: why new risk is refused, how it is cut, and what it counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bot4.domain.orders import (
    BUY,
    CANCELLED,
    EXIT,
    EXIT_SLOTS,
    FILLED,
    HELD,
    MAX_ORDERS,
    SELL,
    TARGET,
    UNKNOWN,
    WORKING,
)
from bot4.pipeline.risk.audit import CASH
from bot4.pipeline.risk.settings import HOUR_NS, RiskSettings
from bot4.pipeline.state import APPROVED, CLAMP_NAMES, CONCENTRATION, CRISIS, HEAT, LEVERAGE, MINIMUM, REFUSALS
from tests.risk_books import NOW_NS, Book, Market

WIDE = RiskSettings(
    volatility_target=0.30, heat_limit=1.0, leverage_limit=5.0, symbol_loss_limit=0.20, var_limit_sideways=0.04,
    cvar_multiple=2.0, correlation_limit=1.0,
)  # fmt: skip
CALM = Market(deviation=1e-5, long_deviation=1e-5)


def spot_book(**changed: object) -> Book:
    return Book([Market(is_perpetual=False)], **changed)  # type: ignore[arg-type]


def refusal(book: Book, proposal: object) -> str:
    return REFUSALS[book.approve(proposal)]


def test_an_order_within_all_limits_is_approved_whole_with_the_next_id() -> None:
    book = spot_book()
    book.brain["next_approval_id"] = 41
    proposal = book.proposal(lots=1000, slip=2, stop=300)
    assert book.approve(proposal) == APPROVED
    decision = book.decision
    assert (decision["approval_id"], decision["approved_lots"], decision["binding_clamp"]) == (41, 1000, -1)
    assert book.brain["next_approval_id"] == 42
    assert decision["equity"] == pytest.approx(10_000.0)
    assert decision["proposal"].tobytes() == proposal.tobytes()
    assert list(decision["lots_after"]) == [1000] * len(CLAMP_NAMES)
    assert book.brain["n_clamped"] == 1
    assert list(book.brain["refusals"][:2]) == [1, 0]


def halted(book: Book) -> None:
    book.brain["is_halted"] = 1


def broken(book: Book) -> None:
    book.brain["ledger"]["is_broken"] = 1


def paused(book: Book) -> None:
    book.brain["mode"] = 2


def suspended(book: Book) -> None:
    book.brain["strategies"][0]["is_suspended"] = 1


def poor(book: Book) -> None:
    book.brain["ledger"]["balances"][0, 0] = 999 * 10**8


def ruined(book: Book) -> None:
    book.config["risk"]["min_equity"] = 0.0
    book.brain["ledger"]["balances"][0, 0] = 0


def stale(book: Book) -> None:
    book.brain["positions"][0]["mark_ts_ns"] -= int(book.config["risk"]["max_data_age_ns"]) + 1


def cold(book: Book) -> None:
    book.brain["risk"]["symbols"][0]["n_returns"] = 46


def unseen(book: Book) -> None:
    book.brain["risk"]["symbols"][0]["risk_close"] = 0.0


def drawn_down(book: Book) -> None:
    book.brain["risk"]["is_drawdown_stopped"] = 1


def losing(book: Book) -> None:
    book.brain["risk"]["is_day_stopped"] = 1


def regime_unknown(book: Book) -> None:
    book.brain["risk"]["regime"] = 4


def unmarked(book: Book) -> None:
    book.brain["positions"][0]["mark_ticks"] = 0


def volatility_unknown(book: Book) -> None:
    book.brain["risk"]["symbols"][0]["garch_variance"] = np.nan


def short_of_cash(book: Book) -> None:
    book.brain["ledger"]["balances"][0, 0] = 0
    book.config["instruments"][0]["is_perpetual"] = 0
    book.config["n_symbols"] = 2
    book.config["instruments"][1] = book.config["instruments"][0]
    book.brain["positions"][1] = book.brain["positions"][0]
    book.brain["positions"][1]["lots"] = 1_000_000
    book.brain["risk"]["symbols"][1] = book.brain["risk"]["symbols"][0]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (halted, "needs_reconciling"),
        (broken, "needs_reconciling"),
        (paused, "mode_forbids"),
        (suspended, "suspended"),
        (poor, "below_tier"),
        (ruined, "below_tier"),
        (stale, "stale_data"),
        (cold, "warming_up"),
        (unseen, "warming_up"),
        (drawn_down, "drawdown_stop"),
        (losing, "daily_loss_stop"),
        (regime_unknown, "bad_number"),
        (unmarked, "bad_number"),
        (volatility_unknown, "bad_number"),
        (short_of_cash, "no_cash"),
    ],
)
def test_a_brain_in_no_state_to_take_risk_refuses_and_counts_it(spoil: Callable[[Book], None], expected: str) -> None:
    book = spot_book()
    spoil(book)
    assert refusal(book, book.proposal()) == expected
    assert book.decision["refusal"] == REFUSALS.index(expected)
    assert book.decision["approval_id"] == book.decision["approved_lots"] == 0
    assert book.brain["refusals"][REFUSALS.index(expected)] == 1
    assert book.brain["next_approval_id"] == 1


def test_48_risk_bars_are_enough() -> None:
    book = spot_book()
    book.brain["risk"]["symbols"][0]["n_returns"] = 47
    assert book.approve(book.proposal()) == APPROVED


@pytest.mark.parametrize(
    ("name", "value"),
    [("symbol", 1), ("symbol", -1), ("strategy", 1), ("strategy", -1), ("side", 0), ("side", 2), ("qty_lots", 0)],
)
def test_a_proposal_that_makes_no_sense_is_a_bad_number(name: str, value: int) -> None:
    book = spot_book()
    proposal = book.proposal()
    proposal[name] = value
    assert refusal(book, proposal) == "bad_number"


@pytest.mark.parametrize(("side", "distance"), [(BUY, -1), (SELL, -1), (BUY, 0), (SELL, 0)])
def test_a_stop_on_the_wrong_side_is_refused(side: int, distance: int) -> None:
    book = Book([Market()])
    proposal = book.proposal(side=side)
    proposal["stop_ticks"] = proposal["reference_ticks"] - side * distance
    assert refusal(book, proposal) == "bad_stop"


def test_another_symbol_of_the_book_that_is_stale_or_cold_refuses_too() -> None:
    book = Book([Market(), Market()])
    book.hold(1, 100)
    book.brain["positions"][1]["mark_ts_ns"] = 0
    assert refusal(book, book.proposal()) == "stale_data"
    book.brain["positions"][1]["mark_ts_ns"] = NOW_NS
    book.brain["risk"]["symbols"][1]["n_returns"] = 3
    assert refusal(book, book.proposal()) == "warming_up"


def test_spot_is_long_only_and_a_perpetual_may_be_short() -> None:
    assert refusal(spot_book(), spot_book().proposal(side=SELL)) == "short_on_spot"
    book = Book([Market()])
    assert book.approve(book.proposal(side=SELL)) == APPROVED


def test_what_opposes_a_position_a_sleeve_or_an_open_entry_is_refused() -> None:
    book = Book([Market()])
    book.hold(0, -500)
    assert refusal(book, book.proposal(side=BUY)) == "opposes_net"
    book = Book([Market()], n_strategies=2)
    book.brain["sleeves"][1, 0]["lots"] = -500
    assert refusal(book, book.proposal(side=BUY)) == "opposes_net"
    book = Book([Market()])
    order = book.order(0, SELL, 500, status=UNKNOWN)
    assert refusal(book, book.proposal(side=BUY)) == "opposes_net"
    order["status"] = CANCELLED
    assert book.approve(book.proposal(side=BUY)) == APPROVED


def test_slots_are_kept_for_exits() -> None:
    book = Book([CALM], settings=WIDE)
    for _ in range(MAX_ORDERS - EXIT_SLOTS - 5):
        book.order(0, SELL, 1, role=EXIT, status=WORKING)
    proposal = book.proposal(stop=500)
    proposal["target_ticks"] = proposal["reference_ticks"] + np.array([100, 200, 300])
    assert book.approve(proposal) == APPROVED
    last = book.order(0, SELL, 1, role=TARGET, status=HELD)
    assert refusal(book, proposal) == "no_slot"
    last["status"] = FILLED
    assert book.approve(proposal) == APPROVED


def test_spot_is_cut_to_the_cash_left_by_open_buys_at_the_worst_fill_with_fees() -> None:
    book = Book([Market(price=100.0, is_perpetual=False, deviation=1e-5, long_deviation=1e-5)], settings=WIDE)
    proposal = book.proposal(lots=10_000_000, slip=100)
    assert book.approve(proposal) == APPROVED
    lots = int(book.decision["approved_lots"])
    cost = 101.0 * 1e-4 * 1.001
    assert lots == int((10_000.0 - 1e-8) / cost)
    book.order(0, BUY, 300_000, limit_ticks=9_900)
    assert book.approve(proposal) == APPROVED
    reserved = 30.0 * 100.0 * 1.001  # at the mark, which is the worse of the two
    assert book.decision["approved_lots"] == int((10_000.0 - reserved - 1e-8) / cost)
    assert book.violated_limits(proposal, int(book.decision["approved_lots"]) + 100) & (1 << CASH)


def test_an_open_market_order_reserves_its_expected_slippage() -> None:
    book = Book([Market(price=100.0, is_perpetual=False, deviation=1e-5, long_deviation=1e-5)], settings=WIDE)
    book.config["decision"]["slippage"] = 0.01
    book.order(0, BUY, 500_000)
    assert book.approve(book.proposal(lots=10_000_000)) == APPROVED
    assert book.decision["approved_lots"] == int((10_000.0 - 50 * 101.0 * 1.001 - 1e-8) / (0.01 * 1.001))


def test_an_open_stop_entry_counts_at_its_trigger() -> None:
    book = Book([CALM], settings=WIDE)
    book.order(0, BUY, 1_000_000, trigger_ticks=11_000)
    book.approve(book.proposal())
    assert book.decision["measure_before"][LEVERAGE] == pytest.approx(1.1)


def test_an_open_order_on_a_perpetual_needs_no_cash_of_spot() -> None:
    calm_spot = Market(is_perpetual=False, deviation=1e-5, long_deviation=1e-5)
    book = Book([calm_spot, CALM], settings=WIDE)
    book.order(1, BUY, 1_000_000)
    assert book.approve(book.proposal(lots=900_000)) == APPROVED
    assert book.decision["approved_lots"] == 900_000


def test_the_volatility_clamp_brings_one_symbol_to_the_target() -> None:
    book = Book([Market(deviation=0.01, long_deviation=0.01)])
    book.config["risk"]["var_limit"][:] = book.config["risk"]["symbol_loss_limit"] = 1.0
    assert book.approve(book.proposal(lots=10**9)) == APPROVED
    weight = int(book.decision["approved_lots"]) * 0.01 / 10_000.0
    assert weight * 0.01 * np.sqrt(24 * 365) == pytest.approx(0.15, rel=1e-5)
    assert CLAMP_NAMES[book.decision["binding_clamp"]] == "volatility"
    assert book.brain["clamp_bound"][0] == 1


def test_the_heat_clamp_asks_for_more_days_of_volume_and_none_for_no_volume() -> None:
    book = Book([Market(day_value=20_000.0, deviation=0.0005, long_deviation=0.0005)], settings=WIDE)
    book.config["risk"]["heat_limit"] = 0.005
    assert book.approve(book.proposal(lots=10**9)) == APPROVED
    assert book.decision["binding_clamp"] == HEAT
    weight = int(book.decision["approved_lots"]) * 0.01 / 10_000.0
    days = weight * 10_000.0 / (0.05 * 20_000.0)
    assert days > 1.0
    assert weight * 0.0005 * np.sqrt(24) * np.sqrt(days) == pytest.approx(0.005, rel=1e-4)
    book.brain["risk"]["symbols"][0]["day_volume_quote"] = 0.0
    assert refusal(book, book.proposal()) == "below_minimum"


def test_an_order_that_moves_with_the_book_is_sized_as_if_it_were_the_book() -> None:
    rho = np.array([[1.0, 0.8], [0.8, 1.0]])
    book = Book([Market(deviation=0.01, long_deviation=0.01)] * 2, correlation=rho)
    book.config["risk"]["var_limit"][:] = book.config["risk"]["symbol_loss_limit"] = 1.0
    book.hold(0, 50_000)
    assert book.approve(book.proposal(1, lots=10**9)) == APPROVED
    assert CLAMP_NAMES[book.decision["binding_clamp"]] == "correlation"
    weights = (50_000 + int(book.decision["approved_lots"])) * 0.01 / 10_000.0
    assert weights * 0.01 * np.sqrt(24 * 365) == pytest.approx(0.15, rel=1e-5)
    together = int(book.decision["approved_lots"])
    book.config["risk"]["correlation_limit"] = 0.9
    book.approve(book.proposal(1, lots=10**9))
    assert book.decision["approved_lots"] > together


def test_a_symbol_that_has_never_moved_is_correlated_with_nothing() -> None:
    book = Book([Market(deviation=0.001, long_deviation=0.001)] * 2, correlation=np.diag([0.0, 1.0]))
    book.hold(0, 50_000)
    assert book.approve(book.proposal(1)) == APPROVED
    assert book.decision["measure_after"][0] == pytest.approx(
        np.hypot(0.05, 1000 * 0.01 / 10_000) * 0.001 * np.sqrt(24 * 365), rel=1e-9
    )


def test_a_day_of_risk_bars_that_do_not_divide_it_is_scaled_to_a_day() -> None:
    """Bars of five hours: four forecasts, of twenty hours, times 1.2."""
    book = Book([Market(deviation=0.01, long_deviation=0.01)])
    risk = book.config["risk"]
    risk["risk_bar_ns"], risk["bars_per_year"] = 5 * HOUR_NS, 365 * 24 / 5
    assert book.approve(book.proposal(lots=100_000)) == APPROVED
    weight = int(book.decision["approved_lots"]) * 0.01 / 10_000.0
    measured = book.decision["measure_after"][CLAMP_NAMES.index("var")]
    assert measured == pytest.approx(weight * 0.01 * np.sqrt(4.8) * risk["var_quantile"], rel=1e-9)


def test_a_crisis_leaves_three_tenths_of_what_is_otherwise_allowed() -> None:
    book = Book([Market(deviation=0.001, long_deviation=0.001)])
    book.config["risk"]["var_limit"][:] = 0.02
    assert book.approve(book.proposal(lots=10**9)) == APPROVED
    calm = int(book.decision["approved_lots"])
    for regime, is_crisis in ((CRISIS, 0), (2, 1)):
        book.brain["risk"]["regime"], book.brain["risk"]["is_crisis"] = regime, is_crisis
        assert book.approve(book.proposal(lots=10**9)) == APPROVED
        assert book.decision["approved_lots"] == int(0.3 * calm)
        assert CLAMP_NAMES[book.decision["binding_clamp"]] == "crisis"


def test_in_a_crisis_the_share_is_taken_of_the_size_that_the_loss_cap_leaves_too() -> None:
    book = Book([CALM], settings=WIDE)
    proposal = book.proposal(lots=500_000, stop=5_000)
    book.config["risk"]["symbol_loss_limit"] = 0.05
    assert book.approve(proposal) == APPROVED
    calm = int(book.decision["approved_lots"])
    assert calm == pytest.approx(0.05 * 10_000.0 / (50.0 * 1e-4), abs=1)
    assert book.decision["binding_clamp"] == CONCENTRATION
    book.brain["risk"]["is_crisis"] = 1
    assert book.approve(proposal) == APPROVED
    assert book.decision["approved_lots"] == int(0.3 * calm)


def test_what_falls_below_the_minimum_is_refused() -> None:
    book = Book([Market()])
    assert refusal(book, book.proposal(lots=499)) == "below_minimum"
    assert book.decision["binding_clamp"] == MINIMUM
    assert book.approve(book.proposal(lots=500)) == APPROVED
    assert refusal(book, book.proposal(lots=500, side=SELL, slip=1)) == "below_minimum"


def test_a_loss_cap_that_leaves_less_than_the_minimum_refuses() -> None:
    book = Book([CALM], settings=WIDE)
    book.config["risk"]["symbol_loss_limit"] = 0.0002
    assert refusal(book, book.proposal(lots=600, stop=5_000)) == "below_minimum"
    assert book.decision["binding_clamp"] == CONCENTRATION
    assert book.decision["lots_after"][MINIMUM] == 600


def test_the_losses_of_a_strategy_are_capped_only_where_several_run() -> None:
    for n_strategies, is_cut in ((1, False), (2, True)):
        book = Book([CALM, CALM], n_strategies=n_strategies, settings=WIDE)
        book.config["risk"]["strategy_risk_limit"] = 0.1
        book.hold(1, 100_000, stop_ticks=2_000)
        assert book.approve(book.proposal(lots=100_000, stop=5_000)) == APPROVED
        assert (book.decision["approved_lots"] < 100_000) == is_cut
    assert book.decision["limit"][CONCENTRATION] == pytest.approx(0.1)
    assert book.decision["measure_before"][CONCENTRATION] == pytest.approx(0.08)
    assert book.decision["approved_lots"] == pytest.approx(0.02 * 10_000 / (50 * 1e-4), abs=1)


def test_the_losses_of_a_sector_are_capped_only_where_there_are_several() -> None:
    other = Market(deviation=1e-5, long_deviation=1e-5, sector="memes")
    for third, is_cut in ((CALM, False), (other, True)):
        book = Book([CALM, CALM, third], settings=WIDE)
        book.config["risk"]["sector_limit"] = 0.1
        book.hold(1, 100_000, stop_ticks=2_000)
        assert book.approve(book.proposal(lots=100_000, stop=5_000)) == APPROVED
        assert (book.decision["approved_lots"] < 100_000) == is_cut
    assert book.decision["approved_lots"] == pytest.approx(0.02 * 10_000 / (50 * 1e-4), abs=1)


def test_open_and_unknown_entries_count_as_if_they_were_filled() -> None:
    book = Book([CALM], settings=WIDE)
    book.config["risk"]["leverage_limit"] = 1.0
    book.hold(0, 200_000)
    book.order(0, BUY, 300_000, status=UNKNOWN, filled=100_000)
    assert book.approve(book.proposal(lots=10**9)) == APPROVED
    assert book.decision["approved_lots"] == 600_000
    assert book.decision["measure_before"][LEVERAGE] == pytest.approx(0.4)


def test_a_book_past_its_limit_may_be_hedged_but_not_grown() -> None:
    rho = np.array([[1.0, 0.9], [0.9, 1.0]])
    book = Book([Market(deviation=0.01, long_deviation=0.01)] * 2, correlation=rho)
    book.config["risk"]["leverage_limit"] = 5.0
    book.config["risk"]["heat_limit"] = 5.0
    book.config["risk"]["symbol_loss_limit"] = 1.0
    book.hold(0, 500_000)
    assert refusal(book, book.proposal(1, BUY)) == "below_minimum"
    assert book.approve(book.proposal(1, SELL, lots=400_000)) == APPROVED
    assert book.decision["approved_lots"] == 400_000
    assert book.decision["measure_after"][0] < book.decision["measure_before"][0]


def test_the_independent_check_refuses_what_the_clamps_let_through() -> None:
    book = Book([CALM], settings=WIDE)
    proposal = book.proposal(lots=1000)
    # A tick that contradicts the notional per lot: the clamps read one of the two, the check the other.
    book.config["instruments"][0]["tick"] *= 1e6
    assert refusal(book, proposal) == "post_trade_check"
    assert book.decision["approved_lots"] == book.decision["approval_id"] == 0
    assert book.decision["lots_after"][-1] == 1000


def test_the_independent_check_names_the_limit() -> None:
    book = Book([Market()])
    proposal = book.proposal(lots=10**7, stop=100)
    assert book.violated_limits(proposal, 1000) == 0
    found = book.violated_limits(proposal, 10**7)
    assert {name for k, name in enumerate(CLAMP_NAMES) if found >> k & 1} >= {"volatility", "leverage"}
    assert book.violated_limits(proposal, 10**7 + 1) >> CLAMP_NAMES.index("crisis") & 1
    assert book.violated_limits(proposal, 1) >> MINIMUM & 1


def test_a_reduction_gets_an_id_for_what_is_held_and_none_for_nothing() -> None:
    book = Book([Market()], n_strategies=2)
    book.hold(0, -700, strategy=1)
    assert book.reducible_lots(0, 1, 900) == 700
    assert book.approve_reduction(0, 1, 900) == 1
    assert book.approve_reduction(0, 1, 200) == 2
    assert book.approve_reduction(0, 0, 900) == 0
    assert book.approve_reduction(0, 1, 0) == 0
    assert book.brain["next_approval_id"] == 3


def test_an_inverse_contract_which_no_measure_fits_is_refused_in_either_direction() -> None:
    for side in (1, -1):
        book = Book([Market(), Market()], settings=WIDE)
        assert book.approve(book.proposal(lots=1000, side=side, slip=2, stop=300)) == APPROVED
        book.config["instruments"][0]["is_inverse"] = 1
        book.config["instruments"][0]["quote_per_tick_lot"] = np.nan  # as pack_instruments has it
        assert book.approve(book.proposal(lots=1000, side=side, slip=2, stop=300)) != APPROVED
