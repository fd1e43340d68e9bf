"""Market making on level-2 data: a quoting strategy with latency, a place in the queue, and exact accounts.

A strategy is woken every so many milliseconds, sees the book as it was told of it, and answers with the quotes that it
wants. Orders at other prices are cancelled, missing ones are sent; messages and reports take their time. At the
exchange an order joins the queue of its price and moves as the queue model says; it fills

- when trades have used up what stood ahead of it (whole lots, or the whole order with ``fills_whole``),
- whole, when a trade goes through its price, or the other side of the book comes to its price.

Quotes are post-only: one that would take on arrival expires. Our fills do not change the recorded book: nobody
answers them. Everything is integers but the place in the queue; two runs of one tape are equal.

At one moment, in this order: we hear of market events, then of reports; events happen at the exchange; our messages
arrive there; then, if it is time, the strategy is woken.

:func:`backtest_quotes` is the door. Inside, one compiled loop works off the feed up to the next message, report or
timer; most events meet none of our prices and only set a level, once at the exchange and once as we hear of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import DataError, SettingError
from bot4.domain.instruments import FEE_SCALE
from bot4.kernel import warm_up
from bot4.simulator.book.ladder import NO_ASK, NO_BID, best_ask, best_bid, grown, new_ladder
from bot4.simulator.book.queue_models import QueueSettings
from bot4.simulator.book.quoting_engine import (
    DONE,
    EXCHANGE_BOOK_FULL,
    FILLS_FULL,
    INBOX_FULL,
    MONEY_OVERFLOW,
    N_MEMORY,
    OUR_BOOK_FULL,
    QUOTING_STRATEGIES,
    run_quotes,
)
from bot4.simulator.book.quoting_state import INBOX, QUOTE_FILL, QUOTING
from bot4.simulator.book.tape import check_tape


@dataclass(frozen=True, slots=True)
class QuotingSettings:
    """How a quoting backtest runs.

    Attributes:
        interval_ns: between wakes of the strategy, 1 us to a day.
        order_latency_ns, report_latency_ns: from us to the exchange and back, 0 to a minute.
        queue: how our place in the queue moves.
        fills_whole: an order fills whole as soon as a trade reaches it; else only what the trade had left.
        maker_fee: fraction of the notional, negative for a rebate, magnitude up to 0.1.
        window_ticks: prices within the window of the ladders, a power of two from 1024.
    """

    interval_ns: int = 100_000_000
    order_latency_ns: int = 1_000_000
    report_latency_ns: int = 1_000_000
    queue: QueueSettings = field(default_factory=QueueSettings)
    fills_whole: bool = False
    maker_fee: Decimal = Decimal(0)
    window_ticks: int = 4096

    def __post_init__(self) -> None:
        bounds = (
            ("interval_ns", 1_000, 86_400_000_000_000),
            ("order_latency_ns", 0, 60_000_000_000),
            ("report_latency_ns", 0, 60_000_000_000),
        )
        for name, low, high in bounds:
            if not low <= getattr(self, name) <= high:
                raise SettingError(
                    f"{name} is {getattr(self, name)}", where="quoting", remedy=f"give {low} to {high} nanoseconds"
                )
        if not abs(self.maker_fee) <= Decimal("0.1") or self.maker_fee * FEE_SCALE % 1:
            raise SettingError(
                f"maker_fee is {self.maker_fee}", where="quoting",
                remedy=f"give a fraction of at most 0.1 in whole parts of 1/{FEE_SCALE}",
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class QuotingResult:
    """What came of a quoting backtest.

    Attributes:
        fills: QUOTE_FILL records in the order in which they happened.
        position_lots: at the end, all fills included.
        cash: tick-lots (times tick and lot size: quote currency), fees paid.
        fees: tick-lots, part of ``cash``.
        last_mid_ticks: middle of the last book, NaN where a side is empty.
        n_events, n_wakes, n_sent, n_cancels, n_expired, n_unplaced: what happened how often.
    """

    fills: npt.NDArray[np.void]
    position_lots: int
    cash: int
    fees: int
    last_mid_ticks: float
    n_events: int
    n_wakes: int
    n_sent: int
    n_cancels: int
    n_expired: int
    n_unplaced: int

    @property
    def equity(self) -> float:
        """Cash and the position at the last middle price, in tick-lots."""
        return self.cash + (self.position_lots * self.last_mid_ticks if self.position_lots else 0.0)


def open_quoting(settings: QuotingSettings, strategy: Any, first_ns: int) -> npt.NDArray[np.void]:
    """The state of a run that has not begun; the first wake is one interval after ``first_ns``."""
    state = np.zeros(1, dtype=QUOTING)
    q = state[0]
    for name in ("interval_ns", "order_latency_ns", "report_latency_ns", "fills_whole"):
        q[name] = getattr(settings, name)
    q["queue_model"], q["queue_parameter"] = settings.queue.model, settings.queue.parameter
    q["maker_fee"] = int(settings.maker_fee * FEE_SCALE)
    q["strategy"] = QUOTING_STRATEGIES.address(strategy)
    q["wake_ns"] = first_ns + settings.interval_ns
    q["next_order_id"] = 1
    q["highest_bid"] = q["highest_ask"] = NO_BID
    q["lowest_bid"] = q["lowest_ask"] = NO_ASK
    return state


def backtest_quotes(
    tape: npt.NDArray[np.void],
    strategy: Any,
    parameters: npt.ArrayLike = (),
    settings: QuotingSettings | None = None,
) -> QuotingResult:
    """Run a quoting strategy over a tape of level-2 events.

    Args:
        tape: :data:`~bot4.simulator.book.tape.BOOK_EVENT` records, of :func:`~bot4.simulator.book.tape.book_tape`.
        strategy: a kernel declared with ``@QUOTING_STRATEGIES.kernel``, such as
            :func:`~bot4.simulator.book.quoting_strategies.join_the_touch`.
        parameters: float64[k] for the strategy.
        settings: latencies, interval, queue model.

    Raises:
        DataError: where the tape is empty or cannot be run, more than 4096 reports are on their way at once, or
            money passes 64 bits.
    """
    settings = settings or QuotingSettings()
    check_tape(tape)
    if not len(tape):
        raise DataError("the tape has no events", where="quoting", remedy="give some")
    warm_up([run_quotes])
    state = open_quoting(settings, strategy, int(tape["ts_ns"][0]))
    q = state[0]
    books = [new_ladder(settings.window_ticks), new_ladder(settings.window_ticks)]
    fills = np.zeros(4096, dtype=QUOTE_FILL)
    wanted, memory = np.ascontiguousarray(parameters, dtype=np.float64).reshape(-1), np.zeros(N_MEMORY)
    status = FILLS_FULL
    while status != DONE:
        status = int(run_quotes(tape, state, books[0], books[1], fills, wanted, memory))
        if status == FILLS_FULL:
            fills = np.concatenate([fills, np.zeros(len(fills), dtype=QUOTE_FILL)])
        elif status in (EXCHANGE_BOOK_FULL, OUR_BOOK_FULL):
            side = status - EXCHANGE_BOOK_FULL
            books[side] = grown(books[side])
        elif status == INBOX_FULL:
            raise DataError(
                f"more than {INBOX} reports are on their way", where="quoting", remedy="shorten the report latency"
            )
        elif status == MONEY_OVERFLOW:
            raise DataError("money passes 64 bits", where="quoting", remedy="choose a larger tick or lot")
    bid, ask = int(best_bid(books[0])), int(best_ask(books[0]))
    counts = {name: int(q[name]) for name in ("n_wakes", "n_sent", "n_cancels", "n_expired", "n_unplaced")}
    return QuotingResult(
        fills=fills[: int(q["n_fills"])].copy(),
        position_lots=int(q["position_lots"]),
        cash=int(q["cash"]),
        fees=int(q["fees"]),
        last_mid_ticks=(bid + ask) / 2.0 if bid != NO_BID and ask != NO_ASK else float("nan"),
        n_events=len(tape),
        **counts,
    )


__all__ = ["QUOTING_STRATEGIES", "QueueSettings", "QuotingResult", "QuotingSettings", "backtest_quotes", "open_quoting"]
