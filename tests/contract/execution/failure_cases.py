"""Cases of what goes wrong on the way, and of a venue that goes away and comes back."""

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
from tests.contract.execution.changes_cases import with_pair
from tests.contract.execution.driver import Answer, ExecutionDriver, Outcome, Setup, Why
from tests.contract.execution.driver import Capability as C

AMBIGUOUS, RESTART = "Unknown outcomes", "Outage and restart"
UNKNOWN = Answer(Outcome.UNKNOWN)
D = Decimal


@case(AMBIGUOUS, "an acknowledgement that is lost leaves an order that a query finds")
def acknowledgement_lost(venue: ExecutionDriver) -> None:
    venue.inject_fault("ack_lost")
    assert venue.place(buy("1", "1999.50")) == UNKNOWN
    assert shown(venue).status == "new"


@case(AMBIGUOUS, "a time-out before the order arrives leaves none")
def timeout_before(venue: ExecutionDriver) -> None:
    venue.inject_fault("timeout_before", seconds=0.05)
    assert venue.place(buy("1", "1999.50")) == UNKNOWN
    assert venue.query("a") is None
    assert venue.open_orders() == []


@case(AMBIGUOUS, "a time-out after the order was taken leaves one")
def timeout_after(venue: ExecutionDriver) -> None:
    venue.inject_fault("timeout_after", seconds=0.05)
    assert venue.place(buy("1")) == UNKNOWN
    assert shown(venue).status == "filled"
    assert len(venue.fills()) == 1


@case(AMBIGUOUS, "an unknown execution that did not happen left nothing")
def unknown_before(venue: ExecutionDriver) -> None:
    venue.inject_fault("unknown_before")
    assert venue.place(buy("1")) == UNKNOWN
    assert venue.query("a") is None
    assert venue.fills() == []


@case(AMBIGUOUS, "an unknown execution that did happen is found")
def unknown_after(venue: ExecutionDriver) -> None:
    venue.inject_fault("unknown_after")
    assert venue.place(buy("1")) == UNKNOWN
    assert shown(venue).status == "filled"


@case(AMBIGUOUS, "an order sent again under its id after a lost acknowledgement does not double")
def sent_again(venue: ExecutionDriver) -> None:
    venue.inject_fault("ack_lost")
    assert venue.place(buy("1", "1999.50")) == UNKNOWN
    refused(venue.place(buy("1", "1999.50")), Why.DUPLICATE)
    assert len(venue.open_orders()) == 1


@case(
    AMBIGUOUS, "where no ids are known, sending again after a lost acknowledgement doubles: the client must ask",
    setup=Setup(idempotency="NONE"),
)  # fmt: skip
def sent_again_without_memory(venue: ExecutionDriver) -> None:
    venue.inject_fault("ack_lost")
    assert venue.place(buy("1", "1999.50")) == UNKNOWN
    assert venue.place(buy("1", "1999.50"))
    assert len(venue.open_orders()) == 2


@case(AMBIGUOUS, "a cancel whose acknowledgement is lost has cancelled")
def cancel_acknowledgement_lost(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    venue.inject_fault("ack_lost")
    assert venue.cancel("a") == UNKNOWN
    assert shown(venue).status == "cancelled"


@case(AMBIGUOUS, "a cancel that never arrived leaves the order open")
def cancel_never_arrived(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    venue.inject_fault("timeout_before", seconds=0.05)
    assert venue.cancel("a") == UNKNOWN
    assert shown(venue).status == "new"


@case(AMBIGUOUS, "an amendment whose acknowledgement is lost has amended", C.AMEND)
def amend_acknowledgement_lost(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.50"))
    venue.inject_fault("ack_lost")
    assert venue.amend("a", "1") == UNKNOWN
    assert shown(venue).qty == D(1)


@case(AMBIGUOUS, "an order list whose acknowledgement is lost stands whole", C.ORDER_LISTS)
def list_acknowledgement_lost(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    venue.inject_fault("ack_lost")
    orders = (sell("1", "2005.00", id="limit", post_only=True), sell("1", type="stop", stop="1995.00", id="stop"))
    assert venue.place_list("OCO", orders) == UNKNOWN
    assert states(venue, "limit", "stop") == ["new", "new"]


@case(AMBIGUOUS, "an overloaded venue refuses, and nothing has happened")
def overloaded(venue: ExecutionDriver) -> None:
    venue.inject_fault("overloaded")
    refused(venue.place(buy("1")), Why.UNAVAILABLE)
    assert venue.query("a") is None
    assert placed(venue, buy("1")).status == "filled"


@case(AMBIGUOUS, "an order that is refused without cause left nothing, and the next one is taken")
def refused_without_cause(venue: ExecutionDriver) -> None:
    venue.inject_fault("refusal")
    refused(venue.place(buy("1")), Why.OTHER)
    assert venue.fills() == []
    assert placed(venue, buy("1")).status == "filled"


# --- outage and restart ---------------------------------------------------------------------------------------


@case(RESTART, "in maintenance nothing is taken, and what rested rests on afterwards")
def maintenance(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50", id="rest"))
    venue.inject_fault("maintenance", seconds=600)
    refused(venue.place(buy("1", id="new")), Why.UNAVAILABLE)
    venue.clear_faults()
    assert shown(venue, "rest").status == "new"
    assert venue.query("new") is None


@case(RESTART, "open orders are open after a restart, with what they filled")
def orders_survive(venue: ExecutionDriver) -> None:
    placed(venue, buy("8", "2001.00", id="partly"))
    placed(venue, sell("1", "2005.00", id="rest"))
    venue.restart()
    assert shown(venue, "partly").filled == D(5)
    assert {order.id for order in venue.open_orders()} == {"partly", "rest"}
    assert venue.cancel("rest")


@case(RESTART, "a stop that waited before a restart triggers after it")
def stop_survives(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    placed(venue, sell("1", type="stop", stop="1995.00"))
    venue.restart()
    venue.trade("1994.00", "0.1", "sell")
    assert shown(venue).status == "filled"


@case(RESTART, "one-cancels-other holds across a restart", C.ORDER_LISTS)
def pair_survives(venue: ExecutionDriver) -> None:
    with_pair(venue)
    venue.restart()
    venue.trade("2006.00", "60", "buy")
    assert shown(venue, "limit").status == "filled"
    assert not shown(venue, "stop").is_open


@case(RESTART, "fills and balances are the same after a restart")
def money_survives(venue: ExecutionDriver) -> None:
    placed(venue, buy("3", id="b"))
    placed(venue, sell("1", "2005.00", id="s"))
    fills, balances = venue.fills(), venue.balances()
    venue.restart()
    assert venue.fills() == fills
    assert venue.balances() == balances


@case(RESTART, "ids are known across a restart")
def ids_survive(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    venue.restart()
    refused(venue.place(buy("1", "1999.50")), Why.DUPLICATE)


@case(RESTART, "numbers of fills go on rising after a restart")
def trade_ids_survive(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", id="before"))
    venue.restart()
    placed(venue, buy("1", id="after"))
    assert of_order(venue, "after")[0].trade_id > of_order(venue, "before")[0].trade_id
    assert balance(venue, "ETH").total == D(102)
