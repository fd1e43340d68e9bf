"""Laws fitted to values: right where the values follow them, honest where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bot4.domain.errors import UsageError
from bot4.simulator.network.fit import beta_fit, dispersion, exponential_fit, kolmogorov_p_value, log_normal_fit
from bot4.simulator.network.random_streams import BETA, EXPONENTIAL, LOG_NORMAL, draw_into, open_streams
from tests.recorded_arrivals import reports
from tests.shared_data import requires_shared_data


def drawn(law: int, first: float, second: float = 0.0, n: int = 4_000) -> np.ndarray:
    values = np.zeros(n)
    draw_into(open_streams(8, 1), 0, law, first, second, values)
    return values


def test_the_fits_find_the_parameters_that_the_values_were_drawn_with() -> None:
    assert exponential_fit(drawn(EXPONENTIAL, 3.0)).parameters["mean"] == pytest.approx(3.0, rel=0.05)
    log_normal = log_normal_fit(drawn(LOG_NORMAL, 5.0, 0.7)).parameters
    assert (log_normal["median"], log_normal["sigma"]) == (pytest.approx(5.0, rel=0.05), pytest.approx(0.7, rel=0.05))
    beta = beta_fit(drawn(BETA, 2.0, 5.0)).parameters
    assert (beta["a"], beta["b"]) == (pytest.approx(2.0, rel=0.1), pytest.approx(5.0, rel=0.1))


def test_distance_and_p_value_are_scipys() -> None:
    values = drawn(EXPONENTIAL, 3.0)
    for fit, law in [
        (exponential_fit(values), stats.expon(scale=values.mean())),
        (log_normal_fit(values), stats.lognorm(np.log(values).std(), scale=np.exp(np.log(values).mean()))),
        (beta_fit(values / 40), stats.beta(*beta_fit(values / 40).parameters.values())),
    ]:
        expected = stats.kstest(values / 40 if fit.law == "beta" else values, law.cdf)
        assert fit.distance == pytest.approx(expected.statistic, abs=1e-9)
        assert fit.p_value == pytest.approx(expected.pvalue, rel=0.05, abs=1e-9)


def test_values_on_a_grid_are_measured_at_both_ends_of_each_step() -> None:
    values = np.array([0.0] * 5 + [1.0] * 5 + [3.0])
    expected = stats.kstest(values, stats.expon(scale=values.mean()).cdf).statistic
    assert exponential_fit(values).distance == pytest.approx(expected)


@pytest.mark.parametrize(("distance", "n"), [(0.001, 100), (0.05, 300), (0.1, 300), (0.5, 50)])
def test_the_p_value_is_that_of_the_kolmogorov_distribution(distance: float, n: int) -> None:
    assert kolmogorov_p_value(distance, n) == pytest.approx(stats.kstwo(n).sf(distance), rel=0.05, abs=1e-3)


def test_poisson_arrivals_have_a_dispersion_of_one_and_clustered_ones_more() -> None:
    times = np.cumsum(drawn(EXPONENTIAL, 1.0, n=20_000))
    assert dispersion(times, 20.0) == pytest.approx(1.0, abs=0.15)
    begins = 20.0 * times[:1_000]
    bursts = np.sort(np.concatenate([begins + 0.001 * k for k in range(20)]))
    assert dispersion(bursts, 20.0) > 5


@pytest.mark.parametrize(
    "values", [np.ones(5), np.full(20, 2.0), np.r_[np.arange(1.0, 20.0), -1.0], np.r_[np.arange(1.0, 20.0), np.nan]]
)
def test_values_that_no_law_fits_are_refused(values: np.ndarray) -> None:
    with pytest.raises(UsageError):
        exponential_fit(values)


@requires_shared_data
def test_recorded_arrivals_are_reported_and_cluster() -> None:
    by_name = {name: (fit, spread) for name, fit, spread in reports()}
    assert len(by_name) == 5
    for name, (fit, spread) in by_name.items():
        assert 0.0 < fit.distance < 1.0
        if "trade gaps" in name:
            assert fit.variation > 1.0, "the gaps of a Poisson process vary by 1"
            assert float(spread) > 1.0
