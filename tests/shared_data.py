"""Where tests find the real market data, which lies beside the checkout and is never part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

requires_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason="needs the recorded market data in ../shared/data"
)


def shared_path(relative: str) -> Path:
    """A file of the recorded data, for example ``bars/binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet``."""
    return SHARED_DATA / relative


def bars_path(relative: str) -> Path:
    """A file of recorded bars, for example ``binance_spot_1m/BTCUSDT_1m_20250520_20250719.parquet``."""
    return SHARED_DATA / "bars" / relative


def bars_files() -> list[str]:
    """Every Parquet file of recorded bars that one symbol fills, for :func:`bars_path`; none without the data."""
    folder = SHARED_DATA / "bars"
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    return [file for file in found if "panel" not in file]
