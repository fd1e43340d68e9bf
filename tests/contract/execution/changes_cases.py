"""Cases of cancels, amendments, replacements and order lists."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.execution.casebook import (
    balance,
    buy,
    case,
    of_order,
    placed,
    refused,
    sell,
    shown,
    states,
)
from tests.contract.execution.driver import Capability as C
from tests.contract.execution.driver import ExecutionDriver, Order, Why

CANCEL, AMEND, LISTS = "Cancelling", "Amending and replacing", "Order lists"
D = Decimal


@case(CANCEL, "a cancelled order is gone from the book and from the open orders")
def cancel_open(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    assert venue.cancel("a")
    assert shown(venue).status == "cancelled"
    assert venue.open_orders() == []
    assert D("1999.50") not in venue.depth()[0]


@case(CANCEL, "cancelling what was never there is refused")
def cancel_unknown(venue: ExecutionDriver) -> None:
    refused(venue.cancel("nobody"), Why.UNKNOWN_ORDER)


@case(CANCEL, "a second cancel is refused")
def cancel_twice(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    assert venue.cancel("a")
    refused(venue.cancel("a"), Why.UNKNOWN_ORDER)
    assert shown(venue).status == "cancelled"


@case(CANCEL, "cancelling a filled order is refused, and the fill stays")
def cancel_filled(venue: ExecutionDriver) -> None:
    placed(venue, buy("1"))
    refused(venue.cancel("a"), Why.UNKNOWN_ORDER)
    assert shown(venue).filled == D(1)


@case(CANCEL, "cancelling a partly filled order keeps what it filled")
def cancel_partly_filled(venue: ExecutionDriver) -> None:
    placed(venue, buy("8", "2001.00"))
    assert venue.cancel("a")
    view = shown(venue)
    assert (view.status, view.filled) == ("cancelled", D(5))


@case(CANCEL, "a stop that waits can be cancelled, and never triggers")
def cancel_stop(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", type="stop", stop="1999.00"))
    assert venue.cancel("a")
    venue.trade("1998.00", "0.1", "sell")
    assert shown(venue).status == "cancelled"
    assert venue.fills() == []


# --- amendments -----------------------------------------------------------------------------------------------


@case(AMEND, "an amendment to less keeps the place in the queue", C.AMEND)
def amend_keeps_the_place(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.50", id="first"))
    venue.set_market((("2000", "5"), ("1999.50", "3"), ("1999", "10")), (("2001", "5"),))
    assert venue.amend("first", "1")
    assert shown(venue, "first").qty == D(1)
    venue.trade("1999.50", "1", "sell")
    assert shown(venue, "first").status == "filled"


@case(AMEND, "an amendment to more is refused, and changes nothing", C.AMEND)
def amend_to_more(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    refused(venue.amend("a", "2"), Why.NO_CHANGE)
    assert shown(venue).qty == D(1)


@case(AMEND, "an amendment to what is filled already is refused", C.AMEND)
def amend_below_filled(venue: ExecutionDriver) -> None:
    placed(venue, buy("8", "2001.00"))
    refused(venue.amend("a", "5"), Why.NO_CHANGE)
    assert shown(venue).qty == D(8)


@case(AMEND, "an amendment of a finished order is refused", C.AMEND)
def amend_finished(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.50"))
    assert venue.cancel("a")
    answer = venue.amend("a", "1")
    assert not answer
    assert shown(venue).status == "cancelled"


@case(AMEND, "cancel-replace ends the one and begins the other", C.CANCEL_REPLACE)
def cancel_replace(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50", id="old"))
    assert venue.cancel_replace("old", buy("1", "1999.75", id="new"))
    assert states(venue, "old", "new") == ["cancelled", "new"]
    assert D("1999.50") not in venue.depth()[0]


@case(AMEND, "cancel-replace of a finished order places nothing", C.CANCEL_REPLACE)
def cancel_replace_finished(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", id="old"))
    refused(venue.cancel_replace("old", buy("1", "1999.75", id="new")), Why.UNKNOWN_ORDER)
    assert venue.query("new") is None


@case(AMEND, "cancel-replace whose new order is refused leaves the old one cancelled", C.CANCEL_REPLACE)
def cancel_replace_refused(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50", id="old"))
    refused(venue.cancel_replace("old", buy("1", "2001.00", id="new", post_only=True)), Why.WOULD_TAKE)
    assert shown(venue, "old").status == "cancelled"
    assert venue.query("new") is None


# --- order lists ----------------------------------------------------------------------------------------------


def exit_pair(qty: str = "1") -> tuple[Order, Order]:
    """A limit above the market and a stop below it, to sell."""
    return (
        sell(qty, "2005.00", id="limit", post_only=True),
        sell(qty, type="stop", stop="1995.00", id="stop"),
    )


def with_pair(venue: ExecutionDriver, qty: str = "1") -> None:
    venue.trade("2000.50", "0.1", "buy")
    assert venue.place_list("OCO", exit_pair(qty))


@case(LISTS, "of one-cancels-other both legs stand, the stop hidden", C.ORDER_LISTS)
def oco_stands(venue: ExecutionDriver) -> None:
    with_pair(venue)
    assert states(venue, "limit", "stop") == ["new", "new"]
    assert venue.depth()[1][D(2005)] == D(1)


@case(LISTS, "the limit of one-cancels-other fills, and the stop is gone", C.ORDER_LISTS)
def oco_limit_fills(venue: ExecutionDriver) -> None:
    with_pair(venue)
    venue.trade("2006.00", "60", "buy")
    assert shown(venue, "limit").status == "filled"
    assert not shown(venue, "stop").is_open
    venue.trade("1990.00", "0.1", "sell")
    assert of_order(venue, "stop") == []


@case(LISTS, "the stop of one-cancels-other triggers, and the limit is gone", C.ORDER_LISTS)
def oco_stop_triggers(venue: ExecutionDriver) -> None:
    with_pair(venue)
    venue.trade("1995.00", "0.1", "sell")
    assert shown(venue, "stop").status == "filled"
    assert not shown(venue, "limit").is_open
    assert D(2005) not in venue.depth()[1]


@case(LISTS, "a partial fill of the limit ends the stop already", C.ORDER_LISTS)
def oco_partial_fill(venue: ExecutionDriver) -> None:
    with_pair(venue, "4")
    venue.set_market((("2004", "5"),), (("2006", "5"),))
    venue.trade("2005.00", "1", "buy")
    assert shown(venue, "limit").filled == D(1)
    assert not shown(venue, "stop").is_open


@case(LISTS, "cancelling one leg cancels the other", C.ORDER_LISTS)
def oco_cancel(venue: ExecutionDriver) -> None:
    with_pair(venue)
    assert venue.cancel("stop")
    assert [shown(venue, leg).is_open for leg in ("limit", "stop")] == [False, False]
    assert venue.open_orders() == []


@case(LISTS, "a price that leaps over both legs executes only one of them", C.ORDER_LISTS)
def oco_leap(venue: ExecutionDriver) -> None:
    before = balance(venue, "ETH").total
    with_pair(venue, "1")
    venue.trade("1990.00", "0.1", "sell")
    venue.trade("2050.00", "60", "buy")
    sold = sum(fill.qty for leg in ("limit", "stop") for fill in of_order(venue, leg))
    assert sold == D(1)
    assert before - balance(venue, "ETH").total == D(1)


@case(LISTS, "one-cancels-other with a leg that is refused places none", C.ORDER_LISTS)
def oco_refused(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    legs = (exit_pair()[0], sell("1", type="stop", stop="2001.50", id="stop"))
    assert not venue.place_list("OCO", legs)
    assert venue.open_orders() == []
    assert venue.query("limit") is None or not shown(venue, "limit").is_open


@case(LISTS, "one-cancels-other locks its quantity once", C.ORDER_LISTS)
def oco_locks_once(venue: ExecutionDriver) -> None:
    with_pair(venue, "60")
    assert balance(venue, "ETH").locked == D(60)


@case(LISTS, "a pending order waits for its working order, outside the book", C.ORDER_LISTS)
def oto_waits(venue: ExecutionDriver) -> None:
    assert venue.place_list("OTO", (buy("1", "1999.50", id="work"), sell("1", "2005.00", id="pend")))
    assert states(venue, "work", "pend") == ["new", "held"]
    assert D(2005) not in venue.depth()[1]


@case(LISTS, "a pending order works once its working order has filled", C.ORDER_LISTS)
def oto_works(venue: ExecutionDriver) -> None:
    assert venue.place_list("OTO", (buy("1", "1999.50", id="work"), sell("1", "2005.00", id="pend")))
    venue.trade("1990.00", "60", "sell")
    assert states(venue, "work", "pend") == ["filled", "new"]
    assert venue.depth()[1][D(2005)] == D(1)


@case(LISTS, "a pending order waits on while its working order is only partly filled", C.ORDER_LISTS)
def oto_partly(venue: ExecutionDriver) -> None:
    assert venue.place_list("OTO", (buy("4", "1999.50", id="work"), sell("4", "2005.00", id="pend")))
    venue.trade("1999.50", "1", "sell")
    assert states(venue, "work", "pend") == ["partly", "held"]


@case(LISTS, "a working order that is cancelled takes its pending order along", C.ORDER_LISTS)
def oto_cancelled(venue: ExecutionDriver) -> None:
    assert venue.place_list("OTO", (buy("1", "1999.50", id="work"), sell("1", "2005.00", id="pend")))
    assert venue.cancel("work")
    assert not shown(venue, "pend").is_open
    assert venue.open_orders() == []


@case(LISTS, "a working order that fills at once lets its pending order work at once", C.ORDER_LISTS)
def oto_at_once(venue: ExecutionDriver) -> None:
    assert venue.place_list("OTO", (buy("1", "2001.00", id="work"), sell("1", "2005.00", id="pend")))
    assert states(venue, "work", "pend") == ["filled", "new"]


@case(LISTS, "a pair waits for its working order, and then one of it ends the other", C.ORDER_LISTS)
def otoco(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    assert venue.place_list("OTOCO", (buy("1", "1999.50", id="work"), *exit_pair()))
    assert states(venue, "limit", "stop") == ["held", "held"]
    venue.trade("1999.00", "60", "sell")
    assert states(venue, "work", "limit", "stop") == ["filled", "new", "new"]
    venue.set_market((("2000", "5"),), (("2001", "5"),))
    venue.trade("2005.50", "60", "buy")
    assert shown(venue, "limit").status == "filled"
    assert not shown(venue, "stop").is_open


@case(LISTS, "cancelling the working order of a pair cancels all three", C.ORDER_LISTS)
def otoco_cancelled(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    assert venue.place_list("OTOCO", (buy("1", "1999.50", id="work"), *exit_pair()))
    assert venue.cancel("work")
    assert [shown(venue, name).is_open for name in ("work", "limit", "stop")] == [False] * 3
