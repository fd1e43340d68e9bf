"""The result of a run and its report: true to the figures, whole, self-contained and safe."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS, BarSeries
from bot4.domain.errors import DataError, StorageError
from bot4.quant.statistics import performance
from bot4.research.measures import EQUITY_MEASURES, MEASURES
from bot4.research.report import render_report, render_summary
from bot4.research.report.formats import duration, number, percent, price, timestamp
from bot4.research.report.markup import element
from bot4.research.report.scales import Axis, axis_over, extremes_per_bucket, tick_text, time_ticks
from bot4.research.result import TRADE, RunResult
from tests.runs import run_over, synthetic_bars
from tests.shared_data import bars_path, requires_shared_data


@pytest.fixture(scope="module")
def result() -> RunResult:
    return run_over(synthetic_bars("BTCUSDT", 40_000, seed=3), synthetic_bars("ETHUSDT", 40_000, seed=11, price=1500.0))


def empty_run(**changed: object) -> RunResult:
    """A run that ended before its first bar was known."""
    bare = run_over(synthetic_bars("BTCUSDT", 2_000, seed=1))
    none = np.empty(0, dtype=np.float64)
    fields = {
        "equity_ts_ns": np.empty(0, dtype=np.int64),
        "equity": none,
        "exposure": none,
        "buy_and_hold": none,
        "trades": np.empty(0, dtype=TRADE),
        "price_bars": {},
        "refusals": {},
        "clamp_binding": {},
        "fees": 0.0,
        "slippage": 0.0,
        "elapsed_s": 0.0,
        "settings": {},
    }
    return dataclasses.replace(bare, **(fields | changed))


class Outline(HTMLParser):
    """Checks that elements nest, and keeps what was written in them."""

    VOID = frozenset({"meta", "link", "br", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def outline(document: str) -> Outline:
    parsed = Outline()
    parsed.feed(document)
    assert parsed.open == []
    return parsed


def test_every_statistic_has_a_definition_and_every_definition_a_statistic(result: RunResult):
    assert list(result.statistics()) == [measure.key for measure in MEASURES]
    assert set(result.buy_and_hold_statistics()) == EQUITY_MEASURES
    assert all(len(measure.definition) > 10 and measure.definition.endswith(".") for measure in MEASURES)


def test_the_figures_are_those_of_the_curve_with_the_initial_equity_before_it(result: RunResult):
    ts_ns, equity = result.equity_curve()
    assert ts_ns[0] == result.start_ns
    assert equity[0] == result.initial_equity
    statistics = result.statistics()
    assert statistics["total_return"] == pytest.approx(result.equity[-1] / 10_000.0 - 1.0)
    assert statistics["sharpe"] == performance.sharpe(performance.daily_returns(ts_ns, equity))
    assert statistics["trades"] == len(result.trades)
    assert result.trades["pnl_quote"].sum() == pytest.approx(result.final_equity - result.initial_equity)


def test_json_has_the_promised_keys_and_never_a_nan(result: RunResult):
    for run in (result, empty_run(), dataclasses.replace(result, equity=np.full(len(result.equity), np.nan))):
        written = json.loads(json.dumps(run.to_json(), allow_nan=False))
        promised = "bars trades orders final_equity total_return sharpe max_drawdown fees digest elapsed_s events_per_s"
        assert set(promised.split()) <= set(written)
    assert empty_run().to_json()["sharpe"] is None
    assert empty_run().to_json()["events_per_s"] is None
    assert dataclasses.replace(result, elapsed_s=2.0).to_json()["events_per_s"] == result.events / 2.0


def test_the_trades_frame_names_what_the_records_number(result: RunResult):
    frame = result.trades_frame()
    assert frame.height == len(result.trades)
    assert set(frame["symbol"]) == {"BTCUSDT", "ETHUSDT"}
    assert set(frame["exit_reason"]) <= set(result.exit_reasons)
    assert str(frame["entry_ts"].dtype.time_zone) == "UTC"
    assert frame["exit_ts"].dt.epoch("ns").to_list() == result.trades["exit_ts_ns"].tolist()
    assert empty_run().trades_frame().height == 0


def test_the_printed_summary_is_plain_text_beside_buy_and_hold(result: RunResult):
    text = str(result)
    assert text.isascii()
    assert "buy and hold" in text
    assert "synthetic data, not a real market" in text
    assert max(len(line) for line in text.splitlines()) < 100


@pytest.mark.parametrize("name", ["equity", "exposure", "buy_and_hold"])
def test_columns_of_unequal_length_are_refused(result: RunResult, name: str):
    with pytest.raises(DataError, match=f"{name} has 3 samples"):
        dataclasses.replace(result, **{name: np.ones(3)})


def test_descending_times_and_foreign_trade_records_are_refused(result: RunResult):
    with pytest.raises(DataError, match="descends"):
        dataclasses.replace(result, equity_ts_ns=result.equity_ts_ns[::-1])
    with pytest.raises(DataError, match="TRADE"):
        dataclasses.replace(result, trades=np.zeros(2))


def test_the_report_is_well_formed_and_reaches_for_nothing_outside(result: RunResult):
    document = render_report(result)
    parsed = outline(document)
    links = [value for key, value in parsed.attributes if key in {"src", "href", "srcset", "action"}]
    assert links == ["data:,"]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|https?://", document)
    assert "default-src 'none'" in document


def test_the_report_shows_every_part(result: RunResult):
    document = render_report(result)
    for title in (
        "Equity",
        "Drawdown",
        "Exposure",
        "Rolling Sharpe ratio, 30 days",
        "Monthly returns, %",
        "Trades on BTCUSDT",
        "Trades on ETHUSDT",
        "Why trades ended",
        "Result in R",
        "Decisions refused, by reason",
        "Decisions made smaller, by clamp",
        "Costs",
        "Definitions of the statistics",
        "Settings (4)",
        result.digest,
        number(result.final_equity),
    ):
        assert title in document


def test_synthetic_data_and_notes_are_announced_before_any_figure(result: RunResult):
    document = render_report(dataclasses.replace(result, notes=("16 bars are missing",)))
    figures = document.index('class="cards"')
    assert 0 < document.index("Synthetic data.") < figures
    assert 0 < document.index("16 bars are missing") < figures
    assert "Synthetic data." not in render_report(dataclasses.replace(result, is_synthetic=False))
    assert "Synthetic data." in render_summary(result)


def test_hostile_names_stay_text(result: RunResult):
    hostile = "</script><script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    bars = result.price_bars["BTCUSDT"]
    run = dataclasses.replace(
        result,
        strategies=(hostile,),
        symbols=(hostile, "ETHUSDT"),
        exit_reasons=(hostile, "b", "c", "d"),
        notes=(hostile,),
        refusals={hostile: 3},
        settings={hostile: hostile},
        digest=hostile,
        price_bars={hostile: dataclasses.replace(bars, symbol=hostile)},
    )
    document = render_report(run)
    plain = render_report(result)
    assert "<img" not in document
    assert "<script>alert" not in document
    assert len(outline(document).scripts) == len(outline(plain).scripts) - 1, "one price chart fewer, and no other"


def test_a_run_without_samples_trades_or_bars_still_makes_a_report():
    document = render_report(empty_run())
    outline(document)
    assert "No trade was closed." in document
    assert "NaN" not in document.replace("isNaN", "")
    outline(render_summary(empty_run()))


@pytest.mark.parametrize("value", [0.0, -50.0, np.nan, 1e-9])
def test_a_run_that_was_ruined_or_went_blind_still_makes_a_report(result: RunResult, value: float):
    equity = result.equity.copy()
    equity[20_000:] = value
    document = render_report(dataclasses.replace(result, equity=equity))
    outline(document)
    for script in outline(document).scripts[:-1]:
        json.loads(script)


def test_a_report_is_written_whole_or_not_at_all(result: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "report.html"
    assert result.save_report(target) == target
    written = target.read_text(encoding="utf-8")
    assert written == render_report(result)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]

    def disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(StorageError, match="No space left on device"):
        result.save_report(target)
    assert target.read_text(encoding="utf-8") == written
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_missing_folder_is_one_clear_line(result: RunResult, tmp_path: Path):
    with pytest.raises(StorageError) as caught:
        result.save_report(tmp_path / "nowhere" / "report.html")
    assert "nowhere/report.html: cannot write the report (No such file or directory); check" in str(caught.value)


def test_a_year_of_five_minute_bars_fits_in_a_megabyte_and_a_half():
    n = 365 * 288
    markets = (synthetic_bars("BTCUSDT", n, seed=3), synthetic_bars("ETHUSDT", n, seed=11, price=1500.0))
    assert len(render_report(run_over(*markets)).encode()) < 1_500_000


def test_thousands_of_trades_are_thinned_by_size_and_it_is_said(result: RunResult):
    many = np.concatenate([result.trades] * 60)
    many["trade_id"] = np.arange(len(many))
    document = render_report(dataclasses.replace(result, trades=many))
    assert "The 1,500 trades with the largest results are marked" in document
    assert len(document) < 2_000_000


@requires_shared_data
def test_a_report_of_real_bars_shows_their_price_and_no_synthetic_banner():
    from tests.runs import recorded_bars

    path = bars_path("binance_spot_5m/BTCUSDT_5m_20220801_20230430.parquet")
    run = run_over(recorded_bars(path, "BTCUSDT", 5 * MINUTE_NS))
    document = render_report(run)
    outline(document)
    assert "Synthetic data." not in document
    charts = [json.loads(script) for script in outline(document).scripts[:-1]]
    highs = next(one["y"] for chart in charts for one in chart["series"] if one["name"] == "High")
    assert max(highs) == pytest.approx(run.price_bars["BTCUSDT"].high.max(), rel=1e-6), "no spike is lost"


@given(hnp.arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6)), st.integers(1, 50))
def test_downsampling_keeps_the_ends_and_every_extreme(values: np.ndarray, buckets: int):
    ts_ns = HOUR_NS * np.arange(len(values), dtype=np.int64)
    kept = extremes_per_bucket(ts_ns, values, 0, int(ts_ns[-1]), buckets)
    assert len(kept) <= max(4 * buckets, len(values) if len(values) <= 4 * buckets else 0)
    assert np.all(np.diff(kept) > 0)
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9))
def test_an_axis_holds_its_data_and_its_ticks(low: float, spread: float):
    data = np.array([low, low + spread])
    axis = axis_over(data, may_be_log=True)
    assert axis.low < axis.high
    shares = axis.share(data)
    assert np.all((shares >= 0.0) & (shares <= 1.0))
    ticks = np.array(axis.ticks())
    assert len(ticks) <= 30
    assert np.all((axis.share(ticks) > -0.01) & (axis.share(ticks) < 1.01))


@given(st.integers(0, 60 * 365), st.integers(1, 30 * 365 * 24))
def test_time_ticks_are_round_ascending_and_few(day: int, hours: int):
    start_ns = day * DAY_NS
    ticks = time_ticks(start_ns, start_ns + hours * HOUR_NS)
    assert len(ticks) <= 9
    assert [ts for ts, _ in ticks] == sorted({ts for ts, _ in ticks})
    assert all(start_ns <= ts <= start_ns + hours * HOUR_NS and ts % MINUTE_NS == 0 for ts, _ in ticks)


def test_a_price_that_grew_twentyfold_is_drawn_on_a_log_axis_with_few_ticks():
    axis = axis_over(np.array([3000.0, 69_000.0]), may_be_log=True)
    assert axis.is_log
    assert axis.ticks() == [5000.0, 10_000.0, 20_000.0, 50_000.0]
    assert axis.share(np.array([math.sqrt(axis.low * axis.high)]))[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("value", "step", "is_percent", "text"),
    [
        (12_500.0, 2500.0, False, "12,500"),
        (1_250_000.0, 250_000.0, False, "1.25M"),
        (-0.05, 0.05, True, "−5%"),
        (0.025, 0.025, True, "2.5%"),
        (1.25e-5, 2.5e-6, False, "0.0000125"),
        (0.0, 0.5, False, "0.0"),
    ],
)
def test_tick_labels_have_the_digits_their_step_needs(value: float, step: float, is_percent: bool, text: str):
    assert tick_text(value, step, is_percent=is_percent) == text


def test_numbers_are_written_for_readers():
    assert number(-1234.5) == "−1,234.50"
    assert number(-0.001, is_signed=True) == "0.00"
    assert number(None) == number(math.nan) == "–"
    assert percent(0.1234, is_signed=True) == "+12.34%"
    assert price(27_858.24) == "27,858.24"
    assert price(0.0000123456) == "0.000012346"
    assert duration(DAY_NS * 12 + HOUR_NS * 4 + 5) == "12 d 4 h"
    assert duration(45_000_000_000) == "45 s"
    assert duration(0) == "0 s"
    assert timestamp(1_682_898_900_000_000_000) == "2023-04-30 23:55"


def test_text_is_escaped_unless_it_is_markup():
    inner = element("b", "1 < 2 & 3")
    assert element("p", inner, " '\"<", data_tip='a"b') == (
        '<p data-tip="a&quot;b"><b>1 &lt; 2 &amp; 3</b> &#x27;&quot;&lt;</p>'
    )


def test_an_axis_over_nothing_or_over_one_value_is_still_an_axis():
    assert axis_over(np.array([np.nan])) == Axis(0.0, 1.0)
    flat = axis_over(np.array([100.0, 100.0]))
    assert flat.low < 100.0 < flat.high


def test_bars_of_a_symbol_that_was_not_traded_are_drawn_without_marks(result: RunResult):
    other: BarSeries = synthetic_bars("XRPUSDT", 500, seed=2, price=0.5)
    run = dataclasses.replace(result, price_bars={"XRPUSDT": other})
    assert "0 trades on the price of XRPUSDT" in render_report(run)
