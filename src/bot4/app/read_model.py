"""What a person may see of a running machine: an immutable snapshot, from which nothing can be changed.

Screens, ``status.json`` and later the dashboard read snapshots alone. Prices and quantities are floats here, for
display; the exact integers stay inside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from bot4.domain.halts import HALT_WORDS, HaltReason
from bot4.domain.orders import (
    EXIT,
    FREE,
    HELD,
    REJECTED,
    CommandKind,
    OrderRole,
    OrderStatus,
    OrderType,
    is_finished,
    is_open,
)
from bot4.domain.portfolio import ExitReason
from bot4.domain.venue_reasons import VenueReason
from bot4.engine.machine import Machine
from bot4.pipeline.state import APPROVED, CLAMP_NAMES, REFUSALS, Mode, Regime

LATEST = 12  # decisions and fills that a snapshot holds
CURVE_POINTS = 240

REFUSAL_WORDS = MappingProxyType(
    {
        "below_minimum": "below the minimum size",
        "bad_number": "a number was not finite",
        "stale_data": "data too old",
        "drawdown_stop": "drawdown stop in force",
        "daily_loss_stop": "daily loss stop in force",
        "mode_forbids": "mode takes no new risk",
        "short_on_spot": "spot cannot be sold short",
        "opposes_net": "opposes the net position",
        "no_slot": "order table full",
        "no_edge": "no edge after costs",
        "regime_veto": "against the regime",
        "low_confidence": "too little confidence",
        "order_flow_veto": "order flow objects",
        "below_tier": "equity below the minimum",
        "warming_up": "risk clock warming up",
        "post_trade_check": "independent check failed",
        "no_cash": "not enough cash",
        "needs_reconciling": "halted until reconciled",
        "already_in": "already in",
        "bad_stop": "no room for a stop",
        "suspended": "strategy suspended",
    }
)
"""Every refusal in words for a person."""


@dataclass(frozen=True, slots=True)
class PositionView:
    """What one strategy holds of one symbol; prices in quote currency, quantity in base units and absolute."""

    symbol: str
    strategy: str
    side: str
    quantity: float
    entry_price: float
    mark_price: float
    stop_price: float | None
    pnl_quote: float  # unrealised and realised of the open trade, net of its fees
    pnl_r: float | None  # the same in units of its risk
    since_ns: int


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One judged decision."""

    ts_ns: int
    symbol: str
    strategy: str
    side: str
    direction: float
    confidence: float
    asked: float  # base units
    approved: float
    is_approved: bool
    why: str  # of a refusal in words; of an approval the clamp that cut it, or nothing


@dataclass(frozen=True, slots=True)
class FillView:
    """One fill."""

    ts_ns: int
    symbol: str
    side: str
    role: str
    price: float
    quantity: float
    fee_quote: float


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order as the order manager sees it; prices in quote currency, quantities in base units."""

    id: int
    symbol: str
    strategy: str
    side: str
    role: str
    type: str
    status: str
    quantity: float
    filled: float
    limit_price: float | None
    stop_price: float | None  # as the venue last confirmed it
    wanted_stop_price: float | None  # of a replacement on its way
    bracket: int | None  # order id of its entry
    waits_for: tuple[str, ...]  # commands without an answer: place, cancel, replace
    queries: int  # asked of the venue since it was last settled
    why: str  # refused, ended, or of an exit why the position is left
    is_alive: bool
    created_ns: int
    age_s: float


@dataclass(frozen=True, slots=True)
class HaltView:
    """Something that halted new risk."""

    ts_ns: int
    reason: str
    words: str
    order_id: int | None
    symbol: str


@dataclass(frozen=True, slots=True)
class RemainderView:
    """What is left of a position and too small for the venue to trade; base units."""

    symbol: str
    strategy: str
    quantity: float


@dataclass(frozen=True, slots=True)
class RunView:
    """What a machine does not know of its own run."""

    feed: str
    is_synthetic: bool
    feed_note: str = ""
    feed_health: Mapping[str, Any] = field(default_factory=dict)
    journal_bytes: int = 0
    journal_synced_bytes: int = 0
    was_resumed: bool = False
    running_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A machine at one instant."""

    run: RunView
    ts_ns: int
    quote: str
    symbols: tuple[str, ...]
    prices: tuple[float, ...]
    strategies: tuple[str, ...]
    mode: str
    is_halted: bool
    regime: str
    regime_probability: tuple[float, ...]
    equity: float
    initial_equity: float
    day_start_equity: float
    drawdown: float
    max_drawdown: float
    is_drawdown_stopped: bool
    is_day_stopped: bool
    exposure: float
    positions: tuple[PositionView, ...]
    orders: tuple[OrderView, ...]  # of the table: alive, and those that ended lately; latest first
    halts: tuple[HaltView, ...]  # since the books were last reconciled, oldest first
    remainders: tuple[RemainderView, ...]
    decisions: tuple[DecisionView, ...]  # latest first
    fills: tuple[FillView, ...]  # latest first
    refusals: Mapping[str, int]
    clamps: Mapping[str, int]
    closed_trades: int
    winning_trades: int
    realised_quote: float
    bars: int
    events: int
    digest: str
    curve: tuple[float, ...]  # equity, oldest first

    @property
    def total_return(self) -> float:
        """Since the deposit, as a fraction."""
        return self.equity / self.initial_equity - 1.0

    @property
    def day_pnl(self) -> float:
        """Since the UTC day began, quote currency."""
        return self.equity - self.day_start_equity if self.day_start_equity > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        """The snapshot as JSON's own types, for ``status.json``."""
        record = dataclasses.asdict(self)
        del record["curve"]
        return record | {"total_return": self.total_return, "day_pnl": self.day_pnl}


