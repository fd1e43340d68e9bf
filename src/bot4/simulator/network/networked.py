"""An exchange as we meet it: behind a network that delays, reorders, duplicates, loses and goes silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted
from bot4.domain.events import BOOK_CHANGE, EVENT, IS_BOOK_RESET, ORDER_REJECTED, copied_rows
from bot4.domain.instruments import Universe
from bot4.domain.orders import BUY, CANCEL, COMMAND, SELL
from bot4.domain.venue_reasons import QUEUE_OVERFLOW
from bot4.kernel import array, i8, kernel, records
from bot4.simulator.network.delivery import (
    ACTS,
    NO_ROOM,
    OVERFLOWED,
    REFUSED,
    WANTS_SNAPSHOT,
    WHOLE,
    flags_about,
    meet_venue,
    post_command,
    post_market,
    post_reports,
)
from bot4.simulator.network.faults import NetworkSettings, begin, begin_due, next_turn_ns, write_faults
from bot4.simulator.network.latency import NS_PER_MS, write_latency
from bot4.simulator.network.mailbox import deliver_until, has_reserve, lose_letters_to_us, read_inbox
from bot4.simulator.network.random_streams import open_streams
from bot4.simulator.network.state import (
    DISCONNECT,
    FEED,
    MAINTENANCE,
    N_LETTERS,
    N_STREAMS,
    N_TOGETHER,
    NETWORK,
    NEVER,
    OUR_CRASH,
    REPORT,
    REQUEST,
    VENUE_CRASH,
    FaultKind,
    empty_network,
)

Events: TypeAlias = npt.NDArray[np.void]
Commands: TypeAlias = npt.NDArray[np.void]

_SNAPSHOT_LEVELS = 50
_PAGE = 512


class Exchange(Protocol):
    """What the network needs of the exchange behind it: a :class:`~bot4.simulator.exchange.SimulatedExchange`."""

    universe: Universe

    @property
    def now_ns(self) -> int:
        """Venue time."""

    def feed(self, events: Events) -> Any:
        """Market events happen, in time order; venue time moves to each."""

    def advance(self, now_ns: int) -> Any:
        """Time passes."""

    def request(self, commands: Commands) -> Events:
        """Commands act at once; returns the reports that they caused."""

    def drain(self) -> Events:
        """Every other report since the last call, in order."""

    def depth(self, symbol: int, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The best bids and asks as rows of ticks and lots."""

    def state(self) -> Any:
        """Everything, as arrays."""

    def restore(self, state: Any) -> None:
        """Go back to a state."""


STEP_QUIET = 0
STEP_COMMAND = 1
STEP_TURN = 2


@kernel(i8(records(NETWORK), i8))
def next_step(networks: Any, until_ns: int) -> int:
    """Deliver letters to us up to the next thing that the venue must do, and set ``now_ns`` to its time.

    Returns:
        STEP_COMMAND where a command arrives, STEP_TURN where the venue falls or comes back or we fall, STEP_QUIET where
        neither happens up to ``until_ns``.
    """
    network = networks[0]
    turn = next_turn_ns(network)
    arrival = deliver_until(network, min(until_ns, turn))
    if arrival != NEVER:
        network["now_ns"] = max(network["now_ns"], arrival)
        begin_due(network, network["now_ns"])
        return STEP_COMMAND
    network["now_ns"] = max(network["now_ns"], min(until_ns, turn))
    begin_due(network, network["now_ns"])
    return STEP_TURN if turn <= until_ns else STEP_QUIET


@kernel(i8(records(NETWORK)))
def next_time_ns(networks: Any) -> int:
    """When something happens next: a letter arrives, or the venue or we fall or come back."""
    network = networks[0]
    if network["n_inbox"] > 0:
        return int(network["now_ns"])
    turn = next_turn_ns(network)
    return int(min(turn, network["heap"][0]["ts_ns"])) if network["n_nodes"] > 0 else turn


@kernel(i8(records(NETWORK), i8))
def begin_crash(networks: Any, fault: int) -> int:
    """A crash begins now; returns when it ends."""
    network = networks[0]
    begin(network, fault, network["now_ns"])
    return int(network["until_ns"][fault])


@kernel(i8(records(NETWORK)))
def lose_letters(networks: Any) -> int:
    """:func:`~bot4.simulator.network.mailbox.lose_letters_to_us`, for callers in Python."""
    return int(lose_letters_to_us(networks[0]))


