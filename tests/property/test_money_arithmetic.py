"""The one product of money against Python's own integers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot4.domain.errors import DataError
from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.money import (
    CEILING,
    FLOOR,
    HALF_EVEN,
    LIMIT,
    OVERFLOW,
    Rounding,
    atoms_to_decimal,
    fee_atoms,
    lots_to_quantity,
    mul_div,
    notional_atoms,
    price_to_ticks,
    prices_to_ticks,
    quantity_to_lots,
    ticks_to_price,
)
from bot4.kernel import KERNELS

PLAIN_MUL_DIV = KERNELS["bot4.domain.money.mul_div"].function
EXTREMES = (0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**61, LIMIT - 1)


def exact(a: int, b: int, divisor: int, rounding: int) -> int:
    value = Fraction(a * b, divisor)
    result = {FLOOR: value.__floor__, CEILING: value.__ceil__, HALF_EVEN: value.__round__}[rounding]()
    return result if abs(result) < LIMIT else OVERFLOW


def wide(smallest: int) -> st.SearchStrategy[int]:
    sizes = st.integers(0, 62).flatmap(lambda bits: st.integers(0, (1 << bits) - 1 if bits < 62 else LIMIT - 1))
    magnitudes = sizes | st.sampled_from(EXTREMES)
    if smallest > 0:
        return magnitudes.map(lambda m: max(m, smallest))
    return st.builds(lambda m, sign: m * sign, magnitudes, st.sampled_from((1, -1)))


@settings(max_examples=3000, deadline=None)
@given(wide(-1), wide(-1), wide(1), st.sampled_from(list(Rounding)))
@example(LIMIT - 1, LIMIT - 1, LIMIT - 1, Rounding.HALF_EVEN)
@example(LIMIT - 1, -(LIMIT - 1), 1, Rounding.FLOOR)
@example(1 - LIMIT, LIMIT - 1, LIMIT - 1, Rounding.CEILING)
@example(LIMIT - 1, 3, 3, Rounding.CEILING)
@example(2**61, 4, 2, Rounding.FLOOR)
def test_a_product_divided_equals_python_integers(a: int, b: int, divisor: int, rounding: Rounding) -> None:
    assert mul_div(a, b, divisor, int(rounding)) == exact(a, b, divisor, rounding)


@settings(max_examples=300, deadline=None)
@given(wide(-1), wide(-1), wide(1), st.sampled_from(list(Rounding)))
def test_the_plain_function_over_int64_agrees_with_the_compiled_one(
    a: int, b: int, divisor: int, rounding: Rounding
) -> None:
    plain = PLAIN_MUL_DIV(np.int64(a), np.int64(b), np.int64(divisor), int(rounding))
    assert int(plain) == mul_div(a, b, divisor, int(rounding))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**60))
def test_half_way_goes_to_the_even_neighbour(n: int) -> None:
    odd = 2 * n + 1
    assert mul_div(odd, 1, 2, HALF_EVEN) % 2 == 0
    assert mul_div(-odd, 1, 2, HALF_EVEN) == -mul_div(odd, 1, 2, HALF_EVEN)


def instrument(tick: str = "0.01", lot: str = "0.00001", maker: str = "0.0002", taker: str = "0.0005") -> Instrument:
    return Instrument(
        "XY", "X", "Y", Decimal(tick), Decimal(lot), Decimal(lot), Decimal(0), Decimal(maker), Decimal(taker)
    )


GRIDS = [("0.01", "0.00001"), ("0.00000001", "1"), ("0.05", "0.001"), ("0.1", "1e-18"), ("1", "1"), ("0.0005", "10")]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(GRIDS), st.integers(1, 10**9), st.integers(-(10**21), 10**21), st.sampled_from(list(Rounding)))
def test_a_notional_equals_the_decimal_product(
    grid: tuple[str, str], ticks: int, lots: int, rounding: Rounding
) -> None:
    lots = max(1 - LIMIT, min(LIMIT - 1, lots))
    pair = instrument(*grid)
    packed = pack_instruments(Universe((pair,)))[0]
    value = Fraction(pair.tick_size) * ticks * Fraction(pair.lot_size) * lots * 10**8
    right = exact(value.numerator, 1, value.denominator, rounding)
    assert notional_atoms(packed, ticks, lots, int(rounding)) == right


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**15), st.booleans())
def test_a_fee_is_rounded_up_and_a_rebate_towards_us_getting_less(notional: int, is_maker: bool) -> None:
    packed = pack_instruments(Universe((instrument(maker="-0.00015", taker="0.0005"),)))[0]
    rate = Fraction(-15, 100000) if is_maker else Fraction(5, 10000)
    assert fee_atoms(packed, notional, is_maker) == (notional * rate).__ceil__()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(GRIDS), st.integers(1, 10**9))
def test_prices_and_quantities_go_to_integers_and_back(grid: tuple[str, str], n: int) -> None:
    pair = instrument(*grid)
    for rounding in Rounding:
        assert price_to_ticks(pair, ticks_to_price(pair, n), rounding) == n
    assert quantity_to_lots(pair, lots_to_quantity(pair, n)) == n
    ticks, n_off_grid = prices_to_ticks(np.array([float(ticks_to_price(pair, n))]), pair)
    assert (ticks[0], n_off_grid) == (n, 0)


def test_decimal_edges_round_as_asked_and_keep_every_digit() -> None:
    pair = instrument("0.05", "1e-18")
    assert price_to_ticks(pair, 1.07, FLOOR) == 21
    assert price_to_ticks(pair, 1.07, CEILING) == 22
    assert price_to_ticks(pair, Decimal("1.125"), HALF_EVEN) == 22
    assert quantity_to_lots(pair, Decimal("12345678901.1234567890123456789")) == 12345678901123456789012345678
    assert lots_to_quantity(pair, 12345678901123456789012345678) == Decimal("12345678901.123456789012345678")
    assert atoms_to_decimal(-123, 8) == Decimal("-0.00000123")


def test_a_price_off_the_grid_goes_to_the_nearest_tick_and_is_counted() -> None:
    ticks, n_off_grid = prices_to_ticks(np.array([1.0, 1.004, 1.0149999, 0.07]), instrument("0.01"))
    assert ticks.tolist() == [100, 100, 101, 7]
    assert n_off_grid == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300])
def test_a_price_that_is_no_number_of_ticks_is_refused_with_its_row(bad: float) -> None:
    with pytest.raises(DataError, match="row 1"):
        prices_to_ticks(np.array([1.0, bad]), instrument())


@pytest.mark.parametrize("bad", [float("nan"), Decimal("Infinity")])
def test_a_single_price_that_is_not_finite_is_refused(bad: float | Decimal) -> None:
    with pytest.raises(DataError, match="finite"):
        price_to_ticks(instrument(), bad, FLOOR)
