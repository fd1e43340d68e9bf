"""``bot4 explain``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bot4.app.cli.options import json_option
from bot4.app.cli.output import Terminal, duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bot4.research.explained_moment import TechnicalView
    from bot4.research.explanation import DecisionRow, Explanation, TradeRow

_PLAIN_WIDTH = 110


@click.command("explain", short_help="Show how one trade or decision of a journal came about.")
@click.argument("journal", type=click.Path(path_type=Path))
@click.argument("what", required=False, metavar="[TRADE|decision-ID|SYMBOL@TIME]")
@click.option("--decisions", "lists_decisions", is_flag=True, help="List the decisions of the gate, refusals included.")
@click.option("--strategy", help="With SYMBOL@TIME: whose decision. By default the first strategy's.")
@json_option
def command(journal: Path, what: str | None, lists_decisions: bool, strategy: str | None, is_json: bool) -> None:
    """Show the whole chain of one decision, recomputed by replay; without one, list the trades.

    Bar, indicators of each timeframe, votes, what each timeframe and family contributed to the score, voices and
    weights, regime, Kelly, stop and targets, every clamp before and after, orders, reports, fills, fees, trailing stop,
    result and ledger lines.

    A decision is a trade by its number, one of the risk gate (decision-ID), refused ones included, or any bar of a
    symbol by the time in UTC at which it was known (BTCUSDT@2021-03-04T05:00), whatever came of it.
    """
    from bot4.engine.journal import read_journal
    from bot4.engine.verification import verify
    from bot4.research.explanation import decisions_in, explain, trades_in

    terminal = Terminal(is_json)
    contents = read_journal(journal)
    with terminal.compiling() as compiling, terminal.progress("replaying", "events") as progress:
        machine = verify(contents, compiling=compiling, progress=progress, where=str(journal)).machine
        if lists_decisions:
            decisions = decisions_in(machine)
            records = [dataclasses.asdict(row) for row in decisions]
            terminal.show(_decisions(decisions, machine.brain[0]["refusals"]), {"decisions": records})
            return
        if what is None:
            rows = trades_in(machine)
            terminal.show(_trades(rows), {"trades": [dataclasses.asdict(row) for row in rows]})
            return
        explanation = explain(
            contents, what, strategy=strategy, machine=machine, compiling=compiling, where=str(journal)
        )
    terminal.show(_page(explanation) if not is_json else "", explanation.to_json())


def _trades(rows: Sequence[TradeRow]) -> str:
    from bot4.app.cli.output import table

    if not rows:
        return "the journal holds no trade"
    lines = [
        (
            row.label,
            row.symbol,
            row.strategy,
            row.side,
            _time(row.ts_entry_ns),
            _time(row.ts_exit_ns) if row.ts_exit_ns else "open",
            row.exit_reason or "",
            f"{row.result_quote:+,.2f}" if row.result_quote is not None else "",
            f"{row.result_r:+.2f}" if row.result_r is not None else "",
        )
        for row in rows
    ]
    titles = ("trade", "symbol", "strategy", "side", "entry (UTC)", "exit", "reason", "result", "R")
    return table(titles, lines, right=(7, 8)) + "\n\n`bot4 explain JOURNAL TRADE` shows how one came about."


def _decisions(rows: Sequence[DecisionRow], refusals: Sequence[int]) -> str:
    from bot4.app.cli.output import table
    from bot4.pipeline.state import REFUSALS

    lines = [
        (row.label, row.symbol, row.strategy, row.side, _time(row.ts_ns), row.outcome, f"{row.asked_lots:,}",
         f"{row.approved_lots:,}")
        for row in rows
    ]  # fmt: skip
    titles = ("decision", "symbol", "strategy", "side", "time (UTC)", "outcome", "lots asked", "approved")
    counted = ", ".join(f"{int(n):,} {name}" for name, n in zip(REFUSALS, refusals, strict=True) if n)
    text = table(titles, lines, right=(6, 7)) if rows else "the gate was asked about nothing"
    text += f"\n\nrefusals counted, those before the gate and repeated ones included: {counted or 'none'}"
    return text + "\n`bot4 explain JOURNAL SYMBOL@TIME` shows what was said on any bar."


def _page(e: Explanation) -> str:
    import sys

    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(width=None if is_terminal else _PLAIN_WIDTH, force_terminal=is_terminal)
    with console.capture() as captured:
        _title(console, e)
        _what_was_seen(console, e)
        _what_was_said(console, e)
        _what_was_decided(console, e)
        _what_was_judged(console, e)
        if e.commands:
            _what_followed(console, e)
    return captured.get().rstrip()


def _title(console: Console, e: Explanation) -> None:
    label = "  [bold magenta]SYNTHETIC MARKET, not real[/]" if e.is_synthetic else ""
    title = f"{e.outcome}: {e.symbol} by {e.strategy}"
    if e.trade is not None:
        title = f"trade {e.trade.label}: {e.trade.side} {e.symbol} by {e.strategy}"
    console.print(f"[bold]{title}[/]{label}")
    known = _time(e.ts_ns, seconds=True)
    if e.is_remade_equal is None or e.gate is None:
        console.print(f"what was said at {known} UTC, event {e.deciding_event:,}; no decision of the gate on record\n")
        return
    again = "decided again from the journal: equal" if e.is_remade_equal else "DECIDED AGAIN: DIFFERENT"
    console.print(f"decision {e.gate['decision_id']} at {known} UTC, event {e.deciding_event:,}; {again}\n")


def _what_was_seen(console: Console, e: Explanation) -> None:
    from bot4.quant.series.time_grid import interval_name

    names = [interval_name(frame.interval_ns) for frame in e.frames]
    bars = _table("the bars", "", *names)
    for row in ("open", "high", "low", "close", "volume"):
        bars.add_row(
            row, *(f"{frame.bar[row]:,.6g}" if row == "volume" else _price(frame.bar[row]) for frame in e.frames)
        )
    console.print(bars)
    indicators = _table("the indicators", "", *names)
    for name in e.frames[0].indicators:
        indicators.add_row(name, *(_number(frame.indicators[name]) for frame in e.frames))
    console.print(indicators)
    if e.technical is not None:
        _print_votes(console, e, names)
        _print_contributions(console, e, e.technical, names)


def _print_votes(console: Console, e: Explanation, names: Sequence[str]) -> None:
    votes = _table("the technical votes (-1 down, +1 up)", "", *names)
    scores = [frame.score for frame in e.frames if frame.score is not None]
    for family, listed in e.frames[0].votes.items():
        for name in listed:
            votes.add_row(name, *(_vote(frame.votes[family][name]) for frame in e.frames))
        votes.add_row(f"[bold]{family} (mean)[/]", *(_vote(score.families[family]) for score in scores))
        votes.add_section()
    votes.add_row("damper", *("-" if score.damper != score.damper else f"{score.damper:.3f}" for score in scores))
    votes.add_row("[bold]strength[/]", *(_vote(score.strength) for score in scores))
    votes.add_row("share", *(f"{score.share:.1%}" if score.is_warm else "[dim]absent[/]" for score in scores))
    console.print(votes)


def _print_contributions(console: Console, e: Explanation, voice: TechnicalView, names: Sequence[str]) -> None:
    table = _table("the contributions to the score", "", *names, "all")
    scores = [frame.score for frame in e.frames if frame.score is not None]
    for family, total in voice.by_family.items():
        table.add_row(family, *(_part(s.contributions[family]) if s.is_warm else "-" for s in scores), _part(total))
    table.add_section()
    totals = zip(voice.by_timeframe.values(), scores, strict=True)
    table.add_row("[bold]score[/]", *(_part(total) if s.is_warm else "-" for total, s in totals), _part(voice.score))
    console.print(table)
    reached = "at or above" if voice.is_confluent else "below"
    size = f"score {_vote(voice.score)}, in size {reached} the threshold of {voice.threshold:g}"
    if voice.score != voice.score:
        size = "the voice does not speak: too little is warm"
    console.print(
        f"{size}; alignment {voice.alignment:.1%}, confidence {voice.confidence:.3f}, {voice.coverage:.0%} of the"
        " timeframes' weight is warm\n"
    )


def _what_was_said(console: Console, e: Explanation) -> None:
    voices = _table("the voices", "", "direction", "confidence", "weight")
    for voice in e.voices:
        if voice.weight > 0:
            voices.add_row(voice.name, _vote(voice.direction), f"{voice.confidence:.3f}", f"{voice.weight:.0%}")
        else:
            voices.add_row(voice.name, "[dim]absent[/]", "", "")
    voices.add_row("[bold]fused[/]", _vote(e.fused_direction), f"{e.fused_confidence:.3f}", "")
    console.print(voices)


def _what_was_decided(console: Console, e: Explanation) -> None:
    chances = ", ".join(f"{name} {p:.0%}" for name, p in e.regime["probabilities"].items())
    crisis = ", crisis declared" if e.regime["is_crisis"] else ""
    if e.kelly is None or e.levels is None or e.gate is None:
        console.print(f"regime: {e.regime['regime']}{crisis} ({chances})")
        console.print(f"outcome: [bold]{e.outcome}[/]; it did not come to the gate\n")
        return
    k, at = e.kelly, e.levels
    facts = _facts("the size wanted")
    facts.add_row("regime", f"{e.regime['regime']}{crisis} ({chances})")
    closed = f"; {k['wins']} of {k['closed_trades']} won, prior {k['prior_trades']:g}"
    facts.add_row("win probability p", f"{k['p']:.4f} from {k['p_from']}{closed}")
    facts.add_row("payoff b", f"{k['b']:.4f}, net of a round trip of {k['round_trip_cost'] * 1e4:.1f} bps")
    facts.add_row("edge", f"{k['edge_r']:+.4f} R")
    facts.add_row("Kelly", f"{k['full_kelly']:.4f} x fraction {k['fraction']:g}, cap {k['cap']:g}: f = {k['f']:.4f}")
    asked = e.gate["asked_lots"]
    loses = _loss_at_stop(asked, at, k["equity"])
    facts.add_row("size", f"{asked * at['lot']:.8g} ({asked:,} lots): {loses}")
    facts.add_row("decided at", f"{_price(at['reference_price'])}, at worst {_price(at['worst_price'])}")
    facts.add_row("stop", _price(at["stop_price"]) if at["stop_price"] is not None else "none")
    facts.add_row("trailing by", _price(at["trail_distance"]) if at["trail_distance"] is not None else "nothing")
    shares = zip(at["targets"], at["target_shares"], strict=True)
    facts.add_row("targets", ", ".join(f"{_price(price)} for {share:.0%}" for price, share in shares) or "none")
    console.print(facts)


def _loss_at_stop(lots: int, at: Mapping[str, Any], equity: float) -> str:
    if at["stop_price"] is None:
        return "no stop"
    loss = lots * at["lot"] * abs(at["reference_price"] - at["stop_price"])
    return f"{loss:,.2f} ({loss / equity:.2%} of {equity:,.2f}) lost at the stop"


def _what_was_judged(console: Console, e: Explanation) -> None:
    if e.gate is None:
        return
    clamps = _table("the clamps", "", "lots before", "lots after", "measure before", "after", "limit")
    for clamp in e.clamps:
        style = "bold yellow" if clamp.is_binding else ""
        measures = (_number(m) for m in (clamp.measure_before, clamp.measure_after, clamp.limit))
        clamps.add_row(
            clamp.name + (" (binds)" if clamp.is_binding else ""),
            f"{clamp.lots_before:,}",
            f"{clamp.lots_after:,}",
            *measures,
            style=style,
        )
    console.print(clamps)
    gate = e.gate
    console.print(
        f"gate: {gate['outcome']}, {gate['approved_lots']:,} of {gate['asked_lots']:,} lots, approval"
        f" {gate['approval_id']}, equity {gate['equity']:,.2f}\n"
    )


def _what_followed(console: Console, e: Explanation) -> None:
    commands = _table("the orders", "time", "command", "order", "role", "side", "lots", "limit", "stop", left=4)
    for c in e.commands:
        commands.add_row(
            _time(c["ts_ns"], seconds=True), c["command"], f"{c['order_id']}", f"{c['role']} {c['type']}", c["side"],
            f"{c['qty_lots']:,}", _optional(c["limit_price"]), _optional(c["stop_price"]),
        )  # fmt: skip
    console.print(commands)
    reports = _table("the venue's reports", "time", "report", "order", left=2)
    for r in e.reports:
        reports.add_row(_time(r["ts_ns"], seconds=True), r["report"], str(r["order_id"]))
    console.print(reports)
    fills = _table("the fills", "time", "role", "side", "price", "quantity", "fee", "slippage", left=3)
    for f in e.fills:
        slip = "" if f["slippage_bps"] is None else f"{f['slippage_bps']:+.2f} bps"
        fills.add_row(
            _time(f["ts_ns"], seconds=True), f["role"], f["side"], _price(f["price"]), f"{f['quantity']:.8g}",
            f"{f['fee_quote']:,.4f}", slip,
        )  # fmt: skip
    console.print(fills)
    moves = " -> ".join(f"{_price(move['stop_price'])} ({_time(move['ts_ns'])[11:]})" for move in e.trailing)
    console.print(f"[bold]the stop[/]  {moves or 'none'}\n")
    console.print(_ledger(e))
    if e.result is None:
        console.print("the trade is open")
        return
    r = e.result
    facts = _facts("the result")
    facts.add_row("left by", f"{r['exit_reason']} after {duration(r['held_s'])}")
    slipped = f", slippage {r['slippage_quote']:,.4f} within it" if r["slippage_quote"] else ""
    facts.add_row("before fees", f"{r['gross_quote']:+,.4f}{slipped}")
    facts.add_row("fees", f"{r['fees_quote']:,.4f}")
    facts.add_row("net", f"{r['net_quote']:+,.4f}")
    if r["result_r"] is not None:
        facts.add_row("in R", f"{r['result_r']:+.3f} of {r['risk_quote']:,.4f} at risk")
    console.print(facts)


def _ledger(e: Explanation) -> Table:
    table = _table("the ledger, in atoms", "time", "venue's fill", "account", "asset", "atoms", left=4)
    for line in e.ledger:
        table.add_row(_time(line.ts_ns, seconds=True), str(line.trade_id), line.account, line.asset, f"{line.atoms:+,}")
    return table


# --- pieces ---------------------------------------------------------------------------------------------------------


def _table(title: str, *columns: str, left: int = 1) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, header_style="dim")
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at < left else "right", no_wrap=True)
    return table


def _facts(title: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    return table


def _time(ts_ns: int, *, seconds: bool = False) -> str:
    import numpy as np

    unit = "s" if seconds else "m"
    return str(np.datetime64(ts_ns, "ns").astype(f"datetime64[{unit}]")).replace("T", " ")


def _vote(value: float | None) -> str:
    if value is None or value != value:
        return "-"
    return f"[{'green' if value > 0 else 'red' if value < 0 else 'dim'}]{value:+.3f}[/]"


def _part(value: float) -> str:
    return f"[{'green' if value > 0 else 'red' if value < 0 else 'dim'}]{value:+.4f}[/]"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _price(value: float) -> str:
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.8g}"


def _optional(value: float | None) -> str:
    return "" if value is None else _price(value)
