"""How one trade came about, recomputed by replaying its journal to the moment of its decision.

Nothing here has a formula of its own: the machine is brought to the deciding event, the one strategy is asked again
about the one symbol, and what the kernels wrote is read. The decision made again is compared with the recorded one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted, UsageError
from bot4.domain.events import BAR, CLOSES_TIMESTAMP, DECIDE, EventKind
from bot4.domain.orders import ENTRY, PLACE, PROTECTIVE_STOP, REPLACE, OrderRole, OrderType
from bot4.domain.portfolio import ExitReason
from bot4.engine.journal import JournalContents
from bot4.engine.machine import Machine
from bot4.engine.verification import verify
from bot4.kernel import WarmUpStep, array, f8, i8, kernel, records, void, warm_up
from bot4.pipeline.deciding import decide_due, refresh_account
from bot4.pipeline.decision.fusion import (
    bound_stretch,
    voice_confidence,
    voice_direction,
    voice_weight,
    weight_scale,
)
from bot4.pipeline.decision.kelly import kelly, round_trip_cost
from bot4.pipeline.state import BRAIN, CLAMP_NAMES, CONFIG, MARKET, N_VOICES, OUTBOX, REFUSALS, RING, Regime
from bot4.pipeline.step import step
from bot4.pipeline.strategies import hybrid
from bot4.quant.indicators.registry import ROW_NAMES
from bot4.research.ledger_lines import LedgerLine, ledger_lines

VOICE_NAMES = ("technical", "learned", "order_flow", "sentiment")
_REMADE = ("ts_ns", "symbol", "strategy", "side", "direction", "confidence", "edge", "kelly", "qty_lots", "stop_ticks")
_COMMANDS = {1: "place", 2: "cancel", 3: "replace"}


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
class FrameView:
    """One timeframe as the strategy saw it.

    Attributes:
        interval_ns: length of its bars.
        bar: its latest completed bar: open, high, low, close, volume and the time of its open (seconds).
        indicators: values by column.
        votes, families: -1 to 1; empty where the strategy has none.
        strength: the frame's, None where the strategy has none.
    """

    interval_ns: int
    bar: Mapping[str, float]
    indicators: Mapping[str, float]
    votes: Mapping[str, float]
    families: Mapping[str, float]
    strength: float | None


@dataclass(frozen=True, slots=True)
class VoiceView:
    """What one voice said, and its share of the decision (0: it did not speak)."""

    name: str
    direction: float
    confidence: float
    weight: float


@dataclass(frozen=True, slots=True)
class ClampView:
    """What one clamp did."""

    name: str
    lots_before: int
    lots_after: int
    measure_before: float
    measure_after: float
    limit: float
    is_binding: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole chain of one trade; plain values, times in UTC nanoseconds, prices in quote currency."""

    trade: TradeRow
    is_synthetic: bool
    is_remade_equal: bool
    deciding_event: int
    bar: Mapping[str, float]
    frames: tuple[FrameView, ...]
    confluence: float | None
    signal: Mapping[str, float]
    voices: tuple[VoiceView, ...]
    fused_direction: float
    fused_confidence: float
    regime: Mapping[str, Any]
    kelly: Mapping[str, Any]
    levels: Mapping[str, Any]
    clamps: tuple[ClampView, ...]
    gate: Mapping[str, Any]
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


@kernel(void(records(CONFIG), records(BRAIN), records(MARKET), records(OUTBOX), i8, i8, array(f8)))
def decide_again(config: Any, brain: Any, markets: Any, outbox: Any, symbol: int, strategy: int, voices: Any) -> None:
    """Let one strategy decide about one symbol, and write down what each voice said.

    Args:
        config, brain, markets, outbox: as of :func:`bot4.pipeline.step.step`, the deciding event applied but nothing
            decided; they are used up.
        symbol, strategy: ids.
        voices: float64[3 * N_VOICES], overwritten: weights, directions, confidences.
    """
    state, settings = brain[0], config[0]
    for k in range(settings["n_symbols"]):
        state["is_due"][k] = 1 if k == symbol else 0
    for k in range(settings["n_strategies"]):
        settings["strategies"][k]["is_active"] = 1 if k == strategy else 0
    refresh_account(state, settings, outbox[0])
    decide_due(state, settings, markets, outbox[0])
    ts_ns, signal = state["ts_ns"], state["signal"]
    scale = weight_scale(state, settings, symbol, strategy, ts_ns)
    stretch = bound_stretch(state, settings, symbol, strategy, ts_ns)
    for v in range(N_VOICES):
        voices[v] = voice_weight(state, settings, symbol, strategy, v, ts_ns, scale, stretch)
        voices[N_VOICES + v] = voice_direction(state, symbol, v, signal)
        voices[2 * N_VOICES + v] = voice_confidence(state, symbol, v, signal)


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


