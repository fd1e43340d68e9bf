"""The synthetic level-2 market: deterministic, never crossed, and its trades take what stood there."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.errors import SettingError
from bot4.domain.events import BOOK_CHANGE, EVENT, IS_BOOK_RESET, TRADE
from bot4.domain.orders import BUY, SELL
from bot4.quant.series.synthetic_book import DEFAULT_BOOK, SyntheticBook, SyntheticBookParameters

STEP_NS = 100_000_000
LOT = 0.00001
WILD = SyntheticBookParameters(volatility_per_year=8.0, n_levels=5)


def market(seed: int, parameters: SyntheticBookParameters = DEFAULT_BOOK) -> SyntheticBook:
    return SyntheticBook(0, 6_000_000, 0.01, LOT, seed, parameters)


def run(book: SyntheticBook, steps: int, start: int = 1) -> bytes:
    return b"".join(book.step(at * STEP_NS).tobytes() for at in range(start, start + steps))


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    first, second, other = market(1), market(1), market(2)
    opened = [book.opening(0).tobytes() for book in (first, second, other)]
    assert opened[0] == opened[1] != opened[2]
    assert run(first, 200) == run(second, 200)


def test_a_market_stopped_and_restored_goes_on_as_if_it_had_not_stopped() -> None:
    book = market(5)
    book.opening(0)
    run(book, 50)
    kept = json.loads(json.dumps(book.state()))
    other = market(99)
    other.restore(kept)
    assert run(book, 50, 51) == run(other, 50, 51)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), parameters=st.sampled_from([SyntheticBookParameters(), WILD]))
def test_no_event_leaves_the_book_crossed_and_no_trade_takes_more_than_stands(
    seed: int, parameters: SyntheticBookParameters
) -> None:
    book = market(seed, parameters)
    sides: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
    owed: tuple[int, int, int] | None = None
    for event in np.frombuffer(book.opening(0).tobytes() + run(book, 60), dtype=EVENT):
        if event["kind"] == TRADE:
            assert owed is None
            side, price = -int(event["aggressor"]), int(event["price_ticks"])
            lots = round(float(event["quantity"]) / LOT)
            best = max(sides[BUY]) if side == BUY else min(sides[SELL])
            assert price == best
            assert 0 < lots <= sides[side][price]
            owed = (side, price, sides[side][price] - lots)
            continue
        assert event["kind"] == BOOK_CHANGE
        if event["flags"] & IS_BOOK_RESET:
            sides = {BUY: {}, SELL: {}}
        side, price = int(event["level_side"]), int(event["level_ticks"])
        lots = round(float(event["level_quantity"]) / LOT)
        assert lots >= 0
        if owed is not None:  # the book says at once what the trade left
            assert (side, price, lots) == owed
            owed = None
        sides[side][price] = lots
        sides[side] = {level: standing for level, standing in sides[side].items() if standing}
        if sides[BUY] and sides[SELL]:
            assert max(sides[BUY]) < min(sides[SELL])
    assert len(sides[BUY]) == len(sides[SELL]) == parameters.n_levels


def test_the_price_moves_as_much_as_its_volatility_says() -> None:
    parameters = SyntheticBookParameters(volatility_per_year=1.0, trades_per_s=0.0, changes_per_s=0.0)
    book = market(3, parameters)
    book.opening(0)
    prices = [book.reference_ticks]
    for at in range(1, 3001):
        book.step(at * STEP_NS)
        prices.append(book.reference_ticks)
    per_step = float(np.std(np.diff(np.log(prices))))
    assert per_step == pytest.approx(1.0 / np.sqrt(365 * 86_400 * 10), rel=0.1)


def test_a_parameter_out_of_its_bounds_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="n_levels"):
        SyntheticBookParameters(n_levels=0)
