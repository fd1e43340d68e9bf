"""The records of a quoting backtest: its whole state as one record, what a strategy sees, and what it gets."""

from __future__ import annotations

import numpy as np

MAX_QUOTES = 8  # a side
MAX_LIVE = 64  # orders at the exchange or on their way, of both sides
OUTBOX = 256  # messages to the exchange: at most two for each live order; a power of two
INBOX = 4096  # reports on their way to us; a power of two

QUOTE_VIEW = np.dtype(
    [
        ("now_ns", "i8"),
        ("bid_ticks", "i8"),  # best prices as we know them; NO_BID and NO_ASK of the ladder for none
        ("ask_ticks", "i8"),
        ("last_ticks", "i8"),  # of the last trade heard of; 0 before
        ("position_lots", "i8"),  # as far as reports have come
        ("n_orders", "i8"),  # of ours that are open or on their way, as we know them
        # What the strategy answers: it is all zeros when it is woken.
        ("keeps_quotes", "i8"),  # 1: leave all orders as they are, whatever stands below
        ("n_bids", "i8"),
        ("n_asks", "i8"),
        ("bid_quote_ticks", "i8", (MAX_QUOTES,)),
        ("bid_quote_lots", "i8", (MAX_QUOTES,)),
        ("ask_quote_ticks", "i8", (MAX_QUOTES,)),
        ("ask_quote_lots", "i8", (MAX_QUOTES,)),
    ],
    align=True,
)

QUOTE_FILL = np.dtype(
    [
        ("ts_ns", "i8"),  # at the exchange
        ("order_id", "i8"),  # ids rise by one in the order of sending
        ("ticks", "i8"),
        ("lots", "i8"),
        ("side", "i8"),
    ]
)

MESSAGE = np.dtype(
    [("ts_ns", "i8"), ("kind", "i8"), ("order_id", "i8"), ("side", "i8"), ("ticks", "i8"), ("lots", "i8")]
)

LIVE_ORDER = np.dtype(
    [
        ("order_id", "i8"),
        ("side", "i8"),
        ("ticks", "i8"),
        ("open_lots", "i8"),
        ("ahead", "f8"),  # lots ahead in the queue
        ("traded_lots", "i8"),  # at its price, since the level was last told
    ]
)

KNOWN_ORDER = np.dtype([("order_id", "i8"), ("side", "i8"), ("ticks", "i8"), ("open_lots", "i8"), ("status", "i8")])

QUOTING = np.dtype(
    [
        # Settings.
        ("interval_ns", "i8"),
        ("order_latency_ns", "i8"),
        ("report_latency_ns", "i8"),
        ("queue_model", "i8"),
        ("queue_parameter", "f8"),
        ("fills_whole", "i8"),
        ("maker_fee", "i8"),  # parts of FEE_SCALE
        ("strategy", "i8"),  # address of its kernel
        # Where the run is.
        ("exchange_at", "i8"),  # next event of the tape at the exchange
        ("heard_at", "i8"),  # next event that we hear of
        ("wake_ns", "i8"),
        ("is_awake", "i8"),  # the feed up to wake_ns is being worked off
        ("next_order_id", "i8"),
        ("n_live", "i8"),
        ("n_known", "i8"),
        ("outbox_read", "i8"),
        ("outbox_written", "i8"),
        ("inbox_read", "i8"),
        ("inbox_written", "i8"),
        # Prices of our orders at the exchange, so that most events need no look at the list.
        ("highest_bid", "i8"),
        ("lowest_bid", "i8"),
        ("lowest_ask", "i8"),
        ("highest_ask", "i8"),
        # The account, at the exchange; money in tick-lots: one tick of price on one lot.
        ("position_lots", "i8"),
        ("cash", "i8"),
        ("fees", "i8"),
        ("volume_lots", "i8"),
        ("n_fills", "i8"),
        ("n_sent", "i8"),
        ("n_cancels", "i8"),
        ("n_expired", "i8"),  # post-only orders that would have taken
        ("n_wakes", "i8"),
        ("n_unplaced", "i8"),  # quotes for which there was no room
        ("view", QUOTE_VIEW),
        ("live", LIVE_ORDER, (MAX_LIVE,)),
        ("known", KNOWN_ORDER, (MAX_LIVE,)),
        ("outbox", MESSAGE, (OUTBOX,)),
        ("inbox", MESSAGE, (INBOX,)),
    ],
    align=True,
)