def explain(
    contents: JournalContents,
    label: str,
    *,
    machine: Machine | None = None,
    compiling: Callable[[WarmUpStep], None] | None = None,
    where: str = "journal",
) -> Explanation:
    """Explain one trade.

    Args:
        contents: of the journal.
        label: a trade's number, or ``open-SYMBOL-SLOT``.
        machine: after the whole journal, where it was replayed already.
        compiling: told about compiling.
        where: what an error names.

    Raises:
        UsageError: no such trade.
        DataError: the journal is of another version.
        Halted: the journal does not lead to its own decision.
    """
    after = machine or verify(contents, compiling=compiling, where=where).machine
    trade = _find(trades_in(after), label, where)
    decision = _decision(after, trade.decision_id, where)
    proposal = decision["proposal"]
    symbol, slot = int(proposal["symbol"]), int(proposal["strategy"])
    at, then, voices = _at_the_moment(contents, decision, where)
    orders = _orders_of(after, int(decision["approval_id"]))
    fills = _fills(after, orders, proposal)
    return Explanation(
        trade=trade,
        is_synthetic=bool(contents.header["is_synthetic"]),
        is_remade_equal=_is_remade_equal(then, decision),
        deciding_event=at,
        bar=_bar(then, symbol),
        frames=_frames(then, symbol, slot),
        confluence=_confluence(then, symbol, slot),
        signal=_signal(then),
        voices=_voices(voices, bool(then.config[0]["strategies"][slot]["uses_voices"])),
        fused_direction=float(proposal["direction"]),
        fused_confidence=float(proposal["confidence"]),
        regime=_regime(then),
        kelly=_kelly(then, proposal, slot),
        levels=_levels(then, proposal),
        clamps=_clamps(decision),
        gate=_gate(decision),
        commands=_commands(after, orders),
        reports=_reports(contents, orders),
        fills=fills,
        trailing=_trailing(after, orders),
        result=_result(after, trade),
        ledger=ledger_lines(after, symbol, _fill_records(after, orders)),
    )


# --- the moment of the decision -------------------------------------------------------------------------------------


def _at_the_moment(
    contents: JournalContents, decision: Any, where: str
) -> tuple[int, Machine, npt.NDArray[np.float64]]:
    """The deciding event's number, the machine that has just decided on the one symbol alone, and the voices."""
    proposal = decision["proposal"]
    events = contents.events
    is_deciding = (events["kind"] == DECIDE) if (events["kind"] == DECIDE).any() else _closes(events)
    found = np.flatnonzero(is_deciding & (events["ts_ns"] == proposal["ts_ns"]))
    if len(found) == 0:
        raise Halted("the journal holds no event that led to the decision", where=where, remedy="run `bot4 replay`")
    at = int(found[0])
    machine = verify(contents, until_event=at, where=where).machine
    warm_up([decide_again])
    if events["kind"][at] != DECIDE:
        last = events[at : at + 1].copy()
        last["flags"] &= ~CLOSES_TIMESTAMP  # apply it, but let nobody decide yet
        step(machine.config, machine.brain, machine.markets, machine.outbox, last, 0, 1)
    voices = np.zeros(3 * N_VOICES)
    symbol, slot = int(proposal["symbol"]), int(proposal["strategy"])
    decide_again(machine.config, machine.brain, machine.markets, machine.outbox, symbol, slot, voices)
    return at, machine, voices


