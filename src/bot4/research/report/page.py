"""The whole report on one page."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from importlib import resources

from bot4.research.report import formats, run_charts, sections
from bot4.research.report.charts import render_time_chart
from bot4.research.report.markup import Html, element, join
from bot4.research.run import Run

_SUMMARY_BUCKETS = 500


def render_report(run: Run) -> str:
    """One HTML document that needs nothing else: no network, no other file.

    Its content security policy admits the report's own script by hash and nothing from outside.
    """
    script = _asset("report.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{allowed}'"
    title = f"{', '.join(run.strategies)} on {', '.join(run.symbols)}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{title} · Bot4 report"),
        element("style", Html(_asset("report.css"))),
    )
    body = element(
        "body",
        element("main", _page(run, title), class_="bot4"),
        element("div", id="tip", role="status", hidden=True),
        element("script", Html(script)),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def render_summary(run: Run) -> str:
    """A fragment for a notebook: the first figures, equity and drawdown, without a script."""
    statistics, held = run.statistics(), run.buy_and_hold_statistics()
    time = run_charts.time_axis(run)
    charts = [run_charts.equity_chart(run), run_charts.drawdown_chart(run)]
    drawn = [
        render_time_chart(replace(chart, buckets=_SUMMARY_BUCKETS), time, is_live=False)
        for chart in charts
        if chart is not None
    ]
    body = join(sections.banners(run), sections.headline(run, statistics, held), drawn)
    return element("div", element("style", Html(_asset("report.css"))), body, class_="bot4 fragment")


def _page(run: Run, title: str) -> Html:
    statistics, held = run.statistics(), run.buy_and_hold_statistics()
    days = (run.end_ns - run.start_ns) / 86_400e9
    header = element(
        "header",
        element("h1", title),
        element(
            "p",
            f"{formats.date(run.start_ns)} to {formats.date(run.end_ns)} · {formats.number(days, 0)} days · "
            f"{run.bars:,} bars · all times UTC · amounts in {run.quote_asset}",
        ),
    )
    return join(
        header,
        sections.banners(run),
        sections.headline(run, statistics, held),
        _performance(run),
        _trades(run),
        _risk_and_costs(run),
        sections.section("Statistics", sections.statistics_tables(statistics, held), sections.definitions()),
        sections.section("The run", sections.run_facts(run), sections.settings(run.settings)),
        element("footer", "Past results, simulated or not, do not promise future ones."),
    )


def _performance(run: Run) -> Html:
    time = run_charts.time_axis(run)
    rolling = run_charts.rolling_sharpe_chart(run)
    charts = (run_charts.equity_chart(run), run_charts.drawdown_chart(run), run_charts.exposure_chart(run), rolling)
    drawn = [render_time_chart(chart, time) for chart in charts if chart is not None and len(chart.ts_ns) > 1]
    missing = (
        element("p", "A rolling Sharpe ratio needs more than 30 days of returns.", class_="nothing")
        if rolling is None
        else ""
    )
    hint = element("p", "Drag across a chart to zoom all of them; double-click to see everything.", class_="hint")
    return sections.section(
        "Performance",
        hint,
        *drawn,
        missing,
        element("h3", "Monthly returns, %"),
        sections.monthly_heat_map(run),
    )


def _trades(run: Run) -> Html:
    time = run_charts.time_axis(run)
    charts = [run_charts.price_chart(run, symbol, time) for symbol in run.price_bars]
    results = element(
        "div",
        sections.r_histogram(run.trades["r_multiple"]),
        element("div", element("h3", "Why trades ended"), sections.exit_reasons(run)),
        class_="pair",
    )
    return sections.section("Trades", *[render_time_chart(chart, time) for chart in charts if chart], results)


def _risk_and_costs(run: Run) -> Html:
    refused = sections.counts(
        "Decisions refused, by reason", "Reason", run.refusals, nothing="No decision was refused."
    )
    binding = sections.counts("Decisions made smaller, by clamp", "Clamp", run.clamp_binding, nothing="No clamp bound.")
    return join(
        sections.section(
            "Risk",
            element("div", element("div", refused), element("div", binding), class_="pair"),
            lead=f"{run.decisions:,} decisions were taken; {run.clamped:,} reached the risk clamps.",
        ),
        sections.section("Costs", sections.costs(run)),
    )


@cache
def _asset(name: str) -> str:
    return resources.files("bot4.research.report").joinpath(name).read_text(encoding="utf-8")
