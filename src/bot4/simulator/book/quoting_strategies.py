"""Quoting strategies to begin with; a strategy of one's own is declared in the same way."""

from __future__ import annotations

from typing import Any

from bot4.simulator.book.ladder import NO_ASK, NO_BID
from bot4.simulator.book.quoting_engine import QUOTING_STRATEGIES


@QUOTING_STRATEGIES.kernel
def join_the_touch(view: Any, book: Any, parameters: Any, memory: Any) -> None:
    """Bid at the best bid and offer at the best ask, further away the more is held on that side.

    Parameters: lots of a quote; largest position in lots, at which its side is no longer quoted; ticks away from the
    touch; lots of position for which a side that adds to it steps back one tick more (0: never).
    """
    if view["bid_ticks"] == NO_BID or view["ask_ticks"] == NO_ASK:
        return
    lots, largest, away, lots_a_tick = (
        int(parameters[0]), int(parameters[1]), int(parameters[2]), int(parameters[3]),
    )  # fmt: skip
    position = view["position_lots"]
    back = position // lots_a_tick if lots_a_tick > 0 else 0
    if position < largest:
        view["bid_quote_ticks"][0] = view["bid_ticks"] - away - max(back, 0)
        view["bid_quote_lots"][0] = lots
        view["n_bids"] = 1
    if position > -largest:
        view["ask_quote_ticks"][0] = view["ask_ticks"] + away + max(-back, 0)
        view["ask_quote_lots"][0] = lots
        view["n_asks"] = 1
