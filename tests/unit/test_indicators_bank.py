"""A bank of indicators: packed as data, advanced by one kernel, from plain arrays and from nested ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot4.domain.errors import SettingError
from bot4.kernel import KERNELS, i8, kernel, records, void, warm_up
from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import evaluate
from bot4.quant.indicators.bank import BANK_ENTRY, BankSpec, advance_bank
from bot4.quant.indicators.registry import MAX_BLOCK

WANTED: list[tuple[str, dict[str, Any]]] = [
    ("ema", {"period": 12}),
    ("macd", {}),
    ("bollinger", {}),
    ("obv", {}),
    ("aroon", {"period": 5}),
]

FRAME = np.dtype(
    [
        ("ring", np.float64, (6, 512)),
        ("params", np.float64, (800,)),
        ("state", np.float64, (40_000,)),
        ("out", np.float64, (600, 64)),
        ("entries", BANK_ENTRY, (400,)),
        ("n_entries", np.int64),
    ]
)
SYMBOL = np.dtype([("frames", FRAME, (2,)), ("id", np.int64)])


@kernel(void(records(SYMBOL), i8, i8))
def advance_nested(symbols: Any, t0: int, t1: int) -> None:
    """What the pipeline does: every array is nested in a record, and sliced before it is passed."""
    frame = symbols[0]["frames"][1]
    advance_bank(
        frame["entries"][:],
        frame["n_entries"],
        frame["params"][:],
        frame["ring"][:],
        511,
        t0,
        t1,
        frame["state"][:],
        frame["out"][:],
    )


def some_bars(n: int = 900) -> np.ndarray:
    rng = np.random.default_rng(2)
    close = 100.0 + np.abs(np.cumsum(rng.normal(0.0, 1.0, n)))
    return np.array([close, close + 1.0, close - 1.0, close, rng.random(n), 60.0 * np.arange(n)])


def test_a_bank_over_a_whole_array_is_each_indicator_over_it() -> None:
    n = MAX_BLOCK
    spec, bars = BankSpec.of(WANTED), some_bars(n)
    out = np.zeros((spec.n_outputs, n))
    warm_up(spec.kernels)
    advance_bank(spec.entries, len(spec.entries), spec.params, bars, -1, 0, n, np.zeros(spec.n_state), out)
    expected = np.concatenate([evaluate(resolve(name, **params), bars) for name, params in WANTED])
    assert out.tobytes() == expected.tobytes()


def test_a_bank_of_every_indicator_runs_on_rings_nested_in_a_record() -> None:
    spec, bars = BankSpec.of((name, {}) for name in INDICATORS), some_bars()
    warm_up(spec.kernels)
    symbols = np.zeros(1, SYMBOL)
    frame = symbols["frames"][0, 1]
    frame["entries"][: len(spec.entries)] = spec.entries
    frame["n_entries"] = len(spec.entries)
    frame["params"][: len(spec.params)] = spec.params
    expected = np.concatenate([evaluate(whole, bars) for whole in spec.computed])
    t0 = 0
    for step in np.resize([1, 64, 1, 1, 33], 45):
        t1 = min(t0 + int(step), 900)
        frame["ring"][:, np.arange(t0, t1) & 511] = bars[:, t0:t1]
        advance_nested(symbols, t0, t1)
        assert frame["out"][: spec.n_outputs, : t1 - t0].tobytes() == expected[:, t0:t1].tobytes()
        t0 = t1
    assert t0 > 512


def test_another_choice_of_indicators_compiles_nothing() -> None:
    first, second = BankSpec.of(WANTED), BankSpec.of([("rsi", {"period": 3}), ("ema", {"period": 7})])
    warm_up([*first.kernels, *second.kernels])
    compiled = sum(len(getattr(entry.compiled, "overloads", ())) for entry in KERNELS.values())
    bars = some_bars(100)
    for spec in (first, second, BankSpec.of(WANTED[2:])):
        out = np.zeros((spec.n_outputs, 100))
        advance_bank(spec.entries, len(spec.entries), spec.params, bars, -1, 0, 100, np.zeros(spec.n_state), out)
    assert sum(len(getattr(entry.compiled, "overloads", ())) for entry in KERNELS.values()) == compiled


def test_views_of_one_indicator_are_computed_once_and_found_by_their_names() -> None:
    spec = BankSpec.of([("plus_di", {}), ("adx", {}), ("minus_di", {}), ("minus_di", {"period": 7})])
    assert [whole.label for whole in spec.computed] == ["directional_movement_14", "directional_movement_7"]
    bars = some_bars(MAX_BLOCK)
    out = np.zeros((spec.n_outputs, MAX_BLOCK))
    advance_bank(spec.entries, len(spec.entries), spec.params, bars, -1, 0, MAX_BLOCK, np.zeros(spec.n_state), out)
    for name, params, column in (
        ("plus_di", {}, "plus_di_14"),
        ("adx", {}, "adx_14.adx"),
        ("minus_di", {"period": 7}, "minus_di_7"),
    ):
        np.testing.assert_array_equal(out[spec.column(column)], evaluate(resolve(name, **params), bars)[0])


def test_the_same_indicator_twice_is_computed_once() -> None:
    spec = BankSpec.of([("ema", {"period": 20}), ("sma", {}), ("ema", {}), ("ema", {"period": 21})])
    assert spec.columns == ("ema_20", "sma_20", "ema_21")
    assert len(spec.entries) == 3


def test_offsets_follow_one_another() -> None:
    spec = BankSpec.of(WANTED)
    entries = spec.entries
    for size, offset, total in (
        ("n_params", "param_offset", len(spec.params)),
        ("state_size", "state_offset", spec.n_state),
        ("n_outputs", "out_offset", spec.n_outputs),
    ):
        ends = entries[offset] + entries[size]
        np.testing.assert_array_equal(entries[offset], [0, *ends[:-1]])
        assert ends[-1] == total
    assert spec.warm_up == 33


def test_a_column_is_found_by_name_or_refused() -> None:
    spec = BankSpec.of(WANTED)
    assert spec.column("ema_12") == 0
    assert spec.column("macd_12_26_9.signal") == 2
    with pytest.raises(SettingError, match="no indicator column 'ema_13'; it has ema_12, "):
        spec.column("ema_13")


def test_an_empty_bank_does_nothing() -> None:
    spec = BankSpec.of([])
    advance_bank(spec.entries, 0, spec.params, some_bars(3), -1, 0, 3, np.zeros(0), np.zeros((0, 3)))
    assert (spec.n_outputs, spec.n_state, spec.warm_up) == (0, 0, 0)
