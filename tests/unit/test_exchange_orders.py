"""Order types on a level-2 book: what each takes, where it rests, when it triggers."""

from __future__ import annotations

import pytest

from bot4.domain.orders import (
    CLOSE_POSITION,
    LIMIT,
    POST_ONLY,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    TRIGGERS_ON_MARK,
)
from bot4.simulator.book.impact import ImpactSettings
from tests.exchange_harness import BUY, SECOND, SELL, Floor, fills, kinds, open_terms, pair


def test_a_market_order_walks_the_levels_and_pays_each_its_price() -> None:
    floor = Floor()
    reports = floor.place(BUY, 25)
    assert fills(reports) == [(1, 1002, 10), (1, 1003, 15)]
    assert [r.left for r in reports if r.kind == "ORDER_FILLED"] == [15, 0]
    assert not any(r.is_maker for r in reports)
    assert floor.status(1) == "FILLED"


def test_what_we_took_stays_taken_until_the_feed_speaks_of_the_level_again() -> None:
    floor = Floor()
    floor.place(BUY, 15)
    assert floor.asks() == [(1003, 15), (1004, 30)]
    floor.level(SELL, 1004, 31)
    assert floor.asks() == [(1003, 15), (1004, 31)]
    floor.level(SELL, 1003, 20)
    assert floor.asks() == [(1003, 20), (1004, 31)]


def test_a_market_order_larger_than_the_book_expires_with_what_it_could_not_get() -> None:
    floor = Floor()
    reports = floor.place(SELL, 100)
    assert sum(lots for _, _, lots in fills(reports)) == 60
    assert (reports[-1].kind, reports[-1].why) == ("ORDER_EXPIRED", "NO_LIQUIDITY")
    assert floor.bids() == []
    assert floor.net() == -60


def test_a_limit_takes_up_to_its_price_and_rests_with_the_remainder() -> None:
    floor = Floor()
    assert fills(floor.limit(BUY, 25, 1002)) == [(1, 1002, 10)]
    assert floor.status(1) == "PARTLY_FILLED"
    assert floor.bids()[0] == (1002, 15)
    assert fills(floor.level(SELL, 1003, 7)) == []


def test_a_resting_limit_is_filled_as_maker_at_its_own_price() -> None:
    floor = Floor()
    floor.limit(BUY, 5, 1001)
    (report,) = floor.trade(1001, 3, SELL)
    assert (report.ticks, report.lots, report.left, report.is_maker) == (1001, 3, 2, True)
    assert fills(floor.trade(990, 50, SELL)) == [(1, 1001, 2)]


def test_a_level_that_the_market_sets_at_our_price_trades_with_us() -> None:
    floor = Floor()
    floor.limit(BUY, 15, 1001)
    assert fills(floor.level(SELL, 1001, 10)) == [(1, 1001, 10)]
    assert floor.asks()[0] == (1002, 10)
    assert fills(floor.level(SELL, 1000, 10)) == [(1, 1001, 5)]
    assert floor.asks()[0] == (1000, 5)


def test_a_post_only_order_that_would_take_is_refused() -> None:
    floor = Floor()
    (report,) = floor.limit(BUY, 5, 1002, flags=POST_ONLY)
    assert (report.kind, report.why) == ("ORDER_REJECTED", "WOULD_TAKE")
    assert kinds(floor.limit(BUY, 5, 1001, flags=POST_ONLY)) == [("ACCEPTED", 2)]
    (report,) = floor.limit(SELL, 5, 1001, flags=POST_ONLY)
    assert report.why == "WOULD_TAKE", "our own order stands there"


def test_a_stop_triggers_when_the_market_trades_at_it_and_then_takes() -> None:
    floor = Floor()
    floor.stop(SELL, 12, 995)
    assert floor.trade(996, 1, SELL) == []
    reports = floor.trade(995, 1, SELL)
    assert kinds(reports) == [("TRIGGERED", 1), ("FILLED", 1), ("FILLED", 1)]
    assert fills(reports) == [(1, 1000, 10), (1, 999, 2)]


def test_a_stop_limit_rests_at_its_limit_once_triggered() -> None:
    floor = Floor()
    floor.place(BUY, 5, type=STOP_LIMIT, stop_ticks=1005, limit_ticks=1001)
    assert kinds(floor.trade(1005, 1, BUY)) == [("TRIGGERED", 1)]
    assert floor.status(1) == "TRIGGERED"
    assert floor.bids()[0] == (1001, 5)
    assert fills(floor.trade(1001, 5, SELL)) == [(1, 1001, 5)]


