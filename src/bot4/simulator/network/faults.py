"""What goes wrong, scripted or drawn from the seed, and when.

A *message's fault* strikes one command, report or change of the book, with a probability. A *lasting fault* begins at
random (Poisson onsets, the next one counted from the end of the last) and lasts an exponential time. A script adds
faults to either at stated times or counts. Every fault draws from streams of its own, so that more of one kind does
not move another.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot4.kernel import b1, i8, kernel, record, records, void
from bot4.simulator.network.latency import NS_PER_MS, LatencySettings
from bot4.simulator.network.random_streams import exponential, happens, next_arrival_ns, whole_ns
from bot4.simulator.network.state import (
    BAN,
    BOOK_GAP,
    CLOCK_SKEW,
    DELAYED_REPORT,
    DISCONNECT,
    DUPLICATED_REPORT,
    FAULT_STREAM,
    FIRST_LASTING,
    LATE_REQUEST,
    LOST_ANSWER,
    LOST_REQUEST,
    MAINTENANCE,
    N_COMMANDS,
    N_FAULTS,
    N_LETTERS,
    N_SCRIPTED,
    NETWORK,
    NEVER,
    OUR_CRASH,
    PARTIAL_THEN_CANCEL,
    REFUSAL,
    REORDERED_REPORT,
    SILENT_STREAM,
    SIZE_STREAM,
    VENUE_CRASH,
    FaultKind,
)

_PER_MESSAGE = {
    "lost_request": LOST_REQUEST,
    "lost_answer": LOST_ANSWER,
    "refusal": REFUSAL,
    "late_request": LATE_REQUEST,
    "partial_then_cancel": PARTIAL_THEN_CANCEL,
    "duplicated_report": DUPLICATED_REPORT,
    "delayed_report": DELAYED_REPORT,
    "reordered_report": REORDERED_REPORT,
    "book_gap": BOOK_GAP,
}
_LASTING = {
    "silent_stream": SILENT_STREAM,
    "disconnect": DISCONNECT,
    "maintenance": MAINTENANCE,
    "ban": BAN,
    "clock_skew": CLOCK_SKEW,
    "venue_crash": VENUE_CRASH,
    "our_crash": OUR_CRASH,
}
_NS_PER_HOUR = 3_600e9
_NS_PER_SECOND = 1e9


class LastingFault(BaseModel):
    """How often a lasting fault begins, and how long it lasts on average."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_hour: float = Field(default=0.0, ge=0, le=36_000, description="onsets an hour, from the end of the last one")
    mean_s: float = Field(default=1.0, gt=0, le=86_400, description="mean duration, seconds")


class ScriptedFault(BaseModel):
    """A fault at a stated time or count.

    A message's fault strikes the first ``times`` messages from ``at_ns`` and from the ``nth`` on. A lasting one begins
    at ``at_ns`` and lasts ``duration_ms``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    at_ns: int = Field(default=0, ge=0, description="not before this time, ns")
    nth: int = Field(default=1, ge=1, description="not before the nth message that it could strike")
    times: int = Field(default=1, ge=1, le=1_000_000, description="how many messages it strikes")
    duration_ms: float = Field(default=1_000.0, gt=0, le=86_400_000, description="of a lasting fault, milliseconds")


class FaultSettings(BaseModel):
    """Rates of every fault, and the script. The default is a network that does nothing wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lost_request: float = Field(default=0.0, ge=0, le=1, description="probability that a command never arrives")
    lost_answer: float = Field(default=0.0, ge=0, le=1, description="probability that its answer never arrives")
    refusal: float = Field(default=0.0, ge=0, le=1, description="probability that the venue refuses it")
    late_request: float = Field(default=0.0, ge=0, le=1, description="probability that it arrives much later")
    partial_then_cancel: float = Field(
        default=0.0, ge=0, le=1, description="probability that an order ends part filled"
    )
    duplicated_report: float = Field(default=0.0, ge=0, le=1, description="probability that a report comes twice")
    delayed_report: float = Field(default=0.0, ge=0, le=1, description="probability that a report comes much later")
    reordered_report: float = Field(default=0.0, ge=0, le=1, description="probability that later ones overtake it")
    book_gap: float = Field(
        default=0.0, ge=0, le=1, description="probability that changes of the book are lost from one on"
    )
    silent_stream: LastingFault = LastingFault()
    disconnect: LastingFault = LastingFault()
    maintenance: LastingFault = LastingFault()
    ban: LastingFault = LastingFault()
    clock_skew: LastingFault = LastingFault()
    venue_crash: LastingFault = LastingFault()
    our_crash: LastingFault = LastingFault()
    skew_ms: float = Field(default=2_000.0, ge=-3_600_000, le=3_600_000, description="our clock's error while skewed")
    extra_delay_ms: float = Field(default=2_000.0, gt=0, le=3_600_000, description="mean of an extra delay, ms")
    mean_gap: float = Field(default=5.0, ge=1, le=1_000, description="mean number of book changes lost in a gap")
    beta_a: float = Field(default=2.0, ge=0.05, le=100, description="shapes of the part that fills before the venue")
    beta_b: float = Field(default=2.0, ge=0.05, le=100, description="cancels the rest: Beta(a, b)")
    script: tuple[ScriptedFault, ...] = Field(default=(), max_length=N_SCRIPTED)


