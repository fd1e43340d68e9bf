"""Indicators against slow, exact definitions: on walks, on arrays that break running sums, and on real bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import evaluate
from tests.parity import indicator_references as slow
from tests.shared_data import bars_path, requires_shared_data

Reference = Callable[..., Sequence[np.ndarray]]

# What the last `memory` bars alone decide, so that nothing may be left of a spike beyond them.
WINDOWED: dict[str, tuple[Reference, int]] = {
    "sma": (lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.mean)], 20),
    "wma": (lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.weighted_mean)], 20),
    "hma": (lambda o, h, lo, c, v, s: slow.hma(c, 16), 20),
    "standard_deviation": (lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.deviation)], 20),
    "z_score": (lambda o, h, lo, c, v, s: [slow.z_score(c, 50)], 50),
    "volume_z_score": (lambda o, h, lo, c, v, s: [slow.z_score(v, 50)], 50),
    "bollinger": (lambda o, h, lo, c, v, s: slow.bollinger(c, 20, 2.0), 20),
    "linear_regression_slope": (lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.slope_of)], 20),
    "linear_regression_r2": (lambda o, h, lo, c, v, s: [slow.windows(c, 20, slow.r2_of)], 20),
    "donchian": (lambda o, h, lo, c, v, s: donchian(h, lo), 20),
    "williams_r": (lambda o, h, lo, c, v, s: [-100.0 * slow.place(-c, -lo, -h, 14)], 14),
    "stochastic": (lambda o, h, lo, c, v, s: slow.stochastic(h, lo, c, 14, 3, 3), 18),
    "aroon": (lambda o, h, lo, c, v, s: slow.aroon(h, lo, 25), 26),
    "cci": (lambda o, h, lo, c, v, s: [slow.windows(slow.typical(h, lo, c), 20, slow.cci_of)], 20),
    "ultimate_oscillator": (lambda o, h, lo, c, v, s: slow.ultimate(h, lo, c, (7, 14, 28)), 29),
    "mfi": (lambda o, h, lo, c, v, s: slow.mfi(h, lo, c, v, 14), 15),
    "cmf": (lambda o, h, lo, c, v, s: [cmf(h, lo, c, v)], 20),
    "rolling_vwap": (lambda o, h, lo, c, v, s: [rolling_vwap(h, lo, c, v)], 20),
    "efficiency_ratio": (lambda o, h, lo, c, v, s: [slow.efficiency(c, 10)], 11),
    "ichimoku": (lambda o, h, lo, c, v, s: slow.ichimoku(h, lo, (9, 26, 52), 26), 78),
    "vwap": (lambda o, h, lo, c, v, s: slow.session_vwap(h, lo, c, v, s), 24),
}
RECURSIVE: dict[str, Reference] = {
    "ema": lambda o, h, lo, c, v, s: [slow.seeded_ema(c, 2.0 / 21.0, 20)],
    "kama": lambda o, h, lo, c, v, s: slow.kama(c, 10),
    "atr": lambda o, h, lo, c, v, s: [slow.seeded_ema(slow.true_range(h, lo, c), 1.0 / 14.0, 14, first=1)],
    "supertrend": lambda o, h, lo, c, v, s: slow.supertrend(h, lo, c, 10, 3.0),
    "keltner": lambda o, h, lo, c, v, s: slow.keltner(h, lo, c, 20, 10, 2.0),
    "force_index": lambda o, h, lo, c, v, s: [slow.seeded_ema(np.diff(c, prepend=np.nan) * v, 2.0 / 14.0, 13, first=1)],
}
REFERENCES: dict[str, Reference] = {name: reference for name, (reference, _) in WINDOWED.items()} | RECURSIVE

RATIOS = {
    "z_score", "volume_z_score", "linear_regression_r2", "williams_r", "stochastic", "aroon", "cci",
    "ultimate_oscillator", "mfi", "cmf", "efficiency_ratio",
}  # fmt: skip


def donchian(h: np.ndarray, lo: np.ndarray) -> list[np.ndarray]:
    upper, lower = slow.windows(h, 20, max), slow.windows(lo, 20, min)
    return [upper, (upper + lower) / 2.0, lower]


def cmf(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    return slow.ratio_of_sums(slow.money_flow(h, lo, c, v), v, 20, 0, np.zeros(len(c)))


def rolling_vwap(h: np.ndarray, lo: np.ndarray, c: np.ndarray, v: np.ndarray) -> np.ndarray:
    price = slow.typical(h, lo, c)
    return slow.ratio_of_sums(price * v, v, 20, 0, price)


def walk(n: int = 400, level: float = 100.0, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1.0 + 0.01 * rng.random(n))
    low = np.minimum(open_, close) * (1.0 - 0.01 * rng.random(n))
    return np.array([open_, high, low, close, rng.lognormal(5.0, 1.0, n), 1.6e9 + 3600.0 * np.arange(n)])


def constant() -> np.ndarray:
    bars = walk()
    bars[:4] = 100.1
    bars[4] = 7.3
    return bars


def steps() -> np.ndarray:
    bars = walk()
    bars[:4] = np.repeat([64.0, 96.0, 32.0, 33.0, 33.5, 128.0, 64.0, 65.0], 50)
    return bars


def without_volume() -> np.ndarray:
    bars = walk()
    bars[4, 100:200] = 0.0
    return bars


ADVERSARIAL = {
    "walk": walk(),
    "huge": walk(level=1e12),
    "tiny": walk(level=1e-12),
    "far from zero": walk(level=1.0) + np.array([[1e6]] * 4 + [[0.0]] * 2),
    "constant": constant(),
    "steps": steps(),
    "without volume": without_volume(),
    "one bar": walk(n=1),
    "two bars": walk(n=2),
    "twenty bars": walk(n=20),
}


def unit_of(name: str, bars: np.ndarray) -> np.ndarray | float:
    """What 1e-9 is a part of: 1 or 100 for ratios, else the price (times volume) in the window."""
    if name in RATIOS:
        return 1.0 if name in {"cmf", "efficiency_ratio", "linear_regression_r2"} else 100.0
    price = np.abs(bars[1])
    if name == "bollinger":
        return np.array([price, price, price, np.ones_like(price), np.ones_like(price)])
    return price * (bars[4].max(initial=1.0) if name == "force_index" else 1.0)


def errors(name: str, bars: np.ndarray) -> np.ndarray:
    expected = np.array(REFERENCES[name](*bars))
    actual = evaluate(resolve(name), bars)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    return np.abs(actual - expected) / unit_of(name, bars)


@pytest.mark.parametrize("kind", sorted(ADVERSARIAL))
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_it_is_what_its_definition_says(name: str, kind: str) -> None:
    has_few_digits = kind == "far from zero" and name in RATIOS | {"bollinger"}  # seven are taken by the level
    tolerance = 1e-7 if has_few_digits else 1e-9
    assert np.nanmax(errors(name, ADVERSARIAL[kind]), initial=0.0) < tolerance


@pytest.mark.parametrize("row", ["price", "volume"])
@pytest.mark.parametrize("name", sorted(WINDOWED))
def test_a_spike_leaves_no_trace_once_it_left_the_window(name: str, row: str) -> None:
    memory = WINDOWED[name][1]
    for at in range(150, 150 + memory):
        bars = walk()
        bars[slice(0, 4) if row == "price" else 4, at] = 1e12
        first_free = at + memory
        assert np.nanmax(errors_after(name, bars, first_free)) < 1e-9


def errors_after(name: str, bars: np.ndarray, first: int) -> np.ndarray:
    """Errors from bar ``first`` on, against the same walk without its spike."""
    actual = evaluate(resolve(name), bars)[:, first:]
    clean = evaluate(resolve(name), walk())[:, first:]
    return np.abs(actual - clean) / np.broadcast_to(unit_of(name, walk()), (len(actual), 400))[:, first:]


PRICES_SCALED = 2.0**-40


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_prices_in_another_unit_change_nothing_but_the_unit(name: str) -> None:
    """Powers of two are exact, so each output is bit for bit the same, or the same times the unit."""
    bars = walk()
    scaled = bars * np.array([[PRICES_SCALED]] * 4 + [[1.0]] * 2)
    before, after = evaluate(resolve(name), bars), evaluate(resolve(name), scaled)
    for x, y in zip(before, after, strict=True):
        assert x.tobytes() == y.tobytes() or (x * PRICES_SCALED).tobytes() == y.tobytes()


REAL = {
    "an hour, with gaps": "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "five minutes of a perpetual": "binance_usdm_5m/ETHUSDT_PERP_5m_2023.parquet",
}


def real_bars(file: str, n: int) -> np.ndarray:
    frame = pl.read_parquet(bars_path(file)).head(n)
    rows = [frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    return np.array([*rows, frame["ts"].dt.epoch("s").to_numpy()], np.float64)


@requires_shared_data
@pytest.mark.parametrize("kind", sorted(REAL))
@pytest.mark.parametrize("name", sorted(set(REFERENCES) - {"vwap", "mfi"}))
def test_real_bars_give_what_the_definition_says(name: str, kind: str) -> None:
    assert np.nanmax(errors(name, real_bars(REAL[kind], 3_000))) < 1e-9


@requires_shared_data
def test_the_session_vwap_of_real_bars_starts_at_midnight_utc() -> None:
    bars = real_bars(REAL["an hour, with gaps"], 2_000)
    assert np.nanmax(errors("vwap", bars)) < 1e-9
    at_midnight = bars[5] % 86400 == 0
    np.testing.assert_allclose(
        evaluate(resolve("vwap"), bars)[0, at_midnight], bars[1:4].mean(axis=0)[at_midnight], rtol=1e-12
    )


@requires_shared_data
def test_the_money_flow_index_counts_equal_decimal_prices_as_equal() -> None:
    bars = real_bars("binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet", 3_000)
    sums = [sum(Decimal(repr(float(price))) for price in bar) for bar in bars[1:4].T]
    signs = np.array([0, *((b > a) - (b < a) for a, b in pairwise(sums))])
    flow = slow.typical(*bars[1:4]) * bars[4]
    rises, moved = np.where(signs > 0, flow, 0.0), np.where(signs != 0, flow, 0.0)
    expected = 100.0 * slow.ratio_of_sums(rises, moved, 14, 1, np.zeros(len(flow)))
    np.testing.assert_allclose(evaluate(resolve("mfi"), bars)[0], expected, rtol=0.0, atol=1e-7)
