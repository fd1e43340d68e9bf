"""Feature rows for a block of events.

Features depend on bars alone, so they are computed for a block of events at once (one event when live) before
any of these events is applied. Every event keeps the number of the row that was known at its time, so that a
decision never sees a later one.
"""

from __future__ import annotations

from typing import Any

from bot4.domain.bars import FloatArray
from bot4.domain.events import BAR, EVENT
from bot4.kernel import array, f8, i8, kernel, record, records, void
from bot4.pipeline.features.frames import append_bar, extend_bar
from bot4.pipeline.state import BLOCK, BRAIN, CONFIG, FRAME, MARKET, RING
from bot4.quant.indicators.bank import advance_bank

_MASK = RING - 1


@kernel(void(record(FRAME), i8))
def _keep_latest_row(frame: Any, n_columns: int) -> None:
    latest = frame["n_rows"]
    if latest > 0:
        features = frame["features"]
        for column in range(n_columns):
            features[0, column] = features[latest, column]
        frame["n_rows"] = 0


@kernel(void(array(f8), i8))
def _turn(row: FloatArray, by: int) -> None:
    """Rotate a ring's row left by ``by`` places, in place."""
    n = len(row)
    for start, end in ((0, by - 1), (by, n - 1), (0, n - 1)):
        low, high = start, end
        while low < high:
            row[low], row[high] = row[high], row[low]
            low += 1
            high -= 1


@kernel(void(record(BRAIN), records(MARKET), record(CONFIG), records(EVENT), i8, i8))
def observe(brain: Any, markets: Any, config: Any, events: Any, first: int, last: int) -> None:
    """Take in the bars among ``events[first:last]`` (at most :data:`BLOCK` of them) and compute their features."""
    _carry_latest_rows(brain, markets, config)
    size = min(last - first, BLOCK)
    for offset in range(size):
        event = events[first + offset]
        if event["kind"] == BAR:
            symbol = event["symbol"]
            _take_in(markets, config, event, symbol)
            for k in range(config["n_frames"]):
                brain["block_rows"][offset, k] = markets[symbol]["frames"][k]["n_rows"]
    for symbol in range(config["n_symbols"]):
        for k in range(config["n_frames"]):
            _compute_rows(brain, markets, config, symbol, k)
    brain["block_size"] = size
    brain["block_at"] = 0


@kernel(void(record(BRAIN), records(MARKET), record(CONFIG)))
def _carry_latest_rows(brain: Any, markets: Any, config: Any) -> None:
    n_columns = config["n_columns"]
    for symbol in range(config["n_symbols"]):
        for k in range(config["n_frames"]):
            _keep_latest_row(markets[symbol]["frames"][k], n_columns)
            brain["symbol_rows"][symbol, k] = 0


@kernel(void(records(MARKET), record(CONFIG), record(EVENT), i8))
def _take_in(markets: Any, config: Any, event: Any, symbol: int) -> None:
    tick = config["instruments"][symbol]["tick"]
    open_ = event["open_ticks"] * tick
    high = event["high_ticks"] * tick
    low = event["low_ticks"] * tick
    close = event["close_ticks"] * tick
    volume = event["volume"]
    ts_open_ns = event["ts_open_ns"]
    base = config["base_interval_ns"]
    append_bar(markets[symbol]["frames"][0], open_, high, low, close, volume, ts_open_ns)
    for k in range(1, config["n_frames"]):
        interval = config["frame_factor"][k] * base
        extend_bar(markets[symbol]["frames"][k], interval, base, open_, high, low, close, volume, ts_open_ns)


@kernel(void(record(BRAIN), records(MARKET), record(CONFIG), i8, i8))
def _compute_rows(brain: Any, markets: Any, config: Any, symbol: int, k: int) -> None:
    frame = markets[symbol]["frames"][k]
    n_rows = frame["n_rows"]
    if n_rows == 0:
        return
    out = brain["bank_out"]
    n_bars = frame["n_bars"]
    advance_bank(
        config["bank"][:],
        config["n_bank"],
        config["bank_params"][:],
        frame["ring"][:],
        _MASK,
        n_bars - n_rows,
        n_bars,
        frame["indicator_state"][:],
        out[:],
    )
    features = frame["features"]
    for row in range(n_rows):
        for column in range(config["n_columns"]):
            features[row + 1, column] = out[column, row]


@kernel(void(records(BRAIN), records(MARKET), records(CONFIG)))
def rebuild_features(brain: Any, markets: Any, config: Any) -> None:
    """Compute every indicator anew from the bars that the rings still hold, after the bank has changed.

    Each ring is turned so that its oldest usable bar is bar 0; what was completed before is forgotten, by the
    technical voice too: it looks at every timeframe anew at the symbol's next bar.
    """
    for symbol in range(config[0]["n_symbols"]):
        for k in range(config[0]["n_frames"]):
            _rebuild_frame(brain[0], markets, config[0], symbol, k)
            technical = brain[0]["technical"][symbol]["frames"][k]
            technical["completed"] = 0
            technical["obv_mean"] = 0.0
            technical["obv_spread"] = 0.0


@kernel(void(record(BRAIN), records(MARKET), record(CONFIG), i8, i8))
def _rebuild_frame(brain: Any, markets: Any, config: Any, symbol: int, k: int) -> None:
    frame = markets[symbol]["frames"][k]
    kept = min(frame["n_bars"], RING - BLOCK)
    first = frame["n_bars"] - kept
    ring = frame["ring"]
    for field in range(6):
        _turn(ring[field], first & _MASK)
    for at in range(len(frame["indicator_state"])):
        frame["indicator_state"][at] = 0.0
    frame["n_bars"] = 0
    frame["n_rows"] = 0
    while kept > 0:
        size = min(kept, BLOCK)
        frame["n_bars"] += size
        frame["n_rows"] = size
        _compute_rows(brain, markets, config, symbol, k)
        kept -= size
    _keep_latest_row(frame, config["n_columns"])
    brain["symbol_rows"][symbol, k] = 0
