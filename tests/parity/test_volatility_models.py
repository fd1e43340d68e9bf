"""Fits of GARCH, GJR and EGARCH against plain Python, the published benchmark, arch, and known parameters."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bot4.domain.errors import DataError, UsageError
from bot4.quant.volatility.fitting import fit_volatility
from bot4.quant.volatility.likelihood import DOWN, EGARCH, GARCH, GJR, N_PARAMETERS, log_likelihood
from tests.parity import volatility_reference as reference
from tests.shared_data import bars_files, bars_path, requires_shared_data, shared_path

MODELS = {"garch": GARCH, "gjr": GJR, "egarch": EGARCH}
RETURNS = reference.simulated(500, 0.05, 0.08, 0.0, 0.85, 6.0, seed=3, mean=0.02)
POINTS = {
    "garch": {"mean": 0.03, "omega": 0.06, "alpha": 0.09, "beta": 0.8},
    "gjr": {"mean": 0.03, "omega": 0.06, "alpha": 0.05, "gamma": 0.07, "beta": 0.82},
    "egarch": {"mean": 0.03, "omega": 0.01, "alpha": 0.15, "gamma": -0.06, "beta": 0.93},
}


def compiled_likelihood(model: str, point: dict[str, float], returns: np.ndarray, start: float):
    """Log-likelihood and gradient by mean, omega, alpha, gamma, beta and df of the kernel."""
    values = np.array([point.get(name, 0.0) for name in ("mean", "omega", "alpha", "gamma", "beta", "df")])
    if model != "egarch":
        values[DOWN] += values[DOWN - 1]
    gradient = np.empty(N_PARAMETERS)
    found = log_likelihood(
        MODELS[model], values, np.ascontiguousarray(returns), start, np.empty((4, len(returns))), gradient
    )
    if model != "egarch":
        gradient[DOWN - 1] += gradient[DOWN]
    return found, gradient


@pytest.mark.parametrize("df", [None, 2.5, 6.0, 200.0])
@pytest.mark.parametrize("model", list(MODELS))
def test_the_likelihood_is_that_of_the_papers(model: str, df: float | None) -> None:
    point = POINTS[model] | ({} if df is None else {"df": df})
    found, _ = compiled_likelihood(model, point, RETURNS, 1.3)
    assert found == pytest.approx(reference.log_likelihood(model, point, RETURNS.tolist(), 1.3), rel=1e-11)


@pytest.mark.parametrize("df", [None, 6.0])
@pytest.mark.parametrize("model", list(MODELS))
def test_the_gradient_is_what_differences_of_the_likelihood_show(model: str, df: float | None) -> None:
    point = POINTS[model] | ({} if df is None else {"df": df})
    _, gradient = compiled_likelihood(model, point, RETURNS, 1.3)
    for k, name in enumerate(("mean", "omega", "alpha", "gamma", "beta", "df")):
        if name in point:
            step = 1e-5 * max(abs(point[name]), 0.1)
            ahead = reference.log_likelihood(model, point | {name: point[name] + step}, RETURNS.tolist(), 1.3)
            behind = reference.log_likelihood(model, point | {name: point[name] - step}, RETURNS.tolist(), 1.3)
            assert gradient[k] == pytest.approx((ahead - behind) / (2 * step), rel=1e-6, abs=1e-5), name


def test_a_product_beyond_the_range_of_floats_is_taken_apart() -> None:
    returns = np.concatenate((RETURNS, RETURNS * 1e-5, RETURNS * 3e4))
    point = POINTS["garch"] | {"omega": 1e-11}
    found, _ = compiled_likelihood("garch", point | {"mean": 0.0}, returns, 1e-11)
    expected = reference.log_likelihood("garch", point | {"mean": 0.0}, returns.tolist(), 1e-11)
    assert found == pytest.approx(expected, rel=1e-11)


def test_a_variance_that_leaves_all_reason_has_no_likelihood() -> None:
    found, gradient = compiled_likelihood("egarch", POINTS["egarch"] | {"alpha": 400.0}, RETURNS, 1.0)
    assert found == -math.inf
    assert not gradient.any()


@requires_shared_data
def test_the_published_benchmark_of_garch_is_reproduced() -> None:
    import pyarrow.parquet as pq

    golden = json.loads(shared_path("golden/golden_values_open.json").read_text("utf-8"))["garch_fcp_benchmark"]
    returns = pq.read_table(shared_path("golden/garch_dmbp_returns.parquet"))["ret_pct"].to_numpy()
    fit = fit_volatility(returns, errors="normal")
    errors = fit.standard_errors()
    for ours, theirs in (("mean", "mu"), ("omega", "omega"), ("alpha", "alpha"), ("beta", "beta")):
        # The benchmark prints six digits; a tenth of its standard error is far more than the start's convention moves.
        assert getattr(fit, ours) == pytest.approx(golden["params"][theirs], abs=0.01 * golden["std_err"][theirs])
        assert errors[ours] == pytest.approx(golden["std_err"][theirs], rel=2e-3)
    assert fit.log_likelihood == pytest.approx(-1106.60665, abs=1e-4)


def real_series() -> list[np.ndarray]:
    """Stretches of recorded hourly log returns in per cent, 2,000 each."""
    import pyarrow.parquet as pq

    found = []
    for file in bars_files():
        if "1h" in file:
            close = pq.read_table(bars_path(file))["close"].to_numpy()
            returns = 100.0 * np.diff(np.log(close))
            found += [returns[k : k + 2_000] for k in range(0, len(returns) - 2_000, 6_000)]
    return found[:30]


def simulated_series(n: int) -> list[np.ndarray]:
    return [
        reference.simulated(
            2_000, 0.02 * (1 + k % 3), 0.04 + 0.01 * (k % 5), 0.0, 0.8 + 0.02 * (k % 6), 4.0 + k, seed=k
        )
        for k in range(n)
    ]


@pytest.mark.slow
@requires_shared_data
@pytest.mark.parametrize("errors", ["normal", "student"])
def test_fifty_series_are_fitted_no_worse_than_by_arch(errors: str) -> None:
    arch = pytest.importorskip("arch", reason="needs the peer arch")
    series = real_series() + simulated_series(20)
    assert len(series) == 50
    for k, returns in enumerate(series):
        start = float(np.mean((returns - returns.mean()) ** 2))
        fit = fit_volatility(returns, errors=errors, start_variance=start)
        peer = arch.arch_model(
            returns,
            mean="Constant",
            vol="GARCH",
            p=1,
            q=1,
            dist="t" if errors == "student" else "normal",
            rescale=False,
        ).fit(disp="off", backcast=start, show_warning=False)
        names = ("mean", "omega", "alpha", "beta", "df")
        theirs, _ = compiled_likelihood("garch", dict(zip(names, peer.params, strict=False)), returns, start)
        ours = {name: getattr(fit, name) for name in names if not (name == "df" and errors == "normal")}
        mine, _ = compiled_likelihood("garch", ours, returns, start)
        assert not fit.fallback, (k, fit.fallback)
        assert mine >= theirs - 1e-6 * abs(theirs), (k, mine, theirs)


@pytest.mark.parametrize("model", ["garch", "gjr"])
def test_known_parameters_are_found_within_their_standard_errors(model: str) -> None:
    true = {
        "mean": 0.05,
        "omega": 0.05,
        "alpha": 0.07,
        "gamma": 0.08 if model == "gjr" else 0.0,
        "beta": 0.84,
        "df": 6.0,
    }
    returns = reference.simulated(
        20_000, true["omega"], true["alpha"], true["gamma"], true["beta"], true["df"], seed=11, mean=true["mean"]
    )
    fit = fit_volatility(returns, model=model)
    errors = fit.standard_errors()
    assert set(errors) == set(true) - ({"gamma"} if model == "garch" else set())
    for name, error in errors.items():
        assert abs(getattr(fit, name) - true[name]) < 3.5 * error, name


def test_a_fit_does_not_depend_on_the_unit_of_the_returns() -> None:
    for model in MODELS:
        one, other = (fit_volatility(RETURNS * unit, model=model) for unit in (1.0, 1e-4))
        assert other.alpha == pytest.approx(one.alpha, rel=1e-5)
        assert other.beta == pytest.approx(one.beta, rel=1e-5)
        assert other.next_variance == pytest.approx(one.next_variance * 1e-8, rel=1e-5)
        assert other.log_likelihood == pytest.approx(one.log_likelihood + len(RETURNS) * math.log(1e4), rel=1e-9)
        for name, error in one.standard_errors().items():
            scale = {"mean": 1e-4, "omega": 1.0 if model == "egarch" else 1e-8}.get(name, 1.0)
            assert other.standard_errors()[name] == pytest.approx(error * scale, rel=0.02), name


@pytest.mark.parametrize("model", list(MODELS))
def test_variances_and_the_next_one_follow_the_recursion(model: str) -> None:
    fit = fit_volatility(RETURNS, model=model)
    point = {name: getattr(fit, name) for name in ("mean", "omega", "alpha", "gamma", "beta")}
    followed = reference.variances(model, point, [*RETURNS.tolist(), 0.0], fit.start_variance)
    np.testing.assert_allclose(fit.variances, followed[:-1], rtol=1e-9)
    assert fit.next_variance == pytest.approx(followed[-1], rel=1e-9)


def test_forecasts_are_the_mean_of_simulated_variances() -> None:
    fit = fit_volatility(reference.simulated(3_000, 0.05, 0.06, 0.08, 0.84, None, seed=5), model="gjr", errors="normal")
    rng = np.random.default_rng(9)
    variance = np.full(200_000, fit.next_variance)
    for expected in fit.forecast(6):
        assert variance.mean() == pytest.approx(expected, abs=4.0 * variance.std() / math.sqrt(len(variance)) + 1e-12)
        residual = np.sqrt(variance) * rng.standard_normal(len(variance))
        variance = fit.omega + (fit.alpha + fit.gamma * (residual < 0)) * residual**2 + fit.beta * variance


def test_every_fit_is_stationary_even_of_returns_that_are_not() -> None:
    rng = np.random.default_rng(2)
    exploding = rng.standard_normal(1_000) * np.exp(np.linspace(0.0, 4.0, 1_000))
    for model in MODELS:
        fit = fit_volatility(exploding, model=model)
        assert not fit.fallback
        assert 0.0 <= fit.persistence < 1.0
        assert np.isfinite(fit.forecast(1_000)).all()


def test_what_cannot_be_fitted_falls_back_and_says_why() -> None:
    short = fit_volatility(RETURNS[:40])
    still = fit_volatility(np.full(200, 0.5))
    for fit, why in ((short, "40 returns"), (still, "do not vary")):
        assert fit.model == "ewma"
        assert why in fit.fallback
        assert math.isnan(fit.log_likelihood)
        assert fit.standard_errors() == {}
    variance = short.start_variance
    for value in RETURNS[:40]:
        variance = 0.94 * variance + 0.06 * value**2
    assert short.next_variance == pytest.approx(variance)
    np.testing.assert_array_equal(short.forecast(3), short.next_variance)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"returns": np.array([0.1, np.nan] * 100)}, DataError, "return 1 is nan"),
        ({"returns": np.zeros((200, 2))}, UsageError, "2 dimensions"),
        ({"returns": RETURNS, "model": "arima"}, UsageError, "garch, gjr, egarch"),
        ({"returns": RETURNS, "errors": "cauchy"}, UsageError, "normal or student"),
        ({"returns": RETURNS, "start_variance": 0.0}, UsageError, "above zero"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(arguments: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        fit_volatility(**arguments)
