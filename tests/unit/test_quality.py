import json
from dataclasses import replace

import numpy as np
import pytest

from bot4.domain.bars import HOUR_NS, MINUTE_NS, BarSeries
from bot4.domain.errors import DataError
from bot4.quant.series.quality import REPAIR, STRICT, Defect, Policy, apply_policy, check_bars
from bot4.quant.series.synthetic import SyntheticParameters, synthetic_bars

COLUMNS = ("open", "high", "low", "close", "volume")
CALM = SyntheticParameters(
    volatility_per_year=(0.5,) * 4, jumps_per_day=(0.0,) * 4, volatility_spread=0.1, drift_per_year=(0.0,) * 4
)


def clean(n: int = 200) -> BarSeries:
    return synthetic_bars(3, n, MINUTE_NS, "BTCUSDT", parameters=CALM)


def changed(series: BarSeries, row: int, **values: float) -> BarSeries:
    columns = {name: getattr(series, name).copy() for name in values}
    for name, value in values.items():
        columns[name][row] = value
    return replace(series, **columns)


def taken(series: BarSeries, rows) -> BarSeries:
    rows = np.asarray(rows)
    return replace(series, ts_open_ns=series.ts_open_ns[rows], **{n: getattr(series, n)[rows] for n in COLUMNS})


def only_finding(series: BarSeries):
    (finding,) = check_bars(series).findings
    return finding


def test_a_clean_series_has_no_findings():
    report = check_bars(clean(5000))
    assert report.findings == ()
    assert report.is_usable


@pytest.mark.parametrize(
    ("values", "defect"),
    [
        ({"close": np.nan}, Defect.NON_FINITE),
        ({"volume": np.inf}, Defect.NON_FINITE),
        ({"volume": -1.0}, Defect.NON_POSITIVE),
        ({"volume": 0.0}, Defect.ZERO_VOLUME),
        ({"high": 1.0}, Defect.OHLC_VIOLATION),
        ({"low": 1e9}, Defect.OHLC_VIOLATION),
    ],
)
def test_a_defect_in_one_bar_is_found_at_its_row(values, defect):
    series = clean()
    finding = only_finding(changed(series, 42, **values))
    assert finding.defect is defect
    assert finding.bars == 1
    assert finding.examples[0].row == 43
    assert finding.examples[0].ts_open_ns == series.ts_open_ns[42]
    assert finding.policy is STRICT[defect]


def test_a_price_at_or_below_zero_is_found():
    for name in ("open", "high", "low", "close"):
        for price in (0.0, -5.0):
            found = check_bars(changed(clean(), 7, **{name: price})).find(Defect.NON_POSITIVE)
            assert found is not None
            assert found.examples[0].row == 8


def test_missing_bars_are_counted_by_gap():
    series = taken(clean(), [*range(10), *range(13, 20), *range(21, 30)])
    finding = only_finding(series)
    assert (finding.defect, finding.bars, finding.occurrences) == (Defect.GAP, 4, 2)
    assert finding.examples[0].row == 10
    assert "3 missing bars before 2024-01-01T00:13Z" in finding.examples[0].detail


def test_an_exact_duplicate_and_a_conflicting_one_are_told_apart():
    series = taken(clean(), [0, 1, 1, 2, 3, 3, 4])
    series = changed(series, 5, close=float(series.close[4]) - 0.01, low=float(series.low[4]) - 0.01)
    report = check_bars(series)
    assert {f.defect: (f.bars, f.examples[0].row) for f in report.findings} == {
        Defect.EXACT_DUPLICATE: (1, 3),
        Defect.CONFLICTING_DUPLICATE: (1, 6),
    }


def test_duplicates_far_apart_are_found_through_the_disorder():
    report = check_bars(taken(clean(), [0, 1, 2, 3, 4, 1]))
    assert report.find(Defect.DISORDER).examples[0].row == 6
    assert report.find(Defect.EXACT_DUPLICATE).examples[0].row == 6


def test_bars_that_overlap_or_stand_off_the_grid_are_found():
    series = changed(clean(10), 4)
    ts_open_ns = series.ts_open_ns.copy()
    ts_open_ns[4] += 7_000_000_000
    report = check_bars(replace(series, ts_open_ns=ts_open_ns))
    assert report.find(Defect.OFF_GRID).examples[0].row == 5
    assert report.find(Defect.OVERLAP).examples[0].row == 6


def test_a_close_that_jumps_away_and_back_is_a_spike_and_one_that_stays_is_none():
    series = clean()
    spike = changed(series, 50, close=float(series.close[50]) * 1.2, high=float(series.high[50]) * 1.3)
    finding = only_finding(spike)
    assert finding.defect is Defect.SPIKE
    assert finding.examples[0].row == 51
    stays = {
        name: np.where(np.arange(200) >= 50, getattr(series, name) * 1.2, getattr(series, name)) for name in COLUMNS
    }
    assert check_bars(replace(series, **stays)).find(Defect.SPIKE) is None