def snapshot_of(machine: Machine, run: RunView) -> Snapshot:
    """Look at a machine between two events."""
    brain, config = machine.brain[0], machine.config[0]
    n_symbols = len(machine.universe.instruments)
    ticks = config["instruments"]["tick"][:n_symbols]
    risk = brain["risk"]
    strategies = brain["strategies"][: len(machine.strategies)]
    return Snapshot(
        run=run,
        ts_ns=int(brain["ts_ns"]),
        quote=machine.universe.quote,
        symbols=machine.universe.symbols,
        prices=tuple(float(mark) for mark in brain["positions"]["mark_ticks"][:n_symbols] * ticks),
        strategies=strategy_names(machine),
        mode=Mode(brain["mode"]).name.lower(),
        is_halted=bool(brain["is_halted"]),
        regime=Regime(risk["regime"]).name.lower(),
        regime_probability=tuple(float(p) for p in risk["regime_probability"]),
        equity=float(brain["equity"]),
        initial_equity=float(brain["initial_equity"]),
        day_start_equity=float(risk["day_start_equity"]),
        drawdown=float(risk["drawdown"]),
        max_drawdown=float(risk["max_drawdown"]),
        is_drawdown_stopped=bool(risk["is_drawdown_stopped"]),
        is_day_stopped=bool(risk["is_day_stopped"]),
        exposure=_exposure(machine),
        positions=_positions(machine),
        orders=orders_of(machine),
        halts=halts_of(machine),
        remainders=_remainders(machine),
        decisions=_decisions(machine),
        fills=_fills(machine),
        refusals=_counts(REFUSALS[1:], brain["refusals"][1:]),
        clamps=_counts(CLAMP_NAMES, brain["clamp_bound"]),
        closed_trades=int(strategies["n_trades"].sum()),
        winning_trades=int(strategies["n_wins"].sum()),
        realised_quote=float(strategies["realised_quote"].sum()),
        bars=int(brain["n_bars"]),
        events=int(brain["n_events"]),
        digest=machine.digest,
        curve=_curve(machine),
    )


def strategy_names(machine: Machine) -> tuple[str, ...]:
    """Names of the strategies by slot."""
    return tuple(strategy.info.name for strategy in machine.strategies)


def side_word(side: int) -> str:
    """``long``, ``short`` or ``flat``."""
    return "long" if side > 0 else "short" if side < 0 else "flat"


