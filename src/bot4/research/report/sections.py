"""The parts of the report that are not charts over time: figures, tables, bars and the heat map of months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.quant.statistics import performance
from bot4.research.measures import EQUITY_MEASURES, MEASURES
from bot4.research.report import formats
from bot4.research.report.markup import Html, element, join
from bot4.research.run import Run, Statistics

_ACRONYMS = {"var": "VaR", "cvar": "CVaR", "atr": "ATR", "garch": "GARCH"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def section(title: str, *children: str, lead: str = "") -> Html:
    """A titled part of the page."""
    heading = element("h2", title)
    return element("section", heading, element("p", lead, class_="lead") if lead else "", children)


def headline(run: Run, statistics: Statistics, held: Statistics) -> Html:
    """The five figures to read first, each beside what puts it in proportion."""
    sure = formats.percent(statistics["probabilistic_sharpe"], 1)
    won, factor = formats.percent(statistics["win_rate"], 1), formats.number(statistics["profit_factor"])
    cards = (
        (
            "Total return",
            formats.percent(statistics["total_return"], is_signed=True),
            f"buy and hold {formats.percent(held['total_return'], is_signed=True)}",
        ),
        (
            "Final equity",
            formats.number(run.final_equity),
            f"{run.quote_asset}, from {formats.number(run.initial_equity)}",
        ),
        (
            "Sharpe ratio",
            formats.number(statistics["sharpe"]),
            "needs 30 days" if statistics["sharpe"] is None else f"above 0 with probability {sure}",
        ),
        (
            "Maximum drawdown",
            formats.percent(statistics["max_drawdown"]),
            f"buy and hold {formats.percent(held['max_drawdown'])}",
        ),
        (
            "Trades",
            f"{len(run.trades):,}",
            f"{won} won, profit factor {factor}",
        ),
    )
    return element(
        "dl",
        [
            element(
                "div",
                element("dt", title),
                element("dd", value, class_=f"figure {_tone(title, value)}".strip()),
                element("dd", beside, class_="beside"),
            )
            for title, value, beside in cards
        ],
        class_="cards",
    )


def banners(run: Run) -> Html:
    """What must be known before any figure is read."""
    warnings = []
    if run.is_synthetic:
        warnings.append(
            element(
                "p",
                element("strong", "Synthetic data. "),
                "The market in this report was generated, in whole or in part. No figure in it says anything about "
                "a real market.",
                class_="banner synthetic",
                role="note",
            )
        )
    if run.notes:
        notes = element("ul", [element("li", note) for note in run.notes])
        warnings.append(
            element("div", element("strong", "Notes on the data and the run"), notes, class_="banner", role="note")
        )
    return join(warnings)


def monthly_heat_map(run: Run) -> Html:
    """Return of each month, coloured by sign and size, with buy-and-hold's beneath."""
    months = {(year, month): gained for year, month, gained in performance.monthly_returns(*run.equity_curve())}
    if not months:
        return _nothing("Monthly returns are undefined for this equity curve.")
    held = {(year, month): gained for year, month, gained in performance.monthly_returns(*run.buy_and_hold_curve())}
    deepest = max(abs(gained) for gained in months.values()) or 1.0
    rows: list[Html] = []
    for year in sorted({year for year, _ in months}):
        own = [months.get((year, month)) for month in range(1, 13)]
        beside = [held.get((year, month)) for month in range(1, 13)]
        cells = [_heat_cell(gained, deepest) for gained in own]
        rows.append(element("tr", element("th", str(year), scope="row"), cells, _year_cell(own)))
        plain = [element("td", _month_text(gained)) for gained in beside]
        rows.append(
            element("tr", element("th", "hold", scope="row"), plain, _year_cell(beside), class_="held"),
        )
    head = element("tr", [element("th", name, scope="col") for name in ("", *MONTHS, "Year")])
    table = element("table", element("thead", head), element("tbody", rows), class_="heat")
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Monthly returns")


