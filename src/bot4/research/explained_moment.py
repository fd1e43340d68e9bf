"""The moment of a decision, lived through again: what the market was, what every voice said, what was judged.

Nothing here has a formula of its own: the machine is brought to the deciding event, the one strategy is asked again
about the one symbol, and what the kernels wrote is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.events import BAR, CLOSES_TIMESTAMP, DECIDE, EventKind
from bot4.engine.journal import JournalContents
from bot4.engine.machine import Machine
from bot4.engine.verification import verify
from bot4.kernel import array, f8, i8, kernel, records, void, warm_up
from bot4.pipeline.deciding import decide_due, refresh_account
from bot4.pipeline.decision.fusion import (
    bound_stretch,
    fused_confidence,
    fused_direction,
    voice_confidence,
    voice_direction,
    voice_weight,
    weight_scale,
)
from bot4.pipeline.decision.kelly import kelly, round_trip_cost
from bot4.pipeline.signals import technical
from bot4.pipeline.signals.confluence import ConfluenceScore, TimeframeScore
from bot4.pipeline.state import (
    BRAIN,
    CLAMP_NAMES,
    CONFIG,
    LEAVE,
    MARKET,
    N_VOICES,
    OUTBOX,
    REFUSALS,
    RING,
    Regime,
)
from bot4.pipeline.step import step
from bot4.quant.indicators.bank import BankSpec
from bot4.quant.indicators.registry import ROW_NAMES
from bot4.quant.series.time_grid import interval_name
from bot4.research.journal_rows import price_of

VOICE_NAMES = ("technical", "learned", "order_flow", "sentiment")
_FUSED = 3 * N_VOICES
_REMADE = ("ts_ns", "symbol", "strategy", "side", "direction", "confidence", "edge", "kelly", "qty_lots", "stop_ticks")


@dataclass(frozen=True, slots=True)
class FrameView:
    """One timeframe as the strategy saw it.

    Attributes:
        interval_ns: length of its bars.
        bar: its latest completed bar: open, high, low, close, volume and the time of its open (seconds).
        indicators: values by column.
        votes: of the technical voice, -1 to 1, by family and name; empty where the strategy does not listen to it.
        score: what the timeframe said and contributed; None likewise.
    """

    interval_ns: int
    bar: Mapping[str, float]
    indicators: Mapping[str, float]
    votes: Mapping[str, Mapping[str, float]]
    score: TimeframeScore | None


@dataclass(frozen=True, slots=True)
class TechnicalView:
    """The technical voice's score, and what it is the sum of.

    Attributes:
        score: -1 to 1; NaN where it did not speak.
        alignment, coverage, confidence: 0 to 1.
        threshold: least ``|score|`` of a confluence.
        is_confluent: whether it was one.
        contributions: ``timeframe``, ``family`` and ``contribution`` of each; added in this order they are the score.
        by_timeframe, by_family: the same, added up.
    """

    score: float
    alignment: float
    coverage: float
    confidence: float
    threshold: float
    is_confluent: bool
    contributions: tuple[Mapping[str, Any], ...]
    by_timeframe: Mapping[str, float]
    by_family: Mapping[str, float]


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


@dataclass(frozen=True, eq=False)
class Moment:
    """A machine that has just let one strategy decide about one symbol, and nobody else.

    Attributes:
        event: number of the deciding event in the journal.
        machine: the machine.
        symbol, slot: ids.
        voices: float64[14]: weights, directions and confidences of the voices; fused direction and confidence.
        refusals_before: counts by reason before it decided.
    """

    event: int
    machine: Machine
    symbol: int
    slot: int
    voices: npt.NDArray[np.float64]
    refusals_before: npt.NDArray[np.int64]

    @property
    def decision(self) -> Any:
        """What the gate judged; None where it was not asked."""
        decision = self.machine.brain[0]["decision"]
        return decision if decision["proposal"]["ts_ns"] > 0 else None

    @property
    def outcome(self) -> str:
        """``approved``, the reason of a refusal, ``leave`` or ``hold``."""
        brain = self.machine.brain[0]
        if self.decision is not None:
            return REFUSALS[int(self.decision["refusal"])]
        refused = np.flatnonzero(brain["refusals"] > self.refusals_before)
        if len(refused):
            return REFUSALS[int(refused[0])]
        if brain["strategies"][self.slot]["is_suspended"]:
            return "suspended"
        return "leave" if brain["signal"]["action"] == LEAVE else "hold"

    @property
    def hears_technical(self) -> bool:
        """Whether the strategy listens to the technical voice."""
        return self.machine.strategies[self.slot].info.uses_technical

    def is_as_recorded(self, decision: Any) -> bool:
        """Whether the decision made again is the recorded one."""
        remade = self.machine.brain[0]["decision"]["proposal"]
        return all(remade[name] == decision["proposal"][name] for name in _REMADE)


@kernel(void(records(CONFIG), records(BRAIN), records(MARKET), records(OUTBOX), i8, i8, array(f8)))
def decide_again(config: Any, brain: Any, markets: Any, outbox: Any, symbol: int, strategy: int, voices: Any) -> None:
    """Let one strategy decide about one symbol, and write down what each voice said.

    Args:
        config, brain, markets, outbox: as of :func:`bot4.pipeline.step.step`, the deciding event applied but nothing
            decided; they are used up.
        symbol, strategy: ids.
        voices: float64[3 * N_VOICES + 2], overwritten: weights, directions, confidences; fused direction, confidence.
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
    voices[_FUSED] = signal["direction"]
    voices[_FUSED + 1] = signal["confidence"]
    if settings["strategies"][strategy]["uses_voices"]:
        direction = fused_direction(state, settings, symbol, strategy, ts_ns, signal)
        voices[_FUSED] = direction
        voices[_FUSED + 1] = fused_confidence(state, settings, symbol, strategy, ts_ns, signal, direction)


