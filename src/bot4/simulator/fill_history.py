"""What an exchange remembers of its fills: the latest of them, each in the place that its trade id gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from bot4.domain.events import EVENT, FEE_ASSET_MASK, FEE_ASSET_SHIFT, IS_MAKER, IS_SELL, ORDER_FILLED
from bot4.domain.instruments import INSTRUMENT
from bot4.domain.ledger import book_fill_and_fee, fee_asset_of
from bot4.domain.orders import BUY, FILL, SELL
from bot4.domain.portfolio import LEDGER, POSITION
from bot4.kernel import i8, kernel, records

MAX_FILLS = 8_192


@kernel(i8(records(FILL), records(LEDGER), records(INSTRUMENT), records(POSITION), records(EVENT), i8, i8))
def book_reported_fills(
    fills: Any, ledgers: Any, instruments: Any, positions: Any, reports: Any, first: int, last: int
) -> int:
    """Enter the fills among reports ``first`` to ``last - 1`` into the memory and the books.

    Returns:
        How many fills there were.
    """
    n_fills = 0
    for at in range(first, last):
        report = reports[at]
        if report["kind"] != ORDER_FILLED:
            continue
        symbol = report["symbol"]
        side = SELL if report["flags"] & IS_SELL != 0 else BUY
        fill = fills[(report["trade_id"] - 1) % MAX_FILLS]
        fill["trade_id"] = report["trade_id"]
        fill["order_id"] = report["order_id"]
        fill["ts_ns"] = report["ts_ns"]
        fill["symbol"] = symbol
        fill["side"] = side
        fill["price_ticks"] = report["fill_ticks"]
        fill["qty_lots"] = report["fill_lots"]
        fill["fee_atoms"] = report["fee_atoms"]
        fill["fee_asset"] = (report["flags"] >> FEE_ASSET_SHIFT) & FEE_ASSET_MASK
        fill["is_maker"] = 1 if report["flags"] & IS_MAKER != 0 else 0
        book_fill_and_fee(
            ledgers[0],
            instruments[symbol],
            positions[symbol],
            side,
            report["fill_ticks"],
            report["fill_lots"],
            fee_asset_of(instruments[symbol], report["flags"]),
            report["fee_atoms"],
        )
        n_fills += 1
    return n_fills


def remembered(fills: Any, next_trade_id: int, after_trade_id: int) -> Any:
    """The fills after a trade id that are remembered, in the order of trade ids."""
    first = max(after_trade_id + 1, next_trade_id - MAX_FILLS, 1)
    return fills[(np.arange(first, next_trade_id, dtype=np.int64) - 1) % MAX_FILLS].copy()
