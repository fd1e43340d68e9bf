"""Books for tests of risk: a brain and a configuration with given positions, orders, volatilities and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.domain.orders import BUY, ENTRY, HELD, LIMIT, MARKET, PROTECTIVE_STOP, STOP, WORKING
from bot4.domain.portfolio import HOLDINGS
from bot4.kernel import f8, i8, kernel, records, void
from bot4.pipeline.risk import settings as risk_settings
from bot4.pipeline.risk.audit import violated_limits
from bot4.pipeline.risk.clock import update_last_price, update_market_risk
from bot4.pipeline.risk.equity import mark_equity, update_stops
from bot4.pipeline.risk.gate import approve, approve_reduction, reducible_lots
from bot4.pipeline.risk.settings import HOUR_NS, RiskSettings
from bot4.pipeline.state import BRAIN, CONFIG, DECISION, PROPOSAL

NOW_NS = 1_700_000_000_000_000_000 // HOUR_NS * HOUR_NS


# A record whose fields overlap cannot be handed to a compiled kernel from Python; the array it stands in can.


@kernel(i8(records(BRAIN), records(CONFIG), records(PROPOSAL), records(DECISION)))
def _approve(brain: Any, config: Any, proposal: Any, decision: Any) -> int:
    return approve(brain[0], config[0], proposal[0], decision[0])


@kernel(i8(records(BRAIN), records(CONFIG), i8, i8, i8))
def _approve_reduction(brain: Any, config: Any, symbol: int, strategy: int, lots: int) -> int:
    return approve_reduction(brain[0], config[0], symbol, strategy, lots)


@kernel(i8(records(BRAIN), i8, i8, i8))
def _reducible_lots(brain: Any, symbol: int, strategy: int, lots: int) -> int:
    return reducible_lots(brain[0], symbol, strategy, lots)


@kernel(i8(records(BRAIN), records(CONFIG), records(PROPOSAL), i8))
def _violated_limits(brain: Any, config: Any, proposal: Any, lots: int) -> int:
    return violated_limits(brain[0], config[0], proposal[0], lots)


@kernel(i8(records(BRAIN), records(CONFIG), i8, i8))
def _update_market_risk(brain: Any, config: Any, symbol: int, ts_ns: int) -> int:
    return update_market_risk(brain[0], config[0], symbol, ts_ns)


@kernel(void(records(BRAIN), i8, f8))
def _update_last_price(brain: Any, symbol: int, price: float) -> None:
    update_last_price(brain[0], symbol, price)


@kernel(f8(records(BRAIN), records(CONFIG)))
def _mark_equity(brain: Any, config: Any) -> float:
    return mark_equity(brain[0], config[0])


@kernel(void(records(BRAIN), records(CONFIG), f8, i8))
def _update_stops(brain: Any, config: Any, equity: float, ts_ns: int) -> None:
    update_stops(brain[0], config[0], equity, ts_ns)


def instrument(name: str, *, is_perpetual: bool, sector: str = "crypto") -> Instrument:
    return Instrument(
        symbol=name, base=name, quote="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.0001"),
        min_qty=Decimal("0.0001"), min_notional=Decimal("5"), maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"), is_perpetual=is_perpetual, sector=sector,
    )  # fmt: skip


@dataclass
class Market:
    """A symbol as risk sees it: price in quote, one-hour deviation, long-run deviation, a day's traded value."""

    price: float = 100.0
    deviation: float = 0.002
    long_deviation: float = 0.002
    day_value: float = 1e9
    is_perpetual: bool = True
    sector: str = "crypto"


