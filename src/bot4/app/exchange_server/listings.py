"""What is listed: a symbol's name at the exchange, its grid, and numbers as the texts that Binance writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from bot4.app.exchange_server.refusals import Refusal, bad_symbol
from bot4.domain.instruments import Instrument

NS_PER_MS = 1_000_000
DECIMALS = 8
_PERPETUAL_SUFFIX = "_PERP"
_LONGEST_NUMBER = Decimal(2**62)


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol of one exchange.

    Attributes:
        symbol: its id at the simulated exchange.
        instrument: what it is.
    """

    symbol: int
    instrument: Instrument

    @property
    def name(self) -> str:
        """As the exchange spells it: ``BTCUSDT`` for the spot market and for the perpetual."""
        return self.instrument.symbol.removesuffix(_PERPETUAL_SUFFIX)

    def ticks(self, price: Decimal) -> int:
        """A price as ticks; a price off the grid is refused."""
        return _steps(price, self.instrument.tick_size, "PRICE_FILTER")

    def lots(self, quantity: Decimal) -> int:
        """A quantity as lots; a quantity off the grid is refused."""
        return _steps(quantity, self.instrument.lot_size, "LOT_SIZE")

    def price(self, ticks: int) -> str:
        """A price as text."""
        return number_text(ticks * self.instrument.tick_size)

    def quantity(self, lots: int) -> str:
        """A quantity as text."""
        return number_text(lots * self.instrument.lot_size)

    def value(self, ticks_times_lots: int) -> str:
        """A sum of price times quantity, in ticks times lots, as text in the quote currency."""
        return number_text(ticks_times_lots * self.instrument.tick_size * self.instrument.lot_size)

    def ratio(self, ticks_times_lots: int, lots: int) -> str:
        """The average price of so many lots as text, ``0`` for none."""
        if lots == 0:
            return number_text(Decimal(0))
        return number_text(Decimal(ticks_times_lots) / lots * self.instrument.tick_size)


def number_text(value: Decimal) -> str:
    """A number with eight decimals, as Binance writes it."""
    return f"{value:.{DECIMALS}f}"


def atoms_text(atoms: int, decimals: int) -> str:
    """A balance or a fee in atoms as text."""
    return number_text(Decimal(int(atoms)).scaleb(-decimals))


def listed(listings: Iterable[Listing]) -> Mapping[str, Listing]:
    """The listings by name."""
    return {listing.name: listing for listing in listings}


def find_listing(listings: Mapping[str, Listing], name: str) -> Listing:
    """The listing of a name, or Binance's refusal."""
    found = listings.get(name)
    if found is None:
        raise bad_symbol()
    return found


def _steps(value: Decimal, step: Decimal, name: str) -> int:
    steps = value / step
    if steps != steps.to_integral_value() or steps > _LONGEST_NUMBER:
        raise Refusal(-1013, f"Filter failure: {name}")
    return int(steps)
