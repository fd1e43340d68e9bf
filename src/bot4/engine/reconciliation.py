"""Reconciliation: the books compared with the venue's, warm or cold; what differs is explained, or halts new risk.

Nothing here asks a venue or changes the books. From a state of the brain and a :class:`VenueAccount` come the events
that explain the differences: fills that were never told, orders that ended or never came, orders that are open there
and not here. A driver journals them and lets them take effect like every other event. What then still differs is
not explained: the last event halts new risk, and the report says why (``docs/reconciliation.md``).

Warm: the brain was recovered from its journal. Cold: only the venue is left; the brain is new, and everything comes
from the venue's fills. What no strategy answers for is left at the market unless a stop of its own rests at the venue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import DataError
from bot4.domain.events import (
    EVENT,
    FEE_ASSET_SHIFT,
    IS_MAKER,
    IS_SELL,
    IS_SNAPSHOT,
    ORDER_FILLED,
    ORDER_STATUS,
    RECONCILED,
)
from bot4.domain.instruments import Universe
from bot4.domain.orders import FREE, HELD, SELL, UNKNOWN, OrderStatus, is_finished, is_open
from bot4.domain.portfolio import HOLDINGS
from bot4.domain.recomputation import recompute
from bot4.engine.venue_account import VenueAccount
from bot4.kernel import kernel, records, void, warm_up
from bot4.pipeline.state import BRAIN, CONFIG, OUTBOX
from bot4.pipeline.step import step_orders

Records = npt.NDArray[np.void]

UNSETTLED = "unsettled"  # an order that the venue is being asked about: counted as exposure, and no reason to halt


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which the books and the venue differ.

    Attributes:
        what: ``missing_fill``, ``order_ended``, ``order_not_found``, ``orphan``, ``position``, ``balance``,
            ``fill_not_at_venue`` or ``unsettled``.
        subject: trade or order id, symbol or asset, in words.
        ours, theirs: what either says.
        is_explained: whether the events of the reconciliation settle it.
    """

    what: str
    subject: str
    ours: str
    theirs: str
    is_explained: bool

    def __str__(self) -> str:
        """One line for a person."""
        settled = "settled" if self.is_explained else "NOT EXPLAINED"
        return f"{self.what.replace('_', ' ')} {self.subject}: ours {self.ours}, the venue's {self.theirs} ({settled})"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a comparison found.

    Attributes:
        events: to journal and take, in order; the last is RECONCILED. ``EVENT[n]``.
        differences: what differed, explained or not.
        ts_ns: of the venue's account.
    """

    events: Records
    differences: tuple[Difference, ...] = field(default=())
    ts_ns: int = 0

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """What remains; while there is any, new risk is refused."""
        return tuple(item for item in self.differences if not item.is_explained)

    @property
    def is_clean(self) -> bool:
        """Whether nothing differed at all."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON's own types."""
        names = ("what", "subject", "ours", "theirs", "is_explained")
        return {
            "is_clean": self.is_clean,
            "is_explained": not self.unexplained,
            "ts_ns": self.ts_ns,
            "differences": [{name: getattr(item, name) for name in names} for item in self.differences],
        }


@kernel(void(records(CONFIG), records(BRAIN), records(OUTBOX), records(EVENT)))
def take_all(configs: Any, brains: Any, outboxes: Any, events: Any) -> None:
    """Let events of a reconciliation take effect on a state, in order."""
    for at in range(len(events)):
        step_orders(configs, brains, outboxes, events, at)
        outboxes[0]["n_commands"] = 0
        outboxes[0]["n_fills"] = 0
        outboxes[0]["n_trades"] = 0


def reconcile(
    brain: Records, config: Records, universe: Universe, account: VenueAccount, *, booked: Records | None = None
) -> Reconciliation:
    """Compare a state of the brain with the venue's account.

    Args:
        brain: one BRAIN; not changed.
        config: one CONFIG.
        universe: what is traded.
        account: as the venue shows it.
        booked: FILL records that the run has booked, where they are at hand; else the brain's memory of trade ids
            tells (fills older than that count as booked).

    Returns:
        The events that explain what differs, and what differs.

    Raises:
        DataError: the account speaks of symbols or trade ids that cannot be.
    """
    _require_sense(account, len(universe.instruments))
    differences: list[Difference] = []
    fills = _missing_fills(brain[0], account, booked, differences)
    statuses = _statuses(brain[0], account, differences)
    events = np.concatenate([fills, statuses], dtype=EVENT) if len(fills) or len(statuses) else np.zeros(0, dtype=EVENT)
    after = _after(brain, config, events)
    differences += _unsettled(after[0])
    differences += _other_positions(after[0], universe, account)
    differences += _other_balances(after[0], universe, account)
    if booked is not None:
        differences += _fills_not_there(booked, account)
    verdict = _event(RECONCILED, account.ts_ns)
    unexplained = sum(not item.is_explained and item.what != UNSETTLED for item in differences)
    is_unsettled = any(item.what == UNSETTLED for item in differences)
    verdict["mode"] = unexplained or (-1 if is_unsettled else 0)
    return Reconciliation(np.concatenate([events, verdict], dtype=EVENT), tuple(differences), account.ts_ns)


