"""docs/venue_rules.md is held to the code: its worked example is computed anew, its tables are the presets'."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.simulator.accounts.margin import (
    LeverageBracket,
    MarginSettings,
    critical_value_atoms,
    initial_margin_atoms,
    liquidation_ticks,
    maintenance_atoms,
    pack_brackets,
    unrealised_atoms,
)
from bot4.simulator.accounts.presets import binance_inverse_margin, binance_linear_margin
from bot4.simulator.rules.fee_schedule import VOLUME_DAYS, pack_fees
from bot4.simulator.rules.filters import pack_filters
from bot4.simulator.rules.idempotency import MOST_REMEMBERED
from bot4.simulator.rules.presets import (
    binance_inverse_rules,
    binance_linear_rules,
    binance_spot_rules,
    plain_rules,
)
from bot4.simulator.rules.rate_limits import DAY_NS, MINUTE_NS, SECOND_NS, Counted
from bot4.simulator.rules.request_windows import MOST_NONCES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "venue_rules.md").read_text("utf-8")
LINES = TEXT.splitlines()
D = Decimal
UNIT = 10**8
RULES = [binance_spot_rules(), binance_linear_rules(), binance_inverse_rules()]


def cells(first: str) -> list[str]:
    """The other cells of the one table row that begins with a cell."""
    found = [line for line in LINES if line.startswith(f"| {first} |")]
    assert len(found) == 1, first
    return [cell.strip() for cell in found[0].strip("|").split("|")][1:]


def plain(value: Decimal | int) -> str:
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def instrument(contract: Decimal | None, lot: str) -> Instrument:
    return Instrument(
        "X_PERP", "BTC", "USDT", D("0.1"), D(lot), D(lot), D(0), D(0), D(0), is_perpetual=True, contract_value=contract
    )


@pytest.mark.parametrize(
    ("column", "pair", "caps", "lots", "leverage"),
    [(0, instrument(None, "0.001"), (50_000, 600_000), 1_000, 20), (1, instrument(D(100), "1"), (5, 10), 300, 10)],
)
def test_the_worked_example_is_what_the_kernels_compute(
    column: int, pair: Instrument, caps: tuple[int, int], lots: int, leverage: int
) -> None:
    universe = Universe((pair,))
    packed = pack_instruments(universe)[0]
    rows = tuple(LeverageBracket(D(cap), rate, 125) for cap, rate in zip(caps, (D("0.004"), D("0.005")), strict=True))
    brackets = pack_brackets(universe, MarginSettings(rows))[0]
    value = int(initial_margin_atoms(packed, lots, 300_000, 1))
    cost = -value if pair.is_inverse else value
    margin = int(initial_margin_atoms(packed, lots, 300_000, leverage))
    ticks = int(liquidation_ticks(packed, brackets, lots, cost, margin))
    computed: list[tuple[str, Decimal | int]] = [
        ("value at entry", D(value) / UNIT),
        ("cost", D(cost) / UNIT),
        ("margin set aside", D(margin) / UNIT),
        ("value at which it is due", D(int(critical_value_atoms(brackets, not pair.is_inverse, cost - margin))) / UNIT),
        ("liquidation price", D(ticks) / 10),
        ("result there", D(int(unrealised_atoms(packed, lots, cost, ticks))) / UNIT),
        ("maintenance there", D(int(maintenance_atoms(packed, brackets, lots, ticks))) / UNIT),
    ]
    for name, amount in computed:
        assert D(cells(name)[column].replace(",", "")) == amount, name


def test_the_fee_tables_are_the_presets() -> None:
    tables = [rules.fees.tiers for rules in RULES if rules.fees is not None]
    for spot, linear, inverse in zip(*tables, strict=True):
        row = " | ".join(f"{int(tier.volume):,} | {tier.maker}, {tier.taker}" for tier in (spot, linear, inverse))
        assert f"| {row} |" in LINES, row


def test_the_bracket_tables_are_the_presets() -> None:
    tables: list[Any] = [binance_linear_margin().brackets, binance_inverse_margin().brackets]
    for rows in zip(*tables, strict=True):
        row = " | ".join(f"{int(b.cap):,}, {b.maintenance_rate}, {b.max_leverage}" for b in rows)
        assert f"| {row} |" in LINES, row


def test_the_table_of_presets_says_what_they_are() -> None:
    lengths = {MINUTE_NS: "a minute", 10 * SECOND_NS: "in 10 s", DAY_NS: "a day"}
    for at, rules in enumerate(RULES):
        filters: Any = rules.filters
        assert cells("orders, stops")[at] == f"{filters.max_orders}, {filters.max_stops}"
        assert cells("iceberg parts")[at] == str(filters.max_iceberg_parts or "none")
        assert cells("greatest notional")[at] == (plain(int(filters.max_notional)) if filters.max_notional else "none")
        by_kind = {kind: [w for w in rules.rates.windows if w.counts == kind] for kind in Counted}
        weight = ", ".join(f"{w.limit:,} {lengths[w.length_ns]}" for w in by_kind[Counted.WEIGHT])
        orders = ", ".join(f"{w.limit:,} {lengths[w.length_ns]}" for w in by_kind[Counted.ORDERS])
        assert (cells("weight")[at], [row for row in LINES if row.startswith("| orders | 1")]) == (
            weight, [f"| orders | {' | '.join(_orders(r, lengths) for r in RULES)} |"],
        )  # fmt: skip
        assert orders == _orders(rules, lengths)
        fees = rules.fees
        assert fees is not None
        assert D(cells("liquidation fee")[at]) == fees.liquidation_fee
        low, high = (filters.buy_multiplier_down, filters.buy_multiplier_up)
        assert cells("band of buys")[at] == (f"{low} to {high}" if low else f"to {high}")
        low, high = (filters.sell_multiplier_down, filters.sell_multiplier_up)
        assert cells("band of sells")[at] == (f"{low} to {high}" if high else f"from {low}")
        requests = rules.requests
        assert (requests.default_window_ns, requests.longest_window_ns, requests.ahead_ns) == (
            5 * SECOND_NS, 60 * SECOND_NS, SECOND_NS,
        )  # fmt: skip
        assert rules.idempotency.mode.name == "OPEN_ORDERS"


def _orders(rules: Any, lengths: dict[int, str]) -> str:
    windows = [w for w in rules.rates.windows if w.counts == Counted.ORDERS]
    return ", ".join(f"{w.limit:,} {lengths[w.length_ns]}" for w in windows)


def test_the_sizes_of_the_tables_are_the_codes() -> None:
    assert f"a ring of {VOLUME_DAYS} days" in TEXT
    assert f"The table holds {MOST_REMEMBERED:,} ids" in TEXT
    assert f"The table holds {MOST_NONCES:,}" in TEXT


def test_every_preset_fits_a_universe() -> None:
    universe = Universe((instrument(None, "0.001"),))
    for rules in (*RULES, plain_rules()):
        assert pack_filters(universe, rules.filters)[0]["lot_step"] == 1
        if rules.fees is not None:
            assert pack_fees(universe, rules.fees)[0][0]["n_tiers"] == 10
    for margin in (binance_linear_margin(), binance_inverse_margin()):
        assert pack_brackets(universe, margin)[0]["n"] == 9
