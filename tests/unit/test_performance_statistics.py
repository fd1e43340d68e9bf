"""Performance statistics against pandas, scipy and worked examples."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from bot4.domain.bars import DAY_NS, HOUR_NS
from bot4.quant.statistics import drawdown, performance, trade_results

START_NS = int(pd.Timestamp("2023-01-01", tz="UTC").value)


def hourly_curve(days: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = days * 24 + 1
    ts_ns = START_NS + HOUR_NS * np.arange(n, dtype=np.int64)
    steps = rng.standard_t(4, n) * 0.004 + 0.0001
    steps[0] = 0.0
    return ts_ns, 10_000.0 * np.exp(np.cumsum(steps))


def pandas_daily_returns(ts_ns: np.ndarray, equity: np.ndarray) -> pd.Series:
    series = pd.Series(equity[1:], index=pd.to_datetime(ts_ns[1:] - 1, utc=True))
    closes = series.resample("D").last().ffill()
    return pd.Series([equity[0], *closes]).pct_change().dropna()


def test_daily_returns_equal_those_pandas_resamples():
    ts_ns, equity = hourly_curve(90)
    keep = np.ones(len(ts_ns), dtype=bool)
    keep[24 * 10 + 5 : 24 * 13 + 7] = False
    ts_ns, equity = ts_ns[keep], equity[keep]
    np.testing.assert_allclose(
        performance.daily_returns(ts_ns, equity), pandas_daily_returns(ts_ns, equity).to_numpy(), rtol=0, atol=1e-14
    )


def test_a_day_without_samples_carries_the_last_value():
    ts_ns = START_NS + DAY_NS * np.array([0, 1, 4], dtype=np.int64)
    days, closes = performance.daily_closes(ts_ns, np.array([100.0, 110.0, 121.0]))
    assert (days - START_NS // DAY_NS).tolist() == [0, 1, 2, 3]
    assert closes.tolist() == [110.0, 110.0, 110.0, 121.0]


def test_a_value_at_midnight_closes_the_day_that_ends_there():
    ts_ns = START_NS + np.array([0, 23 * HOUR_NS, DAY_NS, DAY_NS + 1], dtype=np.int64)
    _, closes = performance.daily_closes(ts_ns, np.array([100.0, 101.0, 102.0, 103.0]))
    assert closes.tolist() == [102.0, 103.0]


def test_sharpe_sortino_and_volatility_equal_a_direct_computation_on_pandas_daily_returns():
    ts_ns, equity = hourly_curve(200)
    returns = performance.daily_returns(ts_ns, equity)
    daily = pandas_daily_returns(ts_ns, equity)
    assert performance.sharpe(returns) == pytest.approx(daily.mean() / daily.std() * math.sqrt(365), rel=1e-10)
    assert performance.annualised_volatility(returns) == pytest.approx(daily.std() * math.sqrt(365), rel=1e-10)
    losses = daily.clip(upper=0.0)
    assert performance.sortino(returns) == pytest.approx(
        daily.mean() / math.sqrt((losses**2).sum() / len(daily)) * math.sqrt(365), rel=1e-10
    )


def test_annualised_ratios_are_none_under_thirty_days():
    for days, is_defined in ((29, False), (30, True)):
        ts_ns, equity = hourly_curve(days)
        returns = performance.daily_returns(ts_ns, equity)
        assert len(returns) == days
        for value in (
            performance.sharpe(returns),
            performance.sortino(returns),
            performance.annualised_volatility(returns),
            performance.probabilistic_sharpe(returns),
            performance.skewness(returns),
            performance.kurtosis(returns),
            performance.tail_ratio(returns),
            performance.value_at_risk(returns, 0.95),
            performance.cagr(ts_ns, equity),
        ):
            assert (value is not None) is is_defined


def test_skew_and_kurtosis_equal_scipys():
    returns = performance.daily_returns(*hourly_curve(300))
    assert performance.skewness(returns) == pytest.approx(stats.skew(returns), rel=1e-10)
    assert performance.kurtosis(returns) == pytest.approx(stats.kurtosis(returns, fisher=False), rel=1e-10)


def test_probabilistic_sharpe_matches_the_published_formula_with_scipys_normal():
    returns = performance.daily_returns(*hourly_curve(300, seed=3))
    ratio = returns.mean() / returns.std(ddof=1)
    deviation = math.sqrt(
        (1 - stats.skew(returns) * ratio + (stats.kurtosis(returns, fisher=False) - 1) / 4 * ratio**2)
        / (len(returns) - 1)
    )
    assert performance.probabilistic_sharpe(returns) == pytest.approx(stats.norm.cdf(ratio / deviation), rel=1e-10)
    assert performance.probabilistic_sharpe(returns, ratio * math.sqrt(365)) == pytest.approx(0.5)


@pytest.mark.parametrize("x", [-8.0, -1.96, 0.0, 0.3, 2.5])
def test_normal_cdf_equals_scipys(x: float):
    assert performance.normal_cdf(x) == pytest.approx(stats.norm.cdf(x), abs=1e-15)


def test_value_at_risk_and_shortfall_of_a_hundred_known_days():
    returns = np.arange(1, 101) / 1000.0 - 0.0505
    assert performance.value_at_risk(returns, 0.95) == pytest.approx(0.0455)
    assert performance.conditional_value_at_risk(returns, 0.95) == pytest.approx(0.0475)
    assert performance.value_at_risk(returns, 0.99) == pytest.approx(0.0495)
    assert performance.conditional_value_at_risk(returns, 0.99) == pytest.approx(0.0495)
    assert performance.value_at_risk(returns[:99], 0.99) is None


def test_shortfall_counts_a_fraction_of_a_day_as_that_fraction():
    returns = np.concatenate(([-0.10, -0.06], np.full(28, 0.01)))
    assert performance.conditional_value_at_risk(returns, 0.95) == pytest.approx((0.10 + 0.5 * 0.06) / 1.5)


def test_cagr_of_a_doubling_in_two_years():
    ts_ns = np.array([START_NS, START_NS + 730 * DAY_NS], dtype=np.int64)
    assert performance.cagr(ts_ns, np.array([50.0, 100.0])) == pytest.approx(math.sqrt(2) - 1)
    assert performance.cagr(ts_ns, np.array([50.0, 0.0])) == -1.0
    assert performance.cagr(ts_ns, np.array([50.0, -1.0])) is None


def test_tail_ratio_uses_interpolated_percentiles():
    returns = performance.daily_returns(*hourly_curve(120, seed=5))
    expected = abs(np.percentile(returns, 95)) / abs(np.percentile(returns, 5))
    assert performance.tail_ratio(returns) == pytest.approx(expected)


def test_monthly_returns_equal_pandas_and_compound_to_the_total():
    ts_ns, equity = hourly_curve(140)
    table = performance.monthly_returns(ts_ns, equity)
    series = pd.Series(equity[1:], index=pd.to_datetime(ts_ns[1:] - 1, utc=True))
    closes = series.groupby([series.index.year, series.index.month]).last()
    expected = pd.Series([equity[0], *closes]).pct_change().dropna()
    assert [(year, month) for year, month, _ in table] == list(closes.index)
    np.testing.assert_allclose([gained for *_, gained in table], expected.to_numpy(), atol=1e-12)
    compounded = math.prod(1 + gained for *_, gained in table) - 1
    assert compounded == pytest.approx(performance.total_return(equity))


def test_rolling_sharpe_is_the_sharpe_of_each_window():
    returns = performance.daily_returns(*hourly_curve(80))
    rolling = performance.rolling_sharpe(returns, 30)
    assert len(rolling) == 51
    assert rolling[17] == pytest.approx(performance.sharpe(returns[17:47]))
    assert len(performance.rolling_sharpe(returns[:29], 30)) == 0


def test_maximum_and_longest_drawdown_of_a_worked_curve():
    ts_ns = START_NS + DAY_NS * np.arange(10, dtype=np.int64)
    equity = np.array([100.0, 120.0, 60.0, 130.0, 125.0, 117.0, 129.0, 128.0, 131.0, 130.0])
    deepest = drawdown.maximum_drawdown(ts_ns, equity)
    assert deepest is not None
    assert deepest.depth == 0.5
    assert [(t - START_NS) // DAY_NS for t in (deepest.peak_ns, deepest.trough_ns, deepest.end_ns)] == [1, 2, 3]
    longest = drawdown.longest_drawdown(ts_ns, equity)
    assert longest is not None
    assert longest.duration_ns == 5 * DAY_NS
    assert longest.depth == pytest.approx(0.1)
    assert (longest.trough_ns - START_NS) // DAY_NS == 5


def test_a_drawdown_that_never_recovers_lasts_to_the_last_sample():
    ts_ns = START_NS + DAY_NS * np.arange(4, dtype=np.int64)
    for found in (drawdown.maximum_drawdown, drawdown.longest_drawdown):
        fall = found(ts_ns, np.array([100.0, 80.0, 90.0, 85.0]))
        assert fall is not None
        assert fall.recovery_ns is None
        assert fall.duration_ns == 3 * DAY_NS


def test_ulcer_index_of_a_worked_curve():
    assert drawdown.ulcer_index(np.array([100.0, 90.0, 100.0, 80.0])) == pytest.approx(math.sqrt(0.05 / 4))


def test_a_curve_that_only_rises_has_no_drawdown_and_no_sortino():
    ts_ns = START_NS + DAY_NS * np.arange(40, dtype=np.int64)
    equity = 100.0 * 1.01 ** np.arange(40)
    returns = performance.daily_returns(ts_ns, equity)
    assert drawdown.maximum_drawdown(ts_ns, equity) is None
    assert drawdown.longest_drawdown(ts_ns, equity) is None
    assert performance.sortino(returns) is None
    assert performance.sharpe(returns) is None, "constant growth has no spread"
    assert performance.calmar(performance.cagr(ts_ns, equity), None) is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -5.0])
def test_returns_on_a_curve_with_a_hole_or_ruin_are_undefined(bad: float):
    ts_ns, equity = hourly_curve(40)
    equity[500] = bad
    returns = performance.daily_returns(ts_ns, equity)
    assert len(returns) == 0
    assert performance.sharpe(returns) is None
    assert performance.monthly_returns(ts_ns, equity) == []


def test_empty_and_single_sample_curves_are_undefined():
    for n in (0, 1):
        ts_ns, equity = np.arange(n, dtype=np.int64), np.full(n, 100.0)
        assert len(performance.daily_returns(ts_ns, equity)) == 0
        assert performance.time_weighted_mean(ts_ns, equity) is None
    assert performance.total_return(np.empty(0)) is None
    assert drawdown.ulcer_index(np.empty(0)) is None


def test_a_time_weighted_mean_weighs_each_value_by_how_long_it_held():
    assert performance.time_weighted_mean(np.array([0, 1, 4]), np.array([4.0, 0.0, 99.0])) == pytest.approx(1.0)


def test_trade_statistics_of_a_worked_list():
    pnl = np.array([100.0, -50.0, -25.0, 0.0, 40.0, -30.0])
    assert trade_results.win_rate(pnl) == pytest.approx(2 / 6)
    assert trade_results.profit_factor(pnl) == pytest.approx(140 / 105)
    assert trade_results.expectancy(pnl) == pytest.approx(35 / 6)
    assert trade_results.average_win(pnl) == 70.0
    assert trade_results.average_loss(pnl) == -35.0
    assert trade_results.payoff_ratio(pnl) == 2.0
    assert trade_results.longest_losing_streak(pnl) == 2
    assert trade_results.expectancy(np.array([1.0, np.nan, 2.0])) == 1.5
    assert trade_results.turnover(300.0, 100.0) == 3.0


def test_trade_statistics_without_trades_or_losses_are_none():
    none, won = np.empty(0), np.array([5.0, 7.0])
    assert trade_results.win_rate(none) is None
    assert trade_results.expectancy(none) is None
    assert trade_results.longest_losing_streak(none) == 0
    assert trade_results.profit_factor(won) is None
    assert trade_results.payoff_ratio(won) is None
    assert trade_results.turnover(1.0, None) is None


curves = hnp.arrays(np.float64, st.integers(2, 120), elements=st.floats(1.0, 1e4))
day_returns = hnp.arrays(np.float64, st.integers(100, 160), elements=st.floats(-0.5, 0.5))


@given(curves)
def test_drawdown_stays_between_nothing_and_everything(equity: np.ndarray):
    curve = drawdown.drawdown_curve(equity)
    assert np.all((curve >= 0.0) & (curve < 1.0))
    ts_ns = DAY_NS * np.arange(len(equity), dtype=np.int64)
    deepest = drawdown.maximum_drawdown(ts_ns, equity)
    if deepest is not None:
        longest = drawdown.longest_drawdown(ts_ns, equity)
        assert longest is not None
        assert deepest.peak_ns < deepest.trough_ns <= deepest.end_ns
        assert longest.duration_ns >= deepest.duration_ns
        assert deepest.depth >= longest.depth


@given(curves)
def test_daily_returns_compound_to_the_total_return(equity: np.ndarray):
    ts_ns = HOUR_NS * 7 * np.arange(len(equity), dtype=np.int64)
    growth = np.prod(1.0 + performance.daily_returns(ts_ns, equity))
    assert growth == pytest.approx(equity[-1] / equity[0], rel=1e-9)


@given(day_returns, st.sampled_from([0.9, 0.95, 0.99]))
def test_expected_shortfall_is_never_below_value_at_risk(returns: np.ndarray, level: float):
    var = performance.value_at_risk(returns, level)
    shortfall = performance.conditional_value_at_risk(returns, level)
    assert var is not None
    assert shortfall is not None
    assert var <= shortfall <= -returns.min() + 1e-12


@given(st.integers(0, 10_000), st.floats(0.01, 1e4))
def test_sharpe_does_not_depend_on_the_size_of_the_account_or_of_the_bets(seed: int, scale: float):
    returns = np.random.default_rng(seed).normal(0.001, 0.02, 60)
    plain = performance.sharpe(returns)
    assert plain is not None
    assert performance.sharpe(returns * scale) == pytest.approx(plain, rel=1e-9)
    ts_ns, equity = hourly_curve(40, seed)
    of_curve = performance.sharpe(performance.daily_returns(ts_ns, equity))
    assert performance.sharpe(performance.daily_returns(ts_ns, equity * scale)) == pytest.approx(of_curve, rel=1e-6)


@given(day_returns)
def test_probabilistic_sharpe_is_a_probability_that_falls_as_the_benchmark_rises(returns: np.ndarray):
    low, high = (performance.probabilistic_sharpe(returns, s) for s in (0.0, 2.0))
    if low is not None and high is not None:
        assert 0.0 <= high <= low <= 1.0
