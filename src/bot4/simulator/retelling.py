"""Fills told again: the answer to a query first brings those that whoever asks does not know of."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bot4.domain.events import EVENT, FEE_ASSET_SHIFT, IS_MAKER, IS_SELL, ORDER_FILLED, ORDER_STATUS
from bot4.domain.orders import FILLED, QUERY, SELL

Events: TypeAlias = npt.NDArray[np.void]


def missing_fills(reports: Events, commands: npt.NDArray[np.void], fills: npt.NDArray[np.void]) -> Events:
    """The answers to queries, each preceded by the order's fills where it has filled more than the query says.

    A fill is told as it was, with its own trade id and time; what the order had open after it is reckoned from the
    quantity that the order has now, which a bracket may have lowered since.

    Args:
        reports: what the venue said to ``commands``.
        commands: of one request; of a query ``filled_lots`` is what whoever asks knows of.
        fills: every fill that the venue remembers, by trade id.

    Returns:
        The reports, with these fills among them.
    """
    known = {int(c["order"]["id"]): int(c["order"]["filled_lots"]) for c in commands if c["kind"] == QUERY}
    rows: list[Any] = []
    for report in reports:
        if report["kind"] == ORDER_STATUS and report["status_filled_lots"] > known.get(
            int(report["order_id"]), 1 << 62
        ):
            rows.extend(_retold(report, fills[fills["order_id"] == report["order_id"]]))
        rows.append(report)
    return np.array(rows, dtype=EVENT) if len(rows) > len(reports) else reports


def _retold(status: Any, fills: npt.NDArray[np.void]) -> list[Any]:
    rows = np.zeros(len(fills), dtype=EVENT)
    rows["ts_ns"], rows["kind"], rows["symbol"] = fills["ts_ns"], ORDER_FILLED, fills["symbol"]
    rows["flags"] = np.where(fills["is_maker"] != 0, IS_MAKER, 0) | np.where(fills["side"] == SELL, IS_SELL, 0)
    rows["flags"] |= fills["fee_asset"] << FEE_ASSET_SHIFT
    rows["order_id"], rows["trade_id"] = fills["order_id"], fills["trade_id"]
    rows["fill_ticks"], rows["fill_lots"] = fills["price_ticks"], fills["qty_lots"]
    rows["fee_atoms"] = fills["fee_atoms"]
    left = np.maximum(0, int(status["status_lots"]) - np.cumsum(fills["qty_lots"]))
    if status["status"] == FILLED and len(left):
        left[-1] = 0
    rows["reason"] = left
    return list(rows)
