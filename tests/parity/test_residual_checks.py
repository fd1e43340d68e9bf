"""Checks of residuals and HAR against statsmodels, SciPy and plain least squares."""

from __future__ import annotations

import numpy as np
import pytest

from bot4.domain.errors import DataError, UsageError
from bot4.quant.statistics.chi_squared import chi_squared_tail
from bot4.quant.volatility.fitting import fit_volatility
from bot4.quant.volatility.har import fit_har
from bot4.quant.volatility.residual_checks import check_residuals, dickey_fuller, jarque_bera, ljung_box
from tests.parity import volatility_reference as reference

scipy_stats = pytest.importorskip("scipy.stats")

SERIES = {
    "noise": np.random.default_rng(1).standard_normal(800),
    "fat": np.random.default_rng(2).standard_t(3, 800),
    "walk": np.cumsum(np.random.default_rng(3).standard_normal(800)),
    "remembering": np.convolve(np.random.default_rng(4).standard_normal(900), [1.0, 0.6, 0.3], "valid"),
}


@pytest.mark.parametrize("df", [0.5, 1.0, 2.0, 10.0, 80.0, 700.0])
def test_the_tail_of_chi_squared_is_scipys(df: float) -> None:
    for x in (1e-6, 0.1, 1.0, 3.0, 9.0, 30.0, 120.0, 650.0, 900.0):
        assert chi_squared_tail(x, df) == pytest.approx(scipy_stats.chi2.sf(x, df), rel=1e-9, abs=1e-300)
    assert chi_squared_tail(-1.0, df) == 1.0
    assert np.isnan(chi_squared_tail(float("nan"), df))
    with pytest.raises(UsageError, match="degrees of freedom"):
        chi_squared_tail(1.0, 0.0)


@pytest.mark.parametrize("name", list(SERIES))
def test_the_checks_are_those_of_statsmodels(name: str) -> None:
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic", reason="needs the peer statsmodels")
    from statsmodels.tsa.stattools import adfuller

    series = SERIES[name]
    box = diagnostic.acorr_ljungbox(series, lags=[10])
    ours = ljung_box(series, 10)
    assert ours.statistic == pytest.approx(float(box["lb_stat"].iloc[0]), rel=1e-10)
    assert ours.p_value == pytest.approx(float(box["lb_pvalue"].iloc[0]), rel=1e-8, abs=1e-300)
    normal = scipy_stats.jarque_bera(series)
    assert jarque_bera(series).statistic == pytest.approx(float(normal.statistic), rel=1e-10)
    assert jarque_bera(series).p_value == pytest.approx(float(normal.pvalue), rel=1e-8, abs=1e-300)
    for lags in (0, 4):
        peer = adfuller(series, maxlag=lags, autolag=None)
        found = dickey_fuller(series, lags)
        assert found.statistic == pytest.approx(peer[0], rel=1e-8)
        for level, text in ((0.01, "1%"), (0.05, "5%"), (0.10, "10%")):
            assert found.critical[level] == pytest.approx(peer[4][text], abs=1e-4)


def test_a_walk_has_a_unit_root_and_noise_has_none() -> None:
    assert not dickey_fuller(SERIES["walk"]).is_stationary()
    assert dickey_fuller(SERIES["noise"]).is_stationary(0.01)


def test_a_fitted_model_leaves_no_memory_in_the_squares_that_the_returns_had() -> None:
    returns = reference.simulated(4_000, 0.05, 0.15, 0.0, 0.8, 6.0, seed=8)
    assert ljung_box(returns**2, 10).p_value < 1e-6
    checks = check_residuals(fit_volatility(returns))
    assert checks.autocorrelation_of_squares.p_value > 0.01
    assert checks.normality.p_value < 1e-6  # the errors are Student-t, and stay so
    assert checks.unit_root.is_stationary(0.01)


def test_a_series_that_cannot_be_checked_is_refused() -> None:
    with pytest.raises(DataError, match="value 3 is nan"):
        ljung_box(np.array([1.0, 2.0, 3.0, np.nan] * 10), 5)
    with pytest.raises(DataError, match="all values are the same"):
        jarque_bera(np.ones(50))
    with pytest.raises(UsageError, match="at least 11"):
        ljung_box(np.arange(5.0), 10)


def test_har_is_least_squares_on_the_averages() -> None:
    rng = np.random.default_rng(6)
    realised = np.exp(np.cumsum(0.1 * rng.standard_normal(400)) * 0.3)
    fit = fit_har(realised)
    rows, answers = [], []
    for day in range(29, 399):
        rows.append([1.0, realised[day], realised[day - 6 : day + 1].mean(), realised[day - 29 : day + 1].mean()])
        answers.append(realised[day + 1])
    expected = np.linalg.solve(np.array(rows).T @ np.array(rows), np.array(rows).T @ np.array(answers))
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-6)
    latest = [1.0, realised[-1], realised[-7:].mean(), realised[-30:].mean()]
    assert fit.next_variance == pytest.approx(max(float(np.dot(expected, latest)), realised.min()), rel=1e-6)
    assert 0.0 < fit.r_squared < 1.0


def test_har_never_forecasts_below_what_was_seen_and_falls_back_with_a_reason() -> None:
    falling = np.linspace(2.0, 0.1, 200) ** 3
    assert fit_har(falling).next_variance >= falling.min()
    few = fit_har(np.linspace(1.0, 2.0, 40))
    assert "too few" in few.fallback
    assert few.next_variance == pytest.approx(np.linspace(1.0, 2.0, 40)[-30:].mean())
    assert "do not vary apart" in fit_har(np.ones(200)).fallback
    with pytest.raises(DataError, match="negative or not finite"):
        fit_har(np.array([1.0, -1.0] * 100))
    with pytest.raises(DataError, match="longest average"):
        fit_har(np.ones(10))
    with pytest.raises(UsageError, match="rising"):
        fit_har(np.ones(100), (5, 1))
