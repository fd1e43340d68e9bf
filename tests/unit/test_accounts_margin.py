"""Margin and liquidation on worked examples, at their edges, and beside Binance's recorded brackets."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.money import LIMIT, OVERFLOW
from bot4.domain.orders import BUY, SELL
from bot4.domain.venue_reasons import (
    BAD_ORDER,
    BAD_QUANTITY,
    NO_BALANCE,
    NO_MARGIN,
    POSITION_LIMIT,
    TOO_LARGE,
)
from bot4.simulator.accounts.balances import is_conserved, pack_balances
from bot4.simulator.accounts.liquidation import (
    NOBODY,
    bankruptcy_ticks,
    lots_of_value,
    lots_to_liquidate,
    next_to_liquidate,
    without_maintenance,
)
from bot4.simulator.accounts.margin import (
    HIGHEST_TICKS,
    NEVER,
    LeverageBracket,
    MarginSettings,
    bracket_of,
    initial_margin_atoms,
    is_undermargined,
    liquidation_ticks,
    maintenance_atoms,
    maintenance_of_value,
    most_value_atoms,
    pack_brackets,
    pack_margin_positions,
    required_atoms,
    unrealised_atoms,
    why_not_margin,
)
from bot4.simulator.accounts.margin_account import (
    adjust_isolated,
    available_atoms,
    cover_debt,
    cross_equity_atoms,
    cross_maintenance_atoms,
    margin_of_position,
    set_leverage,
    set_margin_mode,
    settle_funding,
    settle_margin_fill,
)
from bot4.simulator.rules.fee_schedule import FEE_CHARGE
from tests.shared_data import requires_shared_data, shared_path

D = Decimal
UNIT = 10**8
LINEAR = Instrument(
    "BTCUSDT_PERP", "BTC", "USDT", D("0.1"), D("0.001"), D("0.001"), D(0), D(0), D(0), is_perpetual=True
)  # fmt: skip
ETHER = replace(LINEAR, symbol="ETHUSDT_PERP", base="ETH", tick_size=D("0.01"))
INVERSE = Instrument(
    "BTCUSD_PERP", "BTC", "USDT", D("0.1"), D(1), D(1), D(0), D(0), D(0), is_perpetual=True, contract_value=D(100)
)  # fmt: skip
UNIVERSE = Universe((LINEAR, ETHER, INVERSE), other_assets=("BNB",))
PACKED = pack_instruments(UNIVERSE)
USDT, BTC, BNB = (UNIVERSE.assets.index(name) for name in ("USDT", "BTC", "BNB"))
BRACKET_ROWS = (
    LeverageBracket(D(50_000), D("0.004"), 125), LeverageBracket(D(600_000), D("0.005"), 100),
    LeverageBracket(D(3_000_000), D("0.0065"), 75), LeverageBracket(D(12_000_000), D("0.01"), 50),
)  # fmt: skip
COIN_ROWS = (LeverageBracket(D(5), D("0.004"), 125), LeverageBracket(D(10), D("0.005"), 100))
SETTINGS = MarginSettings({"BTCUSDT_PERP": BRACKET_ROWS, "ETHUSDT_PERP": BRACKET_ROWS, "BTCUSD_PERP": COIN_ROWS})
BRACKETS = pack_brackets(UNIVERSE, SETTINGS)
N = len(UNIVERSE.instruments)


class Account:
    """A margin account with positions of the three symbols."""

    def __init__(self, leverage: int = 20, is_isolated: bool = False, **deposits: Decimal) -> None:
        self.balances = pack_balances(UNIVERSE, deposits)[0]
        self.positions = pack_margin_positions(replace(SETTINGS, leverage=leverage, is_isolated=is_isolated))

    def fill(self, symbol: int, side: int, ticks: int, lots: int, fee: int = 0, asset: int | None = None) -> int:
        charge = np.zeros(1, FEE_CHARGE)[0]
        charge["asset"] = asset if asset is not None else BTC if symbol == 2 else USDT
        charge["atoms"] = fee
        position = self.positions[symbol]
        status = settle_margin_fill(self.balances, position, PACKED[symbol], side, ticks, lots, charge)
        self.charged = int(charge["atoms"])
        return int(status)

    def mark(self, symbol: int, ticks: int) -> int:
        self.positions[symbol]["mark_ticks"] = ticks
        return int(next_to_liquidate(self.balances, self.positions, PACKED, BRACKETS, N))

    def held(self, asset: int = USDT) -> tuple[int, int]:
        return int(self.balances["free"][asset]), int(self.balances["locked"][asset])

    def available(self, asset: int = USDT) -> int:
        return int(available_atoms(self.balances, self.positions, PACKED, N, asset))

    def liquidation_ticks(self, symbol: int) -> int:
        position = self.positions[symbol]
        margin = margin_of_position(self.balances, self.positions, PACKED, BRACKETS, N, symbol)
        lots, cost = int(position["lots"]), int(position["cost_atoms"])
        return int(liquidation_ticks(PACKED[symbol], BRACKETS[symbol], lots, cost, margin))


# --- brackets -----------------------------------------------------------------------------------------------------


def test_maintenance_is_continuous_over_the_brackets() -> None:
    row = BRACKETS[0]
    assert [int(row["amount_atoms"][at]) // UNIT for at in range(4)] == [0, 50, 950, 11_450]
    for at in range(3):
        cap = int(row["cap_atoms"][at])
        assert (bracket_of(row, cap), bracket_of(row, cap + 1)) == (at, at + 1)
        assert maintenance_of_value(row, cap + 1) - maintenance_of_value(row, cap) in (0, 1)
    assert bracket_of(row, LIMIT - 1) == 3


def test_a_leverage_allows_positions_up_to_the_cap_of_its_last_bracket() -> None:
    caps = [most_value_atoms(BRACKETS[0], leverage) // UNIT for leverage in (1, 50, 51, 100, 125, 126)]
    assert caps == [12_000_000, 12_000_000, 3_000_000, 600_000, 50_000, 0]


@requires_shared_data
def test_amounts_of_all_recorded_brackets_of_binance_follow_from_their_caps_and_rates() -> None:
    import pyarrow

    path = shared_path("reference/binance_leverage_tiers_20241024.json.zst")
    with pyarrow.input_stream(str(path), compression="zstd") as stream:
        recorded: dict[str, list[dict[str, Any]]] = json.loads(stream.read())
    assert len(recorded) > 300
    for symbol, tiers in recorded.items():
        rows = tuple(
            LeverageBracket(D(i["notionalCap"]), D(i["maintMarginRatio"]), int(i["initialLeverage"]))
            for i in (tier["info"] for tier in tiers)
        )
        packed = pack_brackets(Universe((LINEAR,)), MarginSettings(rows, leverage=1))[0]
        for at, tier in enumerate(tiers):
            assert packed["amount_atoms"][at] == int(D(tier["info"]["cum"]) * UNIT), symbol
            value = int(D(tier["info"]["notionalCap"]) * UNIT)
            if value >= LIMIT:  # as good as no cap
                continue
            right = D(tier["info"]["notionalCap"]) * D(tier["info"]["maintMarginRatio"]) - D(tier["info"]["cum"])
            assert maintenance_of_value(packed, value) == int(right * UNIT), symbol


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: LeverageBracket(D(0), D("0.01"), 5), "cap"),
        (lambda: LeverageBracket(D(1), D(1), 5), "maintenance_rate"),
        (lambda: LeverageBracket(D(1), D(0), 1_001), "max_leverage"),
        (lambda: MarginSettings((), leverage=5), "number of brackets"),
        (lambda: MarginSettings(BRACKET_ROWS[::-1], leverage=5), "cap"),
        (lambda: MarginSettings(BRACKET_ROWS, leverage=126), "leverage"),
        (lambda: pack_brackets(UNIVERSE, MarginSettings({})), "no leverage brackets"),
    ],
)  # fmt: skip
def test_brackets_that_make_no_sense_are_refused(build: Any, says: str) -> None:
    with pytest.raises(SettingError, match=says):
        build()


# --- value and liquidation price ----------------------------------------------------------------------------------


def test_the_worked_example_of_the_documents_linear() -> None:
    """Long 1 BTC at 30,000 with 20x isolated: bracket 1, liquidated at 28,614.4 (see docs/venue_rules.md)."""
    account = Account(20, True, USDT=D(2_000))
    assert account.fill(0, BUY, 300_000, 1_000) == 0
    assert account.held() == (500 * UNIT, 1_500 * UNIT)
    value = D(30_000) - D(1_500)  # what the position must be worth for its equity to be nothing
    price = (value) / (1 - D("0.004"))
    assert account.liquidation_ticks(0) == int(price * 10) == 286_144
    assert account.mark(0, 286_145) == NOBODY
    assert account.mark(0, 286_144) == 0


def test_the_worked_example_of_the_documents_inverse() -> None:
    """Long 300 contracts of 100 at 30,000 with 10x isolated: 1 BTC, margin 0.1, liquidated at 27,381.8."""
    account = Account(10, True, BTC=D("0.5"))
    assert account.fill(2, BUY, 300_000, 300) == 0
    assert account.held(BTC) == (40_000_000, 10_000_000)
    value = (D("0.1") + 1) / (1 + D("0.004"))  # bitcoin that must be paid to close
    assert account.liquidation_ticks(2) == int(D(30_000) / value * 10) == 273_818
    assert (account.mark(2, 273_819), account.mark(2, 273_818)) == (NOBODY, 2)


def test_a_position_that_is_paid_in_full_is_never_liquidated_by_a_fall_to_nothing() -> None:
    account = Account(1, True, USDT=D(40_000))
    account.fill(0, BUY, 300_000, 1_000)
    adjust_isolated(account.balances, PACKED[0], account.positions[0], 1, 10**12)
    assert account.liquidation_ticks(0) == NEVER
    short = Account(1, True, BTC=D(2))
    short.fill(2, SELL, 300_000, 300)  # it owes at most the bitcoin that it was sold for
    adjust_isolated(short.balances, PACKED[2], short.positions[2], 2, 10**8)
    assert short.liquidation_ticks(2) == NEVER


@pytest.mark.parametrize(("symbol", "lots", "expected"), [(0, -5, 1), (2, 5, HIGHEST_TICKS)])
def test_a_position_hopelessly_under_water_is_liquidated_at_any_price(symbol: int, lots: int, expected: int) -> None:
    debt = -(2**61)
    row = BRACKETS[symbol]
    assert liquidation_ticks(PACKED[symbol], row, lots, 0, debt) == expected
    assert is_undermargined(PACKED[symbol], row, lots, 0, debt, 10)


def test_liquidation_prices_reach_as_far_as_prices_do() -> None:
    assert liquidation_ticks(PACKED[0], BRACKETS[0], -1, -1, 2**61) > 2**47
    wei = pack_instruments(Universe((replace(LINEAR, lot_size=D("1e-18"), min_qty=D("1e-18")),)))[0]
    assert liquidation_ticks(wei, BRACKETS[0], -1, -1, 10**12) == NEVER  # no price is enough to lose so much
    assert liquidation_ticks(wei, BRACKETS[0], 1, 10**12, 0) == HIGHEST_TICKS


def test_a_cost_at_the_edge_of_64_bits_has_a_liquidation_price() -> None:
    found = liquidation_ticks(PACKED[0], BRACKETS[0], 5, LIMIT - 1, 0)
    assert is_undermargined(PACKED[0], BRACKETS[0], 5, LIMIT - 1, 0, found)
    assert not is_undermargined(PACKED[0], BRACKETS[0], 5, LIMIT - 1, 0, found + 1)


def test_values_beyond_64_bits_liquidate_the_side_that_loses() -> None:
    far, near = 2**60, 1
    assert is_undermargined(PACKED[0], BRACKETS[0], -(2**40), -5, 10**15, far)
    assert not is_undermargined(PACKED[0], BRACKETS[0], 2**40, 5, 10**15, far)
    assert is_undermargined(PACKED[2], BRACKETS[2], 2**40, -5, 10**15, near)
    assert not is_undermargined(PACKED[2], BRACKETS[2], -(2**40), 5, 10**15, near)
    assert not is_undermargined(PACKED[0], BRACKETS[0], 0, 0, 0, 5)
    assert unrealised_atoms(PACKED[0], 2**40, -(LIMIT - 1), 2**6) == OVERFLOW
    assert maintenance_atoms(PACKED[0], BRACKETS[0], 2**40, far) == OVERFLOW
    assert initial_margin_atoms(PACKED[0], 2**40, far, 5) == OVERFLOW
    assert unrealised_atoms(PACKED[0], 0, 0, 5) == maintenance_atoms(PACKED[0], BRACKETS[0], 0, 5) == 0


# --- cross margin -------------------------------------------------------------------------------------------------


def test_cross_positions_share_the_balance_and_the_others_results_move_the_liquidation_price() -> None:
    account = Account(20, USDT=D(5_000))
    account.fill(0, BUY, 300_000, 1_000)
    alone = account.liquidation_ticks(0)
    assert alone == int((D(30_000) - 5_000) / (1 - D("0.004")) * 10)
    account.fill(1, SELL, 200_000, 5_000)  # 5 ETH at 2,000
    assert account.mark(1, 190_000) == NOBODY  # 500 gained
    better = account.liquidation_ticks(0)
    assert better == int((D(30_000) - 5_500 + D(9_500) * D("0.004")) / (1 - D("0.004")) * 10)
    assert account.held() == (5_000 * UNIT, 0)
    assert account.available() == (5_500 - 1_500 - 475) * UNIT


def test_the_greatest_cross_position_is_liquidated_first_and_isolated_ones_before() -> None:
    account = Account(20, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 500)
    account.fill(1, BUY, 200_000, 10_000)
    assert account.mark(0, 280_000) == NOBODY
    assert account.mark(1, 190_500) == 1  # 20,000 of ether against 15,000 of bitcoin
    assert account.mark(0, 450_000) == NOBODY
    assert account.mark(1, 106_000) == 0  # 22,500 against 10,600
    account.mark(0, 280_000)
    account.positions[0]["is_isolated"] = 1
    assert account.mark(1, 200_000) == 0  # no margin was set aside for it


def test_a_cross_account_whose_amounts_pass_64_bits_is_liquidated() -> None:
    account = Account(20, USDT=D(2_000))
    account.positions[0]["lots"], account.positions[0]["cost_atoms"] = -(2**40), -5
    assert account.mark(0, 2**60) == 0
    assert account.available() == 0
    assert margin_of_position(account.balances, account.positions, PACKED, BRACKETS, N, 0) == OVERFLOW
    account.positions[0]["lots"], account.positions[0]["working_buy_lots"] = 0, 2**50
    assert account.available() == 0
    account.positions[0]["mark_ticks"] = 300_000
    assert reason(account, SELL, 1, 300_000) == TOO_LARGE
    account.positions[0]["mark_ticks"] = 2**60
    account.positions[0]["lots"], account.positions[0]["working_buy_lots"] = 2**40, 0
    assert cross_equity_atoms(account.balances, account.positions, PACKED, N, USDT) == OVERFLOW
    assert cross_maintenance_atoms(account.positions, PACKED, BRACKETS, N, USDT, -1) == OVERFLOW


def test_a_position_without_a_mark_price_has_no_result_yet() -> None:
    account = Account(20, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 500)
    account.positions[0]["mark_ticks"] = 0
    assert cross_equity_atoms(account.balances, account.positions, PACKED, N, USDT) == 2_000 * UNIT
    assert cross_maintenance_atoms(account.positions, PACKED, BRACKETS, N, USDT, -1) == 0
    assert account.available() == 2_000 * UNIT


# --- orders -------------------------------------------------------------------------------------------------------


def reason(account: Account, side: int, lots: int, ticks: int, fee: int = 0, symbol: int = 0) -> int:
    asset = BTC if symbol == 2 else USDT
    return int(
        why_not_margin(
            PACKED[symbol], BRACKETS[symbol], account.positions[symbol], side, lots, ticks, fee,
            account.available(asset),
        )
    )  # fmt: skip


def test_an_order_needs_its_initial_margin_its_fee_and_what_it_would_lose_at_the_mark() -> None:
    account = Account(20, USDT=D(1_500))
    account.positions[0]["mark_ticks"] = 300_000
    assert reason(account, BUY, 1_000, 300_000) == 0
    assert reason(account, BUY, 1_000, 300_000, fee=1) == NO_MARGIN
    assert reason(account, BUY, 1_001, 300_000) == NO_MARGIN
    assert reason(account, BUY, 1_000, 300_010) == NO_MARGIN  # 1 lost at the mark, and 0.05 more of margin
    assert reason(account, SELL, 1_000, 310_000) == NO_MARGIN  # margin at its own, worse price
    assert reason(account, SELL, 967, 310_000) == 0
    assert reason(account, BUY, 900, 290_000) == 0


def test_open_orders_count_on_their_side_and_the_greater_side_is_what_is_needed() -> None:
    account = Account(20, USDT=D(1_500))
    position = account.positions[0]
    position["mark_ticks"], position["working_buy_lots"] = 300_000, 600
    assert account.available() == 600 * UNIT
    assert reason(account, BUY, 400, 300_000) == 0
    assert reason(account, BUY, 401, 300_000) == NO_MARGIN
    assert reason(account, SELL, 1_000, 300_000) == 0  # only one of the sides can become the position
    assert reason(account, SELL, 1_001, 300_000) == NO_MARGIN


def test_an_order_that_only_reduces_is_allowed_without_anything_available() -> None:
    account = Account(20, USDT=D(1_500))
    account.fill(0, BUY, 300_000, 1_000)
    assert account.available() == 0
    assert reason(account, SELL, 1_000, 290_000) == 0
    assert reason(account, SELL, 2_000, 300_000) == 0  # turning round needs no more than was needed before
    assert reason(account, SELL, 2_001, 300_000) == NO_MARGIN
    assert reason(account, BUY, 1, 300_000) == NO_MARGIN


def test_a_position_may_not_pass_the_value_that_its_leverage_allows() -> None:
    account = Account(125, USDT=D(10**6))
    account.positions[0]["mark_ticks"] = 500_000
    assert reason(account, BUY, 1_000, 500_000) == 0
    assert reason(account, BUY, 1_001, 500_000) == POSITION_LIMIT
    assert reason(account, BUY, 2**40, 2**60) == TOO_LARGE
    account.positions[0]["working_sell_lots"] = 2**45
    assert reason(account, BUY, 1, 500_000) == TOO_LARGE


def test_an_order_of_an_inverse_contract_needs_margin_in_base() -> None:
    account = Account(10, BTC=D("0.1"))
    account.positions[2]["mark_ticks"] = 300_000
    assert reason(account, BUY, 300, 300_000, symbol=2) == 0
    assert reason(account, BUY, 301, 300_000, symbol=2) == NO_MARGIN
    assert reason(account, BUY, 300, 301_000, symbol=2) == NO_MARGIN  # paid too much
    assert reason(account, SELL, 300, 299_000, symbol=2) == NO_MARGIN  # sold too cheap
    assert reason(account, SELL, 290, 310_000, symbol=2) == 0


def test_without_a_mark_price_an_order_is_judged_at_its_own_with_all_that_is_open() -> None:
    account = Account(20, USDT=D(1_500))
    assert (reason(account, BUY, 1_000, 300_000), reason(account, BUY, 1_001, 300_000)) == (0, NO_MARGIN)
    account.positions[0]["working_buy_lots"] = 600
    assert (reason(account, BUY, 400, 300_000), reason(account, BUY, 401, 300_000)) == (0, NO_MARGIN)


def test_the_price_of_the_first_fill_serves_as_mark_until_there_is_one() -> None:
    account = Account(20, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 1_000)
    account.fill(0, BUY, 310_000, 1)
    assert account.positions[0]["mark_ticks"] == 300_000
    assert account.available() < 500 * UNIT


def test_isolated_margin_is_not_asked_for_twice() -> None:
    account = Account(20, True, USDT=D(3_000))
    account.fill(0, BUY, 300_000, 1_000)
    assert account.held() == (1_500 * UNIT, 1_500 * UNIT)
    assert account.available() == 1_500 * UNIT
    assert reason(account, BUY, 1_000, 300_000) == 0
    assert reason(account, BUY, 1_001, 300_000) == NO_MARGIN
    account.positions[0]["working_buy_lots"] = 500
    assert required_atoms(PACKED[0], account.positions[0], 300_000) == 750 * UNIT


# --- fills --------------------------------------------------------------------------------------------------------


def test_a_loss_beyond_the_isolated_margin_is_the_insurance_funds() -> None:
    account = Account(20, True, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 1_000)
    assert account.fill(0, SELL, 280_000, 1_000, fee=10 * UNIT) == 0
    assert account.held() == (490 * UNIT, 0)
    assert account.balances["insured"][USDT] == 500 * UNIT
    assert is_conserved(account.balances, N)


def test_a_partial_loss_beyond_its_share_takes_the_rest_of_the_margin_first() -> None:
    account = Account(20, True, USDT=D(1_500))
    account.fill(0, BUY, 300_000, 1_000)
    account.fill(0, SELL, 280_000, 500)  # share 750, loss 1,000
    assert (account.held(), int(account.positions[0]["isolated_atoms"])) == ((0, 500 * UNIT), 500 * UNIT)
    assert account.balances["insured"][USDT] == 0


def test_turning_round_gives_back_the_margin_and_sets_aside_what_is_opened() -> None:
    account = Account(20, True, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 1_000)
    account.fill(0, SELL, 310_000, 1_500)
    assert account.positions[0]["lots"] == -500
    assert account.held() == ((3_000 - 775) * UNIT, 775 * UNIT)
    assert is_conserved(account.balances, N)


def test_a_fee_that_an_isolated_account_cannot_pay_comes_off_its_margin_and_then_is_waived() -> None:
    account = Account(20, True, USDT=D(1_500))
    assert account.fill(0, BUY, 300_000, 1_000, fee=0) == 0
    assert account.fill(1, BUY, 200_000, 1, fee=5) == 0
    assert (account.charged, account.held()[0]) == (0, 0)
    assert account.fill(0, BUY, 300_000, 1, fee=7) == 0
    assert (account.charged, int(account.positions[0]["isolated_atoms"])) == (7, 1_500 * UNIT - 7)
    assert is_conserved(account.balances, N)


def test_a_fee_in_a_third_asset_must_be_there() -> None:
    account = Account(20, USDT=D(1_500), BNB=D("0.00000005"))
    assert account.fill(0, BUY, 300_000, 1_000, fee=6, asset=BNB) == NO_BALANCE
    assert account.fill(0, BUY, 300_000, 1_000, fee=5, asset=BNB) == 0
    assert account.held(BNB) == (0, 0)


def test_a_fill_whose_amounts_do_not_fit_changes_nothing() -> None:
    account = Account(20, USDT=D(1_500))
    before = (account.balances.tobytes(), account.positions["lots"].tobytes())
    assert account.fill(0, BUY, 2**60, 2**40) == TOO_LARGE
    assert account.fill(0, BUY, 10, 10, fee=LIMIT) == TOO_LARGE
    account.positions[0]["lots"] = 2**62 - 1
    assert account.fill(0, BUY, 10, 10) == TOO_LARGE
    account.positions[0]["lots"] = 0
    account.positions[0]["realised_atoms"] = LIMIT
    assert account.fill(0, BUY, 10, 10) == TOO_LARGE
    account.positions[0]["realised_atoms"], account.positions[0]["cost_atoms"] = 0, LIMIT - 1
    assert account.fill(0, BUY, 10, 10) == TOO_LARGE
    account.positions[0]["cost_atoms"] = 0
    account.balances["traded"][USDT] = LIMIT
    assert account.fill(0, BUY, 10, 10) == TOO_LARGE
    account.balances["traded"][USDT] = 0
    assert (account.balances.tobytes(), account.positions["lots"].tobytes()) == before


def test_a_debt_is_covered_once_no_cross_position_stands_behind_it() -> None:
    account = Account(20, USDT=D(1_500))
    account.fill(0, BUY, 300_000, 1_000)
    account.fill(1, BUY, 200_000, 1)
    account.fill(0, SELL, 270_000, 1_000)
    assert account.held() == (-1_500 * UNIT, 0)
    assert cover_debt(account.balances, account.positions, PACKED, N, USDT) == 0
    account.fill(1, SELL, 200_000, 1)
    assert cover_debt(account.balances, account.positions, PACKED, N, USDT) == 1_500 * UNIT
    assert account.held() == (0, 0)
    assert cover_debt(account.balances, account.positions, PACKED, N, USDT) == 0
    assert is_conserved(account.balances, N)


# --- funding ------------------------------------------------------------------------------------------------------


def test_funding_goes_to_and_from_the_balance() -> None:
    account = Account(20, USDT=D(1_500), BTC=D(1))
    account.fill(0, BUY, 300_000, 1_000)
    assert settle_funding(account.balances, account.positions[0], PACKED[0], 0.0001, 300_000) == 0
    assert account.held()[0] == 1_497 * UNIT
    assert settle_funding(account.balances, account.positions[0], PACKED[0], -0.0002, 300_000) == 0
    assert account.held()[0] == 1_503 * UNIT
    account.fill(2, SELL, 300_000, 300)
    assert settle_funding(account.balances, account.positions[2], PACKED[2], 0.0001, 300_000) == 0
    assert account.held(BTC)[0] == UNIT + 10_000
    assert account.positions[0]["funding_atoms"] == -3 * UNIT
    assert is_conserved(account.balances, N)


def test_funding_of_an_isolated_position_takes_its_margin_last_and_no_more() -> None:
    account = Account(20, True, USDT=D(1_510))
    account.fill(0, BUY, 300_000, 1_000)
    settle_funding(account.balances, account.positions[0], PACKED[0], 0.01, 300_000)
    assert account.held() == (0, 1_210 * UNIT)
    settle_funding(account.balances, account.positions[0], PACKED[0], 0.05, 300_000)
    assert account.held() == (0, 0)
    assert account.balances["insured"][USDT] == 290 * UNIT
    assert is_conserved(account.balances, N)


def test_funding_that_makes_no_sense_is_refused() -> None:
    account = Account(20, USDT=D(1_500))
    position = account.positions[0]
    assert settle_funding(account.balances, position, PACKED[0], 5.0, 0) == 0  # nothing is held
    account.fill(0, BUY, 300_000, 1_000)
    for rate, ticks in ((1.0, 5), (float("nan"), 5), (0.1, 0)):
        assert settle_funding(account.balances, position, PACKED[0], rate, ticks) == BAD_ORDER
    assert settle_funding(account.balances, position, PACKED[0], 0.5, 2**60) == TOO_LARGE
    position["funding_atoms"] = LIMIT - 1
    assert settle_funding(account.balances, position, PACKED[0], 0.5, 300_000) == TOO_LARGE
    assert account.held() == (1_500 * UNIT, 0)


# --- what the client may change -----------------------------------------------------------------------------------


def change(account: Account, leverage: int, symbol: int = 0) -> int:
    return int(set_leverage(PACKED[symbol], BRACKETS[symbol], account.positions[symbol], leverage, account.available()))


def test_leverage_changes_within_what_position_and_balance_allow() -> None:
    account = Account(20, USDT=D(1_600))
    assert [change(account, leverage) for leverage in (0, 126, 2_000, 125)] == [BAD_QUANTITY] * 3 + [0]
    assert change(account, 20) == 0
    account.fill(0, BUY, 600_000, 500)
    assert change(account, 18) == NO_MARGIN  # 1,666
    assert change(account, 19) == 0
    account.positions[0]["working_sell_lots"] = 400
    assert change(account, 125) == POSITION_LIMIT  # 54,000
    assert change(account, 100) == 0
    account.positions[0]["working_sell_lots"] = 2**40
    account.positions[0]["mark_ticks"] = 2**60
    assert change(account, 50) == POSITION_LIMIT


def test_leverage_of_an_isolated_position_may_rise_but_not_fall() -> None:
    account = Account(20, True, USDT=D(1_600))
    account.fill(0, BUY, 300_000, 1_000)
    assert change(account, 10) == POSITION_LIMIT
    assert change(account, 25) == 0


def test_the_margin_mode_changes_only_while_nothing_is_open() -> None:
    account = Account(20, USDT=D(1_600))
    position = account.positions[0]
    assert set_margin_mode(position, True) == 0
    assert position["is_isolated"] == 1
    assert set_margin_mode(position, False) == 0
    for field in ("lots", "working_buy_lots", "working_sell_lots"):
        position[field] = 1
        assert set_margin_mode(position, True) == POSITION_LIMIT
        position[field] = 0
    assert position["is_isolated"] == 0


def test_margin_of_an_isolated_position_can_be_added_and_taken_back_down_to_the_initial_margin() -> None:
    account = Account(20, True, USDT=D(2_000))

    def move(amount: int) -> int:
        available = account.available()
        return int(adjust_isolated(account.balances, PACKED[0], account.positions[0], amount * UNIT, available))

    assert move(1) == BAD_ORDER
    account.fill(0, BUY, 300_000, 1_000)
    before = account.liquidation_ticks(0)
    assert (move(501), move(500)) == (NO_MARGIN, 0)
    assert account.liquidation_ticks(0) < before
    assert (move(-501), move(-400)) == (NO_MARGIN, 0)
    account.mark(0, 299_000)
    assert move(-100) == NO_MARGIN  # a loss of 100 counts
    account.positions[0]["is_isolated"] = 0
    assert move(1) == BAD_ORDER


# --- how much is liquidated ---------------------------------------------------------------------------------------


def test_a_liquidation_cuts_to_the_next_lower_bracket_and_in_the_lowest_takes_all() -> None:
    cut = lots_to_liquidate(PACKED[0], BRACKETS[0], 30_000, 300_000)  # 900,000: to 600,000
    assert cut == 10_000
    assert lots_to_liquidate(PACKED[0], BRACKETS[0], -20_000, 300_000) == 20_000 - 1_666  # 600,000 to 50,000
    assert lots_to_liquidate(PACKED[0], BRACKETS[0], -1_666, 300_000) == 1_666
    assert lots_to_liquidate(PACKED[2], BRACKETS[2], 1_800, 300_000) == 300  # 6 BTC: to 5
    assert lots_to_liquidate(PACKED[0], BRACKETS[0], 2**40, 2**60) == 2**40
    assert lots_to_liquidate(PACKED[0], BRACKETS[0], 1, 600_000_000) == 1  # one lot of 60,000 does not split
    assert lots_of_value(PACKED[0], 5, 2**60) == OVERFLOW
    coarse = pack_instruments(Universe((replace(INVERSE, tick_size=D(10) ** 12),)))[0]
    assert coarse["notional_den"] == 100
    assert lots_of_value(coarse, 5, 2**60) == OVERFLOW
    odd = pack_instruments(Universe((replace(LINEAR, tick_size=D("0.3"), lot_size=D("1e-9")),)))[0]
    assert lots_to_liquidate(odd, BRACKETS[0], 30, 2**61) == 30  # what to keep does not fit 64 bits: keep nothing


def test_beyond_the_bankruptcy_price_nothing_of_the_margin_is_left() -> None:
    account = Account(20, True, USDT=D(2_000))
    account.fill(0, BUY, 300_000, 1_000)
    position, nothing = account.positions[0], without_maintenance()
    ticks = bankruptcy_ticks(PACKED[0], nothing, position["lots"], position["cost_atoms"], position["isolated_atoms"])
    assert ticks == 285_000
    account.fill(0, SELL, ticks, 1_000)
    assert (account.held(), int(account.balances["insured"][USDT])) == ((500 * UNIT, 0), 0)
