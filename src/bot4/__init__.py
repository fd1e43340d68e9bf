"""Bot4: an autonomous crypto trading platform with one deterministic brain for backtest, paper trading and replay.

>>> import bot4
>>> result = bot4.backtest(frame, symbol="BTCUSDT", strategies=["ema_cross"])  # doctest: +SKIP
"""

from __future__ import annotations

import os
from typing import Any

# Polars keeps what it has freed unless told otherwise before it is loaded: 50 MB of a backtest of 1M bars.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")

__version__ = "0.1.0"

_EXPORTS = {
    "backtest": "bot4.research.backtest",
    "read_bars": "bot4.adapters.storage.bar_files",
    "read_trades": "bot4.adapters.storage.trade_files",
    "compute": "bot4.quant.indicators.arrays",
    "RunSettings": "bot4.engine.settings",
    "Strategy": "bot4.pipeline.strategies.ordinary",
    "Signal": "bot4.pipeline.strategies.ordinary",
    "BarSeries": "bot4.domain.bars",
    "Instrument": "bot4.domain.instruments",
}

__all__ = ["__version__", *sorted(_EXPORTS)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    # Loaded when first used, so that `import bot4` and the command's help open at once.
    if name in _EXPORTS:
        import importlib

        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'bot4' has no attribute {name!r}")