def test_a_take_profit_triggers_on_the_other_side_of_a_stop() -> None:
    floor = Floor()
    floor.place(SELL, 5, type=TAKE_PROFIT, stop_ticks=1010)
    assert floor.trade(1009, 1, BUY) == []
    assert kinds(floor.trade(1010, 1, BUY)) == [("TRIGGERED", 1), ("FILLED", 1)]


def test_a_take_profit_limit_never_sells_below_its_limit() -> None:
    floor = Floor()
    floor.place(SELL, 5, type=TAKE_PROFIT_LIMIT, stop_ticks=1010, limit_ticks=1008)
    assert kinds(floor.trade(1011, 1, BUY)) == [("TRIGGERED", 1)]
    assert fills(floor.level(BUY, 1008, 3)) == [(1, 1008, 3)]


def test_a_trailing_stop_follows_the_best_price_at_its_distance() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    floor.place(SELL, 5, type=TRAILING_STOP, trail_ticks=10)
    assert floor.trade(1020, 1) == []
    assert floor.trade(1011, 1) == []
    assert kinds(floor.trade(1010, 1))[0] == ("TRIGGERED", 1)


def test_a_trailing_stop_waits_for_its_activation_price() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    floor.place(BUY, 5, type=TRAILING_STOP, trail_ticks=10, stop_ticks=990)
    assert floor.trade(1015, 1) == []
    assert floor.trade(990, 1) == []
    assert floor.trade(985, 1) == []
    assert kinds(floor.trade(995, 1))[0] == ("TRIGGERED", 1)


def test_a_trigger_on_the_mark_price_does_not_look_at_trades() -> None:
    floor = Floor()
    floor.stop(SELL, 5, 995, flags=TRIGGERS_ON_MARK)
    assert floor.trade(990, 1, BUY) == []
    assert kinds(floor.mark(995)) == [("TRIGGERED", 1), ("FILLED", 1)]


def test_our_own_taking_moves_the_last_price_and_so_triggers_our_stops() -> None:
    floor = Floor()
    floor.stop(SELL, 3, 999)
    reports = floor.place(SELL, 12)
    assert fills(reports) == [(2, 1000, 10), (2, 999, 2), (1, 999, 3)]


def test_a_trigger_that_the_market_has_passed_is_refused_where_the_venue_says_so() -> None:
    floor = Floor(profile=open_terms(refuses_reached_triggers=True))
    floor.trade(1001, 1)
    assert floor.stop(BUY, 1, 1001)[0].why == "WOULD_TRIGGER"
    assert kinds(floor.stop(BUY, 1, 1003)) == [("ACCEPTED", 2)]


def test_a_trigger_that_the_market_has_passed_triggers_at_once_elsewhere() -> None:
    floor = Floor()
    floor.trade(1001, 1)
    assert kinds(floor.stop(BUY, 1, 1001)) == [("ACCEPTED", 1), ("TRIGGERED", 1), ("FILLED", 1)]


def test_an_iceberg_shows_one_part_and_each_next_part_stands_behind() -> None:
    floor = Floor()
    floor.limit(BUY, 10, 1001, display_lots=4)
    assert floor.bids()[0] == (1001, 4)
    floor.level(BUY, 1001, 6)
    assert fills(floor.trade(1001, 5, SELL)) == [(1, 1001, 4)], "the one lot more is the market's"
    assert floor.bids()[0] == (1001, 10)
    assert fills(floor.trade(1001, 4, SELL)) == [], "five lots of the market stand before the second part"
    assert fills(floor.trade(1001, 3, SELL)) == [(1, 1001, 2)]


def test_an_iceberg_takes_whole_what_it_can() -> None:
    floor = Floor()
    assert fills(floor.limit(BUY, 14, 1002, display_lots=3)) == [(1, 1002, 10)]
    assert floor.bids()[0] == (1002, 3)


def test_a_reduce_only_order_is_cut_to_the_position_and_cancelled_without_one() -> None:
    floor = Floor()
    floor.place(BUY, 5)
    reports = floor.place(SELL, 8, is_reduce_only=1)
    assert fills(reports) == [(2, 1000, 5)]
    assert reports[-1].left == 0
    assert floor.place(SELL, 1, is_reduce_only=1)[-1].why == "NOTHING_TO_REDUCE"


def test_a_close_position_order_closes_what_there_is_when_it_triggers() -> None:
    floor = Floor()
    floor.place(BUY, 5)
    floor.stop(SELL, 0, 995, flags=CLOSE_POSITION)
    assert floor.query(2).status_lots == 0
    floor.place(BUY, 3)
    assert fills(floor.trade(995, 1, SELL)) == [(2, 1000, 8)]
    assert floor.net() == 0


