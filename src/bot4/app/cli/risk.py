"""``bot4 risk``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option, one_series, settings_options, symbol_option
from bot4.app.cli.output import Terminal, table

if TYPE_CHECKING:
    from bot4.quant.volatility.residual_checks import Check
    from bot4.research.volatility_study import ModelStudy, VolatilityStudy

MODELS = ("garch", "gjr", "egarch")

data_option = click.option(
    "--data", "data", required=True, metavar="FILE|NAME", help="Bars: a file, or a series of the catalogue."
)


@click.group("risk", short_help="Fit volatility models to bars.")
def command() -> None:
    """Measure risk in market data."""


@command.command("fit", short_help="Fit GARCH, GJR and EGARCH, and check what they leave.")
@data_option
@symbol_option
@click.option(
    "--model", "models", type=click.Choice(MODELS), multiple=True, help="Only this one; may be repeated. Default: all."
)
@click.option(
    "--errors",
    type=click.Choice(("student", "normal")),
    default="student",
    show_default=True,
    help="Distribution of the errors.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.svg", help="Draw returns and volatility.")
@settings_options
@json_option
def fit(
    data: str,
    symbol: str | None,
    models: tuple[str, ...],
    errors: str,
    out: Path | None,
    config: Path | None,
    assignments: tuple[str, ...],
    is_json: bool,
) -> None:
    """Fit volatility models to the log returns of the closes by maximum likelihood, the best (by BIC) first.

    Shown with each: its parameters with standard errors, how long a shock lasts, the volatility that it forecasts, and
    whether its residuals have memory left. Where a model cannot be fitted it says why.
    """
    from bot4.app.output_files import require_writable
    from bot4.research.volatility_study import study_volatility

    if out is not None:
        require_writable(out)
    series = one_series(data, symbol, config, assignments)
    terminal = Terminal(is_json)
    chosen: Any = models or MODELS
    wanted: Any = errors
    study = study_volatility(series, chosen, wanted)
    if out is not None:
        out.write_text(study.picture(), encoding="utf-8")
    text = _study_text(study)
    if out is not None:
        text += f"\n\ndrawn in {out}"
    terminal.show(text, study.record() | {"file": str(out) if out is not None else None})


def _study_text(study: VolatilityStudy) -> str:
    from bot4.quant.series.time_grid import interval_name

    kind = ", synthetic" if study.series.is_synthetic else ""
    head = f"{study.series.symbol}{kind}, {len(study.returns):,} returns of {interval_name(study.series.interval_ns)}"
    rows = [_forecast_row(study, model) for model in study.models]
    titles = ("model", "BIC", "persistence", "half-life", "next bar, yearly", "next day")
    parts = [head, table(titles, rows, right=(1, 2, 3, 4, 5))]
    parts += [_parameters(model) for model in study.models if not model.fit.fallback]
    parts += [f"{model.fit.model}: {model.fit.fallback}" for model in study.models if model.fit.fallback]
    return "\n\n".join(parts)


def _forecast_row(study: VolatilityStudy, model: ModelStudy) -> tuple[str, ...]:
    fit = model.fit
    half_life = f"{model.half_life_bars:,.0f} bars" if math.isfinite(model.half_life_bars) else "never"
    return (
        fit.model,
        f"{model.bic:,.1f}" if math.isfinite(model.bic) else "",
        f"{fit.persistence:.5f}",
        half_life,
        f"{study.yearly_volatility(fit.next_variance):.1%}",
        f"{study.day_volatility(model):.2%}",
    )


def _parameters(model: ModelStudy) -> str:
    fit, checks = model.fit, model.checks
    errors = fit.standard_errors()
    rows = [(name, f"{getattr(fit, name):.6g}", f"{error:.2g}") for name, error in errors.items()]
    text = table((fit.model, "", "standard error"), rows, right=(1, 2))
    if checks is None:
        return text
    root = checks.unit_root
    normal = "yes" if checks.normality.p_value > 0.05 else "no"
    refused = "refused" if root.is_stationary() else "not refused"
    lines = [
        text,
        f"memory in the residuals (Ljung-Box, 10 lags): {_verdict(checks.autocorrelation)}",
        f"memory in their squares: {_verdict(checks.autocorrelation_of_squares)}",
        f"residuals normal (Jarque-Bera): {normal}, p {checks.normality.p_value:.2g}",
        f"unit root (Dickey-Fuller): {refused}, {root.statistic:.1f} against {root.critical[0.05]:.2f}",
    ]
    return "\n".join(lines)


def _verdict(check: Check) -> str:
    return f"{'none seen' if check.p_value > 0.05 else 'yes'}, p {check.p_value:.2g}"