def _require_sense(account: VenueAccount, n_symbols: int) -> None:
    for rows in (account.orders, account.fills):
        symbols = rows["symbol"]
        if len(rows) and not (0 <= int(symbols.min()) and int(symbols.max()) < n_symbols):
            raise DataError("the account speaks of symbols that are not traded", remedy="report this of the adapter")
    if len(account.fills) and (account.fills["trade_id"] <= 0).any():
        raise DataError("the account has fills without trade ids", remedy="report this of the adapter")


def _event(kind: int, ts_ns: int, symbol: int = 0, flags: int = 0) -> Records:
    event = np.zeros(1, dtype=EVENT)
    event["ts_ns"], event["kind"], event["symbol"], event["flags"] = ts_ns, kind, symbol, flags
    return event


def _missing_fills(brain: Any, account: VenueAccount, booked: Records | None, differences: list[Difference]) -> Records:
    known = _known_ids(brain, booked)
    left = {int(row["id"]): int(row["qty_lots"]) for row in account.orders}
    events = []
    for fill in np.sort(account.fills, order="trade_id"):
        symbol, trade_id, order_id = int(fill["symbol"]), int(fill["trade_id"]), int(fill["order_id"])
        left[order_id] = left.get(order_id, _ordered(brain, order_id)) - int(fill["qty_lots"])
        if known(symbol, trade_id):
            continue
        is_sell, is_maker = fill["side"] == SELL, fill["is_maker"] != 0
        flags = IS_SNAPSHOT | (IS_SELL if is_sell else 0) | (IS_MAKER if is_maker else 0)
        flags |= int(fill["fee_asset"]) << FEE_ASSET_SHIFT
        event = _event(ORDER_FILLED, account.ts_ns, symbol, flags)
        event["order_id"], event["trade_id"] = order_id, trade_id
        event["fill_ticks"], event["fill_lots"] = fill["price_ticks"], fill["qty_lots"]
        event["fee_atoms"], event["reason"] = fill["fee_atoms"], max(0, left[order_id])
        events.append(event)
        theirs = f"{'sold' if is_sell else 'bought'} {int(fill['qty_lots'])} lots at {int(fill['price_ticks'])}"
        differences.append(Difference("missing_fill", f"{trade_id} of order {order_id}", "none", theirs, True))
    return np.concatenate(events, dtype=EVENT) if events else np.zeros(0, dtype=EVENT)


def _ordered(brain: Any, order_id: int) -> int:
    row = _own_order(brain, order_id)
    return int(row["qty_lots"]) if row is not None else 0


def _own_order(brain: Any, order_id: int) -> Any:
    rows = brain["orders"][: int(brain["n_slots"])]
    found = np.flatnonzero((rows["id"] == order_id) & (rows["status"] != FREE))
    return rows[int(found[0])] if len(found) else None


def _known_ids(brain: Any, booked: Records | None) -> Any:
    if booked is not None:
        told = set(zip(booked["symbol"].tolist(), booked["trade_id"].tolist(), strict=True))
        return lambda symbol, trade_id: (symbol, trade_id) in told

    def is_known(symbol: int, trade_id: int) -> bool:
        memory = brain["trade_memory"][symbol]
        if trade_id <= memory["floor_id"]:
            return True
        return bool(np.isin(trade_id, memory["ids"][: int(memory["n_ids"])]))

    return is_known


def _statuses(brain: Any, account: VenueAccount, differences: list[Difference]) -> Records:
    """What the venue says of every order that is alive on either side."""
    theirs = {int(row["id"]): row for row in account.orders}
    filled = _filled_by_order(account)
    events = []
    for row in brain["orders"][: int(brain["n_slots"])]:
        order_id, is_alive = int(row["id"]), bool(row["status"] == HELD or is_open(int(row["status"])))
        if not is_alive or (row["status"] == HELD and order_id not in theirs and not _is_native(brain, row)):
            continue
        their = theirs.get(order_id)
        events.append(_status_event(account, row, their, filled.get(order_id, 0)))
        _note_order(row, their, differences)
    for order_id, row in theirs.items():
        own = _own_order(brain, order_id)
        is_theirs_alone = own is None or is_finished(int(own["status"]))
        if is_theirs_alone and not is_finished(int(row["status"])):
            events.append(_status_event(account, row, row, filled.get(order_id, 0)))
            ours = "unknown" if own is None else OrderStatus(own["status"]).name.lower()
            status = OrderStatus(row["status"]).name.lower()
            differences.append(Difference("orphan", f"order {order_id}", ours, status, True))
    latest = max(theirs, default=0)
    if latest >= brain["next_order_id"] and not any(int(event["order_id"][0]) == latest for event in events):
        events.append(_status_event(account, theirs[latest], theirs[latest], filled.get(latest, 0)))  # its id is taken
    return np.concatenate(events, dtype=EVENT) if events else np.zeros(0, dtype=EVENT)


