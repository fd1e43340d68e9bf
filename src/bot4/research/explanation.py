"""How one trade, one refused decision or one bar came about, recomputed by replaying its journal to that moment.

The decision made again is compared with the recorded one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot4.domain.errors import Halted, UsageError
from bot4.engine.journal import JournalContents
from bot4.engine.machine import Machine
from bot4.engine.verification import verify
from bot4.kernel import WarmUpStep
from bot4.research.explained_moment import (
    ClampView,
    FrameView,
    Moment,
    TechnicalView,
    VoiceView,
    bar_of,
    clamps_of,
    frames_of,
    fused_of,
    gate_of,
    kelly_of,
    levels_of,
    moment_of,
    regime_of,
    signal_of,
    technical_of,
    voices_of,
)
from bot4.research.explained_orders import (
    commands_of,
    fill_records,
    fills_of,
    orders_of,
    reports_of,
    result_of,
    trailing_of,
)
from bot4.research.journal_rows import DecisionRow, TradeRow, decisions_in, find_decision, find_trade, trades_in
from bot4.research.ledger_lines import LedgerLine, ledger_lines

_DECISION = "decision-"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole chain of one moment; plain values, times in UTC nanoseconds, prices in quote currency.

    Attributes:
        trade: what came of it; None where nothing was traded.
        symbol, strategy, ts_ns: who decided about what, and when.
        outcome: ``approved``, the reason of a refusal, ``leave`` or ``hold``.
        is_synthetic: whether the market was made up.
        is_remade_equal: whether the decision made again is the recorded one; None where none was written down.
        deciding_event: its number in the journal.
        bar: the latest base bar.
        frames: every timeframe, with its votes and contributions.
        technical: the technical voice; None where the strategy does not listen to it.
        signal: the strategy's answer.
        voices, fused_direction, fused_confidence: fusion.
        regime: the regime and its probabilities.
        kelly, levels, clamps, gate: size, prices and judgement; None or empty where it did not come to the gate.
        commands, reports, fills, trailing, result, ledger: what followed; empty where nothing did.
    """

    trade: TradeRow | None
    symbol: str
    strategy: str
    ts_ns: int
    outcome: str
    is_synthetic: bool
    is_remade_equal: bool | None
    deciding_event: int
    bar: Mapping[str, float]
    frames: tuple[FrameView, ...]
    technical: TechnicalView | None
    signal: Mapping[str, float]
    voices: tuple[VoiceView, ...]
    fused_direction: float
    fused_confidence: float
    regime: Mapping[str, Any]
    kelly: Mapping[str, Any] | None
    levels: Mapping[str, Any] | None
    clamps: tuple[ClampView, ...]
    gate: Mapping[str, Any] | None
    commands: tuple[Mapping[str, Any], ...]
    reports: tuple[Mapping[str, Any], ...]
    fills: tuple[Mapping[str, Any], ...]
    trailing: tuple[Mapping[str, Any], ...]
    result: Mapping[str, Any] | None
    ledger: tuple[LedgerLine, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON's own types; None where a number is undefined."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return plain


def explain(
    contents: JournalContents,
    label: str,
    *,
    strategy: str | None = None,
    machine: Machine | None = None,
    compiling: Callable[[WarmUpStep], None] | None = None,
    where: str = "journal",
) -> Explanation:
    """Explain one trade, one decision of the gate, or what a strategy said about a symbol on any bar.

    Args:
        contents: of the journal.
        label: a trade's number or ``open-SYMBOL-SLOT``; ``decision-ID``; or ``SYMBOL@TIME``, the time (UTC) at which
            a bar was known.
        strategy: for ``SYMBOL@TIME``, whose decision; by default the first strategy's.
        machine: after the whole journal, where it was replayed already.
        compiling: told about compiling.
        where: what an error names.

    Raises:
        UsageError: no such trade, decision or bar.
        DataError: the journal is of another version.
        Halted: the journal does not lead to its own decision.
    """
    after = machine or verify(contents, compiling=compiling, where=where).machine
    if "@" in label:
        return _explain_bar(contents, after, label, strategy, where)
    trade = None if label.lower().startswith(_DECISION) else find_trade(trades_in(after), label, where)
    decision_id = trade.decision_id if trade is not None else _decision_id(after, label, where)
    decision = find_decision(after, decision_id, where)
    proposal = decision["proposal"]
    moment = moment_of(contents, int(proposal["ts_ns"]), int(proposal["symbol"]), int(proposal["strategy"]), where)
    if moment is None:
        raise Halted("the journal holds no event that led to the decision", where=where, remedy="run `bot4 replay`")
    return _explanation(contents, after, moment, trade, decision, is_recorded=True)


def _explain_bar(
    contents: JournalContents, after: Machine, label: str, strategy: str | None, where: str
) -> Explanation:
    name, _, time = label.partition("@")
    symbols = {symbol.lower(): k for k, symbol in enumerate(after.universe.symbols)}
    names = [resolved.info.name for resolved in after.strategies]
    if name.lower() not in symbols:
        raise UsageError(f"no symbol {name!r}", where=where, remedy=f"it holds {', '.join(after.universe.symbols)}")
    if strategy is not None and strategy not in names:
        raise UsageError(f"no strategy {strategy!r}", where=where, remedy=f"it ran {', '.join(names)}")
    slot = names.index(strategy) if strategy is not None else 0
    symbol = symbols[name.lower()]
    ts_ns = _time_ns(time, where)
    moment = moment_of(contents, ts_ns, symbol, slot, where)
    if moment is None or int(moment.machine.brain[0]["bars"][symbol, 4]) != ts_ns:
        raise UsageError(
            f"no bar of {after.universe.symbols[symbol]} was decided upon at {time}",
            where=where,
            remedy="give the time at which a bar was known (its open plus its length), UTC: 2021-03-04T05:00",
        )
    return _explanation(contents, after, moment, None, moment.decision, is_recorded=False)


def _time_ns(text: str, where: str) -> int:
    try:
        return int(np.datetime64(text.strip().removesuffix("Z"), "ns").astype(np.int64))
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", where=where, remedy="write it as 2021-03-04T05:00, UTC") from error


def _decision_id(after: Machine, label: str, where: str) -> int:
    rows = decisions_in(after)
    for row in rows:
        if row.label == label.lower():
            return row.decision_id
    known = f"{rows[0].label} to {rows[-1].label}" if rows else "no decision of the gate"
    raise UsageError(f"no decision {label!r}", where=where, remedy=f"it holds {known}")


def _explanation(
    contents: JournalContents, after: Machine, moment: Moment, trade: TradeRow | None, decision: Any, is_recorded: bool
) -> Explanation:
    judged = None if decision is None else decision["proposal"]
    approval_id = int(decision["approval_id"]) if is_recorded else 0
    orders = orders_of(after, approval_id) if approval_id > 0 else frozenset()
    direction, confidence = fused_of(moment)
    return Explanation(
        trade=trade,
        symbol=after.universe.symbols[moment.symbol],
        strategy=moment.machine.strategies[moment.slot].info.name,
        ts_ns=int(moment.machine.brain[0]["ts_ns"]),
        outcome=gate_of(decision)["outcome"] if is_recorded else moment.outcome,
        is_synthetic=bool(contents.header["is_synthetic"]),
        is_remade_equal=moment.is_as_recorded(decision) if is_recorded else None,
        deciding_event=moment.event,
        bar=bar_of(moment),
        frames=frames_of(moment),
        technical=technical_of(moment),
        signal=signal_of(moment),
        voices=voices_of(moment),
        fused_direction=direction,
        fused_confidence=confidence,
        regime=regime_of(moment),
        kelly=None if judged is None else kelly_of(moment, judged),
        levels=None if judged is None else levels_of(moment, judged),
        clamps=() if decision is None else clamps_of(decision),
        gate=None if decision is None else gate_of(decision),
        commands=commands_of(after, orders),
        reports=reports_of(contents, orders),
        fills=fills_of(after, orders, judged),
        trailing=trailing_of(after, orders),
        result=None if trade is None else result_of(after, trade),
        ledger=ledger_lines(after, moment.symbol, fill_records(after, orders)),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


__all__ = ["DecisionRow", "Explanation", "TradeRow", "decisions_in", "explain", "trades_in"]