class NetworkSettings(BaseModel):
    """Latency of each direction, our time-out, the queue's limits, and the faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: LatencySettings = LatencySettings(is_fifo=True)
    request: LatencySettings = LatencySettings()
    report: LatencySettings = LatencySettings()
    delivers_market: bool = Field(default=True, description="whether market events are sent on to us")
    timeout_ms: float = Field(default=5_000.0, gt=0, le=3_600_000, description="how long we wait for an answer, ms")
    validity_ms: float = Field(
        default=0.0, ge=0, le=3_600_000, description="a command that takes longer never acts, ms; 0: it always acts"
    )
    letter_limit: int = Field(
        default=N_LETTERS - N_COMMANDS,
        ge=8,
        le=N_LETTERS - N_COMMANDS,
        description="letters to us that the queue holds",
    )
    command_limit: int = Field(default=N_COMMANDS, ge=1, le=N_COMMANDS, description="commands under way at once")
    report_reserve: int = Field(
        default=2_048,
        ge=1,
        le=N_LETTERS,
        description="room that only reports may use: the most that one event can cause",
    )
    faults: FaultSettings = FaultSettings()

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.report_reserve + 2 > self.letter_limit:
            raise ValueError("report_reserve leaves no room for anything else: letter_limit is larger by 2 at least")
        return self


def write_faults(networks: Any, faults: FaultSettings, start_ns: int) -> None:
    """Write settings into ``networks[0]`` and draw the first onset of every lasting fault."""
    network = networks[0]
    for name, kind in _PER_MESSAGE.items():
        network["rate"][kind] = getattr(faults, name)
    for name, kind in _LASTING.items():
        lasting: LastingFault = getattr(faults, name)
        network["rate"][kind] = lasting.per_hour
        network["duration_ns"][kind] = lasting.mean_s * _NS_PER_SECOND
    network["skew_ns"] = round(faults.skew_ms * NS_PER_MS)
    network["extra_delay_ns"] = faults.extra_delay_ms * NS_PER_MS
    network["duration_ns"][BOOK_GAP] = faults.mean_gap
    network["beta_a"], network["beta_b"] = faults.beta_a, faults.beta_b
    network["n_scripted"] = len(faults.script)
    for row, scripted in zip(network["scripted"], faults.script, strict=False):
        row["fault"], row["at_ns"], row["nth"] = scripted.kind, scripted.at_ns, scripted.nth
        row["times"], row["duration_ns"] = scripted.times, round(scripted.duration_ms * NS_PER_MS)
    plan_onsets(networks, start_ns)


@kernel(b1(record(NETWORK), i8, i8))
def strikes(network: Any, fault: int, ts_ns: int) -> bool:
    """Whether a message's fault strikes the message at hand: by the script, or else by its probability."""
    network["n_chances"][fault] += 1
    is_struck = network["rate"][fault] > 0.0 and happens(
        network["streams"][FAULT_STREAM + fault], network["rate"][fault]
    )
    for at in range(network["n_scripted"]):
        row = network["scripted"][at]
        is_due = row["fault"] == fault and row["times"] > 0
        if is_due and ts_ns >= row["at_ns"] and network["n_chances"][fault] >= row["nth"]:
            row["times"] -= 1
            is_struck = True
            break
    if is_struck:
        network["n_struck"][fault] += 1
    return bool(is_struck)


