"""Indicators against TA-Lib on real bars: values, seeding and warm-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from tests.shared_data import bars_path, requires_shared_data

talib = pytest.importorskip("talib")

FILES = [
    "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "binance_usdm_5m/ETHUSDT_PERP_5m_2023.parquet",
    "binance_spot_5m/DOGEUSDT_5m_20220801_20230430.parquet",
]
N_BARS = 20_000

Columns = tuple[np.ndarray, ...]


def donchian(h: np.ndarray, lo: np.ndarray) -> Columns:
    upper, lower = talib.MAX(h, 20), talib.MIN(lo, 20)
    return upper, (upper + lower) / 2.0, lower


def aroon(h: np.ndarray, lo: np.ndarray) -> Columns:
    down, up = talib.AROON(h, lo, 25)
    return up, down, talib.AROONOSC(h, lo, 25)


# name -> (TA-Lib's outputs from open, high, low, close, volume; unit of the outputs)
CASES: dict[str, tuple[Callable[..., np.ndarray | Sequence[np.ndarray]], str]] = {
    "sma": (lambda o, h, lo, c, v: talib.SMA(c, 20), "price"),
    "ema": (lambda o, h, lo, c, v: talib.EMA(c, 20), "price"),
    "wma": (lambda o, h, lo, c, v: talib.WMA(c, 20), "price"),
    "dema": (lambda o, h, lo, c, v: talib.DEMA(c, 20), "price"),
    "tema": (lambda o, h, lo, c, v: talib.TEMA(c, 20), "price"),
    "kama": (lambda o, h, lo, c, v: talib.KAMA(c, 10), "price"),
    "macd": (lambda o, h, lo, c, v: talib.MACD(c, 12, 26, 9), "price"),
    "adx": (lambda o, h, lo, c, v: (talib.ADX(h, lo, c), talib.PLUS_DI(h, lo, c), talib.MINUS_DI(h, lo, c)), "percent"),
    "aroon": (lambda o, h, lo, c, v: aroon(h, lo), "percent"),
    "parabolic_sar": (lambda o, h, lo, c, v: talib.SAR(h, lo, 0.02, 0.2), "price"),
    "linear_regression_slope": (lambda o, h, lo, c, v: talib.LINEARREG_SLOPE(c, 20), "price"),
    "rsi": (lambda o, h, lo, c, v: talib.RSI(c, 14), "percent"),
    "cmo": (lambda o, h, lo, c, v: talib.CMO(c, 14), "percent"),
    "stochastic": (lambda o, h, lo, c, v: talib.STOCH(h, lo, c, 14, 3, 0, 3, 0), "percent"),
    "williams_r": (lambda o, h, lo, c, v: talib.WILLR(h, lo, c, 14), "percent"),
    "cci": (lambda o, h, lo, c, v: talib.CCI(h, lo, c, 20), "percent"),
    "roc": (lambda o, h, lo, c, v: talib.ROC(c, 10), "percent"),
    "momentum": (lambda o, h, lo, c, v: talib.MOM(c, 10), "price"),
    "mfi": (lambda o, h, lo, c, v: talib.MFI(h, lo, c, v, 14), "percent"),
    "trix": (lambda o, h, lo, c, v: talib.TRIX(c, 15), "percent"),
    "ppo": (lambda o, h, lo, c, v: talib.PPO(c, 12, 26, 1), "percent"),
    "ultimate_oscillator": (lambda o, h, lo, c, v: talib.ULTOSC(h, lo, c, 7, 14, 28), "percent"),
    "true_range": (lambda o, h, lo, c, v: talib.TRANGE(h, lo, c), "price"),
    "atr": (lambda o, h, lo, c, v: talib.ATR(h, lo, c, 14), "price"),
    "natr": (lambda o, h, lo, c, v: talib.NATR(h, lo, c, 14), "percent"),
    "bollinger": (lambda o, h, lo, c, v: talib.BBANDS(c, 20, 2.0, 2.0, 0), "price"),
    "standard_deviation": (lambda o, h, lo, c, v: talib.STDDEV(c, 20), "price"),
    "donchian": (lambda o, h, lo, c, v: donchian(h, lo), "price"),
    "obv": (lambda o, h, lo, c, v: talib.OBV(c, v), "volume"),
    "ad_line": (lambda o, h, lo, c, v: talib.AD(h, lo, c, v), "volume"),
    "chaikin_oscillator": (lambda o, h, lo, c, v: talib.ADOSC(h, lo, c, v, 3, 10), "volume"),
}


def read_bars(file: str, n: int = N_BARS) -> np.ndarray:
    frame = pl.read_parquet(bars_path(file)).head(n)
    rows = [frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume")]
    return np.array([*rows, frame["ts"].dt.epoch("s").to_numpy()], np.float64)


def scale_of(unit: str, bars: np.ndarray) -> np.ndarray | float:
    """What 1e-9 is a part of: 100 for percentages, the recent highest price, the volume so far."""
    if unit == "percent":
        return 100.0
    values = bars[1] if unit == "price" else np.cumsum(bars[4])
    return np.maximum.accumulate(np.abs(values))


def compare(name: str, bars: np.ndarray) -> None:
    reference, unit = CASES[name]
    expected = np.atleast_2d(np.array(reference(*bars[:5])))
    actual = evaluate(resolve(name), bars)[: len(expected)]
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    error = np.abs(actual - expected) / scale_of(unit, bars)
    assert np.nanmax(error, initial=0.0) < 1e-9, f"{name}: {np.nanmax(error)} at {np.nanargmax(error)}"


@requires_shared_data
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", sorted(CASES))
def test_real_bars_give_what_talib_gives(name: str, file: str) -> None:
    compare(name, read_bars(file))


def walk(n: int = 400, level: float = 100.0) -> np.ndarray:
    rng = np.random.default_rng(11)
    close = level * np.exp(np.cumsum(rng.normal(0.0, 0.01, n)))
    open_ = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(open_, close) * (1.0 + 0.01 * rng.random(n))
    low = np.minimum(open_, close) * (1.0 - 0.01 * rng.random(n))
    return np.array([open_, high, low, close, rng.lognormal(5.0, 1.0, n), 60.0 * np.arange(n)])


def steps() -> np.ndarray:
    """Prices that stand still and then jump, in numbers that floats hold exactly."""
    bars = walk()
    bars[:4] = np.repeat([64.0, 96.0, 32.0, 33.0, 33.5, 128.0, 64.0, 65.0], 50)
    bars[1] += 0.5
    bars[2] -= 0.25
    return bars


def without_volume() -> np.ndarray:
    bars = walk()
    bars[4, 100:200] = 0.0
    return bars


def with_leading_nan() -> np.ndarray:
    bars = walk()
    bars[:5, :17] = np.nan
    return bars


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_random_walk_gives_what_talib_gives(name: str) -> None:
    compare(name, walk())


@pytest.mark.parametrize("name", sorted(CASES))
def test_huge_prices_give_what_talib_gives(name: str) -> None:
    compare(name, walk(level=1e12))


@pytest.mark.parametrize("name", sorted(CASES))
def test_steps_give_what_talib_gives(name: str) -> None:
    compare(name, steps())


@pytest.mark.parametrize("name", sorted(CASES))
def test_bars_without_volume_give_what_talib_gives(name: str) -> None:
    compare(name, without_volume())


@pytest.mark.parametrize("name", sorted(set(CASES) - {"obv", "ad_line", "chaikin_oscillator"}))
def test_leading_nan_delays_as_it_delays_talib(name: str) -> None:
    reference, _ = CASES[name]
    bars = with_leading_nan()
    expected = np.atleast_2d(np.array(reference(*bars[:5])))
    actual = evaluate(resolve(name), bars)[: len(expected)]
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=1e-7)


@pytest.mark.parametrize("name", ["obv", "ad_line", "chaikin_oscillator"])
def test_leading_nan_starts_the_running_totals_late(name: str) -> None:
    bars = with_leading_nan()
    outputs = evaluate(resolve(name), bars)
    np.testing.assert_array_equal(outputs[:, 17:], evaluate(resolve(name), bars[:, 17:]))
