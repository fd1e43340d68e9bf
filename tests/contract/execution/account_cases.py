"""Cases of balances, fees and positions."""

from __future__ import annotations

from decimal import Decimal

from tests.contract.execution.casebook import (
    LINEAR,
    balance,
    buy,
    case,
    of_order,
    placed,
    refused,
    sell,
    shown,
)
from tests.contract.execution.driver import Capability as C
from tests.contract.execution.driver import ExecutionDriver, Setup, Why

BALANCES, FEES, POSITIONS = "Balances", "Fees", "Positions"
D = Decimal


@case(BALANCES, "an order to buy locks what it may cost", C.SPOT)
def buy_locks(venue: ExecutionDriver) -> None:
    before = balance(venue, "USDT")
    placed(venue, buy("2", "1999.50"))
    after = balance(venue, "USDT")
    assert after.total == before.total
    assert D("3999") <= after.locked <= D("3999") * D("1.002")


@case(BALANCES, "an order to sell locks what it sells", C.SPOT)
def sell_locks(venue: ExecutionDriver) -> None:
    placed(venue, sell("2", "2005.00"))
    assert balance(venue, "ETH").locked == D(2)
    assert balance(venue, "ETH").free == D(98)


@case(BALANCES, "a cancel releases what was locked, to the last unit", C.SPOT)
def cancel_releases(venue: ExecutionDriver) -> None:
    before = venue.balances()
    placed(venue, buy("2", "1999.50", id="b"))
    placed(venue, sell("2", "2005.00", id="s"))
    assert venue.cancel("b")
    assert venue.cancel("s")
    assert venue.balances() == before


@case(BALANCES, "more than the account can pay is refused, and locks nothing", C.SPOT)
def not_enough_to_buy(venue: ExecutionDriver) -> None:
    before = venue.balances()
    refused(venue.place(buy("60", "1999.50")), Why.FUNDS)
    assert venue.balances() == before


@case(BALANCES, "more than the account holds cannot be sold", C.SPOT)
def not_enough_to_sell(venue: ExecutionDriver) -> None:
    refused(venue.place(sell("100.0001", "2005.00")), Why.FUNDS)


@case(BALANCES, "what one order has locked another cannot use", C.SPOT)
def locked_is_not_free(venue: ExecutionDriver) -> None:
    placed(venue, sell("60", "2005.00", id="first"))
    refused(venue.place(sell("60", "2006.00", id="second")), Why.FUNDS)
    assert venue.cancel("first")
    assert placed(venue, sell("60", "2006.00", id="third")).status == "new"


@case(BALANCES, "a fill moves both assets, and gives back what a better price saved", C.SPOT)
def fill_moves_both(venue: ExecutionDriver) -> None:
    before = venue.balances()
    placed(venue, buy("3", "2010.00"))
    fee = sum(fill.fee for fill in of_order(venue) if fill.fee_asset == "USDT")
    after = venue.balances()
    assert after["USDT"].locked == 0
    assert before["USDT"].free - after["USDT"].free == D(2001) * 3 + fee
    assert after["ETH"].free - before["ETH"].free == D(3)


@case(BALANCES, "a partly filled order keeps locked what it still wants", C.SPOT)
def partly_filled_keeps_locked(venue: ExecutionDriver) -> None:
    placed(venue, sell("8", "2000.00"))
    assert shown(venue).filled == D(5)
    assert balance(venue, "ETH").locked == D(3)


@case(BALANCES, "no balance is ever below zero, whatever fills", C.SPOT)
def never_below_zero(venue: ExecutionDriver) -> None:
    placed(venue, sell("35", id="all"))
    placed(venue, buy("30", "1999.50", id="b"))
    venue.set_market((), (("1990.00", "100"),))
    placed(venue, buy("9", "2000.00", id="more"))
    for held in venue.balances().values():
        assert held.free >= 0
        assert held.locked >= 0


# --- fees -----------------------------------------------------------------------------------------------------

FEED = Setup(maker_fee="0.0002", taker_fee="0.0005")


@case(FEES, "what takes pays the taker's fee of its value", setup=FEED)
def taker_fee(venue: ExecutionDriver) -> None:
    placed(venue, buy("2"))
    (fill,) = of_order(venue)
    assert fill.fee == D(2001) * 2 * D("0.0005")
    assert fill.fee_asset == "USDT"


