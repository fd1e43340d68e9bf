"""The tables of references, collected from the modules of this folder."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from tests.parity.cases import Slow, Talib

pytest.importorskip("talib")

TALIB: dict[str, Talib] = {}
SLOW: dict[str, Slow] = {}
ELSEWHERE: dict[str, str] = {}
"""Indicators that a test file of their own compares, by name."""

for _found in pkgutil.iter_modules(__path__):
    _module = importlib.import_module(f"{__name__}.{_found.name}")
    for _table, _new in ((TALIB, _module.TALIB), (SLOW, _module.SLOW)):
        assert not set(_table) & set(_new), f"{_found.name} names again {set(_table) & set(_new)}"
        _table.update(_new)
    ELSEWHERE.update(getattr(_module, "ELSEWHERE", {}))
