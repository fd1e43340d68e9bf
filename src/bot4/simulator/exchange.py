"""The exchange in a box, as Python meets it: market events and commands go in, reports come out.

One :class:`SimulatedExchange` is one account at one venue. Its matching is :mod:`bot4.simulator.feeding`'s, compiled;
what it holds is a few arrays, and a snapshot is their bytes. There is no network here: commands act at the moment of
the call, at venue time (``simulator/network/`` puts latency, loss and faults before it). What kind of venue it is says
its :class:`~bot4.simulator.profile.VenueProfile`; see ``docs/simulator.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import DataError
from bot4.domain.events import BOOK_ADD, BOOK_ORDER, EVENT, EventKind, copied_rows
from bot4.domain.instruments import MAX_SYMBOLS, Universe, pack_instruments
from bot4.domain.ledger import book_deposit
from bot4.domain.orders import BUY, COMMAND, FILL, QUERY, SELL
from bot4.domain.portfolio import HOLDINGS, LEDGER, POSITION
from bot4.kernel import i8, kernel, records
from bot4.simulator.account_view import ACCOUNT_POSITION, read_positions
from bot4.simulator.accounts.balances import pack_balances
from bot4.simulator.book.ladder import new_ladder, read_levels, set_level
from bot4.simulator.book.price_time import FILL_COLUMNS, new_price_time_book, read_orders
from bot4.simulator.checking import EventFault, first_bad_event
from bot4.simulator.doors import open_doors
from bot4.simulator.feeding import ALL_DONE, BOOK_FULL, feed_events, pass_time, take_requests
from bot4.simulator.fill_history import MAX_FILLS, book_reported_fills, remembered
from bot4.simulator.market_queue import tell_order
from bot4.simulator.order_book import displayed_lots
from bot4.simulator.profile import VenueProfile, write_profile
from bot4.simulator.resting import is_resting
from bot4.simulator.retelling import missing_fills
from bot4.simulator.state import MAX_FINISHED, VENUE, AccountKind, open_venue

Events: TypeAlias = npt.NDArray[np.void]
Commands: TypeAlias = npt.NDArray[np.void]
Levels: TypeAlias = npt.NDArray[np.int64]

N_REPORT_ROWS = 16_384
_WINDOW_TICKS = 4_096
_FAR_LEVELS = 1_024
_MARKET_ORDERS = 16_384

_NO_EVENTS = np.zeros(0, dtype=EVENT)
_NO_EVENTS.setflags(write=False)


@kernel(i8(records(LEDGER), i8, i8))
def _deposit(ledgers: Any, asset: int, atoms: int) -> int:
    return int(book_deposit(ledgers[0], asset, atoms))


@kernel(i8(records(VENUE), i8))
def _shown_lots(venues: Any, at: int) -> int:
    order = venues[0]["orders"][at]
    return int(displayed_lots(order)) if is_resting(order) else 0


class SimulatedExchange:
    """One account at a simulated venue.

    Everything is decided by what is fed and asked, in that order: the same calls leave the same bytes.
    """

    def __init__(
        self,
        universe: Universe,
        profile: VenueProfile,
        *,
        balances: Mapping[str, Decimal] | None = None,
        seed: int = 0,
        start_ns: int = 0,
    ) -> None:
        """Open an account.

        Args:
            universe: what is listed.
            profile: how the venue behaves.
            balances: first deposits by asset.
            seed: kept for whoever wraps the exchange; nothing in here is drawn.
            start_ns: venue time.

        Raises:
            SettingError: a deposit of an asset that the universe has not, or one that is no amount.
        """
        self.universe = universe
        self.profile = profile
        self.seed = seed
        self._instruments = pack_instruments(universe)
        self._venue = open_venue(self._instruments)
        write_profile(profile, universe, self._venue, start_ns)
        self._venue[0]["now_ns"] = start_ns
        self._n_far = _FAR_LEVELS
        self._n_orders = 0  # of the market that the books have room for; 0: they have levels only
        self._books = np.stack([new_ladder(_WINDOW_TICKS, _FAR_LEVELS) for _ in universe.instruments])
        self._venue[0]["ladder_words"] = self._books.shape[1]
        self._fills = np.zeros(MAX_FILLS, dtype=FILL)
        self._ledger = np.zeros(1, dtype=LEDGER)
        self._positions = np.zeros(MAX_SYMBOLS, dtype=POSITION)
        self._reports = np.zeros(N_REPORT_ROWS, dtype=EVENT)
        self._unread: list[Events] = []
        self._doors = open_doors()
        self._venue[0]["balances"] = pack_balances(universe, balances or {})[0]
        for at in range(len(universe.assets)):
            _deposit(self._ledger, at, int(self._venue[0]["balances"]["free"][at]))
        self._hold_deposits()

    # --- what happens ----------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Venue time."""
        return int(self._venue[0]["now_ns"])

    def feed(self, events: Events) -> None:
        """Let market events happen, in time order; venue time moves to each.

        A symbol is matched on its book from the first BOOK_CHANGE or QUOTE on, else on its trades and bars.

        Raises:
            DataError: where an event makes no sense, is of another symbol or goes back in time; then none of the
                events has happened.
        """
        tape = _writable(events, EVENT, "market events")
        n = len(tape)
        bad = int(first_bad_event(self._venue, tape, 0, n))
        if bad < n:
            raise self._complaint(tape[bad], bad)
        at, status = 0, ALL_DONE
        while at < n or status != ALL_DONE:
            at = int(feed_events(self._venue, self._books, tape, at, n, self._reports, self._doors))
            self._keep(self._collect())
            status = int(self._venue[0]["status"])
            if status == BOOK_FULL:
                self._grow_books(tape[at])

    def advance(self, now_ns: int) -> None:
        """Let time pass: orders whose time is up expire, each at its own time.

        Raises:
            DataError: where the time lies before the venue's.
        """
        if now_ns < self.now_ns:
            raise DataError(
                f"time {now_ns} lies before venue time {self.now_ns}", where="exchange", remedy="give a later time"
            )
        while int(pass_time(self._venue, self._books, now_ns, self._reports, self._doors)) != ALL_DONE:
            self._keep(self._collect())
        self._keep(self._collect())

    def request(self, commands: Commands) -> Events:
        """Let commands act now, in their order; returns the reports that they caused.

        Orders of one group, and a parent followed by its children, are taken in together before the first of them
        meets the market. The answer to a query brings, before the order's status, its fills where it has filled more
        than the query's ``filled_lots``.

        Raises:
            DataError: where a command is about a symbol that is not listed; then none has acted.
        """
        asked = _writable(commands, COMMAND, "commands")
        symbols = asked["order"]["symbol"]
        if len(asked) and not (0 <= int(symbols.min()) and int(symbols.max()) < len(self._instruments)):
            raise DataError(
                "a command is about a symbol that is not listed", where="exchange",
                remedy=f"give 0 to {len(self._instruments) - 1}",
            )  # fmt: skip
        pages: list[Events] = []
        at, status = 0, ALL_DONE
        while at < len(asked) or status != ALL_DONE:
            at = int(take_requests(self._venue, self._books, asked, at, len(asked), self._reports, self._doors))
            pages.append(self._collect())
            status = int(self._venue[0]["status"])
        reports = pages[0] if len(pages) == 1 else np.concatenate(pages, dtype=EVENT) if pages else _NO_EVENTS
        if np.any(asked["kind"] == QUERY):
            return missing_fills(reports, asked, self.fills())
        return reports

    def drain(self) -> Events:
        """Every report since the last call that :meth:`request` did not return, in order, stamped with venue time."""
        unread, self._unread = self._unread, []
        if not unread:
            return _NO_EVENTS
        return unread[0] if len(unread) == 1 else np.concatenate(unread, dtype=EVENT)

    # --- what can be seen ------------------------------------------------------------------------------------------

    def order(self, order_id: int) -> np.void | None:
        """A copy of the latest order of an id, a finished one while it is remembered; None for none."""
        venue = self._venue[0]
        n = int(venue["n_orders"])
        found = np.flatnonzero(venue["orders"]["id"][:n] == order_id)
        if len(found):
            row: np.void = venue["orders"][int(found[-1])].copy()
            return row
        n_finished = int(venue["n_finished"])
        found = np.flatnonzero(venue["finished"]["id"][: min(n_finished, MAX_FINISHED)] == order_id)
        if not len(found):
            return None
        latest = max(found, key=lambda at: (int(at) - n_finished) % MAX_FINISHED)
        ended: np.void = venue["finished"][int(latest)].copy()
        return ended

    def open_orders(self, symbol: int | None = None) -> npt.NDArray[np.void]:
        """Held and open orders by id, as :data:`~bot4.simulator.state.VENUE_ORDER` records."""
        venue = self._venue[0]
        rows = venue["orders"][: int(venue["n_orders"])]
        wanted: npt.NDArray[np.void] = rows.copy() if symbol is None else rows[rows["symbol"] == symbol].copy()
        return wanted

    def finished_orders(self) -> npt.NDArray[np.void]:
        """Orders that have ended and are remembered, the oldest first, as VENUE_ORDER records."""
        ended = int(self._venue[0]["n_finished"])
        places = np.arange(max(0, ended - MAX_FINISHED), ended) % MAX_FINISHED
        rows: npt.NDArray[np.void] = self._venue[0]["finished"][places]
        return rows

    def fills(self, after_trade_id: int = 0) -> npt.NDArray[np.void]:
        """The latest fills, at most :data:`~bot4.simulator.fill_history.MAX_FILLS`, as FILL records by trade id."""
        found: npt.NDArray[np.void] = remembered(self._fills, int(self._venue[0]["next_trade_id"]), after_trade_id)
        return found

    def balances(self) -> dict[str, tuple[int, int]]:
        """Free and locked atoms of every asset."""
        if self.profile.account is AccountKind.UNCHECKED:
            held = self._ledger[0]["balances"][HOLDINGS]
            return {asset: (int(held[at]), 0) for at, asset in enumerate(self.universe.assets)}
        free, locked = self._venue[0]["balances"]["free"], self._venue[0]["balances"]["locked"]
        return {asset: (int(free[at]), int(locked[at])) for at, asset in enumerate(self.universe.assets)}

    def positions(self) -> npt.NDArray[np.void]:
        """Position of every symbol, by symbol id, as :data:`ACCOUNT_POSITION` records."""
        found = np.zeros(len(self._instruments), dtype=ACCOUNT_POSITION)
        read_positions(self._venue, found)
        if self.profile.account in (AccountKind.UNCHECKED, AccountKind.SPOT):
            for name in ("cost_atoms", "realised_atoms", "funding_atoms"):
                found[name] = self._positions[name][: len(found)]
        return found

    def depth(self, symbol: int, n: int) -> tuple[Levels, Levels]:
        """The best ``n`` bids and asks, our own orders among them, as int64[m, 2] rows of ticks and lots."""
        return self._side(symbol, BUY, n), self._side(symbol, SELL, n)

    # --- snapshots -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of everything that the exchange is, for :meth:`restore` of one of the same universe and profile."""
        unread = np.concatenate(self._unread, dtype=EVENT) if self._unread else _NO_EVENTS
        return {
            "venue": self._venue.copy(),
            "books": self._books.copy(),
            "sizes": np.array([self._n_far, self._n_orders]),
            "fills": self._fills.copy(),
            "ledger": self._ledger.copy(),
            "positions": self._positions.copy(),
            "unread": unread,
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go back to a state that :meth:`state` gave."""
        self._venue[:] = state["venue"]
        self._books = state["books"].copy()
        self._n_far, self._n_orders = (int(size) for size in state["sizes"])
        self._fills[:] = state["fills"]
        self._ledger[:] = state["ledger"]
        self._positions[:] = state["positions"]
        self._unread = [state["unread"].copy()] if len(state["unread"]) else []

    # --- within ----------------------------------------------------------------------------------------------------

    def _collect(self) -> Events:
        """The reports written since the last time, booked."""
        venue = self._venue[0]
        n = int(venue["n_reports"])
        if n == 0:
            return _NO_EVENTS
        venue["n_reports"] = 0
        book_reported_fills(self._fills, self._ledger, self._instruments, self._positions, self._reports, 0, n)
        return copied_rows(self._reports[:n])

    def _keep(self, reports: Events) -> None:
        if len(reports):
            self._unread.append(reports)

    def _hold_deposits(self) -> None:
        """What was deposited of a base on spot is held from the start."""
        for at, instrument in enumerate(self.universe.instruments):
            if not instrument.is_perpetual:
                packed = self._instruments[at]
                atoms = int(self._venue[0]["balances"]["free"][int(packed["base_asset"])])
                self._venue[0]["net_lots"][at] = atoms // int(packed["base_atoms_per_lot"])

    def _side(self, symbol: int, side: int, n: int) -> Levels:
        rows = np.zeros((n, 2), dtype=np.int64)
        rows = rows[: int(read_levels(self._books[symbol], side, rows))]
        own: dict[int, int] = {}
        venue = self._venue[0]
        for at in range(int(venue["n_orders"])):
            order = venue["orders"][at]
            if order["symbol"] == symbol and order["side"] == side:
                lots = int(_shown_lots(self._venue, at))
                if lots:
                    own[int(order["limit_ticks"])] = own.get(int(order["limit_ticks"]), 0) + lots
        if not own:
            return rows
        levels: dict[int, int] = {int(ticks): int(lots) for ticks, lots in rows}
        for ticks, lots in own.items():
            levels[ticks] = levels.get(ticks, 0) + lots
        best_first = sorted(levels.items(), key=lambda level: -side * level[0])[:n]
        return np.array(best_first, dtype=np.int64).reshape(-1, 2)

    def _grow_books(self, event: np.void) -> None:
        """The same books with more room: for levels far from the market, or for the orders of the market."""
        n_levels, n_orders = _WINDOW_TICKS + self._n_far, self._n_orders
        if int(event["kind"]) == BOOK_ORDER:
            self._n_orders = max(_MARKET_ORDERS, 2 * n_orders)
        if n_orders or int(event["kind"]) != BOOK_ORDER:
            self._n_far *= 2
        grown = []
        for book in self._books:
            if not self._n_orders:
                larger = new_ladder(_WINDOW_TICKS, self._n_far)
            else:
                larger = new_price_time_book(self._n_orders, self._n_orders, _WINDOW_TICKS, self._n_far)
            orders = np.zeros((n_orders, FILL_COLUMNS), dtype=np.int64)
            n_found = int(read_orders(book, orders)) if n_orders else 0
            for order_id, _owner, side, ticks, lots, _hidden in orders[:n_found].tolist():
                tell_order(larger, BOOK_ADD, order_id, side, ticks, lots)
            for side in (BUY, SELL) if not n_found else ():
                rows = np.zeros((n_levels, 2), dtype=np.int64)
                for ticks, lots in rows[: int(read_levels(book, side, rows))].tolist():
                    set_level(larger, side, ticks, lots)
            grown.append(larger)
        self._books = np.stack(grown)
        self._venue[0]["ladder_words"] = len(new_ladder(_WINDOW_TICKS, self._n_far))

    def _complaint(self, event: np.void, at: int) -> DataError:
        fault = EventFault(int(self._venue[0]["status"]))
        kind = int(event["kind"])
        name = EventKind(kind).name if kind in list(EventKind) else f"kind {kind}"
        return DataError(
            f"event {at} ({name} of symbol {event['symbol']} at {event['ts_ns']}): "
            f"{fault.name.lower().replace('_', ' ')}",
            where="exchange",
            remedy="correct the data: none of these events has happened",
        )


def _writable(rows: npt.NDArray[np.void], dtype: np.dtype[Any], what: str) -> npt.NDArray[np.void]:
    """The rows as the kernels take them."""
    if rows.dtype != dtype or rows.ndim != 1:
        raise DataError(
            f"{what} are not of their own type",
            where="exchange",
            remedy="give a one-dimensional array of EVENT or COMMAND",
        )
    if rows.flags["C_CONTIGUOUS"] and rows.flags["WRITEABLE"]:
        return rows
    return rows.copy()
