"""Cases of what a venue refuses: filters, identities, limits of rate and time."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.execution.casebook import (
    LINEAR,
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
from tests.contract.execution.driver import ExecutionDriver, Order, Outcome, Setup, Why

FILTERS, IDS, LIMITS = "Filters", "Client ids", "Limits of rate and time"
D = Decimal


def refused_and_gone(venue: ExecutionDriver, order: Order, why: Why) -> None:
    """The order is refused for the reason, and nothing is left of it."""
    refused(venue.place(order), why)
    assert venue.query(order.id) is None
    assert venue.open_orders() == []


@case(FILTERS, "a price between two ticks is refused", setup=Setup(filters={"tick_size": "0.05"}))
def off_tick(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("1", "1999.52"), Why.PRICE_STEP)
    assert placed(venue, buy("1", "1999.55", id="on")).status == "new"


@case(FILTERS, "a quantity between two lots is refused", setup=Setup(filters={"lot_size": "0.001"}))
def off_lot(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("1.0005", "1999.50"), Why.QUANTITY)


@case(FILTERS, "a quantity below the smallest is refused")
def below_min_quantity(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("0.0009", "9000.00", time_in_force="IOC"), Why.QUANTITY)


@case(FILTERS, "a quantity above the largest is refused", setup=Setup(filters={"max_qty": "10"}))
def above_max_quantity(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("10.0001", "1999.50"), Why.QUANTITY)
    assert placed(venue, buy("10", "1999.50", id="most")).status == "new"


@case(FILTERS, "a price outside the allowed ones is refused", setup=Setup(filters={"max_price": "2500"}))
def above_max_price(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, sell("1", "2500.01"), Why.PRICE_STEP)
    assert placed(venue, sell("1", "2500.00", id="most")).status == "new"


@case(FILTERS, "a value below the smallest is refused")
def below_min_notional(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("0.0024", "1999.50"), Why.NOTIONAL)


@case(FILTERS, "a value above the largest is refused", setup=Setup(filters={"max_notional": "10000"}))
def above_max_notional(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("5.1", "1999.50"), Why.NOTIONAL)
    assert placed(venue, buy("5", "1999.50", id="most")).status == "new"


@case(FILTERS, "a price too far from the market is refused", setup=Setup(filters={"buy_multiplier_down": "0.9"}))
def percent_price(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    refused_and_gone(venue, buy("1", "1790.00"), Why.PERCENT_PRICE)
    assert placed(venue, buy("1", "1810.00", id="near")).status == "new"


@case(FILTERS, "one order more than may be open is refused", setup=Setup(filters={"max_orders": 3}))
def too_many_orders(venue: ExecutionDriver) -> None:
    for name in ("1", "2", "3"):
        placed(venue, buy("1", "1999.50", id=name))
    refused(venue.place(buy("1", "1999.50", id="4")), Why.TOO_MANY_ORDERS)
    assert venue.cancel("2")
    assert placed(venue, buy("1", "1999.50", id="5")).status == "new"


@case(FILTERS, "one stop more than may wait is refused", setup=Setup(filters={"max_stops": 2}))
def too_many_stops(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    for name in ("1", "2"):
        placed(venue, sell("1", type="stop", stop="1990.00", id=name))
    refused(venue.place(sell("1", type="stop", stop="1990.00", id="3")), Why.TOO_MANY_STOPS)
    assert placed(venue, buy("1", "1999.50", id="limit")).status == "new"


@case(FILTERS, "an iceberg of too many parts is refused", C.ICEBERG, setup=Setup(filters={"max_iceberg_parts": 5}))
def too_many_parts(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("6", "1999.50", shown="1"), Why.ICEBERG_PARTS)
    assert placed(venue, buy("5", "1999.50", shown="1", id="five")).status == "new"


@case(FILTERS, "a holding larger than allowed is refused", setup=Setup(filters={"max_position": "102"}))
def position_limit(venue: ExecutionDriver) -> None:
    refused_and_gone(venue, buy("2.5", "1999.50"), Why.POSITION)
    assert placed(venue, buy("2", "1999.50", id="fits")).status == "new"


@case(FILTERS, "a stop whose price is passed already is refused")
def would_trigger(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    refused_and_gone(venue, sell("1", type="stop", stop="2001.00"), Why.WOULD_TRIGGER)


@case(FILTERS, "a take-profit whose price is passed already is refused")
def profit_would_trigger(venue: ExecutionDriver) -> None:
    venue.trade("2000.50", "0.1", "buy")
    refused_and_gone(venue, sell("1", type="take_profit", stop="2000.00"), Why.WOULD_TRIGGER)


@case(FILTERS, "without a market a market order fills nothing")
def no_market(venue: ExecutionDriver) -> None:
    venue.set_market((("2000.00", "5"),), ())
    venue.place(buy("1"))
    assert venue.fills() == []
    assert venue.open_orders() == []


# --- client ids -----------------------------------------------------------------------------------------------


@case(IDS, "an id of an open order is refused a second time")
def duplicate_open(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    refused(venue.place(buy("2", "1999.00")), Why.DUPLICATE)
    view = shown(venue)
    assert (view.qty, view.status) == (D(1), "new")
    assert len(venue.open_orders()) == 1


@case(IDS, "an id among open orders only may be used again once its order is finished")
def reuse_after_the_end(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", "1999.50"))
    assert venue.cancel("a")
    assert placed(venue, buy("2", "1999.00")).qty == D(2)
    assert len(venue.open_orders()) == 1


@case(IDS, "an id among open orders only may be used again once its order has filled")
def reuse_after_a_fill(venue: ExecutionDriver) -> None:
    placed(venue, buy("1"))
    assert placed(venue, buy("1")).status == "filled"
    assert len(venue.fills()) == 2


@case(IDS, "an id known for a day is refused after its order has filled", setup=Setup(idempotency="DAY"))
def day_refused(venue: ExecutionDriver) -> None:
    placed(venue, buy("1"))
    refused(venue.place(buy("1")), Why.DUPLICATE)
    assert len(venue.fills()) == 1
    assert shown(venue).status == "filled"


@case(IDS, "an id known for a day may be used again after the day", setup=Setup(idempotency="DAY"))
def day_over(venue: ExecutionDriver) -> None:
    placed(venue, buy("1"))
    venue.advance(86_401)
    assert venue.place(buy("1"))
    assert len(venue.fills()) == 2


@case(IDS, "where no ids are known, the same order twice is two orders", setup=Setup(idempotency="NONE"))
def no_memory(venue: ExecutionDriver) -> None:
    assert venue.place(buy("1", "1999.50"))
    assert venue.place(buy("1", "1999.50"))
    assert len(venue.open_orders()) == 2


@case(IDS, "an id whose order was refused may be used again")
def reuse_after_a_refusal(venue: ExecutionDriver) -> None:
    refused(venue.place(buy("1", "2001.00", post_only=True)), Why.WOULD_TAKE)
    assert placed(venue, buy("1", "1999.50")).status == "new"


# --- rates and times ------------------------------------------------------------------------------------------


@case(LIMITS, "requests beyond the weight of a window are refused", C.REQUESTS, setup=Setup(limits={"weight": 300}))
def weight_refused(venue: ExecutionDriver) -> None:
    answers = venue.request_repeatedly(17)
    assert answers[0].outcome is Outcome.DONE
    assert answers[-1].why is Why.RATE


@case(
    LIMITS, "going on after refusals is banned", C.REQUESTS,
    setup=Setup(limits={"weight": 200, "refusals_before_ban": 3}),
)  # fmt: skip
def banned(venue: ExecutionDriver) -> None:
    answers = venue.request_repeatedly(20)
    assert Why.RATE in {answer.why for answer in answers}
    assert answers[-1].why is Why.BANNED


@case(LIMITS, "orders beyond the count of a window are refused", C.REQUESTS, setup=Setup(limits={"orders": 3}))
def order_count(venue: ExecutionDriver) -> None:
    answers = [venue.place(buy("1", "1999.50", id=str(at))) for at in range(5)]
    assert [answer.outcome for answer in answers[:3]] == [Outcome.DONE] * 3
    assert answers[4].why is Why.RATE
    assert len(venue.open_orders()) == 3


@case(LIMITS, "a request older than its window is refused, and nothing is done", C.REQUESTS)
def too_old(venue: ExecutionDriver) -> None:
    refused(venue.place_stamped(buy("1", "1999.50"), -6000, 5000), Why.OUTSIDE_WINDOW)
    assert venue.query("a") is None


@case(LIMITS, "a request stamped in the future is refused", C.REQUESTS)
def in_the_future(venue: ExecutionDriver) -> None:
    refused(venue.place_stamped(buy("1", "1999.50"), 5000, 5000), Why.OUTSIDE_WINDOW)
    assert venue.query("a") is None


@case(LIMITS, "a request within its window is taken, late as it is", C.REQUESTS)
def late_within_the_window(venue: ExecutionDriver) -> None:
    assert venue.place_stamped(buy("1", "1999.50"), -3000, 5000)
    assert shown(venue).status == "new"


@case(LIMITS, "a venue whose clock runs ahead refuses requests that are in time", C.REQUESTS)
def clock_skew(venue: ExecutionDriver) -> None:
    venue.inject_fault("clock_skew", skew_ms=60_000)
    refused(venue.place(buy("1", "1999.50")), Why.OUTSIDE_WINDOW)
    venue.clear_faults()
    assert placed(venue, buy("1", "1999.50")).status == "new"


@case(FILTERS, "an order to reduce may be smaller than the smallest", C.LINEAR, setup=LINEAR)
def reducing_is_never_too_small(venue: ExecutionDriver) -> None:
    placed(venue, buy("1", id="entry"))
    placed(venue, sell("0.9995", reduce_only=True, id="most"))
    placed(venue, sell("0.0005", reduce_only=True, id="dust"))
    assert venue.position() == 0
    assert states(venue, "most", "dust") == ["filled", "filled"]
    assert len(of_order(venue, "dust")) == 1