def outcome_in_words(decision: Any) -> str:
    """Why a decision was refused, or which clamp cut it; nothing for one that passed whole."""
    if decision["refusal"] != APPROVED:
        name = REFUSALS[int(decision["refusal"])]
        words = REFUSAL_WORDS.get(name, name)
        if name == "below_minimum" and decision["binding_clamp"] >= 0:
            return f"{words} after {CLAMP_NAMES[int(decision['binding_clamp'])]}"
        return words
    if decision["binding_clamp"] >= 0:
        return f"cut by {CLAMP_NAMES[int(decision['binding_clamp'])]}"
    return ""


def _exposure(machine: Machine) -> float:
    brain = machine.brain[0]
    n_symbols = len(machine.universe.instruments)
    positions = brain["positions"][:n_symbols]
    per_tick = machine.config[0]["instruments"]["quote_per_tick_lot"][:n_symbols]
    gross = float(np.abs(positions["lots"] * per_tick * positions["mark_ticks"]).sum())
    return gross / float(brain["equity"]) if brain["equity"] > 0 else 0.0


def orders_of(machine: Machine) -> tuple[OrderView, ...]:
    """Every order that the table holds, the latest first."""
    brain, config = machine.brain[0], machine.config[0]
    names, symbols = strategy_names(machine), machine.universe.symbols
    views = []
    for slot in range(int(brain["n_slots"])):
        order, care = brain["orders"][slot], brain["care"][slot]
        if order["status"] == FREE:
            continue
        instrument = config["instruments"][order["symbol"]]
        tick, lot = float(instrument["tick"]), float(instrument["lot"])
        waits = tuple(kind.name.lower() for bit, kind in _WAITS if care["waits"] & bit)
        wanted = int(care["wanted_stop_ticks"]) if "replace" in waits else 0
        views.append(
            OrderView(
                id=int(order["id"]),
                symbol=symbols[order["symbol"]],
                strategy=names[order["strategy"]],
                side="buy" if order["side"] > 0 else "sell",
                role=OrderRole(order["role"]).name.lower().replace("protective_", ""),
                type=OrderType(order["type"]).name.lower(),
                status=OrderStatus(order["status"]).name.lower(),
                quantity=int(order["qty_lots"]) * lot,
                filled=int(order["filled_lots"]) * lot,
                limit_price=int(order["limit_ticks"]) * tick if order["limit_ticks"] else None,
                stop_price=int(order["stop_ticks"]) * tick if order["stop_ticks"] else None,
                wanted_stop_price=wanted * tick if wanted else None,
                bracket=int(order["group_id"]) or None,
                waits_for=waits,
                queries=int(care["n_asked"]) if care["is_asking"] else 0,
                why=_why(order),
                is_alive=bool(order["status"] == HELD or is_open(int(order["status"]))),
                created_ns=int(order["ts_created_ns"]),
                age_s=(int(brain["ts_ns"]) - int(order["ts_created_ns"])) / 1e9,
            )
        )
    return tuple(sorted(views, key=lambda view: -view.id))


_WAITS = ((1, CommandKind.PLACE), (2, CommandKind.CANCEL), (4, CommandKind.REPLACE))


def _why(order: Any) -> str:
    reason = int(order["reason"])
    if reason == 0:
        return ""
    is_of_exit = order["role"] == EXIT and order["status"] != REJECTED
    if is_of_exit:
        return ExitReason(reason).name.lower()
    return VenueReason(reason).name.lower() if is_finished(int(order["status"])) else ""


def halts_of(machine: Machine) -> tuple[HaltView, ...]:
    """What halted new risk since the books were last reconciled; of very many the first and the latest."""
    brain, symbols = machine.brain[0], machine.universe.symbols
    rows = brain["halts"][: min(int(brain["n_halts"]), len(brain["halts"]))]
    views = [
        HaltView(
            ts_ns=int(row["ts_ns"]),
            reason=HaltReason(row["reason"]).name.lower(),
            words=HALT_WORDS[int(row["reason"])],
            order_id=int(row["order_id"]) or None,
            symbol=symbols[row["symbol"]] if 0 <= row["symbol"] < len(symbols) else "",
        )
        for row in rows
    ]
    return tuple(sorted(views, key=lambda view: view.ts_ns))


