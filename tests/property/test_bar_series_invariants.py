"""Invariants of reading, checking and resampling, over series that hypothesis makes."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.adapters.storage.bar_files import frame_from_bars, read_bars, write_bars
from bot4.domain.bars import MINUTE_NS, BarSeries, TradeSeries
from bot4.domain.errors import DataError
from bot4.quant.series.quality import REPAIR, STRICT, Defect, Policy, apply_policy, check_bars
from bot4.quant.series.resample import bars_from_trades, resample
from bot4.quant.series.time_grid import interval_name, parse_interval

COLUMNS = ("open", "high", "low", "close", "volume")
T0 = 1_704_067_200_000_000_000


@st.composite
def series(draw: st.DrawFn, min_size: int = 1, max_gap: int = 4) -> BarSeries:
    steps = draw(st.lists(st.integers(1, max_gap), min_size=min_size, max_size=60))
    n = len(steps)
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    scale = draw(st.sampled_from([1e-6, 1.0, 1e5]))
    prices = np.sort(scale * (1 + generator.random((n, 4))), axis=1)
    flip = generator.random(n) < 0.5
    open_, close = np.where(flip, prices[:, 1], prices[:, 2]), np.where(flip, prices[:, 2], prices[:, 1])
    ts = T0 + MINUTE_NS * np.cumsum(np.array(steps, dtype=np.int64))
    return BarSeries(
        "BTCUSDT", MINUTE_NS, ts, open_, prices[:, 3].copy(), prices[:, 0].copy(), close, generator.random(n) + 0.1
    )


@given(series(), st.integers(2, 12))
def test_resampled_bars_conserve_volume_and_extremes(bars, factor):
    higher = resample(bars, factor)
    covered = bars.ts_open_ns < (higher.ts_open_ns[-1] + higher.interval_ns if len(higher) else 0)
    assert higher.volume.sum() == pytest.approx(bars.volume[covered].sum(), rel=1e-12)
    if len(higher):
        assert higher.high.max() == bars.high[covered].max()
        assert higher.low.min() == bars.low[covered].min()
        assert higher.open[0] == bars.open[0]
        assert higher.close[-1] == bars.close[covered][-1]
    assert (higher.ts_open_ns % higher.interval_ns == 0).all()
    assert (np.diff(higher.ts_open_ns) > 0).all()
    left = bars.ts_open_ns[~covered]
    assert len(left) == 0 or len(np.unique(left // higher.interval_ns)) == 1, "only the last bar is left out"


@given(series(), st.integers(2, 5), st.integers(2, 5))
def test_resampling_twice_equals_resampling_once_where_both_are_complete(bars, first, second):
    twice, once = resample(resample(bars, first), second), resample(bars, first * second)
    n = min(len(twice), len(once))
    assert len(once) - n <= 1
    for name in ("ts_open_ns", "open", "high", "low", "close"):
        assert np.array_equal(getattr(twice, name)[:n], getattr(once, name)[:n])
    assert np.allclose(twice.volume[:n], once.volume[:n], rtol=1e-12)


@given(series(min_size=3), st.integers(2, 12), st.data())
def test_a_later_bar_never_changes_an_earlier_higher_bar(bars, factor, data):
    cut = data.draw(st.integers(1, len(bars) - 1))
    head = replace(bars, ts_open_ns=bars.ts_open_ns[:cut], **{name: getattr(bars, name)[:cut] for name in COLUMNS})
    early, whole = resample(head, factor), resample(bars, factor)
    for name in ("ts_open_ns", *COLUMNS):
        assert np.array_equal(getattr(early, name), getattr(whole, name)[: len(early)])


@settings(deadline=None, max_examples=30)
@given(series(min_size=3, max_gap=1), st.sampled_from(["parquet", "feather", "csv"]))
def test_what_is_written_is_read_back_bit_for_bit(bars, form):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"BTCUSDT_1m.{form}"
        if form == "parquet":
            write_bars(bars, path)
        elif form == "feather":
            frame_from_bars(bars).write_ipc(path, compression="lz4")
        else:
            frame_from_bars(bars).write_csv(path)
        again = read_bars(path)
    assert again.symbol == bars.symbol
    assert again.interval_ns == bars.interval_ns
    for name in ("ts_open_ns", *COLUMNS):
        assert getattr(again, name).tobytes() == getattr(bars, name).tobytes()


@given(series(max_gap=1))
def test_a_clean_series_has_nothing_to_refuse(bars):
    assert {finding.policy for finding in check_bars(bars).findings} <= {Policy.WARN}
    assert apply_policy(bars, STRICT)[0] is bars


def seeded(bars: BarSeries, defect: Defect, row: int) -> BarSeries:
    columns = {name: getattr(bars, name).copy() for name in ("ts_open_ns", *COLUMNS)}
    if defect is Defect.NON_FINITE:
        columns["close"][row] = np.nan
    elif defect is Defect.NON_POSITIVE:
        columns["low"][row] = 0.0
    elif defect is Defect.OHLC_VIOLATION:
        columns["high"][row] = columns["low"][row] / 2
    elif defect is Defect.ZERO_VOLUME:
        columns["volume"][row] = 0.0
    elif defect is Defect.GAP:
        columns["ts_open_ns"][row:] += 3 * MINUTE_NS
    elif defect is Defect.DISORDER:
        columns["ts_open_ns"][[row - 1, row]] = columns["ts_open_ns"][[row, row - 1]]
    elif defect is Defect.OFF_GRID:
        columns["ts_open_ns"][row] += 1
    elif defect is Defect.EXACT_DUPLICATE:
        columns = {name: np.insert(column, row, column[row]) for name, column in columns.items()}
    elif defect is Defect.CONFLICTING_DUPLICATE:
        columns = {name: np.insert(column, row, column[row]) for name, column in columns.items()}
        columns["volume"][row] += 1
    elif defect is Defect.FROZEN:
        for name in ("open", "high", "low", "close"):
            columns[name][row : row + 3] = columns["close"][row]
    return replace(bars, **columns)


@given(
    series(min_size=8, max_gap=1),
    st.sampled_from(sorted(set(Defect) - {Defect.SPIKE, Defect.OVERLAP})),
    st.integers(1, 4),
)
def test_every_seeded_defect_is_found(bars, defect, row):
    finding = check_bars(seeded(bars, defect, row)).find(defect)
    assert finding is not None
    assert finding.bars >= 1
    assert abs(finding.examples[0].row - 1 - row) <= 1


@given(series(min_size=4, max_gap=1), st.data())
def test_repair_undoes_shuffling_and_repetition(bars, data):
    rows = data.draw(st.permutations(range(len(bars))))
    rows = [*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=5))]
    messy = replace(bars, ts_open_ns=bars.ts_open_ns[rows], **{name: getattr(bars, name)[rows] for name in COLUMNS})
    mended, report = apply_policy(messy, REPAIR)
    for name in ("ts_open_ns", *COLUMNS):
        assert np.array_equal(getattr(mended, name), getattr(bars, name))
    repeats = report.find(Defect.EXACT_DUPLICATE)
    assert (repeats.bars if repeats else 0) == len(rows) - len(bars)
    if rows != list(range(len(bars))):
        with pytest.raises(DataError):
            apply_policy(messy, STRICT)


@given(
    st.lists(st.tuples(st.integers(0, 40 * 60), st.floats(1, 100), st.floats(0.001, 10)), min_size=1, max_size=80),
    st.sampled_from([1, 5, 60]),
)
def test_bars_from_trades_conserve_volume_and_filled_bars_leave_no_gap(rows, minutes):
    rows = sorted(rows, key=lambda row: row[0])
    times = T0 + 1_000_000_000 * np.array([row[0] for row in rows], dtype=np.int64)
    trades = TradeSeries(
        "X", times, np.array([row[1] for row in rows]), np.array([row[2] for row in rows]), np.zeros(len(rows), np.int8)
    )
    interval_ns = minutes * MINUTE_NS
    end_ns = T0 + 60 * MINUTE_NS
    skipped = bars_from_trades(trades, interval_ns, "skip", end_ns)
    filled = bars_from_trades(trades, interval_ns, "fill", end_ns)
    assert skipped.volume.sum() == pytest.approx(trades.quantity.sum(), rel=1e-12)
    assert (np.diff(filled.ts_open_ns) == interval_ns).all()
    assert filled.ts_open_ns[-1] + interval_ns == end_ns
    assert np.array_equal(filled.ts_open_ns[filled.volume > 0], skipped.ts_open_ns)
    assert not [f for f in check_bars(filled).findings if f.policy is Policy.REFUSE]


@given(st.integers(1, 10_000), st.sampled_from("smhdw"))
def test_an_interval_survives_its_name(count, unit):
    interval_ns = parse_interval(f"{count}{unit}")
    assert parse_interval(interval_name(interval_ns)) == interval_ns
