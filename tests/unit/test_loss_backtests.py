"""Backtests of value at risk and shortfall against published tables, by hand, and for their size and power."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bot4.domain.errors import DataError, UsageError
from bot4.quant.loss.backtests import (
    TrafficLight,
    backtest_value_at_risk,
    binomial_cdf,
    chi_square_tail_1,
    chi_square_tail_2,
    christoffersen_ratio,
    exceedances,
    kupiec_ratio,
    traffic_light,
)
from bot4.quant.loss.parametric import student_multipliers
from bot4.quant.loss.shortfall_backtests import acerbi_szekely, mcneil_frey, second_statistic

# First and last number of exceedances that Kupiec's test does not reject at 5%, as Jorion prints his table (Value
# at Risk, 2007, table 6-2, which for 1% of 255 says "below 7" only).
KUPIEC_TABLE = {
    (0.01, 255): (1, 6), (0.01, 510): (2, 10), (0.01, 1000): (5, 16),
    (0.025, 255): (3, 11), (0.025, 510): (7, 20), (0.025, 1000): (16, 35),
    (0.05, 255): (7, 20), (0.05, 510): (17, 35), (0.05, 1000): (38, 64),
    (0.075, 255): (12, 27), (0.075, 510): (28, 50), (0.075, 1000): (60, 91),
    (0.10, 255): (17, 35), (0.10, 510): (39, 64), (0.10, 1000): (82, 119),
}  # fmt: skip


@pytest.mark.parametrize(("p", "n"), KUPIEC_TABLE)
def test_kupiecs_test_accepts_what_his_table_accepts(p: float, n: int) -> None:
    accepted = [x for x in range(n) if chi_square_tail_1(kupiec_ratio(x, n, p)) > 0.05]
    assert (accepted[0], accepted[-1]) == KUPIEC_TABLE[p, n]


def test_kupiecs_ratio_by_hand() -> None:
    assert kupiec_ratio(10, 1000, 0.01) == pytest.approx(0.0, abs=1e-12)
    expected = -2.0 * math.log(0.99**245 * 0.01**5 / (0.98**245 * 0.02**5))
    assert kupiec_ratio(5, 250, 0.01) == pytest.approx(expected, rel=1e-10)
    assert kupiec_ratio(0, 250, 0.01) == pytest.approx(-2.0 * 250 * math.log(0.99), rel=1e-12)
    assert kupiec_ratio(250, 250, 0.01) == pytest.approx(-2.0 * 250 * math.log(0.01), rel=1e-12)


def test_christoffersens_ratio_by_hand() -> None:
    n00, n01, n10, n11 = 900, 45, 40, 15
    own = 900 * math.log(900 / 945) + 45 * math.log(45 / 945) + 40 * math.log(40 / 55) + 15 * math.log(15 / 55)
    same = 940 * math.log(0.94) + 60 * math.log(0.06)
    assert christoffersen_ratio(n00, n01, n10, n11) == pytest.approx(2.0 * (own - same), rel=1e-10)
    table = stats.chi2_contingency([[n00, n01], [n10, n11]], correction=False, lambda_="log-likelihood")
    assert christoffersen_ratio(n00, n01, n10, n11) == pytest.approx(table.statistic, rel=1e-10)
    assert christoffersen_ratio(999, 0, 0, 0) == 0.0


def test_tails_of_chi_square_and_binomial_are_scipys() -> None:
    for x in (0.0, 0.3, 3.84, 12.0):
        assert chi_square_tail_1(x) == pytest.approx(stats.chi2.sf(x, 1), rel=1e-10)
        assert chi_square_tail_2(x) == pytest.approx(stats.chi2.sf(x, 2), rel=1e-10)
    for k in (0, 3, 9, 250):
        assert binomial_cdf(k, 250, 0.01) == pytest.approx(stats.binom.cdf(k, 250, 0.01), rel=1e-10)


def test_the_traffic_light_is_the_basel_committees() -> None:
    zones = [traffic_light(x) for x in range(13)]
    assert zones == [TrafficLight.GREEN] * 5 + [TrafficLight.YELLOW] * 5 + [TrafficLight.RED] * 3
    published = {0: 8.11, 1: 28.58, 2: 54.32, 3: 75.81, 4: 89.22, 5: 95.88, 6: 98.63, 7: 99.60, 8: 99.89, 9: 99.97}
    for x, percent in published.items():
        assert 100.0 * binomial_cdf(x, 250, 0.01) == pytest.approx(percent, abs=0.005)


def test_a_right_forecast_is_rejected_as_often_as_it_should_be() -> None:
    generator = np.random.default_rng(1)
    rejected = dict.fromkeys(("kupiec", "independence", "conditional"), 0)
    n_tries = 200
    for _ in range(n_tries):
        found = backtest_value_at_risk(generator.random(400) < 0.05, 0.95, generator, 299)
        for name in rejected:
            rejected[name] += getattr(found, name).simulated_p <= 0.10
    allowed = 3.0 * math.sqrt(0.1 * 0.9 / n_tries)
    for name, count in rejected.items():
        assert abs(count / n_tries - 0.10) < allowed, name


def test_simulated_and_asymptotic_probabilities_agree_on_long_series() -> None:
    generator = np.random.default_rng(2)
    found = backtest_value_at_risk(generator.random(5_000) < 0.055, 0.95, generator, 1_999)
    for test in (found.kupiec, found.independence, found.conditional):
        assert test.simulated_p == pytest.approx(test.asymptotic_p, abs=0.06)


def test_too_many_exceedances_and_clusters_of_them_are_found() -> None:
    generator = np.random.default_rng(3)
    often = backtest_value_at_risk(generator.random(1_000) < 0.03, 0.99, generator, 999)
    assert often.kupiec.simulated_p < 0.01
    assert often.kupiec.asymptotic_p < 0.01
    clustered = np.zeros(1_000, bool)
    clustered[100:150:2] = clustered[101:151:2] = True  # fifty in a row
    found = backtest_value_at_risk(clustered, 0.95, generator, 999)
    assert found.kupiec.simulated_p > 0.5
    assert found.independence.simulated_p < 0.01
    assert found.conditional.simulated_p < 0.01
    assert (found.n_exceeded, found.expected) == (50, pytest.approx(50.0))


def test_a_backtest_is_the_same_for_the_same_seed() -> None:
    hits = np.random.default_rng(4).random(300) < 0.05
    one, two = (backtest_value_at_risk(hits, 0.95, np.random.default_rng(5), 199) for _ in range(2))
    assert one == two
    assert one.light is traffic_light(int(hits[-250:].sum()), 250, 0.95)


def test_exceedances_are_losses_above_their_own_forecast() -> None:
    np.testing.assert_array_equal(
        exceedances(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.5, 4.0])), [False, True, False]
    )
    for bad in (np.array([1.0, 2.0]), np.array([1.0, math.nan, 2.0])):
        with pytest.raises(DataError):
            exceedances(np.array([1.0, 2.0, 3.0]), bad)
    with pytest.raises(DataError):
        backtest_value_at_risk(np.zeros(1, bool), 0.95, np.random.default_rng(0))
    with pytest.raises(UsageError):
        backtest_value_at_risk(np.zeros(100, bool), 0.4, np.random.default_rng(0))


def student_losses(generator: np.random.Generator, n: int, df: float) -> np.ndarray:
    return generator.standard_t(df, n) * math.sqrt((df - 2.0) / df)


@pytest.mark.parametrize(("df", "critical"), [(10.0, -0.70), (100.0, -0.70), (3.0, -0.82)])
def test_the_second_statistic_of_acerbi_and_szekely_has_its_published_critical_value(
    df: float, critical: float
) -> None:
    # Their table 4: 5% of right forecasts fall below -0.70 for most distributions, at 97.5% and 250 days.
    generator = np.random.default_rng(6)
    unit = student_multipliers(0.975, df)
    var, shortfall = np.full(250, unit.value_at_risk), np.full(250, unit.expected_shortfall)
    values = [second_statistic(student_losses(generator, 250, df), var, shortfall, 0.975) for _ in range(4_000)]
    assert abs(np.mean(values)) < 3.0 * np.std(values) / math.sqrt(4_000)
    assert np.quantile(values, 0.05) == pytest.approx(critical, abs=0.05)


def test_shortfall_tests_find_a_forecast_that_is_too_low_and_leave_a_right_one() -> None:
    generator = np.random.default_rng(7)
    deviations = np.exp(generator.normal(-4.0, 0.3, 1_500))
    losses = deviations * student_losses(generator, 1_500, 4.0)
    pvalues = {}
    for df in (4.0, math.inf):
        unit = student_multipliers(0.975, df)
        var, shortfall = deviations * unit.value_at_risk, deviations * unit.expected_shortfall

        def simulate(g: np.random.Generator, df: float = df) -> np.ndarray:
            return deviations * (student_losses(g, 1_500, df) if df < math.inf else g.standard_normal(1_500))

        second = acerbi_szekely(losses, var, shortfall, 0.975, simulate, generator, 400)
        residuals = mcneil_frey(losses, var, shortfall, deviations, generator, 1_999)
        assert second.n_exceeded == residuals.n_exceeded == np.count_nonzero(losses > var)
        pvalues[df] = (second.p_value, residuals.p_value)
    assert min(pvalues[4.0]) > 0.05
    assert max(pvalues[math.inf]) < 0.05


def test_mcneil_and_freys_test_rejects_a_right_forecast_as_often_as_it_should() -> None:
    generator = np.random.default_rng(8)
    unit, ones = student_multipliers(0.95, 6.0), np.ones(1_000)
    rejected = 0
    for _ in range(200):
        losses = student_losses(generator, 1_000, 6.0)
        found = mcneil_frey(losses, unit.value_at_risk * ones, unit.expected_shortfall * ones, ones, generator, 399)
        rejected += found.p_value <= 0.10
    assert 0.03 < rejected / 200 < 0.17


def test_where_nothing_was_exceeded_nothing_is_said() -> None:
    ones = np.ones(100)
    found = mcneil_frey(0.0 * ones, ones, 2.0 * ones, ones, np.random.default_rng(9))
    assert math.isnan(found.p_value)
    assert found.n_exceeded == 0
    with pytest.raises(DataError):
        mcneil_frey(ones, ones, 0.0 * ones, ones, np.random.default_rng(9))
