"""The register of cases: each a function over a driver, with what it needs of a venue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.contract.execution.driver import (
    Answer,
    Balance,
    Capability,
    ExecutionDriver,
    Fill,
    Order,
    Outcome,
    Setup,
    View,
    Why,
)

SPOT = Setup()
LINEAR = Setup(market="linear")


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: a sentence that can be false.
        group: heading in the table of cases.
        needs: what a driver must be able to express.
        setup: the venue that it wants.
        run: does it, with asserts.
    """

    name: str
    group: str
    needs: frozenset[Capability]
    setup: Setup
    run: Callable[[ExecutionDriver], None]

    @property
    def id(self) -> str:
        """As pytest shows it."""
        return self.run.__name__


CASES: list[Case] = []


def case(
    group: str, name: str, *needs: Capability, setup: Setup = SPOT
) -> Callable[[Callable[[ExecutionDriver], None]], Callable[[ExecutionDriver], None]]:
    """Enter a case in the register."""

    def enter(run: Callable[[ExecutionDriver], None]) -> Callable[[ExecutionDriver], None]:
        CASES.append(Case(name, group, frozenset(needs), setup, run))
        return run

    return enter


def buy(qty: str, price: str = "", *, id: str = "a", type: str = "", **more: object) -> Order:  # noqa: A002
    """An order to buy; a limit where it has a price and no type is named."""
    return Order(id, "buy", type or ("limit" if price else "market"), qty, price, **more)  # type: ignore[arg-type]


def sell(qty: str, price: str = "", *, id: str = "a", type: str = "", **more: object) -> Order:  # noqa: A002
    """An order to sell; a limit where it has a price and no type is named."""
    return Order(id, "sell", type or ("limit" if price else "market"), qty, price, **more)  # type: ignore[arg-type]


def placed(venue: ExecutionDriver, order: Order) -> View:
    """Place an order that the venue must take, and show it."""
    answer = venue.place(order)
    assert answer == Answer(Outcome.DONE), answer
    return shown(venue, order.id)


def shown(venue: ExecutionDriver, order_id: str = "a") -> View:
    """An order that the venue must know."""
    found = venue.query(order_id)
    assert found is not None, order_id
    return found


def refused(answer: Answer, why: Why) -> None:
    """Assert that an answer is a refusal for a reason."""
    assert answer == Answer(Outcome.REFUSED, why), answer


def prices(venue: ExecutionDriver, order_id: str = "a") -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each fill of an order."""
    return [(fill.price, fill.qty) for fill in of_order(venue, order_id)]


def of_order(venue: ExecutionDriver, order_id: str = "a") -> list[Fill]:
    """Fills of an order."""
    return [fill for fill in venue.fills() if fill.order_id == order_id]


def states(venue: ExecutionDriver, *ids: str) -> list[str]:
    """Status of several orders."""
    return [shown(venue, order_id).status for order_id in ids]


def balance(venue: ExecutionDriver, asset: str) -> Balance:
    """Balance of an asset."""
    return venue.balances()[asset]


def money(text: str) -> Decimal:
    """A number without the noise of floats."""
    return Decimal(text)