@kernel(i8(records(NETWORK), records(EVENT), array(i8), i8))
def read_letters(networks: Any, out: Any, arrived_ns: Any, with_market: int) -> int:
    """:func:`~bot4.simulator.network.mailbox.read_inbox`, for callers in Python."""
    return int(read_inbox(networks[0], out, arrived_ns, with_market != 0))


@kernel(i8(records(NETWORK)))
def is_reserve_free(networks: Any) -> int:
    """:func:`~bot4.simulator.network.mailbox.has_reserve`, for callers in Python."""
    return int(has_reserve(networks[0]))


class NetworkedExchange:
    """An exchange behind one bounded queue in event-time order.

    Time is the caller's: nothing happens but in a call, and then in the order of time. The same settings, seed and
    calls give the same history, bit for bit. Time never goes back: a time before :attr:`now_ns` counts as now.
    """

    def __init__(self, exchange: Exchange, settings: NetworkSettings | None = None, seed: int = 0) -> None:
        """Put a network before an exchange.

        Args:
            exchange: nobody else may drive it from now on; to look at it is allowed.
            settings: latency, limits and faults; by default none of them.
            seed: 0 to 2**64 - 1.
        """
        self.exchange = exchange
        self.settings = settings or NetworkSettings()
        self._network = empty_network()
        network = self._network[0]
        network["streams"] = open_streams(seed, N_STREAMS)
        network["now_ns"] = exchange.now_ns
        network["letter_limit"] = self.settings.letter_limit
        network["command_limit"] = self.settings.command_limit
        network["report_reserve"] = self.settings.report_reserve
        network["timeout_ns"] = round(self.settings.timeout_ms * NS_PER_MS)
        network["validity_ns"] = round(self.settings.validity_ms * NS_PER_MS) or NEVER
        directions = {FEED: self.settings.feed, REQUEST: self.settings.request, REPORT: self.settings.report}
        samples: list[npt.NDArray[np.int64]] = []
        for direction, latency in directions.items():
            samples.append(write_latency(network["latencies"][direction], latency, sum(len(s) for s in samples)))
        self._samples = np.concatenate([*samples, np.zeros(1, np.int64)])
        write_faults(self._network, self.settings.faults, exchange.now_ns)
        self._durable: Any = None
        self._taken, self._refusals = np.zeros(N_TOGETHER, COMMAND), np.zeros(N_TOGETHER, EVENT)
        self._deadlines = np.zeros(N_TOGETHER, np.int64)
        self._page, self._arrived = np.zeros(_PAGE, EVENT), np.zeros(_PAGE, np.int64)

    # --- what we can do --------------------------------------------------------------------------------------------

    def send(self, commands: Commands) -> Events:
        """Send commands; each leaves at its ``ts_ns``, or now where that has passed.

        Returns:
            Refusals at the door (ORDER_REJECTED, QUEUE_OVERFLOW), at once: these were not sent. Empty, but when the
            queue is full.
        """
        refused = [
            at for at in range(len(commands)) if post_command(self._network, self._samples, commands, at) == OVERFLOWED
        ]
        rows = np.zeros(len(refused), EVENT)
        for row, at in zip(rows, refused, strict=True):
            self._refuse_at_the_door(row, commands[at])
        return rows

    def feed(self, events: Events) -> int:
        """Let market events happen at the venue, in time order, and send them on to us.

        Returns:
            How many happened. Fewer than given where the venue is down or in maintenance (there is no market then) or
            where the queue has no room for what they may cause: read what arrived, then go on with the rest.
        """
        done = 0
        while done < len(events):
            ts_ns = int(events[done]["ts_ns"])
            self._run(ts_ns)
            if not self.is_market_open or not is_reserve_free(self._network):
                break
            last = self._end_of_quiet(events, done)
            self.exchange.feed(events[done:last])
            if self.settings.delivers_market:
                wanting = post_market(self._network, self._samples, events, done, last, False)
                self._push(self.exchange.drain())
                if wanting:
                    self._send_snapshots()
            else:
                self._run(int(events[last - 1]["ts_ns"]))
                self._push(self.exchange.drain())
            done = last
        return done

    def advance(self, now_ns: int) -> None:
        """Let time pass: commands arrive and act, time limits run out, letters reach us and wait to be read."""
        self._run(now_ns)
        if not self._network[0]["is_venue_down"] and now_ns > self.exchange.now_ns:
            self.exchange.advance(now_ns)
            self._push(self.exchange.drain())
            self._run(now_ns)

    def reports(self, until_ns: int) -> Events:
        """Reports that have reached us up to a time and were not read, in the order of arrival.

        ``ts_ns`` of each is the venue's; :meth:`arrivals` gives the time of arrival too.
        """
        self.advance(until_ns)
        return self._read(with_market=False)[0]

    def arrivals(self, until_ns: int) -> tuple[Events, npt.NDArray[np.int64]]:
        """Reports and market events that have reached us up to a time and were not read, and when each arrived."""
        self.advance(until_ns)
        return self._read(with_market=True)

    def crash_us(self, down_ns: int = 1) -> int:
        """We fall, now, for so long: what is on its way to us is lost, and what is sent to us meanwhile.

        Commands under way act all the same. Returns how many letters were lost.
        """
        network = self._network[0]
        network["until_ns"][OUR_CRASH] = network["now_ns"] + max(1, down_ns)
        network["n_struck"][OUR_CRASH] += 1
        return int(lose_letters(self._network))

    # --- what we can see -------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """How far time has come here."""
        return int(self._network[0]["now_ns"])

    @property
    def next_ns(self) -> int:
        """When something reaches us or the venue next; ``NEVER`` where nothing is under way."""
        return int(next_time_ns(self._network))

    @property
    def is_connected(self) -> bool:
        """Whether our connection stands, as we know it: a silent stream looks like a quiet one."""
        network = self._network[0]
        return bool(network["until_ns"][DISCONNECT] <= network["now_ns"]) and not network["is_venue_down"]

    @property
    def is_market_open(self) -> bool:
        """Whether the venue trades: it is there, and not in maintenance."""
        network = self._network[0]
        return bool(network["until_ns"][MAINTENANCE] <= network["now_ns"]) and not network["is_venue_down"]

    @property
    def n_connections(self) -> int:
        """Rises with every connection that was lost: whoever sees it risen, and is connected, resynchronises."""
        struck = self._network[0]["n_struck"]
        return int(struck[DISCONNECT] + struck[VENUE_CRASH])

    @property
    def n_our_crashes(self) -> int:
        """How often we fell; whoever sees it risen restarts once :attr:`we_return_ns` has come."""
        return int(self._network[0]["n_struck"][OUR_CRASH])

    @property
    def we_return_ns(self) -> int:
        """When we are back from our last crash."""
        return int(self._network[0]["until_ns"][OUR_CRASH])

    @property
    def n_under_way(self) -> int:
        """Letters under way, and those that arrived and were not read."""
        return int(self._network[0]["n_nodes"] + self._network[0]["n_inbox"])

    def struck(self) -> dict[FaultKind, int]:
        """How often each fault has struck so far."""
        return {kind: int(self._network[0]["n_struck"][kind]) for kind in FaultKind}

    # --- snapshots -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """A copy of everything, the exchange included, for :meth:`restore`."""
        return {"network": self._network.copy(), "exchange": _copied(self.exchange.state()), "durable": self._durable}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state that :meth:`state` gave, of the same settings."""
        self._network[:] = state["network"]
        self.exchange.restore(_copied(state["exchange"]))
        self._durable = state["durable"]

    # --- within ----------------------------------------------------------------------------------------------------

    def _run(self, until_ns: int) -> None:
        """Do, in the order of time, whatever is due up to a time."""
        step = next_step(self._network, until_ns)
        while step != STEP_QUIET:
            if step == STEP_COMMAND:
                self._command_arrives()
            else:
                self._turn()
            step = next_step(self._network, until_ns)

    def _command_arrives(self) -> None:
        self._let_time_pass()
        fate = meet_venue(self._network, self._taken, self._deadlines, self._refusals)
        n = int(self._network[0]["n_taken"])
        if fate == ACTS:
            self._post(self.exchange.request(self._taken[:n]), n)
        elif fate == REFUSED:
            self._post(self._refusals[:n], n)

    def _let_time_pass(self) -> None:
        """Time passes at the venue up to now, before what happens now."""
        now = self.now_ns
        if not self._network[0]["is_venue_down"] and now > self.exchange.now_ns:
            self.exchange.advance(now)
            self._push(self.exchange.drain())

    def _turn(self) -> None:
        network = self._network[0]
        if network["next_onset_ns"][OUR_CRASH] <= network["now_ns"]:
            begin_crash(self._network, OUR_CRASH)
            lose_letters(self._network)
        elif network["is_venue_down"]:
            network["is_venue_down"] = 0
            self.exchange.restore(self._durable)
            self._durable = None
        else:
            self._let_time_pass()
            begin_crash(self._network, VENUE_CRASH)
            network["is_venue_down"] = 1
            self._durable = _copied(self.exchange.state())

    def _push(self, reports: Events) -> None:
        if len(reports):
            self._post(reports, 0)

    def _post(self, reports: Events, n_asked: int) -> None:
        n = len(reports)
        to_cancel = post_reports(self._network, self._samples, reports, n, self._taken, n_asked, self._deadlines)
        if to_cancel == NO_ROOM:
            raise Halted(
                f"{n} reports of one event found no room",
                where="simulator",
                remedy="raise report_reserve of the network",
            )
        if to_cancel > 0:
            self._cancel_by_the_venue(to_cancel)

    def _cancel_by_the_venue(self, count: int) -> None:
        network = self._network[0]
        cancels = np.zeros(count, COMMAND)
        cancels["kind"], cancels["ts_ns"] = CANCEL, self.exchange.now_ns
        cancels["order"]["id"] = network["to_cancel"]["order_id"][:count]
        cancels["order"]["symbol"] = network["to_cancel"]["symbol"][:count]
        network["n_to_cancel"] = 0
        reports = self.exchange.request(cancels)
        self._push(reports[reports["kind"] != ORDER_REJECTED])

    def _end_of_quiet(self, events: Events, first: int) -> int:
        """How many events may happen in one go: up to the next thing that must happen between two of them."""
        if self._network[0]["n_watched"]:
            return first + 1
        until = self.next_ns if self._network[0]["n_inbox"] == 0 else int(events[first]["ts_ns"])
        begins = int(self._network[0]["next_onset_ns"].min())
        return max(first + 1, int(np.searchsorted(events["ts_ns"], min(until, begins), side="left")))

    def _send_snapshots(self) -> None:
        network = self._network[0]
        for symbol in np.flatnonzero(network["is_gapped"] == WANTS_SNAPSHOT):
            network["is_gapped"][symbol] = WHOLE
            snapshot = self._snapshot(int(symbol))
            post_market(self._network, self._samples, snapshot, 0, len(snapshot), True)

    def _snapshot(self, symbol: int) -> Events:
        """The book as a reset and its levels, best first."""
        bids, asks = self.exchange.depth(symbol, _SNAPSHOT_LEVELS)
        lot = float(self.exchange.universe.instruments[symbol].lot_size)
        rows = np.zeros(1 + len(bids) + len(asks), EVENT)
        rows["ts_ns"], rows["kind"], rows["symbol"] = self.now_ns, BOOK_CHANGE, symbol
        rows["flags"][0] = IS_BOOK_RESET
        for side, first, levels in ((BUY, 1, bids), (SELL, 1 + len(bids), asks)):
            last = first + len(levels)
            rows["level_side"][first:last] = side
            rows["level_ticks"][first:last] = levels[:, 0]
            rows["level_quantity"][first:last] = levels[:, 1] * lot
        return rows

    def _refuse_at_the_door(self, row: Any, command: np.void) -> None:
        row["ts_ns"], row["kind"], row["reason"] = self.now_ns, ORDER_REJECTED, QUEUE_OVERFLOW
        row["symbol"], row["order_id"] = command["order"]["symbol"], command["order"]["id"]
        row["flags"] = flags_about(int(command["kind"]))

    def _read(self, *, with_market: bool) -> tuple[Events, npt.NDArray[np.int64]]:
        n = read_letters(self._network, self._page, self._arrived, int(with_market))
        if n < _PAGE:
            return copied_rows(self._page[:n]), self._arrived[:n].copy()
        page, arrived = np.zeros(N_LETTERS, EVENT), np.zeros(N_LETTERS, np.int64)
        page[:n], arrived[:n] = self._page, self._arrived
        n += read_letters(self._network, page[n:], arrived[n:], int(with_market))
        return page[:n], arrived[:n]


def _copied(state: Any) -> Any:
    """A copy of a state of arrays, however it holds them."""
    if isinstance(state, np.ndarray):
        return state.copy()
    if isinstance(state, Mapping):
        return {name: _copied(value) for name, value in state.items()}
    if isinstance(state, tuple | list):
        return type(state)(_copied(value) for value in state)
    return state
