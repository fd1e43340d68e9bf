"""Records for tests of signals, decision and strategies, and kernels that call those with records by reference."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np

from bot4.domain.instruments import Instrument, Universe, pack_instruments
from bot4.kernel import array, b1, f8, i8, kernel, records
from bot4.pipeline.decision.fusion import fused_confidence, fused_direction
from bot4.pipeline.decision.propose import leaves, propose
from bot4.pipeline.decision.settings import HOUR_NS, DecisionSettings, RegimeSettings
from bot4.pipeline.signals.regime import update_regime
from bot4.pipeline.signals.voices import set_voice
from bot4.pipeline.state import BRAIN, CONFIG, ENTER, PROPOSAL, SIDEWAYS, SIGNAL, VIEW
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

ATR, HIGH, LOW = 0, 1, 2
PRICE_TICKS = 3_000_000  # 30,000.00
NOW_NS = 1_700_000_000_000_000_000

_ask = STRATEGY_FAMILY.call


@kernel(i8(records(BRAIN), records(CONFIG), array(f8), i8, i8, i8, records(SIGNAL), records(PROPOSAL)))
def run_propose(
    brain: Any, config: Any, base: Any, symbol: int, strategy: int, ts_ns: int, signal: Any, proposal: Any
) -> int:
    return propose(brain[0], config[0], base, symbol, strategy, ts_ns, signal[0], proposal[0])


@kernel(b1(records(BRAIN), records(CONFIG), i8, i8, records(SIGNAL)))
def run_leaves(brain: Any, config: Any, symbol: int, strategy: int, signal: Any) -> bool:
    return leaves(brain[0], config[0], symbol, strategy, signal[0])


@kernel(i8(records(BRAIN), records(CONFIG), i8, i8, i8, records(SIGNAL), array(f8)))
def run_fusion(brain: Any, config: Any, symbol: int, strategy: int, ts_ns: int, signal: Any, out: Any) -> int:
    out[0] = fused_direction(brain[0], config[0], symbol, strategy, ts_ns, signal[0])
    out[1] = fused_confidence(brain[0], config[0], symbol, strategy, ts_ns, signal[0], out[0])
    return 0


@kernel(i8(records(BRAIN), records(CONFIG), i8))
def run_regime(brain: Any, config: Any, symbol: int) -> int:
    return update_regime(brain[0], config[0], symbol)


@kernel(b1(records(BRAIN), i8, i8, f8, f8, i8))
def run_set_voice(
    brain: Any, symbol: int, voice: int, direction: float, confidence: float, valid_until_ns: int
) -> bool:
    return set_voice(brain[0], symbol, voice, direction, confidence, valid_until_ns)


@kernel(i8(i8, records(VIEW), array(f8, 2), array(i8), array(f8), array(f8), records(SIGNAL)))
def run_strategy(address: int, view: Any, frames: Any, columns: Any, params: Any, memory: Any, signal: Any) -> int:
    return _ask(address, view[0], frames, columns, params, memory, signal[0])


def bitcoin(is_perpetual: bool = True, **changes: Any) -> Instrument:
    """A BTC-like instrument: tick 0.01, lot 0.00001, 10 basis points taker."""
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.00001"), "min_qty": Decimal("0.00001"), "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"), "taker_fee": Decimal("0.001"), "is_perpetual": is_perpetual,
    }  # fmt: skip
    return Instrument(**(fields | changes))


def a_config(instrument: Instrument | None = None, n_symbols: int = 1, **decision: Any) -> Any:
    """CONFIG[1] with one instrument, default settings, and ATR, high and low in columns 0, 1 and 2."""
    config = np.zeros(1, CONFIG)
    row = config[0]
    row["n_symbols"], row["n_strategies"] = n_symbols, 1
    packed = pack_instruments(Universe((instrument or bitcoin(),)))[0]
    for symbol in range(n_symbols):
        row["instruments"][symbol] = packed
    row["atr_column"], row["high_column"], row["low_column"] = ATR, HIGH, LOW
    row["risk"]["risk_bar_ns"] = HOUR_NS
    DecisionSettings(**decision).write(row["decision"])
    row["decision"]["slippage"] = 0.0002
    RegimeSettings().write(row["risk"])
    return config


def a_brain(equity: float = 10_000.0, price_ticks: int = PRICE_TICKS, regime: int = SIDEWAYS) -> Any:
    """BRAIN[1] with equity, a latest bar and a regime."""
    brain = np.zeros(1, BRAIN)
    brain[0]["equity"] = equity
    brain[0]["ts_ns"] = NOW_NS
    brain[0]["risk"]["regime"] = regime
    brain[0]["bars"][:, :4] = price_ticks
    return brain


def a_row(atr: float = 150.0, high: float = 31_000.0, low: float = 29_800.0) -> Any:
    """A feature row of the base frame."""
    return np.array([atr, high, low])


def a_signal(direction: float = 1.0, confidence: float = 1.0, **changes: Any) -> Any:
    """SIGNAL[1] that asks to enter by the rules."""
    signal = np.zeros(1, SIGNAL)
    row = signal[0]
    row["action"], row["direction"], row["confidence"] = ENTER, direction, confidence
    row["win_probability"] = row["stop_distance"] = math.nan
    row["has_targets"] = row["has_trail"] = 1
    for name, value in changes.items():
        row[name] = value
    return signal


def decide(brain: Any, config: Any, base: Any, signal: Any) -> tuple[int, Any]:
    """The refusal code (0: none) and the proposal of one decision on symbol 0 by strategy 0."""
    proposal = np.zeros(1, PROPOSAL)
    return int(run_propose(brain, config, base, 0, 0, NOW_NS, signal, proposal)), proposal[0]
