"""A strategy in ordinary Python: buy a dip in an up-trend, leave when it has recovered.

    bot4 backtest --synthetic 20000 --strategy examples/my_strategy.py

It only says what it wants. Decision sizes it, the risk gate judges it, execution trades it. How to write your own:
docs/recipes/add_a_strategy.md.
"""

from __future__ import annotations

from bot4.pipeline.strategies.registry import BarView, Signal, Strategy, StrategyParam


class DipInUpTrend(Strategy):
    """Buys a low RSI above the slow average, and leaves at a high RSI or below the average."""

    name = "dip_in_up_trend"
    parameters = (
        StrategyParam("period", 100, 10, 400, "bars", "of the average that tells the trend"),
        StrategyParam("low", 35.0, 5.0, 50.0, "RSI", "at which a dip is bought"),
        StrategyParam("high", 60.0, 50.0, 95.0, "RSI", "at which it has recovered"),
    )
    indicators = (("rsi", {"period": 14}), ("sma", {"period": "period"}))  # "period": the parameter of that name

    def on_bar(self, view: BarView) -> Signal | None:
        """Answer to a bar that has just closed: a signal, or None to leave things as they are."""
        rsi, average = view["rsi_14"], view[f"sma_{self.params['period']:g}"]
        is_rising = view.close > average  # False while the average is NaN
        if view.position_quantity == 0.0:
            if is_rising and rsi < self.params["low"]:
                # Sized by Kelly from its own closed trades, so that one that loses is soon refused (`no_edge`).
                return Signal.enter(has_trail=True)
        elif not is_rising or rsi > self.params["high"]:
            return Signal.leave()
        return None
