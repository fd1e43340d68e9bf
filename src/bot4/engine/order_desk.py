"""The order manager alone: entries, exits and events in, commands out, with exact books and no market features.

It is the very code that trades (:mod:`bot4.pipeline.execution`), without strategies, features and the risk gate: what
it is told to trade it trades. Tests of faults and races, conformance suites of venues and benchmarks drive it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted, SettingError
from bot4.domain.events import CLOCK, EVENT, RESYNC, copied_rows
from bot4.domain.halts import HaltReason
from bot4.domain.instruments import Universe, pack_instruments
from bot4.domain.ledger import OK, book_deposit
from bot4.domain.orders import COMMAND, HELD, is_open
from bot4.domain.portfolio import BY_SIGNAL, HOLDINGS, MAX_STRATEGIES
from bot4.engine.run_log import RunLog
from bot4.kernel import i8, kernel, records, void, warm_up
from bot4.pipeline.execution.commands import cancel_order, place_entry
from bot4.pipeline.execution.order_table import find_order
from bot4.pipeline.execution.protection import move_stop
from bot4.pipeline.execution.settings import ExecutionSettings
from bot4.pipeline.execution.settings import write as write_execution
from bot4.pipeline.protecting import leave
from bot4.pipeline.state import BRAIN, CONFIG, NORMAL, OUTBOX, STATE_VERSION
from bot4.pipeline.step import step_orders

Records = npt.NDArray[np.void]

DEFAULT_SHARES = (0.33, 0.33, 0.34)


@kernel(i8(records(BRAIN), records(CONFIG), records(OUTBOX), i8, i8, i8, i8, i8, i8, i8, i8, i8, i8, i8))
def enter_now(
    brains: Any,
    configs: Any,
    outboxes: Any,
    symbol: int,
    strategy: int,
    side: int,
    lots: int,
    ts_ns: int,
    reference_ticks: int,
    stop_ticks: int,
    trail_ticks: int,
    first_target: int,
    second_target: int,
    third_target: int,
) -> int:
    """:func:`~bot4.pipeline.execution.commands.place_entry`, for callers in Python; returns the entry's id, 0 for none.

    The decision is written into the brain's scratch, as the gate writes it.
    """
    brain = brains[0]
    sleeve = brain["sleeves"][strategy, symbol]
    if brain["is_halted"] or brain["mode"] != NORMAL or sleeve["lots"] != 0 or sleeve["is_entering"]:
        return 0
    decision = brain["decision"]
    proposal = decision["proposal"]
    proposal["id"] = brain["next_decision_id"]
    proposal["ts_ns"] = ts_ns
    proposal["symbol"] = symbol
    proposal["strategy"] = strategy
    proposal["side"] = side
    proposal["reference_ticks"] = reference_ticks
    proposal["stop_ticks"] = stop_ticks
    proposal["trail_ticks"] = trail_ticks
    proposal["target_ticks"][0] = first_target
    proposal["target_ticks"][1] = second_target
    proposal["target_ticks"][2] = third_target
    decision["approved_lots"] = lots
    decision["approval_id"] = brain["next_approval_id"]
    entry_id = brain["next_order_id"]
    if place_entry(brain, configs[0], outboxes[0], decision) != 0:
        return 0
    brain["next_approval_id"] += 1
    brain["next_decision_id"] += 1
    return int(entry_id)


@kernel(void(records(BRAIN), records(CONFIG), records(OUTBOX), i8, i8, i8, i8))
def leave_now(brains: Any, configs: Any, outboxes: Any, symbol: int, strategy: int, reason: int, ts_ns: int) -> None:
    """:func:`~bot4.pipeline.protecting.leave`, for callers in Python."""
    leave(brains[0], configs[0], outboxes[0], symbol, strategy, reason, ts_ns)


@kernel(void(records(BRAIN), records(CONFIG), records(OUTBOX), i8, i8))
def cancel_now(brains: Any, configs: Any, outboxes: Any, order_id: int, ts_ns: int) -> None:
    """:func:`~bot4.pipeline.execution.commands.cancel_order`, for callers in Python."""
    cancel_order(brains[0], configs[0], outboxes[0], order_id, ts_ns)


@kernel(void(records(BRAIN), records(CONFIG), records(OUTBOX), i8, i8, i8))
def move_stop_now(brains: Any, configs: Any, outboxes: Any, order_id: int, stop_ticks: int, ts_ns: int) -> None:
    """:func:`~bot4.pipeline.execution.protection.move_stop` by order id, for callers in Python."""
    slot = find_order(brains[0], order_id)
    if slot >= 0:
        move_stop(brains[0], configs[0], outboxes[0], slot, stop_ticks, ts_ns)


@kernel(void(records(CONFIG), records(BRAIN), records(OUTBOX), records(EVENT)))
def take_events(configs: Any, brains: Any, outboxes: Any, events: Any) -> None:
    """Every event through :func:`~bot4.pipeline.step.step_orders`, in order."""
    for at in range(len(events)):
        step_orders(configs, brains, outboxes, events, at)


_KERNELS = (enter_now, leave_now, cancel_now, move_stop_now, take_events, book_deposit)


class OrderDesk:
    """One order manager with its books.

    Args:
        universe: what may be traded.
        settings: what is expected of the venue.
        capital: deposit in the quote asset.
        n_strategies: sleeves of each symbol.
        loses_answers: whether commands may be lost (a venue over a network).
        shares: of a bracket's targets.

    Attributes:
        config, brain, outbox: the records that the order manager works on, in arrays of one.
        log: every command, fill and closed trade so far.

    Raises:
        SettingError: too many strategies.
    """

    def __init__(
        self,
        universe: Universe,
        settings: ExecutionSettings | None = None,
        *,
        capital: Decimal = Decimal(100_000),
        n_strategies: int = 1,
        loses_answers: bool = True,
        shares: Sequence[float] = DEFAULT_SHARES,
    ) -> None:
        if not 1 <= n_strategies <= MAX_STRATEGIES:
            raise SettingError(f"{n_strategies} strategies, but 1 to {MAX_STRATEGIES} run together", remedy="fewer")
        warm_up(_KERNELS)
        self.universe = universe
        self.log = RunLog()
        self.config = np.zeros(1, dtype=CONFIG)
        self.brain = np.zeros(1, dtype=BRAIN)
        self.outbox = np.zeros(1, dtype=OUTBOX)
        self._made: list[Records] = []
        self._tick = np.zeros(1, dtype=EVENT)
        row = self.config[0]
        row["n_symbols"], row["n_strategies"] = len(universe.instruments), n_strategies
        row["n_assets"], row["quote_asset"] = len(universe.assets), 0
        row["instruments"][: len(universe.instruments)] = pack_instruments(universe)
        row["decision"]["target_share"] = shares
        row["decision"]["emergency_stop"] = 1.0
        write_execution(settings or ExecutionSettings(), row["execution"], loses_answers=loses_answers)
        self._open_books(capital)

    def _open_books(self, capital: Decimal) -> None:
        brain = self.brain[0]
        brain["version"] = STATE_VERSION
        for name in ("next_order_id", "next_approval_id", "next_decision_id", "next_trade_id"):
            brain[name] = 1
        atoms = int(capital * 10 ** self.universe.decimals(self.universe.quote))
        if book_deposit(brain["ledger"], 0, atoms) != OK:
            raise Halted("the deposit could not be booked", remedy="use a smaller capital")

    # --- what it is told -------------------------------------------------------------------------------------------

    def enter(
        self,
        symbol: int,
        side: int,
        lots: int,
        ts_ns: int,
        *,
        strategy: int = 0,
        reference_ticks: int,
        stop_ticks: int = 0,
        target_ticks: Sequence[int] = (),
        trail_ticks: int = 0,
    ) -> int:
        """Enter at the market with a bracket; returns the entry's order id.

        0 where new risk is not taken (halted, or by the mode), the strategy is in the symbol already, or the table is
        full.
        """
        first, second, third = (*target_ticks, 0, 0, 0)[:3]
        return int(
            enter_now(
                self.brain, self.config, self.outbox, symbol, strategy, side, lots, ts_ns, reference_ticks, stop_ticks,
                trail_ticks, first, second, third,
            )
        )  # fmt: skip

    def leave(self, symbol: int, ts_ns: int, *, strategy: int = 0, reason: int = BY_SIGNAL) -> None:
        """Close what a strategy holds, and what its entry still brings, until nothing is held."""
        leave_now(self.brain, self.config, self.outbox, symbol, strategy, reason, ts_ns)

    def cancel(self, order_id: int, ts_ns: int) -> None:
        """Ask the venue to cancel an order."""
        cancel_now(self.brain, self.config, self.outbox, order_id, ts_ns)

    def move_stop(self, symbol: int, stop_ticks: int, ts_ns: int, *, strategy: int = 0) -> None:
        """Ask the venue to move a strategy's stop; it counts as moved when the venue confirms."""
        order_id = int(self.brain[0]["sleeves"][strategy, symbol]["stop_order_id"])
        move_stop_now(self.brain, self.config, self.outbox, order_id, stop_ticks, ts_ns)

    def take(self, events: Records) -> None:
        """Take events in order: reports, TRADE, QUOTE, FUNDING, CLOCK, MODE_CHANGED, RECONCILED; no bars.

        ``events`` are EVENT records, at most some hundred at a time: the outbox holds 1,024 commands.
        """
        if len(events):  # an exchange's empty answer is not to be written to, which is another type to the compiler
            take_events(self.config, self.brain, self.outbox, events)

    def resync(self, ts_ns: int) -> None:
        """The connection to the venue is back: ask about every order that it may have."""
        self._tell(RESYNC, ts_ns)

    def _tell(self, kind: int, ts_ns: int) -> None:
        self._tick[0]["ts_ns"], self._tick[0]["kind"] = ts_ns, kind
        take_events(self.config, self.brain, self.outbox, self._tick)

    def clock(self, ts_ns: int) -> None:
        """Time passes: what is overdue is asked about, what is unprotected gets its stop or leaves."""
        self._tell(CLOCK, ts_ns)

    def commands(self) -> Records:
        """Commands since the last call, ``COMMAND[n]``.

        Raises:
            Halted: records were lost because the outbox was full.
        """
        self._drain()
        made = self._made
        self._made = []
        if len(made) == 1:
            return made[0]
        return np.concatenate(made, dtype=COMMAND) if made else np.zeros(0, dtype=COMMAND)

    def _drain(self) -> None:
        box = self.outbox[0]
        if box["n_commands"]:
            self._made.append(copied_rows(box["commands"][: int(box["n_commands"])]))
        self.log.drain(self.outbox)

    # --- what it knows ---------------------------------------------------------------------------------------------

    def order(self, order_id: int) -> np.void | None:
        """The :data:`~bot4.domain.orders.ORDER` record, None where the table no longer holds it."""
        rows = self.brain[0]["orders"][: int(self.brain[0]["n_slots"])]
        found = np.flatnonzero(rows["id"] == order_id)
        return rows[int(found[0])] if len(found) else None

    def open_orders(self) -> Records:
        """Every order that is held, open, pending or of unknown outcome."""
        rows = self.brain[0]["orders"][: int(self.brain[0]["n_slots"])]
        alive = [row["status"] == HELD or is_open(int(row["status"])) for row in rows]
        found: Records = rows[np.array(alive, dtype=np.bool_)]
        return found

    def lots(self, symbol: int) -> int:
        """Net position in lots, signed."""
        return int(self.brain[0]["positions"][symbol]["lots"])

    def balances(self) -> dict[str, int]:
        """Atoms of every asset held."""
        held = self.brain[0]["ledger"]["balances"][HOLDINGS]
        return {asset: int(held[k]) for k, asset in enumerate(self.universe.assets)}

    def fills(self) -> Records:
        """Every fill that was booked, in the order of booking."""
        self._drain()
        return self.log.records("fills")

    @property
    def is_halted(self) -> bool:
        """Whether new risk is refused."""
        return bool(self.brain[0]["is_halted"])

    def halts(self) -> list[HaltReason]:
        """Why new risk was halted, in order; of very many the first and the latest."""
        brain = self.brain[0]
        rows = brain["halts"][: min(int(brain["n_halts"]), len(brain["halts"]))]
        return [HaltReason(row["reason"]) for row in rows]

    def state(self) -> bytes:
        """Everything that changes, for a snapshot; commands not yet taken are not part of it."""
        return self.brain.tobytes()

    def restore(self, state: bytes) -> None:
        """Go back to a state that :meth:`state` gave; the log of commands and fills is not part of it."""
        self.brain[:] = np.frombuffer(state, dtype=BRAIN)
        self.outbox[:] = 0
        self._made = []