def moment_of(contents: JournalContents, ts_ns: int, symbol: int, slot: int, where: str) -> Moment | None:
    """The moment at which the events of ``ts_ns`` were decided upon; None where nothing was decided then.

    Raises:
        Halted: the journal does not replay.
    """
    events = contents.events
    is_deciding = (events["kind"] == DECIDE) if (events["kind"] == DECIDE).any() else _closes(events)
    found = np.flatnonzero(is_deciding & (events["ts_ns"] == ts_ns))
    if len(found) == 0:
        return None
    at = int(found[0])
    machine = verify(contents, until_event=at, where=where).machine
    warm_up([decide_again])
    if events["kind"][at] != DECIDE:
        last = events[at : at + 1].copy()
        last["flags"] &= ~CLOSES_TIMESTAMP  # apply it, but let nobody decide yet
        step(machine.config, machine.brain, machine.markets, machine.outbox, last, 0, 1)
    machine.brain["decision"] = 0
    refusals = machine.brain[0]["refusals"].copy()
    voices = np.zeros(_FUSED + 2)
    decide_again(machine.config, machine.brain, machine.markets, machine.outbox, symbol, slot, voices)
    return Moment(at, machine, symbol, slot, voices, refusals)


def _closes(events: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    is_market = events["kind"] >= EventKind.FUNDING
    return is_market & (events["flags"] & CLOSES_TIMESTAMP > 0) & (events["kind"] <= BAR)


# --- what was seen --------------------------------------------------------------------------------------------------


def bar_of(moment: Moment) -> dict[str, float]:
    """The latest base bar: prices, volume, when it opened and when it was known."""
    then, symbol = moment.machine, moment.symbol
    brain, tick = then.brain[0], float(then.config[0]["instruments"][symbol]["tick"])
    bar = brain["bars"][symbol]
    prices = {name: price_of(bar[k], tick) for k, name in enumerate(("open", "high", "low", "close"))}
    return prices | {
        "volume": float(brain["bar_volume"][symbol]),
        "ts_open_ns": int(bar[5]),
        "ts_known_ns": int(bar[4]),
    }


def frames_of(moment: Moment) -> tuple[FrameView, ...]:
    """Every timeframe that the strategy read, or that the technical voice did for it."""
    then, symbol = moment.machine, moment.symbol
    config, names = then.config[0], _columns_of(moment)
    scores = _confluence_of(moment).timeframes if moment.hears_technical else ()
    views = []
    for k in range(int(config["n_frames"])):
        frame = then.markets[symbol]["frames"][k]
        row = int(then.brain[0]["symbol_rows"][symbol, k])
        newest = (int(frame["n_bars"]) - int(frame["n_rows"]) + row - 1) & (RING - 1)
        features = frame["features"][row]
        bar = {name: float(frame["ring"][r, newest]) for r, name in enumerate(ROW_NAMES)}
        views.append(
            FrameView(
                interval_ns=int(config["frame_factor"][k]) * then.interval_ns,
                bar=bar,
                indicators={name: float(features[then.bank.column(name)]) for name in names},
                votes=_votes_of(moment, k, bar["close"], features) if scores else {},
                score=scores[k] if scores else None,
            )
        )
    return tuple(views)


def _columns_of(moment: Moment) -> list[str]:
    then = moment.machine
    own = then.strategies[moment.slot].columns
    heard = _columns_in(BankSpec.of(technical.INDICATORS)) if moment.hears_technical else ()
    rules = (column for column in _columns_in(then.bank) if column.startswith(("atr_14", "donchian_20")))
    return list(dict.fromkeys((*own, *heard, *rules)))


def _columns_in(bank: BankSpec) -> tuple[str, ...]:
    return tuple(column for member in bank.members for column in member.columns)


def _votes_of(moment: Moment, k: int, close: float, features: npt.NDArray[np.float64]) -> dict[str, dict[str, float]]:
    frame = moment.machine.brain[0]["technical"][moment.symbol]["frames"][k]
    return technical.votes_of(close, frame, features, moment.machine.config[0]["technical"]["columns"])


def _confluence_of(moment: Moment) -> ConfluenceScore:
    config = moment.machine.config[0]
    state = moment.machine.brain[0]["technical"][moment.symbol]
    return ConfluenceScore.read(config["technical"], int(config["n_frames"]), state)


def technical_of(moment: Moment) -> TechnicalView | None:
    """What the technical voice said; None where the strategy does not listen to it."""
    if not moment.hears_technical:
        return None
    config, found = moment.machine.config[0], _confluence_of(moment)
    interval_ns = moment.machine.interval_ns
    factors = config["frame_factor"][: len(found.timeframes)]
    names = [interval_name(int(factor) * interval_ns) for factor in factors]
    listed = [
        {"timeframe": name, "family": family, "contribution": contribution}
        for name, timeframe in zip(names, found.timeframes, strict=True)
        for family, contribution in timeframe.contributions.items()
    ]
    return TechnicalView(
        score=found.score,
        alignment=found.alignment,
        coverage=found.coverage,
        confidence=found.confidence,
        threshold=float(config["technical"]["threshold"]),
        is_confluent=found.is_confluent,
        contributions=tuple(listed),
        by_timeframe=_sums(listed, "timeframe"),
        by_family=_sums(listed, "family"),
    )


def _sums(listed: list[dict[str, Any]], key: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for item in listed:
        sums[item[key]] = sums.get(item[key], 0.0) + item["contribution"]
    return sums


def signal_of(moment: Moment) -> dict[str, float]:
    """What the strategy answered."""
    signal = moment.machine.brain[0]["signal"]
    names = ("direction", "confidence", "win_probability", "fixed_lots", "stop_distance", "has_targets", "has_trail")
    return {name: signal[name].item() for name in names}


def voices_of(moment: Moment) -> tuple[VoiceView, ...]:
    """What every voice said; a strategy that does not fuse is alone."""
    is_fused = bool(moment.machine.config[0]["strategies"][moment.slot]["uses_voices"])
    views = []
    for v, name in enumerate(VOICE_NAMES):
        weight = float(moment.voices[v]) if is_fused else float(v == 0)
        speaks = weight > 0.0
        direction = float(moment.voices[N_VOICES + v]) if speaks else 0.0
        views.append(VoiceView(name, direction, float(moment.voices[2 * N_VOICES + v]) if speaks else 0.0, weight))
    return tuple(views)


def fused_of(moment: Moment) -> tuple[float, float]:
    """Fused direction and confidence."""
    return float(moment.voices[_FUSED]), float(moment.voices[_FUSED + 1])


def regime_of(moment: Moment) -> dict[str, Any]:
    """The regime, and how probable each is."""
    risk = moment.machine.brain[0]["risk"]
    return {
        "regime": Regime(risk["regime"]).name.lower(),
        "is_crisis": bool(risk["is_crisis"]),
        "probabilities": {r.name.lower(): float(risk["regime_probability"][r]) for r in Regime},
    }


# --- what was decided -----------------------------------------------------------------------------------------------


def kelly_of(moment: Moment, proposal: Any) -> dict[str, Any]:
    """How the size came about."""
    then, slot = moment.machine, moment.slot
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


def levels_of(moment: Moment, proposal: Any) -> dict[str, Any]:
    """Prices at which it would be entered and left."""
    then = moment.machine
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


def clamps_of(decision: Any) -> tuple[ClampView, ...]:
    """What each clamp did; none where the gate refused before them."""
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


def gate_of(decision: Any) -> dict[str, Any]:
    """The gate's answer."""
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