def _remainders(machine: Machine) -> tuple[RemainderView, ...]:
    names = strategy_names(machine)
    found = []
    for symbol, name in enumerate(machine.universe.symbols):
        lot = float(machine.config[0]["instruments"][symbol]["lot"])
        for slot, strategy in enumerate(names):
            sleeve = machine.brain[0]["sleeves"][slot, symbol]
            if sleeve["lots"] != 0 and sleeve["carried_lots"] == abs(sleeve["lots"]):
                found.append(RemainderView(name, strategy, abs(int(sleeve["lots"])) * lot))
    return tuple(found)


def _positions(machine: Machine) -> tuple[PositionView, ...]:
    brain = machine.brain[0]
    names = strategy_names(machine)
    views = []
    for symbol, name in enumerate(machine.universe.symbols):
        instrument = machine.config[0]["instruments"][symbol]
        mark = int(brain["positions"][symbol]["mark_ticks"])
        for slot, strategy in enumerate(names):
            sleeve = brain["sleeves"][slot, symbol]
            if sleeve["lots"] != 0:
                views.append(_position(sleeve, instrument, mark, name, strategy))
    return tuple(views)


def _position(sleeve: Any, instrument: Any, mark_ticks: int, symbol: str, strategy: str) -> PositionView:
    lots, atom = int(sleeve["lots"]), float(instrument["quote_atom"])
    tick, lot = float(instrument["tick"]), float(instrument["lot"])
    cost = float(sleeve["cost_atoms"]) * atom
    unrealised = lots * mark_ticks * float(instrument["quote_per_tick_lot"]) - cost
    pnl = unrealised + float(sleeve["realised_atoms"] - sleeve["fees_atoms"]) * atom
    risk = float(sleeve["risk_atoms"]) * atom
    return PositionView(
        symbol=symbol,
        strategy=strategy,
        side=side_word(lots),
        quantity=abs(lots) * lot,
        entry_price=cost / (lots * lot),
        mark_price=mark_ticks * tick,
        stop_price=int(sleeve["stop_ticks"]) * tick if sleeve["stop_ticks"] > 0 else None,
        pnl_quote=pnl,
        pnl_r=pnl / risk if risk > 0 else None,
        since_ns=int(sleeve["ts_entry_ns"]),
    )


def _decisions(machine: Machine) -> tuple[DecisionView, ...]:
    names, symbols = strategy_names(machine), machine.universe.symbols
    views = []
    for decision in machine.log.records("decisions")[: -LATEST - 1 : -1]:
        proposal = decision["proposal"]
        lot = float(machine.config[0]["instruments"][proposal["symbol"]]["lot"])
        views.append(
            DecisionView(
                ts_ns=int(proposal["ts_ns"]),
                symbol=symbols[proposal["symbol"]],
                strategy=names[proposal["strategy"]],
                side=side_word(proposal["side"]),
                direction=float(proposal["direction"]),
                confidence=float(proposal["confidence"]),
                asked=int(proposal["qty_lots"]) * lot,
                approved=int(decision["approved_lots"]) * lot,
                is_approved=bool(decision["refusal"] == APPROVED),
                why=outcome_in_words(decision),
            )
        )
    return tuple(views)


def _fills(machine: Machine) -> tuple[FillView, ...]:
    views = []
    for fill in machine.log.records("fills")[: -LATEST - 1 : -1]:
        instrument = machine.config[0]["instruments"][fill["symbol"]]
        views.append(
            FillView(
                ts_ns=int(fill["ts_ns"]),
                symbol=machine.universe.symbols[fill["symbol"]],
                side="buy" if fill["side"] > 0 else "sell",
                role=OrderRole(fill["role"]).name.lower().replace("protective_", "") if fill["role"] else "unknown",
                price=int(fill["price_ticks"]) * float(instrument["tick"]),
                quantity=int(fill["qty_lots"]) * float(instrument["lot"]),
                fee_quote=int(fill["fee_atoms"]) * float(instrument["quote_atom"]),
            )
        )
    return tuple(views)


def _curve(machine: Machine) -> tuple[float, ...]:
    equity = machine.log.records("samples")["equity"]
    step = max(1, -(-len(equity) // CURVE_POINTS))
    return (*(float(value) for value in equity[::step]), float(machine.brain[0]["equity"]))


def _counts(names: tuple[str, ...], counts: Any) -> Mapping[str, int]:
    found = {name: int(count) for name, count in zip(names, counts, strict=True) if count}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
