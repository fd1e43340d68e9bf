"""An account as a venue shows it at one moment: what the books are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.instruments import Universe
from bot4.domain.orders import FILL, HELD, ORDER, PENDING, PLACE, is_finished

Records = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class VenueAccount:
    """What a venue says of an account.

    Attributes:
        ts_ns: venue time at which it was taken; later than everything told before.
        orders: ORDER records (their id is ours, their status the venue's): all open and held ones, and of the finished
            ones those that the venue still remembers.
        fills: FILL records by rising trade id, as far back as the venue remembers.
        lots: net position of every symbol id; None where the venue does not say (spot balances say it).
        balances: atoms of every asset, free and locked together; None where the venue does not say.
    """

    ts_ns: int
    orders: Records = field(default_factory=lambda: np.zeros(0, dtype=ORDER))
    fills: Records = field(default_factory=lambda: np.zeros(0, dtype=FILL))
    lots: tuple[int, ...] | None = None
    balances: Mapping[str, int] | None = None

    @property
    def open_orders(self) -> Records:
        """The orders that may still fill, held ones included."""
        return self.orders[[not is_finished(int(row["status"])) for row in self.orders]]


def account_of(exchange: Any) -> VenueAccount:
    """The account at a :class:`~bot4.simulator.exchange.SimulatedExchange`, or at whatever has its Python face."""
    return VenueAccount(
        ts_ns=int(exchange.now_ns),
        orders=np.concatenate([orders_of(exchange.finished_orders()), orders_of(exchange.open_orders())], dtype=ORDER),
        fills=exchange.fills(),
        lots=tuple(int(row["lots"]) for row in exchange.positions()),
        balances={asset: int(free) + int(locked) for asset, (free, locked) in exchange.balances().items()},
    )


def account_of_venue(venue: Records, universe: Universe, ts_ns: int) -> VenueAccount:
    """The account at the venue of a paper run: its orders, those on their way there too, and its positions.

    It keeps neither fills nor balances.
    """
    row = venue[0]
    queue = row["queue"][: int(row["n_queued"])]
    coming = orders_of(queue["order"][queue["kind"] == PLACE])
    coming["status"] = np.where(coming["status"] == HELD, HELD, PENDING)
    return VenueAccount(
        ts_ns=ts_ns,
        orders=np.concatenate([orders_of(row["orders"][: int(row["n_orders"])]), coming], dtype=ORDER),
        lots=tuple(int(lots) for lots in row["net_lots"][: len(universe.instruments)]),
    )


def orders_of(rows: Records) -> Records:
    """Records of a venue's own layout as ORDER records: by the names of the fields."""
    orders = np.zeros(len(rows), dtype=ORDER)
    for name in ORDER.names or ():
        orders[name] = rows[name]
    return orders
