"""What a file's name says: the symbol and the interval.

The name is split at ``_``, ``-`` and blanks. The symbol is the first run of parts in capitals before the interval or
a date; two parts are base and quote (``BTC_USDT`` is ``BTCUSDT``); a third that repeats the quote, as freqtrade
writes futures, or ``PERP`` make it ``BTCUSDT_PERP``. The interval is the first part such as ``5m`` or ``1h``.
"""

from __future__ import annotations

import re
from pathlib import Path

from bot4.quant.series.time_grid import parse_interval

_SEPARATORS = re.compile(r"[_\-\s]+")
_INTERVAL = re.compile(r"[1-9]\d*[smhdw]")
_CAPITALS = re.compile(r"(?=.*[A-Z])[A-Z0-9]+")
_PERPETUAL = ("PERP", "SWAP", "PERPETUAL")


def symbol_from_name(path: Path) -> str | None:
    """The symbol that a file name begins with, or None: ``BTC_USDT-5m.feather`` is ``BTCUSDT``."""
    run: list[str] = []
    for part in _parts(path):
        if _INTERVAL.fullmatch(part):
            break
        if _CAPITALS.fullmatch(part):
            run.append(part)
        elif run:
            break
    return _joined(run)


def interval_from_name(path: Path) -> int | None:
    """The interval that a file name states, in nanoseconds, or None."""
    return next((parse_interval(part) for part in _parts(path) if _INTERVAL.fullmatch(part)), None)


def same_symbol(first: str, second: str) -> bool:
    """Whether two spellings name one instrument: ``BTC/USDT``, ``BTC-USDT``, ``BTC_USDT`` and ``BTCUSDT`` do."""
    return _compact(first) == _compact(second)


def _compact(symbol: str) -> str:
    pair, _, settlement = symbol.upper().partition(":")
    return re.sub(r"[/_\-\s]", "", pair) + ("PERP" if settlement else "")


def _parts(path: Path) -> list[str]:
    stem = path.name.split(".")[0]
    return [part for part in _SEPARATORS.split(stem) if part]


def _joined(run: list[str]) -> str | None:
    if not run:
        return None
    is_perpetual = run[-1] in _PERPETUAL or (len(run) == 3 and run[2] == run[1])
    pair = run[:-1] if is_perpetual else run
    if not 1 <= len(pair) <= 2:
        return None
    return "".join(pair) + ("_PERP" if is_perpetual else "")