def test_a_run_of_identical_bars_is_frozen_from_three_on():
    series = clean()
    for name in ("open", "high", "low", "close"):
        getattr(series, name)[60:62] = 50_000.0
        getattr(series, name)[100:104] = 50_000.0
    finding = check_bars(series).find(Defect.FROZEN)
    assert (finding.bars, finding.occurrences) == (4, 1)
    assert finding.examples[0].row == 101
    assert finding.examples[0].detail.startswith("4 bars at 50000")


def test_strict_refuses_what_repair_mends():
    series = taken(clean(), [0, 1, 3, 2, 4, 4])
    with pytest.raises(DataError, match="disorder"):
        apply_policy(series, STRICT)
    mended, report = apply_policy(series, REPAIR)
    assert mended.ts_open_ns.tolist() == clean().ts_open_ns[:5].tolist()
    assert {f.defect: f.policy for f in report.findings} == {
        Defect.DISORDER: Policy.SORT,
        Defect.EXACT_DUPLICATE: Policy.DROP,
    }


@pytest.mark.parametrize("policies", [STRICT, REPAIR], ids=["strict", "repair"])
def test_what_needs_a_guess_is_refused_by_both(policies):
    series = clean()
    for bad in (
        changed(series, 5, close=np.nan),
        changed(series, 5, low=-1.0),
        changed(series, 5, high=1.0),
        changed(taken(series, [0, 1, 1, 2]), 2, volume=77.0),
    ):
        with pytest.raises(DataError) as caught:
            apply_policy(bad, policies, "some.csv")
        assert str(caught.value).startswith("some.csv: row ")
        assert caught.value.remedy


def test_gaps_and_bars_without_volume_stay_as_they_are():
    series = changed(taken(clean(), [0, 1, 5, 6]), 1, volume=0.0)
    kept, report = apply_policy(series, STRICT)
    assert kept is series
    assert {f.defect for f in report.findings} == {Defect.GAP, Defect.ZERO_VOLUME}


def test_a_policy_of_ones_own_drops_bad_bars():
    series = changed(clean(), 5, close=np.nan)
    kept, report = apply_policy(series, {**REPAIR, Defect.NON_FINITE: Policy.DROP})
    assert len(kept) == 199
    assert report.find(Defect.NON_FINITE).policy is Policy.DROP
    assert series.ts_open_ns[5] not in kept.ts_open_ns


@pytest.mark.parametrize(
    ("defect", "values"),
    [
        (Defect.NON_POSITIVE, {"low": -1.0}),
        (Defect.OHLC_VIOLATION, {"high": 1.0}),
    ],
)
def test_each_droppable_defect_is_dropped_alone(defect, values):
    series = changed(clean(), 5, **values)
    kept, _ = apply_policy(series, {**STRICT, defect: Policy.DROP})
    assert np.array_equal(kept.ts_open_ns, np.delete(series.ts_open_ns, 5))


def test_bars_off_the_grid_are_dropped_when_asked_for():
    series = clean(10)
    ts_open_ns = series.ts_open_ns.copy()
    ts_open_ns[9] += 1_000_000_000
    kept, _ = apply_policy(replace(series, ts_open_ns=ts_open_ns), {**STRICT, Defect.OFF_GRID: Policy.DROP})
    assert len(kept) == 9


def test_a_finding_reads_as_one_line():
    (finding,) = check_bars(taken(clean(), [0, 1, 5, 6])).findings
    assert str(finding) == (
        "gap: 3 bars in 1 places, keep; first row 2 (2024-01-01T00:01Z): 3 missing bars before 2024-01-01T00:05Z"
    )


def test_a_policy_that_makes_no_sense_is_an_error():
    with pytest.raises(ValueError, match="'sort' cannot be applied to 'gap'"):
        apply_policy(clean(), {**STRICT, Defect.GAP: Policy.SORT})


def test_a_series_without_bars_is_refused_but_can_be_checked():
    empty = taken(clean(), np.arange(0))
    assert check_bars(empty).findings == ()
    with pytest.raises(DataError, match="no bars"):
        apply_policy(empty)


def test_the_report_is_plain_enough_for_json():
    report = check_bars(taken(clean(), [0, 1, 5, 6]))
    plain = json.loads(json.dumps(report.as_dict()))
    assert plain["interval"] == "1m"
    assert plain["is_synthetic"] is True
    assert plain["findings"][0]["examples"][0]["ts_open"] == "2024-01-01T00:01Z"


def test_weekly_bars_that_open_on_monday_are_on_the_grid():
    monday_ns = 1_704_067_200_000_000_000
    week_ns = 7 * 24 * HOUR_NS
    series = replace(clean(5), interval_ns=week_ns, ts_open_ns=monday_ns + week_ns * np.arange(5))
    assert check_bars(series).findings == ()
