"""The whole journey of an event on one page.

``step`` is the brain: a market event, a report or an order of the operator goes in, commands come out in the
outbox. Backtest, paper trading and replay run it unchanged; nothing in it reads a clock, a file or a random source.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.events import (
    ACTION_SHIFT,
    BAR,
    CLOCK,
    CLOSES_TIMESTAMP,
    DECIDE,
    EVENT,
    FUNDING,
    HAS_TARGETS,
    HAS_TRAIL,
    INTENT,
    IS_SNAPSHOT,
    MODE_CHANGED,
    ORDER_ACCEPTED,
    ORDER_STATUS,
    QUOTE,
    RECONCILED,
    RESYNC,
    STRATEGY_SUSPENDED,
    STRATEGY_SWAPPED,
    TRADE,
    VOICE,
)
from bot4.domain.halts import DIFFERS_FROM_VENUE, FUNDING_UNBOOKABLE
from bot4.domain.ledger import OK, book_funding
from bot4.kernel import i8, kernel, record, records, void
from bot4.pipeline.adopting import adopt_order, leave_everything, settle_strays
from bot4.pipeline.deciding import decide_due, refresh_account
from bot4.pipeline.execution.fills import NOTHING_CLOSED
from bot4.pipeline.execution.halting import halt, lift_all
from bot4.pipeline.execution.inquiry import ask_about_all, look_after_orders
from bot4.pipeline.execution.local_brackets import mark_reached
from bot4.pipeline.execution.order_table import find_order
from bot4.pipeline.execution.reports import apply_report
from bot4.pipeline.features.observe import observe
from bot4.pipeline.feedback import close_trade
from bot4.pipeline.protecting import drop_lone_stop, keep_brackets, protect_symbol
from bot4.pipeline.risk.clock import update_last_price, update_market_risk
from bot4.pipeline.signals.regime import update_regime
from bot4.pipeline.signals.technical import update_technical
from bot4.pipeline.signals.voices import set_voice
from bot4.pipeline.state import BRAIN, CONFIG, EMERGENCY, MARKET, N_STRATEGY_MEMORY, OUTBOX


@kernel(
    void(records(CONFIG), records(BRAIN), records(MARKET), records(OUTBOX), records(EVENT), i8, i8), is_inlined=True
)
def step(config: Any, brain: Any, markets: Any, outbox: Any, events: Any, at: int, last: int) -> None:
    """Take the event ``events[at]`` through the journey.

    Args:
        config: one :data:`~bot4.pipeline.state.CONFIG`; read only.
        brain: one :data:`~bot4.pipeline.state.BRAIN`.
        markets: a :data:`~bot4.pipeline.state.MARKET` for each symbol.
        outbox: one :data:`~bot4.pipeline.state.OUTBOX`, to which everything that results is added.
        events: :data:`~bot4.domain.events.EVENT` records in their order.
        at: which one.
        last: how far the events may be looked through for a block of features; ``at + 1`` when live.
    """
    state, settings, results = brain[0], config[0], outbox[0]
    if state["block_at"] == state["block_size"]:
        observe(state, markets, settings, events, at, last)
    offset = state["block_at"]
    state["block_at"] = offset + 1
    event = events[at]
    state["n_events"] += 1
    state["ts_ns"] = event["ts_ns"]
    kind = event["kind"]
    if kind == BAR:
        _take_bar(state, settings, markets, results, event, offset)
    elif ORDER_ACCEPTED <= kind <= ORDER_STATUS:
        take_report(state, settings, results, event)
    elif kind in (TRADE, QUOTE):
        take_price(state, settings, results, event)
    else:
        take_other(state, settings, results, event)
    if state["ts_care_ns"] != 0 and not ORDER_ACCEPTED <= kind <= ORDER_STATUS:
        look_after_orders(state, settings, results, event["ts_ns"])
    if kind == DECIDE or (event["flags"] & CLOSES_TIMESTAMP and not settings["waits_for_intents"]):
        refresh_account(state, settings, results)
        decide_due(state, settings, markets, results)


@kernel(void(records(CONFIG), records(BRAIN), records(OUTBOX), records(EVENT), i8))
def step_orders(config: Any, brain: Any, outbox: Any, events: Any, at: int) -> None:
    """The part of a step that is the order manager's, alone: ``events[at]`` is a report, a price, a time, not a bar.

    For :class:`~bot4.engine.order_desk.OrderDesk`, which trades what it is told to.
    """
    state, settings, results, event = brain[0], config[0], outbox[0], events[at]
    state["n_events"] += 1
    state["ts_ns"] = event["ts_ns"]
    kind = event["kind"]
    if ORDER_ACCEPTED <= kind <= ORDER_STATUS:
        take_report(state, settings, results, event)
        return
    if kind in (TRADE, QUOTE):
        take_price(state, settings, results, event)
    else:
        take_other(state, settings, results, event)
    look_after_orders(state, settings, results, event["ts_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def take_report(brain: Any, config: Any, outbox: Any, report: Any) -> None:
    """Apply one report of the venue, and learn from a trade that it closes."""
    brain["ts_ns"] = report["ts_ns"]
    is_snapshot = report["kind"] == ORDER_STATUS and report["flags"] & IS_SNAPSHOT != 0
    if is_snapshot and 0 <= report["symbol"] < config["n_symbols"] and find_order(brain, report["order_id"]) < 0:
        adopt_order(brain, config, outbox, report)
        return
    strategy = apply_report(brain, config, outbox, report)
    if strategy != NOTHING_CLOSED:
        close_trade(brain, config, outbox, brain["trade"], report["symbol"], strategy, report["ts_ns"])
        drop_lone_stop(brain, config, outbox, report["symbol"], strategy, report["ts_ns"])
    if config["execution"]["has_native_brackets"] == 0 and 0 <= report["symbol"] < config["n_symbols"]:
        keep_brackets(brain, config, outbox, report["symbol"], report["ts_ns"])


@kernel(void(record(BRAIN), record(CONFIG), records(MARKET), record(OUTBOX), record(EVENT), i8), is_inlined=True)
def _take_bar(brain: Any, config: Any, markets: Any, outbox: Any, event: Any, offset: int) -> None:
    symbol, ts_ns = event["symbol"], event["ts_ns"]
    bar = brain["bars"]
    bar[symbol, 0] = event["open_ticks"]
    bar[symbol, 1] = event["high_ticks"]
    bar[symbol, 2] = event["low_ticks"]
    bar[symbol, 3] = event["close_ticks"]
    bar[symbol, 4] = ts_ns
    bar[symbol, 5] = event["ts_open_ns"]
    brain["bar_volume"][symbol] = event["volume"]
    for k in range(config["n_frames"]):
        brain["symbol_rows"][symbol, k] = brain["block_rows"][offset, k]
    position = brain["positions"][symbol]
    position["mark_ticks"] = event["close_ticks"]
    position["mark_ts_ns"] = ts_ns
    brain["n_bars"] += 1
    brain["observed_bars"][symbol] += 1
    brain["is_due"][symbol] = 1
    if config["technical"]["is_used"] != 0:
        update_technical(brain, config, markets, symbol)
    if update_market_risk(brain, config, symbol, ts_ns):
        update_regime(brain, config, symbol)
    if config["execution"]["has_native_brackets"] == 0:
        mark_reached(brain, symbol, event["high_ticks"], event["low_ticks"])
        keep_brackets(brain, config, outbox, symbol, ts_ns)
    protect_symbol(brain, config, outbox, symbol, ts_ns, True)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def take_price(brain: Any, config: Any, outbox: Any, event: Any) -> None:
    """A trade or a quote: the mark moves, and targets that are kept here may be reached."""
    symbol = event["symbol"]
    ticks = event["price_ticks"]
    high, low = ticks, ticks
    if event["kind"] == QUOTE:
        high, low = event["bid_ticks"], event["ask_ticks"]  # what a sale gets, what a purchase pays
        ticks = (high + low) // 2
    position = brain["positions"][symbol]
    position["mark_ticks"] = ticks
    position["mark_ts_ns"] = event["ts_ns"]
    update_last_price(brain, symbol, ticks * config["instruments"][symbol]["tick"])
    if config["execution"]["has_native_brackets"] == 0:
        mark_reached(brain, symbol, high, low)
        keep_brackets(brain, config, outbox, symbol, event["ts_ns"])


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def take_other(brain: Any, config: Any, outbox: Any, event: Any) -> None:
    """Whatever is neither a bar, a report nor a price."""
    kind, symbol = event["kind"], event["symbol"]
    if kind == FUNDING:
        position, instrument = brain["positions"][symbol], config["instruments"][symbol]
        mark = event["mark_ticks"] if event["mark_ticks"] > 0 else position["mark_ticks"]
        if book_funding(brain["ledger"], instrument, position, event["funding_rate"], mark) != OK:
            halt(brain, FUNDING_UNBOOKABLE, 0, symbol)
    elif kind == VOICE:
        set_voice(brain, symbol, event["voice"], event["direction"], event["confidence"], event["valid_until_ns"])
    elif kind == INTENT:
        _take_intent(brain, event)
    elif kind == CLOCK:
        take_time(brain, config, outbox, event["ts_ns"])
    else:
        _take_operator(brain, config, outbox, event)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), record(EVENT)))
def _take_operator(brain: Any, config: Any, outbox: Any, event: Any) -> None:
    """What the operator, or the program about itself, says."""
    kind = event["kind"]
    if kind == STRATEGY_SUSPENDED:
        brain["strategies"][event["strategy"]]["is_suspended"] = 1
    elif kind == STRATEGY_SWAPPED:
        brain["strategies"][event["strategy"]]["is_suspended"] = 0
        for k in range(config["n_symbols"]):
            for at in range(N_STRATEGY_MEMORY):
                brain["memory"][event["strategy"], k, at] = 0.0
    elif kind == MODE_CHANGED:
        brain["mode"] = event["mode"]
        if event["mode"] == EMERGENCY:
            leave_everything(brain, config, outbox, event["ts_ns"])
    elif kind == RESYNC:
        ask_about_all(brain, config, outbox, event["ts_ns"])
    elif kind == RECONCILED:
        settle_strays(brain, config, outbox, event["ts_ns"])
        if event["mode"] == 0:
            lift_all(brain)
        elif event["mode"] > 0:
            halt(brain, DIFFERS_FROM_VENUE, 0, 0)


@kernel(void(record(BRAIN), record(CONFIG), record(OUTBOX), i8))
def take_time(brain: Any, config: Any, outbox: Any, ts_ns: int) -> None:
    """Time passes without a price: stops that were lost are placed anew, exits that came to nothing sent again."""
    for symbol in range(config["n_symbols"]):
        if config["execution"]["has_native_brackets"] == 0:
            keep_brackets(brain, config, outbox, symbol, ts_ns)
        protect_symbol(brain, config, outbox, symbol, ts_ns, False)


@kernel(void(record(BRAIN), record(EVENT)))
def _take_intent(brain: Any, event: Any) -> None:
    intent = brain["intents"][event["strategy"], event["symbol"]]
    intent["action"] = event["flags"] >> ACTION_SHIFT
    intent["direction"] = event["intent_direction"]
    intent["confidence"] = event["intent_confidence"]
    intent["win_probability"] = event["intent_win_probability"]
    intent["fixed_lots"] = event["intent_lots"]
    intent["stop_distance"] = event["intent_stop_distance"]
    intent["has_targets"] = int(event["flags"] & HAS_TARGETS != 0)
    intent["has_trail"] = int(event["flags"] & HAS_TRAIL != 0)