def _is_native(brain: Any, row: Any) -> bool:
    """Whether a held order was sent to the venue, which holds it."""
    slot = int(np.flatnonzero(brain["orders"]["id"] == row["id"])[0])
    return bool(brain["care"][slot]["ts_place_ns"] > 0)


def _filled_by_order(account: VenueAccount) -> dict[int, int]:
    totals: dict[int, int] = {}
    for fill in account.fills:
        order_id = int(fill["order_id"])
        totals[order_id] = totals.get(order_id, 0) + int(fill["qty_lots"])
    return totals


def _status_event(account: VenueAccount, row: Any, their: Any, filled: int) -> Records:
    event = _event(ORDER_STATUS, account.ts_ns, int(row["symbol"]), IS_SNAPSHOT)
    event["order_id"] = row["id"]
    if row["side"] == SELL:
        event["flags"] |= IS_SELL
    if their is None:
        # It is no longer among the venue's orders. If it filled, that is how it ended.
        event["status"] = OrderStatus.FILLED if 0 < row["qty_lots"] <= filled else FREE
        event["status_filled_lots"] = filled if event["status"][0] != FREE else 0
        return event
    event["status"], event["status_lots"] = their["status"], their["qty_lots"]
    event["status_filled_lots"] = their["filled_lots"]
    event["status_stop_ticks"], event["status_limit_ticks"] = their["stop_ticks"], their["limit_ticks"]
    return event


def _note_order(row: Any, their: Any, differences: list[Difference]) -> None:
    ours, subject = OrderStatus(row["status"]).name.lower(), f"order {int(row['id'])}"
    if their is None:
        differences.append(Difference("order_not_found", subject, ours, "none", True))
    elif is_finished(int(their["status"])):
        status = OrderStatus(their["status"]).name.lower()
        differences.append(Difference("order_ended", subject, ours, status, True))


def _after(brain: Records, config: Records, events: Records) -> Records:
    """The state as the events leave it, new risk halted or not."""
    after = brain.copy()
    warm_up([take_all])
    take_all(config, after, np.zeros(1, dtype=OUTBOX), events)
    return after


def _unsettled(brain: Any) -> list[Difference]:
    rows, care = brain["orders"], brain["care"]
    found = []
    for slot in range(int(brain["n_slots"])):
        is_unsettled = rows[slot]["status"] == UNKNOWN or care[slot]["venue_filled_lots"] > rows[slot]["filled_lots"]
        if is_unsettled:
            ours = OrderStatus(rows[slot]["status"]).name.lower()
            theirs = f"{int(care[slot]['venue_filled_lots'])} lots filled"
            found.append(Difference(UNSETTLED, f"order {int(rows[slot]['id'])}", ours, theirs, False))
    return found


def _other_positions(brain: Any, universe: Universe, account: VenueAccount) -> list[Difference]:
    if account.lots is None:
        return []
    return [
        Difference("position", name, f"{int(brain['positions'][k]['lots'])} lots", f"{theirs} lots", False)
        for k, (name, theirs) in enumerate(zip(universe.symbols, account.lots, strict=True))
        if int(brain["positions"][k]["lots"]) != theirs
    ]


def _other_balances(brain: Any, universe: Universe, account: VenueAccount) -> list[Difference]:
    if account.balances is None:
        return []
    held = brain["ledger"]["balances"][HOLDINGS]
    found = []
    for k, asset in enumerate(universe.assets):
        if asset in account.balances and int(held[k]) != account.balances[asset]:
            ours, theirs = int(held[k]), account.balances[asset]
            is_explained = ours - theirs == _moved_by_the_order_of_fills(brain, universe, account, asset)
            found.append(Difference("balance", asset, f"{ours} atoms", f"{theirs} atoms", is_explained))
    return found


def _moved_by_the_order_of_fills(brain: Any, universe: Universe, account: VenueAccount, asset: str) -> int:
    """Atoms by which an asset differs because open perpetuals were booked in another order than they were filled.

    A reduction rounds what it releases of the basis, so the order decides where an atom of an open position stands:
    in its basis or in the balance. Their difference does not depend on it, and at zero lots nothing is left of it.
    """
    theirs = recompute(universe, list(np.sort(account.fills, order="trade_id"))).holdings
    return sum(
        int(brain["positions"][k]["cost_atoms"]) - theirs[k].cost
        for k, instrument in enumerate(universe.instruments)
        if instrument.is_perpetual and instrument.quote == asset
    )


def _fills_not_there(booked: Records, account: VenueAccount) -> list[Difference]:
    """Fills that we booked and the venue, which remembers that far back, does not have."""
    if not len(account.fills):
        return []
    first = int(account.fills["trade_id"].min())
    theirs = set(zip(account.fills["symbol"].tolist(), account.fills["trade_id"].tolist(), strict=True))
    return [
        Difference("fill_not_at_venue", f"{int(fill['trade_id'])}", f"{int(fill['qty_lots'])} lots", "none", False)
        for fill in booked
        if fill["trade_id"] >= first and (int(fill["symbol"]), int(fill["trade_id"])) not in theirs
    ]
