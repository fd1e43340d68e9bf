"""Cases of order types, times in force and flags."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.execution.casebook import (
    LINEAR,
    balance,
    buy,
    case,
    money,
    of_order,
    placed,
    prices,
    refused,
    sell,
    shown,
    states,
)
from tests.contract.execution.driver import Capability as C
from tests.contract.execution.driver import ExecutionDriver, Setup, Why

TYPES, TIMES, FLAGS = "Order types", "Times in force", "Flags"
D = Decimal


@case(TYPES, "a market buy takes the best ask")
def market_buy(venue: ExecutionDriver) -> None:
    assert placed(venue, buy("1")).status == "filled"
    assert prices(venue) == [(D(2001), D(1))]
    assert not of_order(venue)[0].is_maker


@case(TYPES, "a market sell takes the best bid")
def market_sell(venue: ExecutionDriver) -> None:
    assert placed(venue, sell("1")).status == "filled"
    assert prices(venue) == [(D(2000), D(1))]


@case(TYPES, "a market order sweeps levels, each at its own price")
def market_sweep(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("20"))
    assert prices(venue) == [(D(2001), D(5)), (D(2002), D(10)), (D(2003), D(5))]
    assert view.average == (D(2001) * 5 + D(2002) * 10 + D(2003) * 5) / 20


@case(TYPES, "a market order larger than the book fills what is there and its rest expires")
def market_beyond_the_book(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("36"))
    assert (view.status, view.filled) == ("expired", D(35))


@case(TYPES, "a limit below the market rests, visible in the book")
def limit_rests(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("1.5", "1999.50"))
    assert (view.status, view.filled) == ("new", D(0))
    assert venue.depth()[0][D("1999.50")] == D("1.5")
    assert [order.id for order in venue.open_orders()] == ["a"]


@case(TYPES, "a marketable limit takes at the standing price, not its own")
def limit_takes_at_the_standing_price(venue: ExecutionDriver) -> None:
    assert placed(venue, buy("3", "2010.00")).status == "filled"
    assert prices(venue) == [(D(2001), D(3))]


@case(TYPES, "a limit that the book cannot fill whole takes up to its price, and the rest stands there")
def limit_takes_and_rests(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("20", "2002.00"))
    assert (view.status, view.filled) == ("partly", D(15))
    assert venue.depth()[0][D(2002)] == D(5)
    assert D(2002) not in venue.depth()[1]


@case(TYPES, "a resting limit fills at its price when the market trades through it, as a maker")
def limit_fills_when_traded_through(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    venue.trade("1998.00", "30", "sell")
    assert shown(venue).status == "filled"
    assert prices(venue) == [(D("1999.50"), D(1))]
    assert of_order(venue)[0].is_maker


@case(TYPES, "a limit behind others at its price waits until they have been served")
def limit_waits_in_the_queue(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "2000.00"))
    venue.trade("2000.00", "4", "sell")
    assert shown(venue).filled == 0
    venue.trade("2000.00", "1.5", "sell")
    assert shown(venue).filled == D("0.5")
    venue.trade("2000.00", "2", "sell")
    assert shown(venue).status == "filled"


@case(TYPES, "a buy limit never fills above its price, a sell limit never below")
def no_fill_through_a_better_price(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.00", id="b"))
    placed(venue, sell("2", "2002.00", id="s"))
    venue.trade("1990.00", "60", "sell")
    venue.trade("2010.00", "60", "buy")
    assert all(fill.price <= 1999 for fill in of_order(venue, "b"))
    assert all(fill.price >= 2002 for fill in of_order(venue, "s"))
    assert states(venue, "b", "s") == ["filled", "filled"]


@case(TYPES, "a stop to sell waits above its price and sells at the market below it")
def stop_sell(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    assert placed(venue, sell("1", type="stop", stop="1999.00")).status == "new"
    venue.trade("1999.50", "0.1", "sell")
    assert shown(venue).status == "new"
    venue.trade("1998.50", "0.1", "sell")
    assert shown(venue).status == "filled"
    assert not of_order(venue)[0].is_maker


@case(TYPES, "a stop to buy waits below its price and buys at the market above it")
def stop_buy(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    assert placed(venue, buy("1", type="stop", stop="2002.00")).status == "new"
    venue.trade("2001.50", "0.1", "buy")
    assert shown(venue).status == "new"
    venue.trade("2002.00", "0.1", "buy")
    assert shown(venue).status == "filled"


@case(TYPES, "a stop that waits is not in the book")
def stop_is_hidden(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", "1990.00", type="stop_limit", stop="1995.00"))
    assert D(1990) not in venue.depth()[1]


@case(TYPES, "a stop-limit that triggers beyond its limit rests there")
def stop_limit_rests(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", "2000.50", type="stop_limit", stop="1999.50"))
    venue.trade("1999.50", "0.1", "sell")
    view = shown(venue)
    assert (view.status, view.filled) == ("new", D(0))
    assert venue.depth()[1][D("2000.50")] == D(1)


@case(TYPES, "a stop-limit that triggers within its limit takes")
def stop_limit_takes(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", "1995.00", type="stop_limit", stop="1999.50"))
    venue.trade("1999.50", "0.1", "sell")
    assert shown(venue).status == "filled"
    assert of_order(venue)[0].price >= 1995


@case(TYPES, "a take-profit to sell triggers when the price rises to it")
def take_profit_sell(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", type="take_profit", stop="2002.00"))
    venue.trade("2001.00", "0.1", "buy")
    assert shown(venue).status == "new"
    venue.trade("2002.00", "0.1", "buy")
    assert shown(venue).status == "filled"


@case(TYPES, "a take-profit to buy triggers when the price falls to it")
def take_profit_buy(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, buy("1", type="take_profit", stop="1999.00"))
    venue.trade("1999.00", "0.1", "sell")
    assert shown(venue).status == "filled"


@case(TYPES, "a take-profit-limit rests at its limit once triggered")
def take_profit_limit(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", "2005.00", type="take_profit_limit", stop="2002.00"))
    assert D(2005) not in venue.depth()[1]
    venue.trade("2002.00", "0.1", "buy")
    assert venue.depth()[1][D(2005)] == D(1)
    assert shown(venue).filled == 0


@case(TYPES, "a trailing stop follows the price up, and sells when it falls back by the distance")
def trailing_stop_follows(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", type="trailing_stop", trail_bips=100))
    venue.set_market((("2098", "5"),), (("2101", "5"),))
    venue.trade("2100.00", "0.1", "buy")
    venue.trade("2085.00", "0.1", "sell")
    assert shown(venue).status == "new"
    venue.trade("2079.00", "0.1", "sell")
    assert shown(venue).status == "filled"


@case(TYPES, "a trailing stop never goes back when the price does")
def trailing_stop_stays(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", type="trailing_stop", trail_bips=100))
    venue.trade("1990.00", "0.1", "sell")
    assert shown(venue).status == "new"
    venue.trade("1979.00", "0.1", "sell")
    assert shown(venue).status == "filled"


@case(TYPES, "an iceberg shows its part and no more", C.ICEBERG)
def iceberg_shows_a_part(venue: ExecutionDriver) -> None:
    placed(venue, buy("5", "1999.50", shown="1"))
    assert venue.depth()[0][D("1999.50")] == D(1)


@case(TYPES, "an iceberg fills whole, one part after the other", C.ICEBERG)
def iceberg_fills_whole(venue: ExecutionDriver) -> None:
    placed(venue, buy("3", "1999.50", shown="1"))
    venue.trade("1999.50", "1", "sell")
    assert shown(venue).filled == D(1)
    assert venue.depth()[0][D("1999.50")] == D(1)
    venue.trade("1990.00", "60", "sell")
    assert shown(venue).status == "filled"


# --- times in force -------------------------------------------------------------------------------------------


@case(TIMES, "immediate-or-cancel takes what is there and its rest expires")
def ioc_partly(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("8", "2001.00", time_in_force="IOC"))
    assert (view.status, view.filled) == ("expired", D(5))
    assert venue.open_orders() == []


@case(TIMES, "immediate-or-cancel that meets nothing expires unfilled")
def ioc_nothing(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("1", "1999.50", time_in_force="IOC"))
    assert (view.status, view.filled) == ("expired", D(0))


@case(TIMES, "fill-or-kill fills whole, over several levels")
def fok_whole(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("12", "2002.00", time_in_force="FOK"))
    assert (view.status, view.filled) == ("filled", D(12))


@case(TIMES, "fill-or-kill that cannot fill whole fills nothing")
def fok_nothing(venue: ExecutionDriver) -> None:
    view = placed(venue, buy("16", "2002.00", time_in_force="FOK"))
    assert (view.status, view.filled) == ("expired", D(0))
    assert venue.fills() == []
    assert venue.depth()[1][D(2001)] == D(5)


@case(TIMES, "good-till-date stands until its time and then expires", C.GOOD_TILL_DATE, setup=LINEAR)
def good_till_date(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50", time_in_force="GTD", good_for_s=700))
    venue.advance(600)
    assert shown(venue).status == "new"
    venue.advance(200)
    assert shown(venue).status == "expired"


@case(TIMES, "a day order expires with the UTC day", C.DAY)
def day_order(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50", time_in_force="DAY"))
    venue.advance(86_000)
    assert shown(venue).status == "new"
    venue.advance(500)
    assert shown(venue).status == "expired"


@case(TIMES, "good-till-cancelled still stands after a month")
def good_till_cancelled(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    venue.advance(31 * 86_400)
    assert shown(venue).status == "new"


# --- flags ----------------------------------------------------------------------------------------------------


@case(FLAGS, "post-only rests where it takes nothing")
def post_only_rests(venue: ExecutionDriver) -> None:
    assert placed(venue, buy("1", "2000.50", post_only=True)).status == "new"


@case(FLAGS, "post-only that would take is refused, and leaves nothing")
def post_only_refused(venue: ExecutionDriver) -> None:
    refused(venue.place(buy("1", "2001.00", post_only=True)), Why.WOULD_TAKE)
    assert venue.query("a") is None
    assert venue.open_orders() == []


@case(FLAGS, "reduce-only without a position is refused", C.LINEAR, setup=LINEAR)
def reduce_only_refused(venue: ExecutionDriver) -> None:
    refused(venue.place(sell("1", reduce_only=True)), Why.NOTHING_TO_REDUCE)
    assert venue.position() == 0


@case(FLAGS, "reduce-only never turns the position round", C.LINEAR, setup=LINEAR)
def reduce_only_never_flips(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", id="entry"))
    placed(venue, sell("3", reduce_only=True, id="exit"))
    assert venue.position() == 0
    assert sum(fill.qty for fill in of_order(venue, "exit")) == D(1)


@case(FLAGS, "close-position closes whatever the position is when it triggers", C.LINEAR, setup=LINEAR)
def close_position(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", id="entry"))
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("", type="stop", stop="1999.50", close_position=True, id="stop"))
    placed(venue, buy("0.5", id="more"))
    venue.trade("1999.00", "0.1", "sell")
    assert venue.position() == 0
    assert shown(venue, "stop").status == "filled"


@case(FLAGS, "an order that triggers on the mark price does not look at trades", C.LINEAR, setup=LINEAR)
def triggers_on_mark(venue: ExecutionDriver) -> None:
    venue.mark("2000.50")
    placed(venue, buy("1", id="entry"))
    placed(venue, sell("1", type="stop", stop="1995.00", on_mark=True, reduce_only=True, id="stop"))
    venue.trade("1994.00", "0.1", "sell")
    assert shown(venue, "stop").status == "new"
    venue.mark("1994.50")
    assert shown(venue, "stop").status == "filled"


@case(FLAGS, "self-trade prevention that ends the newest order keeps the resting one")
def self_trade_newest(venue: ExecutionDriver) -> None:
    placed(venue, sell("1", "2000.50", id="rest"))
    placed(venue, buy("1", "2000.50", id="take", self_trade="newest"))
    assert states(venue, "rest", "take") == ["new", "expired"]
    assert venue.fills() == []


@case(FLAGS, "self-trade prevention that ends the oldest order lets the new one go on")
def self_trade_oldest(venue: ExecutionDriver) -> None:
    placed(venue, sell("1", "2000.50", id="rest"))
    placed(venue, buy("1", "2001.00", id="take", self_trade="oldest"))
    assert states(venue, "rest", "take") == ["expired", "filled"]
    assert prices(venue, "take") == [(D(2001), D(1))]


@case(FLAGS, "self-trade prevention that ends both leaves none")
def self_trade_both(venue: ExecutionDriver) -> None:
    placed(venue, sell("1", "2000.50", id="rest"))
    placed(venue, buy("1", "2000.50", id="take", self_trade="both"))
    assert states(venue, "rest", "take") == ["expired", "expired"]
    assert venue.fills() == []


@case(FLAGS, "decrementing self-trade prevention takes the smaller quantity off both")
def self_trade_decrement(venue: ExecutionDriver) -> None:
    placed(venue, sell("1", "2000.50", id="rest"))
    placed(venue, buy("3", "2000.50", id="take", self_trade="decrement"))
    assert venue.fills() == []
    assert venue.depth()[0][D("2000.50")] == D(2)
    assert not shown(venue, "rest").is_open


@case(FLAGS, "an account that may trade with itself does", setup=Setup(self_trade="none"))
def self_trade_allowed(venue: ExecutionDriver) -> None:
    before = balance(venue, "ETH").total
    placed(venue, sell("1", "2000.50", id="rest"))
    placed(venue, buy("1", "2000.50", id="take"))
    assert states(venue, "rest", "take") == ["filled", "filled"]
    assert balance(venue, "ETH").total == before
    assert money("2000.50") in {fill.price for fill in venue.fills()}
