"""The Hilbert family and MAMA against TA-Lib, and where TA-Lib's running sums lose precision, against 50 digits.

Phases are compared modulo 360 degrees. Trend modes must be equal; there are no ties to be excepted.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from bot4.quant.indicators import resolve
from bot4.quant.indicators.arrays import evaluate
from bot4.quant.indicators.registry import CLOSE, ROW_NAMES
from tests.shared_data import SHARED_DATA, bars_path, requires_shared_data

talib = pytest.importorskip("talib")

FILES = [
    "binance_spot_1h/BTCUSDT_1h_20170817_20200919.parquet",
    "binance_spot_5m/DOTUSDT_5m_20220801_20230430.parquet",
    "bitfinex_1m/ETHUSD_1m_2017.parquet",  # flat for minutes at a time
]
N_BARS = 40_000
TOLERANCE = 1e-9


def outputs_of(name: str, close: np.ndarray) -> np.ndarray:
    bars = np.full((len(ROW_NAMES), len(close)), np.nan)
    bars[CLOSE] = close
    return evaluate(resolve(name), bars)


def talib_family(close: np.ndarray) -> dict[str, np.ndarray]:
    in_phase, quadrature = talib.HT_PHASOR(close)
    sine, lead_sine = talib.HT_SINE(close)
    mode = talib.HT_TRENDMODE(close).astype(float)
    mode[np.isnan(sine)] = np.nan  # integers, so TA-Lib gives 0 before its first
    return {
        "period": talib.HT_DCPERIOD(close),
        "phase": talib.HT_DCPHASE(close),
        "in_phase": in_phase,
        "quadrature": quadrature,
        "sine": sine,
        "lead_sine": lead_sine,
        "trend_mode": mode,
        "trendline": talib.HT_TRENDLINE(close),
    }


def scale_of(output: str, close: np.ndarray) -> np.ndarray | float:
    """What 1e-9 is a part of: the range of the output, or the highest price of 100 bars."""
    fixed = {"period": 50.0, "phase": 360.0, "sine": 1.0, "lead_sine": 1.0, "trend_mode": 1.0}
    if output in fixed:
        return fixed[output]
    highest = pl.Series(np.abs(close)).rolling_max(100, min_samples=1).to_numpy()
    return np.where(highest > 0.0, highest, 1.0)


def errors(output: str, actual: np.ndarray, expected: np.ndarray, close: np.ndarray) -> np.ndarray:
    difference = np.abs(actual - expected)
    if output == "phase":
        difference = np.minimum(difference, np.abs(360.0 - difference))
    return difference / scale_of(output, close)


def compare(close: np.ndarray, tolerance: float = TOLERANCE) -> None:
    close = np.ascontiguousarray(close, np.float64)
    expected = talib_family(close)
    for row, (output, values) in zip(outputs_of("hilbert", close), expected.items(), strict=True):
        np.testing.assert_array_equal(np.isnan(row), np.isnan(values), err_msg=output)
        error = errors(output, row, values, close)
        assert np.nanmax(error, initial=0.0) < tolerance, f"{output}: {np.nanmax(error)} at {np.nanargmax(error)}"
        if output == "trend_mode":
            np.testing.assert_array_equal(row, values)
    for output, row, values in zip(("mama", "fama"), outputs_of("mama", close), talib.MAMA(close), strict=True):
        np.testing.assert_array_equal(np.isnan(row), np.isnan(values), err_msg=output)
        error = errors(output, row, values, close)
        assert np.nanmax(error, initial=0.0) < tolerance, f"{output}: {np.nanmax(error)} at {np.nanargmax(error)}"


@requires_shared_data
@pytest.mark.parametrize("file", FILES)
def test_real_bars_give_what_talib_gives(file: str) -> None:
    compare(pl.read_parquet(bars_path(file))["close"].to_numpy()[:N_BARS])


def every_recorded_series() -> Iterator[tuple[str, np.ndarray]]:
    for path in sorted((SHARED_DATA / "bars").glob("*/*.parquet")):
        frame = pl.read_parquet(path)
        parts = frame.partition_by("symbol") if "symbol" in frame.columns else [frame]
        for number, part in enumerate(parts):
            yield f"{path.name}, part {number}", part["close"].to_numpy()


@requires_shared_data
@pytest.mark.slow
def test_every_recorded_bar_gives_what_talib_gives() -> None:
    n_series = 0
    for _, close in every_recorded_series():
        compare(close)
        n_series += 1
    assert n_series > 30


def walk(n: int = 3000, level: float = 100.0) -> np.ndarray:
    return level * np.exp(np.cumsum(np.random.default_rng(11).normal(0.0, 0.01, n)))


ADVERSARIAL = {
    "walk": walk(),
    "huge": walk(level=1e12),
    "tiny": walk(level=1e-12),
    "constant": np.full(400, 64.0),
    "constant with rounding": np.full(400, 100.1),
    "zero": np.zeros(300),
    "steps": np.repeat([64.0, 96.0, 32.0, 33.0, 33.5, 128.0, 64.0, 65.0], 80),
    "uneven steps": np.repeat(np.random.default_rng(3).uniform(10.0, 20.0, 9), 80),
    "ramp": np.arange(1.0, 500.0),
    "pure cycle": 100.0 + np.sin(0.3 * np.arange(1000.0)),
    "spike of a hundredfold": np.where(np.arange(1000) == 300, 100.0, 1.0) * walk(1000),
}


@pytest.mark.parametrize("case", sorted(ADVERSARIAL))
def test_adversarial_closes_give_what_talib_gives(case: str) -> None:
    compare(ADVERSARIAL[case])


@pytest.mark.parametrize("n", [0, 1, 2, 12, 13, 32, 33, 37, 38, 63, 64, 65])
def test_short_arrays_are_defined_where_talib_defines_them(n: int) -> None:
    if n:
        compare(walk(64 + 1)[:n])
    else:
        assert outputs_of("hilbert", np.zeros(0)).shape == (8, 0)


def test_leading_nan_delays_as_it_delays_talib() -> None:
    close = walk()
    close[:17] = np.nan
    actual = outputs_of("hilbert", close)
    for output, row in zip(talib_family(close), actual, strict=True):
        np.testing.assert_array_equal(
            row[17:], outputs_of("hilbert", close[17:])[list(talib_family(close)).index(output)]
        )
        assert np.isnan(row[:17]).all()
    np.testing.assert_allclose(actual[0], talib.HT_DCPERIOD(close), rtol=0.0, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("dominant_cycle_period", ["period"]),
        ("dominant_cycle_phase", ["phase"]),
        ("phasor", ["in_phase", "quadrature"]),
        ("sine_wave", ["sine", "lead_sine"]),
        ("trend_mode", ["trend_mode"]),
        ("instantaneous_trendline", ["trendline"]),
    ],
)
def test_a_view_gives_its_outputs_of_the_whole(name: str, outputs: list[str]) -> None:
    whole = dict(zip(resolve("hilbert").info.outputs, outputs_of("hilbert", walk()), strict=True))
    for row, output in zip(outputs_of(name, walk()), outputs, strict=True):
        np.testing.assert_array_equal(row, whole[output])


# --- fifty digits ------------------------------------------------------------------------------------------------


def arc_tangent(x: Decimal) -> Decimal:
    """Halved twice over until Taylor's series is short."""
    halvings = 0
    while abs(x) > Decimal("0.05"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    total, power, k = Decimal(0), x, 1
    while abs(power) > Decimal(10) ** -52:
        total += power / k if k % 4 == 1 else -power / k
        power *= x * x
        k += 2
    return total * 2**halvings


def exact_periods(close: np.ndarray) -> np.ndarray:
    """The period, from its definition in the docstring, with fifty digits; the smoother sums its four closes anew."""
    with decimal.localcontext() as context:
        context.prec = 50
        closes = [Decimal(float(value)) for value in close]
        turn = 8 * arc_tangent(Decimal(1))
        a, b, zero = Decimal("0.0962"), Decimal("0.5769"), Decimal(0)
        past: dict[str, list[Decimal]] = {name: [zero] * 9 for name in ("s", "d", "q")}
        period = smooth = i2 = q2 = re = im = zero
        found = np.full(len(close), np.nan)

        def part(x: list[Decimal], last: int, gain: Decimal) -> Decimal:
            return (a * (x[last] - x[last - 6]) + b * (x[last - 2] - x[last - 4])) * gain

        for t in range(12, len(close)):
            gain = Decimal("0.075") * period + Decimal("0.54")
            past["s"].append(sum((4 - k) * closes[t - k] for k in range(4)) / 10)
            past["d"].append(part(past["s"], -1, gain))
            past["q"].append(part(past["d"], -1, gain))
            last_i2, last_q2 = i2, q2
            i2 = Decimal("0.2") * (past["d"][-4] - part(past["q"], -1, gain)) + Decimal("0.8") * i2
            q2 = Decimal("0.2") * (past["q"][-1] + part(past["d"], -4, gain)) + Decimal("0.8") * q2
            re = Decimal("0.2") * (i2 * last_i2 + q2 * last_q2) + Decimal("0.8") * re
            im = Decimal("0.2") * (i2 * last_q2 - q2 * last_i2) + Decimal("0.8") * im
            raw = turn / arc_tangent(im / re) if im != 0 and re != 0 else period
            raw = max(min(raw, Decimal("1.5") * period), Decimal("0.67") * period)
            period = Decimal("0.2") * min(max(raw, Decimal(6)), Decimal(50)) + Decimal("0.8") * period
            smooth = Decimal("0.33") * period + Decimal("0.67") * smooth
            found[t] = float(smooth)
        found[:32] = np.nan
        return found


def test_the_period_is_exact_to_the_last_digits_on_a_random_walk() -> None:
    close = walk(600)
    np.testing.assert_allclose(outputs_of("hilbert", close)[0], exact_periods(close), rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("height", [1e4, 1e6, 1e9])
def test_after_a_great_spike_the_period_is_nearer_to_fifty_digits_than_that_of_talib(height: float) -> None:
    close = walk(900)
    close[200] *= height
    exact = exact_periods(close)[500:]
    ours = np.abs(outputs_of("hilbert", close)[0][500:] - exact).max()
    theirs = np.abs(talib.HT_DCPERIOD(close)[500:] - exact).max()
    assert ours < 1e-9
    assert ours < theirs