@case(FEES, "what makes pays the maker's fee of its value", setup=FEED)
def maker_fee(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.50"))
    venue.trade("1990.00", "60", "sell")
    fees = sum(fill.fee for fill in of_order(venue))
    assert fees == D("1999.50") * 2 * D("0.0002")


@case(FEES, "an order that takes and then makes pays each part its own fee", setup=FEED)
def both_fees(venue: ExecutionDriver) -> None:
    placed(venue, buy("7", "2001.00"))
    venue.set_market((("2000", "1"),), (("2002", "1"),))
    venue.trade("1990.00", "60", "sell")
    assert shown(venue).status == "filled"
    by_role = {fill.is_maker: D(0) for fill in of_order(venue)}
    for fill in of_order(venue):
        by_role[fill.is_maker] += fill.fee
    assert by_role == {False: D(2001) * 5 * D("0.0005"), True: D(2001) * 2 * D("0.0002")}


@case(FEES, "a negative maker's fee is paid to the account", setup=Setup(maker_fee="-0.0001", taker_fee="0.0005"))
def rebate(venue: ExecutionDriver) -> None:
    placed(venue, buy("2", "1999.50"))
    venue.trade("1990.00", "60", "sell")
    assert sum(fill.fee for fill in of_order(venue)) == -D("1999.50") * 2 * D("0.0001")


THIRD = {"third_asset": "BNB", "third_price": "600", "third_discount": "0.25"}


@case(
    FEES, "a fee in a third asset is paid in it, at its discount", C.SPOT,
    setup=Setup(taker_fee="0.0005", fees=THIRD, balances={"USDT": "100000", "ETH": "100", "BNB": "1"}),
)  # fmt: skip
def third_asset(venue: ExecutionDriver) -> None:
    before = venue.balances()
    placed(venue, buy("2"))
    (fill,) = of_order(venue)
    assert (fill.fee_asset, fill.fee) == ("BNB", D(2001) * 2 * D("0.0005") * D("0.75") / 600)
    after = venue.balances()
    assert before["BNB"].total - after["BNB"].total == fill.fee
    assert before["USDT"].total - after["USDT"].total == D(2001) * 2


@case(
    FEES, "where there is not enough of the third asset the fee is paid as usual", C.SPOT,
    setup=Setup(taker_fee="0.0005", fees=THIRD, balances={"USDT": "100000", "ETH": "100", "BNB": "0.001"}),
)  # fmt: skip
def third_asset_is_short(venue: ExecutionDriver) -> None:
    placed(venue, buy("2"))
    (fill,) = of_order(venue)
    assert (fill.fee_asset, fill.fee) == ("USDT", D(2001) * 2 * D("0.0005"))
    assert balance(venue, "BNB").total == D("0.001")


@case(
    FEES, "a fee from what is received is paid in the base by a buyer, in the quote by a seller", C.SPOT,
    setup=Setup(taker_fee="0.0005", fees={"charged_from": "received"}),
)  # fmt: skip
def fee_from_received(venue: ExecutionDriver) -> None:
    before = balance(venue, "ETH").total
    placed(venue, buy("2", id="b"))
    (bought,) = of_order(venue, "b")
    assert (bought.fee_asset, bought.fee) == ("ETH", D(2) * D("0.0005"))
    assert balance(venue, "ETH").total - before == D(2) - bought.fee
    placed(venue, sell("1", id="s"))
    (sold,) = of_order(venue, "s")
    assert (sold.fee_asset, sold.fee) == ("USDT", D(2000) * D("0.0005"))


@case(
    FEES, "a volume of the days before puts the account into its tier", C.SPOT,
    setup=Setup(fees={"tier": "1000000 0.0001 0.0003", "starting_volume": "1500000"}),
)  # fmt: skip
def volume_tier(venue: ExecutionDriver) -> None:
    placed(venue, buy("2"))
    assert of_order(venue)[0].fee == D(2001) * 2 * D("0.0003")


@case(FEES, "every fill has a number of its own, and the numbers rise")
def trade_ids_rise(venue: ExecutionDriver) -> None:
    placed(venue, buy("20", id="b"))
    placed(venue, sell("3", id="s"))
    ids = [fill.trade_id for fill in venue.fills()]
    assert len(ids) == 4
    assert ids == sorted(set(ids))


# --- positions ------------------------------------------------------------------------------------------------


@case(POSITIONS, "fills add up to the position, long and short", C.LINEAR, setup=LINEAR)
def position_adds_up(venue: ExecutionDriver) -> None:
    placed(venue, buy("3", id="1"))
    assert venue.position() == D(3)
    placed(venue, sell("5", id="2"))
    assert venue.position() == D(-2)


@case(POSITIONS, "more than the margin allows is refused", C.LINEAR, setup=LINEAR)
def no_margin(venue: ExecutionDriver) -> None:
    refused(venue.place(buy("1500", "2000.00")), Why.FUNDS)
    assert venue.open_orders() == []


@case(POSITIONS, "an open order uses margin that another cannot use, until it is cancelled", C.LINEAR, setup=LINEAR)
def margin_is_kept_aside(venue: ExecutionDriver) -> None:
    placed(venue, buy("600", "1999.50", id="first"))
    refused(venue.place(buy("600", "1999.00", id="second")), Why.FUNDS)
    assert venue.cancel("first")
    assert placed(venue, buy("600", "1999.00", id="third")).status == "new"