def r_histogram(r_multiples: FloatArray) -> Html:
    """How many trades ended at each multiple of the risk they took."""
    known = r_multiples[np.isfinite(r_multiples)]
    if len(known) == 0:
        return _nothing("No closed trade had a stop, so none has an R multiple.")
    is_cut = bool(known.min() < -5.0 or known.max() > 10.0)
    width = 0.5 if np.ptp(known) > 4.0 else 0.25
    low = max(np.floor(known.min() / width) * width, -5.0)
    high = min(np.floor(known.max() / width) * width + width, 10.0)
    edges = np.arange(low, high + width / 2, width)
    counts = np.histogram(np.clip(known, low, high), bins=edges)[0]
    tallest = max(int(counts.max()), 1)
    bars = []
    for count, left in zip(counts.tolist(), edges.tolist(), strict=False):
        tip = f"{formats.number(left)} to {formats.number(left + width)} R: {count:,} trades"
        tone = "gain" if left >= 0.0 else "loss"
        bar = element("i", class_=f"bar {tone}", style=f"height:{100.0 * count / tallest:.1f}%")
        bars.append(element("div", bar, data_tip=tip, class_="column"))
    whole = [edge for edge in edges.tolist() if edge == round(edge)]
    stride = max(1, -(-len(whole) // 9))
    labels = [
        element("span", f"{formats.number(edge, 0)} R", style=f"left:{100.0 * (edge - low) / (high - low):.2f}%")
        for edge in whole
        if edge % stride == 0
    ]
    described = f"{len(known):,} trades, mean {formats.number(float(known.mean()))} R"
    explained = f"{described}. R is what the trade risked at entry; each bar is {width:g} R wide."
    if is_cut:
        explained += " The outermost bars hold everything beyond them."
    return element(
        "figure",
        element("figcaption", element("h3", "Result in R"), element("span", f"tallest bar {tallest:,}", class_="unit")),
        element("div", bars, class_="columns", role="img", aria_label=f"Histogram of R multiples: {described}"),
        element("div", labels, class_="x-axis"),
        element("p", explained, class_="caption"),
        class_="histogram",
    )


def exit_reasons(run: Run) -> Html:
    """Trades and their result by the reason they ended."""
    if len(run.trades) == 0:
        return _nothing("No trade was closed.")
    rows = []
    for index, reason in enumerate(run.exit_reasons):
        results = run.trades["pnl_quote"][run.trades["exit_reason"] == index]
        if len(results):
            rows.append((reason, len(results), float(results.sum())))
    rows.sort(key=lambda row: -row[1])
    most = rows[0][1]
    return _table(
        ("Exit", "Trades", "", f"Result, {run.quote_asset}"),
        [(words(reason), f"{count:,}", _bar(count / most), _signed_cell(result)) for reason, count, result in rows],
    )


def counts(title: str, column: str, by_name: Mapping[str, int], *, nothing: str) -> Html:
    """A table of counts with bars, largest first."""
    shown = sorted(((name, count) for name, count in by_name.items() if count), key=lambda row: (-row[1], row[0]))
    if not shown:
        return join(element("h3", title), _nothing(nothing))
    most = shown[0][1]
    rows = [(words(name), f"{count:,}", _bar(count / most)) for name, count in shown]
    return join(element("h3", title), _table((column, "Count", ""), rows))


def costs(run: Run) -> Html:
    """From the result before costs to the result after them."""
    net = run.final_equity - run.initial_equity
    total = run.fees + run.slippage + run.funding
    steps = (
        ("Result before costs", net + total, ""),
        ("Fees", -run.fees, ""),
        ("Slippage", -run.slippage, ""),
        ("Funding", -run.funding, ""),
        ("Result after costs", net, "total"),
    )
    widest = max(*(abs(amount) for _, amount, _ in steps), 1e-12)
    head = ("", f"{run.quote_asset}", "", "of initial equity")
    rows = [
        (
            name,
            _signed_cell(amount),
            _bar(abs(amount) / widest, "gain" if amount > 0 else "loss"),
            formats.percent(amount / run.initial_equity, is_signed=True) if run.initial_equity else formats.UNDEFINED,
        )
        for name, amount, _ in steps
    ]
    return _table(head, rows, [style for *_, style in steps])


def statistics_tables(statistics: Statistics, held: Statistics) -> Html:
    """Every statistic beside buy-and-hold's, with its definition under the pointer."""
    tables = []
    for group in dict.fromkeys(measure.group for measure in MEASURES):
        measures = [measure for measure in MEASURES if measure.group == group]
        rows = []
        for measure in measures:
            name = element("span", measure.title, class_="defined", data_tip=measure.definition, tabindex="0")
            cells = [formats.measure(measure, statistics[measure.key])]
            if measure.key in EQUITY_MEASURES:
                cells.append(formats.measure(measure, held[measure.key]))
            rows.append((name, *cells))
        head = (group, "Strategy", "Buy and hold") if measures[0].key in EQUITY_MEASURES else (group, "Strategy")
        tables.append(_table(head, rows))
    return element("div", tables, class_="tables")


def definitions() -> Html:
    """Every definition in words, for paper and for readers without a pointer."""
    entries = [join(element("dt", measure.title), element("dd", measure.definition)) for measure in MEASURES]
    return element(
        "details", element("summary", "Definitions of the statistics"), element("dl", entries, class_="definitions")
    )


def run_facts(run: Run) -> Html:
    """What was run: counts, speed and the digest."""
    per_s = "" if run.events_per_s is None else f", {run.events_per_s:,.0f} events per second"
    facts = (
        ("Strategies", ", ".join(run.strategies)),
        ("Symbols", ", ".join(run.symbols)),
        ("Data", "synthetic" if run.is_synthetic else "recorded"),
        ("Period, UTC", f"{formats.timestamp(run.start_ns)} to {formats.timestamp(run.end_ns)}"),
        ("Bars, events", f"{run.bars:,}, {run.events:,}"),
        ("Decisions", f"{run.decisions:,}, of which {run.clamped:,} reached the risk clamps"),
        ("Orders, fills", f"{run.orders:,}, {run.fills:,}"),
        ("Elapsed", f"{run.elapsed_s:,.2f} s{per_s}"),
    )
    rows = [element("tr", element("th", name, scope="row"), element("td", text)) for name, text in facts]
    digest = element(
        "tr", element("th", "Digest", scope="row"), element("td", element("code", run.digest), class_="digest")
    )
    return element("table", element("tbody", rows, digest), class_="facts")


def settings(values: Mapping[str, Any]) -> Html:
    """The resolved settings, nested ones by dotted name."""
    flat = _flatten("", values)
    if not flat:
        return Html("")
    rows = [
        element("tr", element("th", element("code", name), scope="row"), element("td", text)) for name, text in flat
    ]
    table = element("table", element("tbody", rows), class_="facts")
    return element("details", element("summary", f"Settings ({len(flat):,})"), table)


def words(name: str) -> str:
    """A name from the code as words: ``stop_loss`` is ``Stop loss``."""
    first, *rest = name.replace("_", " ").split() or [""]
    return " ".join(
        [_ACRONYMS.get(first, first[:1].upper() + first[1:]), *(_ACRONYMS.get(word, word) for word in rest)]
    )


def _flatten(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat += _flatten(f"{name}.", value)
        elif isinstance(value, list | tuple):
            flat.append((name, ", ".join(str(entry) for entry in value)))
        else:
            flat.append((name, str(value)))
    return flat


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str] | None = None) -> Html:
    """First column names, the rest values; a cell that is a bar takes the width left."""
    body = []
    for position, (name, *cells) in enumerate(rows):
        body.append(
            element(
                "tr",
                element("th", name, scope="row"),
                [element("td", cell) for cell in cells],
                class_=(styles[position] or None) if styles else None,
            )
        )
    top = element("tr", [element("th", name, scope="col") for name in head])
    return element("table", element("thead", top), element("tbody", body), class_="values")


def _bar(share: float, tone: str = "neutral") -> Html:
    return element("span", element("i", class_=tone, style=f"width:{100.0 * share:.1f}%"), class_="share")


def _signed_cell(amount: float) -> Html:
    tone = "gain" if amount > 0 else "loss" if amount < 0 else None
    return element("span", formats.number(amount, is_signed=True), class_=tone)


def _heat_cell(gained: float | None, deepest: float) -> Html:
    if gained is None:
        return element("td", "")
    tone = "gain" if gained > 0.0 else "loss" if gained < 0.0 else None
    strength = 8 + round(47 * abs(gained) / deepest)
    return element("td", _month_text(gained), class_=tone, style=f"--strength:{strength}%")


def _month_text(gained: float | None) -> str:
    return "" if gained is None else formats.number(100.0 * gained, 1, is_signed=True)


def _year_cell(months: Sequence[float | None]) -> Html:
    growth = float(np.prod([1.0 + gained for gained in months if gained is not None])) - 1.0
    return element("td", formats.number(100.0 * growth, 1, is_signed=True), class_="year")


def _tone(title: str, value: str) -> str:
    if title != "Total return":
        return ""
    return "gain" if value.startswith("+") else "loss" if value.startswith("\u2212") else ""


def _nothing(text: str) -> Html:
    return element("p", text, class_="nothing")