@kernel(void(record(NETWORK), i8, i8))
def plan_onset(network: Any, fault: int, after_ns: int) -> None:
    """Set when a lasting fault begins next: at the script's earliest, or at a drawn time before that."""
    onset = NEVER
    if network["rate"][fault] > 0.0:
        mean_gap_ns = _NS_PER_HOUR / network["rate"][fault]
        onset = next_arrival_ns(network["streams"][FAULT_STREAM + fault], after_ns, mean_gap_ns)
    for at in range(network["n_scripted"]):
        row = network["scripted"][at]
        if row["fault"] == fault and row["times"] > 0:
            onset = min(onset, max(row["at_ns"], after_ns))
    network["next_onset_ns"][fault] = onset


@kernel(void(records(NETWORK), i8))
def plan_onsets(networks: Any, after_ns: int) -> None:
    """:func:`plan_onset` of every lasting fault, for callers in Python."""
    for fault in range(FIRST_LASTING, N_FAULTS):
        plan_onset(networks[0], fault, after_ns)


@kernel(i8(record(NETWORK), i8, i8))
def duration_of(network: Any, fault: int, onset_ns: int) -> int:
    """How long the fault that begins now lasts: as the script says, or drawn; a nanosecond at least."""
    for at in range(network["n_scripted"]):
        row = network["scripted"][at]
        if row["fault"] == fault and row["times"] > 0 and row["at_ns"] <= onset_ns:
            row["times"] -= 1
            return int(max(1, row["duration_ns"]))
    return max(1, int(whole_ns(exponential(network["streams"][SIZE_STREAM + fault], network["duration_ns"][fault]))))


@kernel(void(record(NETWORK), i8, i8))
def begin(network: Any, fault: int, onset_ns: int) -> None:
    """A lasting fault begins, and its next onset is planned for after its end."""
    network["until_ns"][fault] = onset_ns + duration_of(network, fault, onset_ns)
    network["n_struck"][fault] += 1
    plan_onset(network, fault, network["until_ns"][fault])


@kernel(void(record(NETWORK), i8))
def begin_due(network: Any, ts_ns: int) -> None:
    """Begin every lasting fault that is due up to a time, but for crashes, which :func:`next_crash` stops at."""
    for fault in range(FIRST_LASTING, VENUE_CRASH):
        while network["next_onset_ns"][fault] <= ts_ns:
            begin(network, fault, network["next_onset_ns"][fault])


@kernel(b1(record(NETWORK), i8, i8))
def lasts(network: Any, fault: int, ts_ns: int) -> bool:
    """Whether a lasting fault is there at a time that :func:`begin_due` has reached."""
    return bool(ts_ns < network["until_ns"][fault])


@kernel(i8(record(NETWORK)))
def next_turn_ns(network: Any) -> int:
    """When the venue next falls or comes back, or we fall."""
    venue_turn = network["until_ns"][VENUE_CRASH] if network["is_venue_down"] else network["next_onset_ns"][VENUE_CRASH]
    return int(min(venue_turn, network["next_onset_ns"][OUR_CRASH]))


@kernel(i8(record(NETWORK), i8))
def extra_delay_ns(network: Any, fault: int) -> int:
    """How much later than otherwise a late request or a delayed report comes; a nanosecond at least."""
    return max(1, int(whole_ns(exponential(network["streams"][SIZE_STREAM + fault], network["extra_delay_ns"]))))
