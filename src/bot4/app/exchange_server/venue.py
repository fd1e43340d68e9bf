"""One served exchange, spot or USD-margined futures: the simulated exchange, its desk, its tapes, its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.app.exchange_server import futures_shapes, spot_shapes
from bot4.app.exchange_server.admission import Admission
from bot4.app.exchange_server.desk import OrderDesk
from bot4.app.exchange_server.exchange_info import exchange_info
from bot4.app.exchange_server.kline_streams import KlinePublisher
from bot4.app.exchange_server.listings import NS_PER_MS, Listing, atoms_text, listed
from bot4.app.exchange_server.order_requests import OrderRequest
from bot4.app.exchange_server.public_routes import agg_row, book_ticker_row, day_row
from bot4.app.exchange_server.records import FillRecord, ListRecord, OrderRecord
from bot4.app.exchange_server.refusals import refused_order
from bot4.app.exchange_server.streams import StreamHub
from bot4.app.exchange_server.tape import BOOK_LEVELS, BookDifference, Tape
from bot4.domain.events import MARK_PRICE, TRADE
from bot4.domain.instruments import Universe
from bot4.domain.orders import BUY
from bot4.domain.venue_reasons import NO_LIQUIDITY
from bot4.simulator.exchange import SimulatedExchange
from bot4.simulator.profile import VenueProfile
from bot4.simulator.rules.presets import RuleSettings, plain_rules
from bot4.simulator.rules.rate_limits import RateSettings
from bot4.simulator.rules.request_windows import RequestSettings

SPOT, FUTURES = "spot", "futures"
_UID = 354_937_868


@dataclass(frozen=True, slots=True)
class VenueChoice:
    """What an exchange is made of.

    Attributes:
        market: SPOT or FUTURES.
        universe: its symbols.
        profile: how it behaves.
        balances: what the account starts with, by asset.
    """

    market: str
    universe: Universe
    profile: VenueProfile
    balances: Mapping[str, Decimal]

    @property
    def rules(self) -> RuleSettings:
        """Its filters, fees and limits."""
        return self.profile.rules or plain_rules()

    @property
    def behind_the_interface(self) -> VenueProfile:
        """The profile of the simulated exchange: requests are counted and timed where they come in, by their clock."""
        untimed = RequestSettings(default_window_ns=0)
        return replace(self.profile, rules=replace(self.rules, rates=RateSettings(), requests=untimed))


class ServedVenue:
    """An exchange with a public and a private face.

    Args:
        choice: what it is made of.
        hub: where its messages go.
        seed: of the exchange.
        start_ns: its time at the start.
    """

    def __init__(self, choice: VenueChoice, hub: StreamHub, seed: int, start_ns: int) -> None:
        self.choice = choice
        self.market = choice.market
        self.hub = hub
        self.seed = seed
        self.listen_key = ""
        self.uid = _UID
        universe = choice.universe
        self.listings = listed(Listing(at, instrument) for at, instrument in enumerate(universe.instruments))
        self.tapes = {listing.symbol: Tape(listing) for listing in self.listings.values()}
        self.klines = KlinePublisher(hub, choice.market)
        self.exchange = self._new_exchange(start_ns)
        self.decimals = {asset: universe.decimals(asset) for asset in self.exchange.balances()}
        self.admission = Admission(choice.rules)
        self.desk = self._new_desk()
        self._balances = dict(self.exchange.balances())
        self._keys_given = 0
        self.marks: dict[int, int] = {}

    def _new_exchange(self, start_ns: int) -> SimulatedExchange:
        choice = self.choice
        return SimulatedExchange(
            choice.universe, choice.behind_the_interface, balances=choice.balances, seed=self.seed, start_ns=start_ns
        )

    def _new_desk(self) -> OrderDesk:
        return OrderDesk(
            self.exchange,
            self.listings,
            self.choice.universe.assets,
            self,
            is_futures=self.is_futures,
            remembers_ids=self.choice.profile.idempotency != 0,
            default_self_trade=int(self.choice.profile.self_trade),
            on_taking_fill=self._print_taking_fill,
        )

    @property
    def is_futures(self) -> bool:
        """Whether it is the futures exchange."""
        return self.market == FUTURES

    @property
    def quote(self) -> str:
        """The asset that prices are in."""
        return self.choice.universe.quote

    @property
    def now_ms(self) -> int:
        """The market's time."""
        return int(self.exchange.now_ns) // NS_PER_MS

    @property
    def fee_rates(self) -> tuple[Decimal, Decimal]:
        """Maker and taker fee of the first symbol, as fractions."""
        instrument = self.choice.universe.instruments[0]
        return instrument.maker_fee, instrument.taker_fee

    def exchange_info(self, now_ms: int) -> dict[str, Any]:
        """The answer of ``/exchangeInfo``."""
        return exchange_info(self.choice, list(self.listings.values()), self.admission.rate_limits(now_ms), now_ms)

    # --- the market -------------------------------------------------------------------------------------------

    def take_market(self, events: npt.NDArray[np.void]) -> None:
        """Let market events happen, and tell everyone what came of them."""
        if len(events):
            self.exchange.feed(events)
            for event in events[events["kind"] == MARK_PRICE]:
                self.marks[int(event["symbol"])] = int(event["mark_ticks"])
            for event in events[events["kind"] == TRADE]:
                self._print(
                    int(event["symbol"]),
                    int(event["ts_ns"]),
                    int(event["price_ticks"]),
                    self._lots(int(event["symbol"]), float(event["quantity"])),
                    int(event["aggressor"]),
                )
        self.settle()

    def advance(self, now_ns: int) -> None:
        """Let time pass, and tell everyone what came of it."""
        self.exchange.advance(now_ns)
        self.settle()

    def settle(self) -> None:
        """Collect the exchange's reports, and send what is due on the streams."""
        self.desk.collect()
        self.flush()
        for symbol, tape in self.tapes.items():
            self.refresh_book(symbol)
            tape.roll(self.now_ms)

    def flush(self) -> bool:
        """Send the user stream what the desk has to say; whether there was anything."""
        messages, self.desk.messages = self.desk.messages, []
        for message in messages:
            self.hub.publish_user(self.market, self.listen_key, message)
        balances = dict(self.exchange.balances())
        changed = {asset: pair for asset, pair in balances.items() if self._balances.get(asset) != pair}
        self._balances = balances
        if changed:
            self.hub.publish_user(self.market, self.listen_key, self._balance_message(changed))
        return bool(messages or changed)

    def _balance_message(self, changed: dict[str, tuple[int, int]]) -> dict[str, Any]:
        if self.is_futures:
            return futures_shapes.account_message(self.wallet_texts(), self.position_rows(), self.now_ms)
        return spot_shapes.balances_message(self._texts(changed), self.now_ms)

    def refresh_book(self, symbol: int) -> None:
        """Enter the book as it is now on the tape, and send what changed."""
        tape = self.tapes[symbol]
        before = book_ticker_row(tape)
        difference = tape.take_book(*self.exchange.depth(symbol, BOOK_LEVELS))
        if difference is None:
            return
        name = tape.listing.name.lower()
        streams = {f"{name}@depth{speed}": self._depth_message(tape, difference) for speed in ("", "@100ms")}
        self.hub.publish_depth(self.market, streams)
        self._publish_partial_books(tape, name)
        row = book_ticker_row(tape)
        if row != before:
            self.hub.publish(self.market, f"{name}@bookTicker", self._book_ticker_message(tape, row))

    def _publish_partial_books(self, tape: Tape, name: str) -> None:
        for n_levels in (5, 10, 20):
            for speed in ("", "@100ms"):
                stream = f"{name}@depth{n_levels}{speed}"
                if self.hub.wants(self.market, stream):
                    bids, asks = tape.levels(True, n_levels), tape.levels(False, n_levels)
                    self.hub.publish(self.market, stream, {"lastUpdateId": tape.update_id, "bids": bids, "asks": asks})

    def _depth_message(self, tape: Tape, difference: BookDifference) -> dict[str, Any]:
        message = {
            "e": "depthUpdate",
            "E": self.now_ms,
            "s": tape.listing.name,
            "U": difference.first_id,
            "u": difference.last_id,
            "b": tape.texts(difference.bids),
            "a": tape.texts(difference.asks),
        }
        return message | {"T": self.now_ms, "pu": difference.previous_id} if self.is_futures else message

    def _book_ticker_message(self, tape: Tape, row: dict[str, Any]) -> dict[str, Any]:
        message = {
            "u": tape.update_id,
            "s": row["symbol"],
            "b": row["bidPrice"],
            "B": row["bidQty"],
            "a": row["askPrice"],
            "A": row["askQty"],
        }
        return {"e": "bookTicker", **message, "T": self.now_ms, "E": self.now_ms} if self.is_futures else message

    def publish_by_time(self, *, is_second: bool) -> None:
        """Send what comes by time and not by events: klines, and once a second the day's tickers."""
        self.klines.publish(list(self.tapes.values()), self.now_ms, is_second=is_second)
        if not is_second:
            return
        for tape in self.tapes.values():
            name = tape.listing.name.lower()
            for stream in (f"{name}@ticker", f"{name}@miniTicker"):
                if self.hub.wants(self.market, stream):
                    row = day_row(tape, self.now_ms)
                    self.hub.publish(self.market, stream, _ticker_message(row, self.now_ms, stream))

    def _print_taking_fill(self, symbol: int, ts_ns: int, price_ticks: int, lots: int, side: int) -> None:
        self._print(symbol, ts_ns, price_ticks, lots, side)

    def _print(self, symbol: int, ts_ns: int, price_ticks: int, lots: int, aggressor: int) -> None:
        if lots <= 0:
            return
        tape = self.tapes[symbol]
        trade = tape.take_trade(ts_ns, price_ticks, lots, aggressor)
        name, row = tape.listing.name, agg_row(tape, trade)
        heads = {"E": self.now_ms, "s": name}
        self.hub.publish(self.market, f"{name.lower()}@aggTrade", {"e": "aggTrade", **heads, **row})
        one = {"t": row["a"], **{key: row[key] for key in ("p", "q", "T", "m", "M")}}
        self.hub.publish(self.market, f"{name.lower()}@trade", {"e": "trade", **heads, **one})

    def _lots(self, symbol: int, quantity: float) -> int:
        return round(quantity / float(self.tapes[symbol].listing.instrument.lot_size))

    # --- prices and quantities --------------------------------------------------------------------------------

    def best_ticks(self, symbol: int) -> tuple[int, int]:
        """Best bid and ask now, 0 where there is none."""
        bids, asks = self.exchange.depth(symbol, 1)
        return (int(bids[0, 0]) if len(bids) else 0), (int(asks[0, 0]) if len(asks) else 0)

    def with_quantity(self, request: OrderRequest) -> OrderRequest:
        """An order by value with the quantity that the other side of the book has for it now, rounded down."""
        if request.quote_qty is None:
            return request
        instrument = request.listing.instrument
        left = request.quote_qty / (instrument.tick_size * instrument.lot_size)
        bids, asks = self.exchange.depth(request.listing.symbol, BOOK_LEVELS)
        lots = 0
        for price, standing in asks if request.side == BUY else bids:
            taken = min(int(standing), int(left // int(price)))
            lots += taken
            left -= taken * int(price)
            if taken < int(standing):
                break
        if lots == 0 and not len(asks if request.side == BUY else bids):
            raise refused_order(NO_LIQUIDITY)
        return replace(request, qty_lots=lots)

    # --- the account ------------------------------------------------------------------------------------------

    def balance_texts(self) -> dict[str, tuple[str, str]]:
        """Free and locked of every asset."""
        return self._texts(self.exchange.balances())

    def _texts(self, balances: Mapping[str, tuple[int, int]]) -> dict[str, tuple[str, str]]:
        return {
            asset: (atoms_text(free, self.decimals[asset]), atoms_text(locked, self.decimals[asset]))
            for asset, (free, locked) in balances.items()
        }

    def wallet_texts(self) -> dict[str, str]:
        """Wallet balance of every asset: free and locked together."""
        return {
            asset: atoms_text(free + locked, self.decimals[asset])
            for asset, (free, locked) in self.exchange.balances().items()
        }

    def mark_ticks(self, symbol: int) -> int:
        """Mark price; the last trade's where none was said."""
        return self.marks.get(symbol) or self.tapes[symbol].last_ticks

    def position_rows(self) -> list[dict[str, Any]]:
        """The positions as ``positionRisk`` shows them."""
        return [
            futures_shapes.position(self.desk.by_symbol[symbol], row, self.decimals[self.quote], self.now_ms)
            for symbol, row in enumerate(self.exchange.positions())
        ]

    # --- messages ---------------------------------------------------------------------------------------------

    def order_message(
        self, record: OrderRecord, execution: str, execution_id: int, fill: FillRecord | None, reason: str
    ) -> dict[str, Any]:
        """A user-stream message about one order."""
        listing = self.desk.by_symbol[record.symbol]
        if self.is_futures:
            return futures_shapes.order_update(listing, record, execution, self.now_ms, self.decimals, fill)
        return spot_shapes.execution_report(
            listing, record, execution, execution_id, self.now_ms, self.decimals, fill, reason
        )

    def list_message(self, record: ListRecord, orders: list[OrderRecord]) -> dict[str, Any] | None:
        """A user-stream message about an order list; futures have none."""
        if self.is_futures:
            return None
        return spot_shapes.list_status(self.desk.by_symbol[record.symbol], record, orders, self.now_ms)

    def open_listen_key(self) -> str:
        """The account's listen key; a new one where there is none."""
        if not self.listen_key:
            self._keys_given += 1
            rng = np.random.Generator(np.random.PCG64([self.seed, len(self.market), self._keys_given]))
            self.listen_key = "".join(chr(97 + int(at)) for at in rng.integers(0, 26, 60))
        return self.listen_key

    def close_listen_key(self) -> None:
        """End the account's user stream."""
        self.listen_key = ""

    # --- a crash, and files -----------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Arrays of the exchange, and everything else as plain values."""
        tapes = {str(symbol): tape.update_id for symbol, tape in self.tapes.items()}
        return dict(self.exchange.state()), {"desk": self.desk.state(), "update_ids": tapes}

    def restore(self, arrays: dict[str, Any], values: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave: a new exchange with the same orders and balances."""
        self.exchange = self._new_exchange(0)
        self.exchange.restore(arrays)
        self.desk = self._new_desk()
        self.desk.restore(values["desk"])
        for symbol, update_id in values["update_ids"].items():
            self.tapes[int(symbol)].update_id = update_id
        self._balances = dict(self.exchange.balances())
        self.listen_key = ""


def _ticker_message(row: dict[str, Any], now_ms: int, stream: str) -> dict[str, Any]:
    mini = {
        "E": now_ms,
        "s": row["symbol"],
        "c": row["lastPrice"],
        "o": row["openPrice"],
        "h": row["highPrice"],
        "l": row["lowPrice"],
        "v": row["volume"],
        "q": row["quoteVolume"],
    }
    if stream.endswith("miniTicker"):
        return {"e": "24hrMiniTicker", **mini}
    whole = {
        "p": row["priceChange"],
        "P": row["priceChangePercent"],
        "w": row["weightedAvgPrice"],
        "x": row["prevClosePrice"],
        "Q": row["lastQty"],
        "b": row["bidPrice"],
        "B": row["bidQty"],
        "a": row["askPrice"],
        "A": row["askQty"],
        "O": row["openTime"],
        "C": row["closeTime"],
        "F": row["firstId"],
        "L": row["lastId"],
        "n": row["count"],
    }
    return {"e": "24hrTicker", **mini, **whole}
