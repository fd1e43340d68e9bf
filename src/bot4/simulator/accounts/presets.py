"""Margin of perpetuals in Binance's likeness: brackets with round figures, the same for every symbol.

Real brackets differ by symbol and change; a run that must match a day's gives them
(:class:`~bot4.simulator.accounts.margin.LeverageBracket`).
"""

from __future__ import annotations

from decimal import Decimal

from bot4.simulator.accounts.margin import LeverageBracket, MarginSettings


def binance_linear_margin() -> MarginSettings:
    """USD-margined: caps in the quote currency, cross margin, 20x."""
    return MarginSettings(
        _brackets(
            (50_000, "0.004", 125), (500_000, "0.005", 100), (2_000_000, "0.01", 50), (10_000_000, "0.025", 20),
            (50_000_000, "0.05", 10), (100_000_000, "0.1", 5), (200_000_000, "0.125", 4), (500_000_000, "0.25", 2),
            (1_000_000_000, "0.5", 1),
        )
    )  # fmt: skip


def binance_inverse_margin() -> MarginSettings:
    """Coin-margined: caps in the base asset, cross margin, 20x."""
    return MarginSettings(
        _brackets(
            (5, "0.004", 125), (10, "0.005", 100), (50, "0.01", 50), (200, "0.025", 20), (500, "0.05", 10),
            (1_000, "0.1", 5), (2_000, "0.125", 4), (5_000, "0.25", 2), (10_000, "0.5", 1),
        )
    )  # fmt: skip


def _brackets(*rows: tuple[int, str, int]) -> tuple[LeverageBracket, ...]:
    return tuple(LeverageBracket(Decimal(cap), Decimal(rate), leverage) for cap, rate, leverage in rows)
