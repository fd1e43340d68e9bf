"""What a journal holds that can be explained: its trades and the decisions of its risk gate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot4.domain.errors import Halted, UsageError
from bot4.domain.portfolio import ExitReason
from bot4.engine.machine import Machine
from bot4.pipeline.state import REFUSALS


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A trade of a journal: closed ones by their number, open ones as ``open-SYMBOL-SLOT``."""

    label: str
    decision_id: int
    symbol: str
    strategy: str
    side: str
    ts_entry_ns: int
    ts_exit_ns: int | None
    exit_reason: str | None
    result_quote: float | None
    result_r: float | None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision that the risk gate wrote down, as ``decision-ID``; ``outcome`` is ``approved`` or the refusal."""

    label: str
    decision_id: int
    symbol: str
    strategy: str
    side: str
    ts_ns: int
    outcome: str
    asked_lots: int
    approved_lots: int


def trades_in(machine: Machine) -> list[TradeRow]:
    """Every closed trade in order, then the open ones."""
    symbols = machine.universe.symbols
    names = [strategy.info.name for strategy in machine.strategies]
    rows = [_closed_row(machine, trade, symbols, names) for trade in machine.log.records("trades")]
    for symbol, name in enumerate(symbols):
        for slot, strategy in enumerate(names):
            sleeve = machine.brain[0]["sleeves"][slot, symbol]
            if sleeve["lots"] != 0:
                side = "long" if sleeve["lots"] > 0 else "short"
                label, entry_ns = f"open-{name}-{slot}", int(sleeve["ts_entry_ns"])
                decision_id = int(sleeve["decision_id"])
                rows.append(TradeRow(label, decision_id, name, strategy, side, entry_ns, None, None, None, None))
    return rows


def decisions_in(machine: Machine) -> list[DecisionRow]:
    """Every decision that the gate wrote down, approved or refused, in order."""
    names = [strategy.info.name for strategy in machine.strategies]
    rows = []
    for decision in machine.log.records("decisions"):
        wanted = decision["proposal"]
        rows.append(
            DecisionRow(
                label=f"decision-{int(wanted['id'])}",
                decision_id=int(wanted["id"]),
                symbol=machine.universe.symbols[wanted["symbol"]],
                strategy=names[wanted["strategy"]],
                side="long" if wanted["side"] > 0 else "short",
                ts_ns=int(wanted["ts_ns"]),
                outcome=REFUSALS[int(decision["refusal"])],
                asked_lots=int(wanted["qty_lots"]),
                approved_lots=int(decision["approved_lots"]),
            )
        )
    return rows


def find_trade(trades: list[TradeRow], label: str, where: str) -> TradeRow:
    """A trade by its label.

    Raises:
        UsageError: there is none, naming those that there are.
    """
    for trade in trades:
        if trade.label.lower() == label.lower():
            return trade
    closed = sum(trade.ts_exit_ns is not None for trade in trades)
    still_open = [trade.label for trade in trades if trade.ts_exit_ns is None]
    known = [f"1 to {closed}"] if closed else []
    raise UsageError(
        f"no trade {label!r}", where=where, remedy=f"it holds {', '.join(known + still_open) or 'no trade at all'}"
    )


def find_decision(machine: Machine, decision_id: int, where: str) -> Any:
    """The record of a decision.

    Raises:
        Halted: the replay did not make it again.
    """
    decisions = machine.log.records("decisions")
    found = decisions[decisions["proposal"]["id"] == decision_id]
    if len(found) == 0:
        raise Halted(f"decision {decision_id} was not made again", where=where, remedy="run `bot4 replay` on it")
    return found[0]


def price_of(ticks: Any, tick: float) -> float:
    """A price as the float nearest to its decimal: 3 ticks of 0.1 are 0.3."""
    return round(int(ticks) * tick, 12)


def _closed_row(machine: Machine, trade: Any, symbols: tuple[str, ...], names: list[str]) -> TradeRow:
    atom = float(machine.config[0]["instruments"][trade["symbol"]]["quote_atom"])
    net, risk = int(trade["realised_atoms"] - trade["fees_atoms"]), int(trade["risk_atoms"])
    return TradeRow(
        label=str(int(trade["trade_id"])),
        decision_id=int(trade["decision_id"]),
        symbol=symbols[trade["symbol"]],
        strategy=names[trade["strategy"]],
        side="long" if trade["side"] > 0 else "short",
        ts_entry_ns=int(trade["ts_entry_ns"]),
        ts_exit_ns=int(trade["ts_exit_ns"]),
        exit_reason=ExitReason(trade["exit_reason"]).name.lower(),
        result_quote=net * atom,
        result_r=net / risk if risk > 0 else None,
    )