def test_on_quotes_only_the_best_levels_are_the_book() -> None:
    floor = Floor(is_two_sided=False)
    floor.quote(1000, 5, 1002, 7)
    assert (floor.bids(), floor.asks()) == ([(1000, 5)], [(1002, 7)])
    floor.quote(1001, 4, 1003, 6)
    assert (floor.bids(), floor.asks()) == ([(1001, 4)], [(1003, 6)])
    reports = floor.place(BUY, 9)
    assert fills(reports) == [(1, 1003, 6)]


def test_without_a_book_an_order_meets_the_next_trade() -> None:
    floor = Floor(is_two_sided=False)
    assert kinds(floor.place(BUY, 5)) == [("ACCEPTED", 1)]
    assert fills(floor.trade(1000, 1)) == [(1, 1000, 5)]


def test_without_a_book_an_order_meets_the_first_bar_that_opens_after_it() -> None:
    floor = Floor(is_two_sided=False)
    floor.place(BUY, 5)
    floor.limit(SELL, 5, 1020)
    assert fills(floor.bar(1000, 1010, 990, 1005)) == [(1, 1000, 5)]
    assert fills(floor.bar(1005, 1021, 1000, 1010)) == [(2, 1020, 5)]


def test_an_order_from_before_the_first_book_meets_it_once_its_moment_is_told() -> None:
    floor = Floor(is_two_sided=False)
    floor.place(BUY, 5)
    floor.book(bids={1000: 10}, asks={1002: 10})
    assert fills(floor.advance(1)) == [(1, 1002, 5)]


def test_spot_cannot_be_sold_beyond_what_is_held() -> None:
    floor = Floor(pair(is_perpetual=False))
    assert floor.place(SELL, 1)[0].why == "BEYOND_HOLDINGS"
    floor.place(BUY, 5)
    assert fills(floor.place(SELL, 5)) == [(3, 1000, 5)]


@pytest.mark.parametrize(
    "fields",
    [
        {"type": LIMIT},
        {"type": STOP_LIMIT, "stop_ticks": 5},
        {"type": TAKE_PROFIT},
        {"type": TRAILING_STOP},
        {"type": LIMIT, "limit_ticks": -1},
    ],
)
def test_an_order_without_the_prices_that_its_type_needs_is_refused(fields: dict[str, int]) -> None:
    assert Floor().place(BUY, 1, **fields)[0].why == "BAD_PRICE"


@pytest.mark.parametrize(
    "fields",
    [
        {"flags": POST_ONLY},
        {"type": LIMIT, "limit_ticks": 5, "flags": POST_ONLY, "time_in_force": 1},
        {"type": LIMIT, "limit_ticks": 5, "display_lots": 1, "time_in_force": 2},
        {"type": LIMIT, "limit_ticks": 5, "flags": CLOSE_POSITION},
        {"display_lots": 1},
        {"type": 8},
        {"type": LIMIT, "limit_ticks": 5, "time_in_force": 5},
        {"type": LIMIT, "limit_ticks": 5, "flags": 16},
        {"self_trade": 7},
    ],
)
def test_flags_that_do_not_go_together_are_refused(fields: dict[str, int]) -> None:
    assert Floor().place(BUY, 2, **fields)[0].why == "BAD_ORDER"


def moved(lots: int, wait_ns: int = 0) -> list[int]:
    """Prices of a purchase and a later sale of the same lots on trades at 100,000, with market impact."""
    settings = ImpactSettings(coefficient=1.0, daily_volatility=0.05, daily_volume_lots=10_000, tau_s=10.0)
    floor = Floor(profile=open_terms(impact=settings), is_two_sided=False)
    floor.place(BUY, lots)
    bought = fills(floor.trade(100_000, 1))[0][1]
    if wait_ns:
        floor.exchange.advance(floor.now + wait_ns)
    floor.place(SELL, lots)
    return [bought, fills(floor.trade(100_000, 1))[0][1]]


def test_our_own_trades_move_the_price_by_the_root_of_their_size() -> None:
    assert moved(100)[0] == 100_000 + round(100_000 * 0.05 * 2 / 3 * (100 / 10_000) ** 0.5) + 1
    assert moved(400)[0] - 100_000 == pytest.approx(2 * (moved(100)[0] - 100_000), abs=2)


def test_the_impact_of_our_trades_fades() -> None:
    at_once, later = moved(100)[1], moved(100, 1000 * SECOND)[1]
    assert at_once >= 100_000 + 300, "what we bought has lifted the price that we sell at"
    assert later == 100_000 - 334


def test_without_impact_settings_size_does_not_move_the_price() -> None:
    floor = Floor(is_two_sided=False)
    floor.place(BUY, 10_000)
    assert fills(floor.trade(100_000, 1)) == [(1, 100_000, 10_000)]
