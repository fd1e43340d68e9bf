"""Every limit of the gate a third time, in NumPy, straight from the definitions in docs/risk.md."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.orders import ENTRY, HELD, PROTECTIVE_STOP
from tests.risk_books import Book

OPEN = (2, 3, 4, 5, 6, 11)


class Reference:
    """Measures of a book, with and without one more order."""

    def __init__(self, book: Book) -> None:
        self.book, self.brain, self.config = book, book.brain, book.config
        self.n = int(book.config["n_symbols"])
        self.risk = book.config["risk"]
        self.marks = self.brain["positions"]["mark_ticks"][: self.n].astype(float)
        self.per = self.config["instruments"]["quote_per_tick_lot"][: self.n]
        self.equity = self._equity()
        state = self.brain["risk"]["symbols"][: self.n]
        self.sigma = np.array([self._day_sigma(row["garch_variance"], row["long_variance"]) for row in state])
        c = self.brain["risk"]["covariance"][: self.n, : self.n]
        deviation = np.sqrt(np.diag(c))
        self.rho = c / np.outer(deviation, deviation)
        self.day_value = state["day_volume_quote"]
        orders = self.brain["orders"][: self.brain["n_slots"]]
        self.orders = [o for o in orders if o["role"] == ENTRY and o["status"] in OPEN and not o["is_reduce_only"]]
        self.waiting = {
            int(o["parent_id"]): float(o["stop_ticks"])
            for o in orders
            if o["role"] == PROTECTIVE_STOP and o["status"] == HELD
        }

    def _equity(self) -> float:
        positions = self.brain["positions"][: self.n]
        value = float(self.brain["ledger"]["balances"][0, 0]) * 1e-8 + float(
            np.sum(positions["lots"] * self.marks * self.per)
        )
        perpetual = self.config["instruments"]["is_perpetual"][: self.n] == 1
        return value - float(np.sum(positions["cost_atoms"][perpetual])) * 1e-8

    def _day_sigma(self, garch: float, long: float) -> float:
        persistence = self.risk["garch_alpha"] + self.risk["garch_beta"]
        steps = np.arange(24)
        return float(np.sqrt(np.sum(long + persistence**steps * (garch - long))))

    def order_price(self, order: Any) -> float:
        mark = self.marks[order["symbol"]]
        worst = float(order["limit_ticks"] or order["stop_ticks"])
        if not worst:
            return mark + np.ceil(self.config["decision"]["slippage"] * mark)
        return mark + max(0.0, order["side"] * (worst - mark))

    def weights(self, strategy: int | None = None) -> np.ndarray:
        """Signed weights of positions and open entries."""
        if strategy is None:
            lots = self.brain["positions"]["lots"][: self.n].astype(float)
        else:
            lots = self.brain["sleeves"]["lots"][strategy, : self.n].astype(float)
        size, sign = np.abs(lots) * self.marks, np.sign(lots)
        for order in self.orders:
            if strategy in (None, order["strategy"]):
                k = order["symbol"]
                size[k] += (order["qty_lots"] - order["filled_lots"]) * self.order_price(order)
                sign[k] = sign[k] or order["side"]
        return sign * size * self.per / self.equity

    def stop_losses(self, strategy: int | None = None) -> np.ndarray:
        loss = np.zeros(self.n)
        for owner in range(self.config["n_strategies"]):
            for k in range(self.n):
                sleeve = self.brain["sleeves"][owner, k]
                if strategy in (None, owner) and sleeve["stop_ticks"]:
                    side = np.sign(sleeve["lots"])
                    loss[k] += abs(sleeve["lots"]) * max(0.0, side * (self.marks[k] - sleeve["stop_ticks"]))
        for order in self.orders:
            stop = self.waiting.get(int(order["id"]), 0.0)
            if strategy in (None, order["strategy"]) and stop:
                k, mark = order["symbol"], self.marks[order["symbol"]]
                distance = order["side"] * (mark - stop) + self.order_price(order) - mark
                loss[k] += (order["qty_lots"] - order["filled_lots"]) * max(0.0, distance)
        return loss * self.per / self.equity

    def added(self, proposal: Any, lots: float) -> tuple[float, float]:
        """Weight and loss at the stop of an order."""
        k = proposal["symbol"]
        mark = self.marks[k]
        slip = max(0.0, proposal["side"] * (proposal["worst_ticks"] - mark))
        loss = 0.0
        if proposal["stop_ticks"]:
            loss = max(0.0, proposal["side"] * (mark - proposal["stop_ticks"]) + slip)
        return lots * (mark + slip) * self.per[k] / self.equity, lots * loss * self.per[k] / self.equity

    def measures(self, proposal: Any, lots: float) -> dict[str, tuple[float, float]]:
        """Measure after ``lots`` of the proposal, and its limit before looking at where the book was."""
        k, strategy = int(proposal["symbol"]), int(proposal["strategy"])
        weight, loss = self.added(proposal, lots)
        w = self.weights()
        at = np.arange(self.n) == k
        after = w + at * proposal["side"] * weight
        sd = float(np.sqrt(max(0.0, (after * self.sigma) @ self.rho @ (after * self.sigma))))
        crisis = self.brain["risk"]["is_crisis"] or self.brain["risk"]["regime"] == 3
        var_limit = float(self.risk["var_limit"][3 if crisis else self.brain["risk"]["regime"]])
        days = np.abs(after) * self.equity / (self.risk["liquidity_share"] * self.day_value)
        heat = float(np.sum(np.abs(after) * self.sigma * np.sqrt(np.maximum(1.0, days))))
        var = self.risk["var_quantile"]
        by_symbol = np.maximum(self.stop_losses() + at * loss, var * self.sigma * (np.abs(w) + at * weight))
        mine = np.abs(self.weights(strategy)) + at * weight
        by_strategy = np.maximum(self.stop_losses(strategy) + at * loss, var * self.sigma * mine)
        sectors = self.config["instruments"]["sector"][: self.n]
        found = {
            "volatility": (sd * np.sqrt(365.0), self.risk["volatility_target"]),
            "var": (sd * var, var_limit),
            "cvar": (sd * self.risk["cvar_quantile"], self.risk["cvar_multiple"] * var_limit),
            "heat": (heat, self.risk["heat_limit"]),
            "leverage": (float(np.sum(np.abs(after))), self.risk["leverage_limit"]),
            "symbol_loss": (float(by_symbol[k]), self.risk["symbol_loss_limit"]),
        }
        if self.config["n_strategies"] > 1:
            found["strategy_loss"] = (float(np.sum(by_strategy)), self.risk["strategy_risk_limit"])
        if len(set(sectors)) > 1:
            found["sector_loss"] = (float(np.sum(by_symbol[sectors == sectors[k]])), self.risk["sector_limit"])
        return found

    def correlation_with_book(self, proposal: Any) -> float:
        u = self.weights() * self.sigma
        sd = np.sqrt(max(0.0, u @ self.rho @ u))
        return float(proposal["side"] * (self.rho[proposal["symbol"]] @ u) / sd) if sd > 0.0 else 0.0

    def fully_correlated(self, proposal: Any, lots: float) -> tuple[float, float, float]:
        """Deviation of book and order added in full, that of the book alone, and the tightest limit on it."""
        u = self.weights() * self.sigma
        sd = float(np.sqrt(max(0.0, u @ self.rho @ u)))
        measures = self.measures(proposal, 0)
        limit = min(
            measures["volatility"][1] / np.sqrt(365.0),
            measures["var"][1] / self.risk["var_quantile"],
            measures["cvar"][1] / self.risk["cvar_quantile"],
        )
        return sd + self.added(proposal, lots)[0] * self.sigma[proposal["symbol"]], sd, limit