@dataclass
class Book:
    """A brain and a configuration; every method changes them in place."""

    markets: list[Market]
    cash: float = 10_000.0
    n_strategies: int = 1
    correlation: np.ndarray | None = None
    settings: RiskSettings = field(default_factory=RiskSettings)

    def __post_init__(self) -> None:
        self.configs = np.zeros(1, CONFIG)
        self.brains = np.zeros(1, BRAIN)
        self.decisions = np.zeros(1, DECISION)
        self.config, self.brain, self.decision = self.configs[0], self.brains[0], self.decisions[0]
        n = len(self.markets)
        self.config["n_symbols"], self.config["n_strategies"] = n, self.n_strategies
        self.config["strategies"]["is_active"][: self.n_strategies] = 1
        universe = Universe(
            tuple(instrument(f"S{k}", is_perpetual=m.is_perpetual, sector=m.sector) for k, m in enumerate(self.markets))
        )
        self.config["instruments"][:n] = pack_instruments(universe)
        risk_settings.write(self.settings, self.config["risk"], HOUR_NS)
        self.brain["ledger"]["balances"][HOLDINGS, 0] = round(self.cash * 1e8)
        self.brain["next_approval_id"] = self.brain["next_order_id"] = 1
        self.brain["risk"]["regime"] = 2
        self.brain["ts_ns"] = NOW_NS
        self.brain["risk"]["covariance"][:n, :n] = np.eye(n) if self.correlation is None else self.correlation
        for k, market in enumerate(self.markets):
            self.brain["positions"][k]["mark_ticks"] = round(market.price * 100)
            self.brain["positions"][k]["mark_ts_ns"] = NOW_NS
            state = self.brain["risk"]["symbols"][k]
            state["risk_close"] = state["last_close"] = market.price
            state["n_returns"] = 1000
            state["garch_variance"] = market.deviation**2
            state["long_variance"] = market.long_deviation**2
            state["day_volume_quote"] = market.day_value

    def lots(self, symbol: int, notional: float) -> int:
        """Lots of a notional at the mark."""
        per_lot = self.brain["positions"][symbol]["mark_ticks"] * 1e-6
        return int(notional / per_lot)

    def hold(self, symbol: int, lots: int, *, strategy: int = 0, stop_ticks: int = 0) -> None:
        position, sleeve = self.brain["positions"][symbol], self.brain["sleeves"][strategy, symbol]
        position["lots"] += lots
        cost = lots * int(position["mark_ticks"]) * 100  # 1e-6 of quote a tick and lot, 1e-8 an atom
        position["cost_atoms"] += cost
        sleeve["lots"] += lots
        sleeve["stop_ticks"] = stop_ticks
        if not self.markets[symbol].is_perpetual:
            self.brain["ledger"]["balances"][HOLDINGS, 0] -= cost

    def order(
        self, symbol: int, side: int, lots: int, *, strategy: int = 0, limit_ticks: int = 0, trigger_ticks: int = 0,
        stop_ticks: int = 0, status: int = WORKING, role: int = ENTRY, filled: int = 0,
    ) -> Any:  # fmt: skip
        """An order in the table; ``stop_ticks`` adds the protective stop that waits for it."""
        kind = LIMIT if limit_ticks else STOP if trigger_ticks else MARKET
        row = self._row(symbol, side, lots, strategy, kind, role, status)
        row["filled_lots"], row["limit_ticks"], row["stop_ticks"] = filled, limit_ticks, trigger_ticks
        if stop_ticks:
            stop = self._row(symbol, -side, lots, strategy, STOP, PROTECTIVE_STOP, HELD)
            stop["parent_id"], stop["stop_ticks"], stop["is_reduce_only"] = row["id"], stop_ticks, 1
        return row

    def _row(self, symbol: int, side: int, lots: int, strategy: int, kind: int, role: int, status: int) -> Any:
        row = self.brain["orders"][self.brain["n_slots"]]
        self.brain["n_slots"] += 1
        row["id"] = self.brain["next_order_id"]
        self.brain["next_order_id"] += 1
        row["symbol"], row["side"], row["qty_lots"], row["strategy"] = symbol, side, lots, strategy
        row["type"], row["role"], row["status"] = kind, role, status
        return row

    def proposal(
        self, symbol: int = 0, side: int = BUY, lots: int = 1000, *, strategy: int = 0, slip: int = 0, stop: int = 0
    ) -> Any:
        """A proposal at the mark; ``slip`` is the worst fill and ``stop`` the stop, in ticks away from it."""
        row = np.zeros(1, PROPOSAL)[0]
        mark = int(self.brain["positions"][symbol]["mark_ticks"])
        row["ts_ns"], row["symbol"], row["strategy"], row["side"] = NOW_NS, symbol, strategy, side
        row["qty_lots"], row["reference_ticks"], row["worst_ticks"] = lots, mark, mark + side * slip
        row["stop_ticks"] = mark - side * stop if stop else 0
        row["edge"] = row["direction"] = row["confidence"] = row["kelly"] = 0.5
        return row

    def approve(self, proposal: Any) -> int:
        return int(_approve(self.brains, self.configs, _as_array(proposal), self.decisions))

    def approve_reduction(self, symbol: int, strategy: int, lots: int) -> int:
        return int(_approve_reduction(self.brains, self.configs, symbol, strategy, lots))

    def reducible_lots(self, symbol: int, strategy: int, lots: int) -> int:
        return int(_reducible_lots(self.brains, symbol, strategy, lots))

    def violated_limits(self, proposal: Any, lots: int) -> int:
        return int(_violated_limits(self.brains, self.configs, _as_array(proposal), lots))

    def bar(self, symbol: int, ts_ns: int, price: float, volume: float = 1.0) -> int:
        """A bar known at ``ts_ns``, through the risk clock."""
        self.brain["bars"][symbol, 3] = round(price * 100)
        self.brain["bar_volume"][symbol] = volume
        return int(_update_market_risk(self.brains, self.configs, symbol, ts_ns))

    def trade(self, symbol: int, price: float) -> None:
        _update_last_price(self.brains, symbol, price)

    def mark_equity(self) -> float:
        return float(_mark_equity(self.brains, self.configs))

    def update_stops(self, equity: float, ts_ns: int) -> None:
        _update_stops(self.brains, self.configs, equity, ts_ns)


def _as_array(row: Any) -> Any:
    array = np.zeros(1, row.dtype)
    array[0] = row
    return array