def _closes(events: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    is_market = events["kind"] >= EventKind.FUNDING
    return is_market & (events["flags"] & CLOSES_TIMESTAMP > 0) & (events["kind"] <= BAR)


def _is_remade_equal(then: Machine, decision: Any) -> bool:
    remade = then.brain[0]["decision"]["proposal"]
    return all(remade[name] == decision["proposal"][name] for name in _REMADE)


def _bar(then: Machine, symbol: int) -> dict[str, float]:
    brain, tick = then.brain[0], float(then.config[0]["instruments"][symbol]["tick"])
    bar = brain["bars"][symbol]
    prices = {name: price_of(bar[k], tick) for k, name in enumerate(("open", "high", "low", "close"))}
    return prices | {
        "volume": float(brain["bar_volume"][symbol]),
        "ts_open_ns": int(bar[5]),
        "ts_known_ns": int(bar[4]),
    }


def _frames(then: Machine, symbol: int, slot: int) -> tuple[FrameView, ...]:
    strategy, config = then.strategies[slot], then.config[0]
    names = list(
        dict.fromkeys((*strategy.columns, *(c for c in then.bank.columns if c.startswith(("atr_14", "donch")))))
    )
    views = []
    for k in range(int(config["n_frames"])):
        frame = then.markets[symbol]["frames"][k]
        row = int(then.brain[0]["symbol_rows"][symbol, k])
        newest = (int(frame["n_bars"]) - int(frame["n_rows"]) + row - 1) & (RING - 1)
        features = frame["features"][row]
        bar = {name: float(frame["ring"][r, newest]) for r, name in enumerate(ROW_NAMES)}
        factor = 1 if k == 0 else int(config["frame_factor"][k])
        said = _contribution(then, symbol, slot, k, bar["close"], features)
        views.append(
            FrameView(
                interval_ns=factor * then.interval_ns,
                bar=bar,
                indicators={name: float(features[then.bank.column(name)]) for name in names},
                votes=said.votes if said else {},
                families=said.scores if said else {},
                strength=said.strength if said else None,
            )
        )
    return tuple(views)


def _contribution(
    then: Machine, symbol: int, slot: int, frame: int, close: float, features: npt.NDArray[np.float64]
) -> hybrid.FrameContribution | None:
    if then.strategies[slot].info.kernel is not hybrid.hybrid:
        return None
    row = then.config[0]["strategies"][slot]
    memory = then.brain[0]["memory"][slot, symbol]
    return hybrid.contributions(close, features, row["columns"], row["params"], memory, frame)


def _confluence(then: Machine, symbol: int, slot: int) -> float | None:
    if then.strategies[slot].info.kernel is not hybrid.hybrid:
        return None
    params = then.config[0]["strategies"][slot]["params"]
    return float(hybrid.score_of(then.brain[0]["memory"][slot, symbol], params, int(then.config[0]["n_frames"])))


def _signal(then: Machine) -> dict[str, float]:
    signal = then.brain[0]["signal"]
    names = ("direction", "confidence", "win_probability", "fixed_lots", "stop_distance", "has_targets", "has_trail")
    return {name: signal[name].item() for name in names}


def _voices(voices: npt.NDArray[np.float64], is_fused: bool) -> tuple[VoiceView, ...]:
    views = []
    for v, name in enumerate(VOICE_NAMES):
        weight = float(voices[v]) if is_fused else float(v == 0)
        speaks = weight > 0.0
        direction = float(voices[N_VOICES + v]) if speaks else 0.0
        views.append(VoiceView(name, direction, float(voices[2 * N_VOICES + v]) if speaks else 0.0, weight))
    return tuple(views)


def _regime(then: Machine) -> dict[str, Any]:
    risk = then.brain[0]["risk"]
    return {
        "regime": Regime(risk["regime"]).name.lower(),
        "is_crisis": bool(risk["is_crisis"]),
        "probabilities": {r.name.lower(): float(risk["regime_probability"][r]) for r in Regime},
    }


def _kelly(then: Machine, proposal: Any, slot: int) -> dict[str, Any]:
    brain, decision = then.brain[0], then.config[0]["decision"]
    state, regime = brain["strategies"][slot], int(proposal["regime"])
    is_claimed = not math.isnan(float(brain["signal"]["win_probability"]))
    p, b = float(proposal["win_probability"]), float(proposal["payoff"])
    return {
        "p": p,
        "p_from": "the strategy's own estimate" if is_claimed else "closed trades, shrunk towards one half",
        "closed_trades": int(state["n_trades"]),
        "wins": int(state["n_wins"]),
        "prior_trades": float(decision["prior_trades"]),
        "b": b,
        "round_trip_cost": float(round_trip_cost(then.config[0], int(proposal["symbol"]))),
        "edge_r": float(proposal["edge"]),
        "full_kelly": float(kelly(p, b)),
        "fraction": float(decision["kelly_fraction"][regime]),
        "cap": float(decision["kelly_cap"][regime]),
        "f": float(proposal["kelly"]),
        "equity": float(brain["equity"]),
    }


def _levels(then: Machine, proposal: Any) -> dict[str, Any]:
    instrument = then.config[0]["instruments"][proposal["symbol"]]
    tick = float(instrument["tick"])
    targets = [price_of(t, tick) for t in proposal["target_ticks"] if t > 0]
    return {
        "reference_price": price_of(proposal["reference_ticks"], tick),
        "worst_price": price_of(proposal["worst_ticks"], tick),
        "stop_price": price_of(proposal["stop_ticks"], tick) if proposal["stop_ticks"] > 0 else None,
        "trail_distance": price_of(proposal["trail_ticks"], tick) if proposal["trail_ticks"] > 0 else None,
        "targets": targets,
        "target_shares": [float(share) for share in then.config[0]["decision"]["target_share"][: len(targets)]],
        "tick": tick,
        "lot": float(instrument["lot"]),
    }


# --- judgement ------------------------------------------------------------------------------------------------------


def _clamps(decision: Any) -> tuple[ClampView, ...]:
    views = []
    before = int(decision["proposal"]["qty_lots"])
    for k, name in enumerate(CLAMP_NAMES):
        after = int(decision["lots_after"][k])
        is_binding = bool(decision["binding_clamp"] == k)
        measure_before, measure_after = float(decision["measure_before"][k]), float(decision["measure_after"][k])
        limit = float(decision["limit"][k])
        views.append(ClampView(name, before, after, measure_before, measure_after, limit, is_binding))
        before = after
    return tuple(views)


def _gate(decision: Any) -> dict[str, Any]:
    binding = int(decision["binding_clamp"])
    return {
        "decision_id": int(decision["proposal"]["id"]),
        "approval_id": int(decision["approval_id"]),
        "outcome": REFUSALS[int(decision["refusal"])],
        "asked_lots": int(decision["proposal"]["qty_lots"]),
        "approved_lots": int(decision["approved_lots"]),
        "binding_clamp": CLAMP_NAMES[binding] if binding >= 0 else None,
        "equity": float(decision["equity"]),
    }


# --- what followed --------------------------------------------------------------------------------------------------


def _orders_of(machine: Machine, approval_id: int) -> frozenset[int]:
    """Ids of the entry that the approval led to, and of all orders of its bracket and its exits."""
    orders = machine.log.records("commands")["order"]
    entry = orders[(orders["approval_id"] == approval_id) & (orders["role"] == ENTRY)]
    group = int(entry["id"][0]) if len(entry) else -1
    return frozenset(int(order_id) for order_id in orders["id"][orders["group_id"] == group])


def _commands(machine: Machine, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    instruments = machine.config[0]["instruments"]
    rows = []
    for command in machine.log.records("commands"):
        order = command["order"]
        if int(order["id"]) in orders:
            tick = float(instruments[order["symbol"]]["tick"])
            rows.append(
                {
                    "ts_ns": int(command["ts_ns"]),
                    "command": _COMMANDS[int(command["kind"])],
                    "order_id": int(order["id"]),
                    "approval_id": int(order["approval_id"]),
                    "role": OrderRole(order["role"]).name.lower(),
                    "type": OrderType(order["type"]).name.lower(),
                    "side": "buy" if order["side"] > 0 else "sell",
                    "qty_lots": int(order["qty_lots"]),
                    "limit_price": price_of(order["limit_ticks"], tick) if order["limit_ticks"] else None,
                    "stop_price": price_of(order["stop_ticks"], tick) if order["stop_ticks"] else None,
                }
            )
    return tuple(rows)


def _reports(contents: JournalContents, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    events = contents.events
    is_report = (events["kind"] >= EventKind.ORDER_ACCEPTED) & (events["kind"] <= EventKind.ORDER_UNKNOWN)
    reports = events[is_report & np.isin(events["order_id"], list(orders))]
    return tuple(
        {
            "ts_ns": int(report["ts_ns"]),
            "report": EventKind(report["kind"]).name.lower().removeprefix("order_"),
            "order_id": int(report["order_id"]),
        }
        for report in reports
    )


def _fill_records(machine: Machine, orders: frozenset[int]) -> npt.NDArray[np.void]:
    fills = machine.log.records("fills")
    return fills[np.isin(fills["order_id"], list(orders))]


def _fills(machine: Machine, orders: frozenset[int], proposal: Any) -> tuple[dict[str, Any], ...]:
    rows = []
    commands = machine.log.records("commands")
    for fill in _fill_records(machine, orders):
        instrument = machine.config[0]["instruments"][fill["symbol"]]
        tick, atom = float(instrument["tick"]), float(instrument["quote_atom"])
        reference = _reference_ticks(commands, fill, proposal)
        price = price_of(fill["price_ticks"], tick)
        slipped = None if reference is None else (int(fill["price_ticks"]) - reference) * int(fill["side"])
        rows.append(
            {
                "ts_ns": int(fill["ts_ns"]),
                "trade_id": int(fill["trade_id"]),
                "order_id": int(fill["order_id"]),
                "role": OrderRole(fill["role"]).name.lower(),
                "side": "buy" if fill["side"] > 0 else "sell",
                "price": price,
                "qty_lots": int(fill["qty_lots"]),
                "quantity": int(fill["qty_lots"]) * float(instrument["lot"]),
                "fee_quote": int(fill["fee_atoms"]) * atom,
                "is_maker": bool(fill["is_maker"]),
                "slippage_bps": None if slipped is None else slipped * tick / price * 1e4,
            }
        )
    return tuple(rows)


def _reference_ticks(commands: npt.NDArray[np.void], fill: Any, proposal: Any) -> int | None:
    """The price that a fill was meant to get; None for a market exit, which takes what there is."""
    if fill["role"] == ENTRY:
        return int(proposal["reference_ticks"])
    of_order = commands[(commands["order"]["id"] == fill["order_id"]) & (commands["ts_ns"] < fill["ts_ns"])]
    if fill["role"] == OrderRole.EXIT or len(of_order) == 0:
        return None
    order = of_order["order"][-1]
    return int(order["stop_ticks"] if fill["role"] == PROTECTIVE_STOP else order["limit_ticks"])


def _trailing(machine: Machine, orders: frozenset[int]) -> tuple[dict[str, Any], ...]:
    moves = []
    for command in machine.log.records("commands"):
        order = command["order"]
        is_stop = order["role"] == PROTECTIVE_STOP and int(order["id"]) in orders
        if is_stop and command["kind"] in (PLACE, REPLACE):
            tick = float(machine.config[0]["instruments"][order["symbol"]]["tick"])
            moves.append({"ts_ns": int(command["ts_ns"]), "stop_price": price_of(order["stop_ticks"], tick)})
    return tuple(moves)


def _result(machine: Machine, trade: TradeRow) -> dict[str, Any] | None:
    if trade.ts_exit_ns is None:
        return None
    trades = machine.log.records("trades")
    closed = trades[trades["trade_id"] == int(trade.label)][0]
    atom = float(machine.config[0]["instruments"][closed["symbol"]]["quote_atom"])
    return {
        "exit_reason": trade.exit_reason,
        "gross_quote": int(closed["realised_atoms"]) * atom,
        "fees_quote": int(closed["fees_atoms"]) * atom,
        "slippage_quote": int(closed["slippage_atoms"]) * atom,
        "net_quote": trade.result_quote,
        "risk_quote": int(closed["risk_atoms"]) * atom,
        "result_r": trade.result_r,
        "held_s": (trade.ts_exit_ns - trade.ts_entry_ns) / 1e9,
    }


# --- finding --------------------------------------------------------------------------------------------------------


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


def _find(trades: list[TradeRow], label: str, where: str) -> TradeRow:
    for trade in trades:
        if trade.label.lower() == label.lower():
            return trade
    closed = sum(trade.ts_exit_ns is not None for trade in trades)
    still_open = [trade.label for trade in trades if trade.ts_exit_ns is None]
    known = [f"1 to {closed}"] if closed else []
    raise UsageError(
        f"no trade {label!r}", where=where, remedy=f"it holds {', '.join(known + still_open) or 'no trade at all'}"
    )


def _decision(machine: Machine, decision_id: int, where: str) -> Any:
    decisions = machine.log.records("decisions")
    found = decisions[decisions["proposal"]["id"] == decision_id]
    if len(found) == 0:
        raise Halted(f"decision {decision_id} was not made again", where=where, remedy="run `bot4 replay` on it")
    return found[0]


def price_of(ticks: Any, tick: float) -> float:
    """A price as the float nearest to its decimal: 3 ticks of 0.1 are 0.3."""
    return round(int(ticks) * tick, 12)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
