"""The terminal view of a paper run: a picture of one snapshot, and nothing that could change the run."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
from rich import box
from rich.console import Console, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot4.app.cli.output import duration, size, sparkline
from bot4.app.read_model import REFUSAL_WORDS, DecisionView, Snapshot

SCREEN_EVERY_S = 0.25
_WIDE = 100
_TALL = 32
_BORDER = "grey42"
_MODE_STYLES = {"normal": "green", "reduced": "yellow", "paused": "yellow", "emergency": "bold red"}
_REGIME_STYLES = {"bull": "green", "bear": "red", "sideways": "cyan", "crisis": "bold red"}


class Screen:
    """The screen while a run goes on, on the terminal's second page; a context manager."""

    def __init__(self) -> None:
        self._console = Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a snapshot."""
        width, height = self._console.size
        self._live.update(picture(snapshot, width, height), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()


def status_line(snapshot: Snapshot) -> str:
    """A snapshot in one line, for where there is no terminal."""
    held = [f"{p.symbol} {p.side} {p.quantity:.6g}" for p in snapshot.positions]
    label = "SYNTHETIC " if snapshot.run.is_synthetic else ""
    parts = [
        f"{label}{snapshot.run.feed} {_minute(snapshot.ts_ns)} UTC",
        f"equity {snapshot.equity:,.2f} {snapshot.quote} ({snapshot.total_return:+.2%})",
        f"drawdown {snapshot.drawdown:.2%}",
        f"positions {', '.join(held) or 'none'}",
        f"{snapshot.closed_trades} trades",
        f"{snapshot.mode}, {snapshot.regime}",
        f"{snapshot.bars:,} bars",
        str(snapshot.run.feed_health.get("state", "")),
    ]
    return " | ".join(part for part in parts if part)


def picture(snapshot: Snapshot, width: int, height: int) -> RenderableType:
    """A snapshot as a page of ``width`` x ``height`` characters; made for 80x24 and more."""
    is_tall, is_wide = height >= _TALL, width >= _WIDE
    top = 9 if is_tall else 7
    held = 3 + max(1, min(len(snapshot.positions), 6 if is_tall else 2))
    bottom = 11 if is_tall else 5
    decided = max(3, height - 2 - top - held - bottom)
    page = Layout()
    page.split_column(
        Layout(_header(snapshot, width), size=1),
        Layout(name="top", size=top),
        Layout(_panel("positions", _positions(snapshot, held - 3, is_wide)), size=held),
        Layout(_panel("latest decisions", _decisions(snapshot, decided - 2, is_wide)), size=decided),
        Layout(name="bottom", size=bottom),
        Layout(_footer(snapshot, width), size=1),
    )
    page["top"].split_row(
        Layout(_panel("account", _account(snapshot, is_tall, width // 2 - 4))),
        Layout(_panel("market and data", _market(snapshot, is_tall))),
    )
    page["bottom"].split_row(
        Layout(_panel("latest fills", _fills(snapshot, bottom - 2, is_wide)), ratio=3),
        Layout(_panel("refused, sized down", _refusals(snapshot, bottom - 2)), ratio=2),
    )
    return page


def _header(snapshot: Snapshot, width: int) -> Text:
    prices = "  ".join(f"{s} {_price(p)}" for s, p in zip(snapshot.symbols, snapshot.prices, strict=True))
    label = "SYNTHETIC MARKET, NOT REAL" if snapshot.run.is_synthetic else f"{snapshot.run.feed} market, paper money"
    style = "bold white on dark_magenta" if snapshot.run.is_synthetic else "bold white on dark_green"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(" Bot4 paper ", "bold black on grey85")
    text.append(f" {label} ", style)
    text.append(f"  {prices}", "bold")
    time = f"{_minute(snapshot.ts_ns)} UTC "
    if text.cell_len + len(time) + 1 <= width:
        text.append(" " * (width - text.cell_len - len(time)) + time, "grey70")
    return text


def _footer(snapshot: Snapshot, width: int) -> Text:
    hint = "Ctrl-C stops in order; the next start goes on  "
    text = Text(no_wrap=True, overflow="ellipsis", style="grey62")
    text.append(f" {', '.join(snapshot.strategies)}  digest {snapshot.digest[:12]}")
    if text.cell_len + len(hint) + 2 <= width:
        text.append(" " * (width - text.cell_len - len(hint)) + hint)
    return text


def _account(snapshot: Snapshot, is_tall: bool, width: int) -> RenderableType:
    grid = _grid()
    day = snapshot.day_pnl / snapshot.day_start_equity if snapshot.day_start_equity > 0 else 0.0
    grid.add_row("equity", _money(snapshot.equity, snapshot.quote), _signed(snapshot.total_return, "{:+.2%}"))
    grid.add_row("today", _signed(snapshot.day_pnl, "{:+,.2f}"), _signed(day, "{:+.2%}"))
    stop = " STOP" if snapshot.is_drawdown_stopped else " DAY STOP" if snapshot.is_day_stopped else ""
    grid.add_row(
        "drawdown",
        Text(f"{snapshot.drawdown:.2%}{stop}", "bold red" if stop else _grade(snapshot.drawdown, 0.05, 0.1)),
        Text(f"max {snapshot.max_drawdown:.2%}", "grey62"),
    )
    grid.add_row("exposure", f"{snapshot.exposure:.1%}", Text("of equity", "grey62"))
    won = f"{snapshot.winning_trades} won" if snapshot.closed_trades else ""
    grid.add_row("trades", f"{snapshot.closed_trades:,} closed", Text(won, "grey62"))
    if not is_tall:
        return grid
    page = _stack()
    page.add_row(grid)
    page.add_row(Text(sparkline(snapshot.curve, width), "cyan", no_wrap=True))
    page.add_row(Text(f"realised {snapshot.realised_quote:+,.2f} {snapshot.quote}", "grey62"))
    return page


def _market(snapshot: Snapshot, is_tall: bool) -> RenderableType:
    run = snapshot.run
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="grey62", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    mode = Text(snapshot.mode, _MODE_STYLES.get(snapshot.mode, "white"))
    if snapshot.is_halted:
        mode.append("  HALTED: reconcile", "bold red")
    grid.add_row("mode", mode)
    probability = max(snapshot.regime_probability, default=0.0)
    regime = Text(snapshot.regime, _REGIME_STYLES.get(snapshot.regime, "white"))
    if probability > 0:
        regime.append(f"  filter {probability:.0%} sure", "grey62")
    grid.add_row("regime", regime)
    grid.add_row("feed", _feed(run.feed_health))
    grid.add_row("taken", f"{snapshot.bars:,} bars, {snapshot.events:,} events")
    unsynced = run.journal_bytes - run.journal_synced_bytes
    state = "all synced" if unsynced <= 0 else f"{size(unsynced)} to sync"
    grid.add_row("journal", Text.assemble(size(run.journal_bytes), (f"  {state}", "grey62")))
    if is_tall:
        resumed = "gone on with an earlier run" if run.was_resumed else "a new run"
        grid.add_row("running", Text.assemble(duration(run.running_s), (f"  {resumed}", "grey62")))
        grid.add_row("source", Text(run.feed_note, "grey62"))
    return grid


def _feed(health: Mapping[str, Any]) -> Text:
    state = str(health.get("state", "unknown"))
    style = {"connected": "green", "silent": "red", "disconnected": "red"}.get(
        state, "yellow" if "con" in state else ""
    )
    text = Text(state, style)
    if health.get("is_catching_up"):
        text.append(", catching up", "yellow")
    age_s = health.get("last_message_age_s")
    if age_s is not None:
        text.append(f"  heard {age_s:.1f} s ago", "grey62")
    if health.get("reconnects"):
        text.append(f"  {health['reconnects']} reconnects", "yellow")
    if "given" in health:
        total = f" of {health['total']:,}" if "total" in health else ""
        text.append(f"  {health['given']:,}{total}", "grey62")
    return text


def _positions(snapshot: Snapshot, n_rows: int, is_wide: bool) -> RenderableType:
    if not snapshot.positions:
        return Text("no position", "grey50")
    columns = ["symbol", "side", ">quantity", ">entry", ">mark", ">stop", f">result {snapshot.quote}", ">R"]
    table = _table([*columns, "strategy", "since"] if is_wide else columns)
    for p in snapshot.positions[:n_rows]:
        row: list[RenderableType] = [
            Text(p.symbol, "bold"),
            _side(p.side),
            f"{p.quantity:.6g}",
            _price(p.entry_price),
            _price(p.mark_price),
            Text("none", "red") if p.stop_price is None else _price(p.stop_price),
            _signed(p.pnl_quote, "{:+,.2f}"),
            _signed(p.pnl_r, "{:+.2f}") if p.pnl_r is not None else "",
        ]
        table.add_row(*row, *([p.strategy, _minute(p.since_ns)] if is_wide else []))
    return table


def _decisions(snapshot: Snapshot, n_rows: int, is_wide: bool) -> RenderableType:
    if not snapshot.decisions:
        return Text("none yet: entries are judged when a strategy asks for one", "grey50")
    n_shown = n_rows - 1
    numbers = [">direction", ">confidence"] if is_wide else [">dir", ">conf"]
    table = _table(["time", "symbol", "side", *numbers, "outcome"])
    for decision in snapshot.decisions[:n_shown]:
        table.add_row(
            _minute(decision.ts_ns) if is_wide else _minute(decision.ts_ns)[5:],
            Text(decision.symbol, "bold"),
            _side(decision.side),
            _signed(decision.direction, "{:+.2f}"),
            f"{decision.confidence:.2f}",
            _outcome(decision),
        )
    return table


def _outcome(decision: DecisionView) -> Text:
    if not decision.is_approved:
        return Text.assemble(("refused: ", "yellow"), decision.why)
    text = Text.assemble(("entered ", "green"), f"{decision.approved:.6g}")
    if decision.approved < decision.asked:
        text.append(f" of {decision.asked:.6g}", "grey62")
    if decision.why:
        text.append(f", {decision.why}", "grey62")
    return text


def _fills(snapshot: Snapshot, n_rows: int, is_wide: bool) -> RenderableType:
    if not snapshot.fills:
        return Text("none yet", "grey50")
    table = _table(["time", "symbol", "side", "", ">price", *([">quantity", ">fee"] if is_wide else [])])
    for fill in snapshot.fills[: n_rows - 1]:
        row: list[RenderableType] = [
            _minute(fill.ts_ns)[5:],
            Text(fill.symbol, "bold"),
            Text(fill.side, "green" if fill.side == "buy" else "red"),
            Text(fill.role, "grey62"),
            _price(fill.price),
        ]
        table.add_row(*row, *([f"{fill.quantity:.6g}", f"{fill.fee_quote:,.2f}"] if is_wide else []))
    return table


def _refusals(snapshot: Snapshot, n_rows: int) -> RenderableType:
    rows = [(f"{count:,}", REFUSAL_WORDS.get(name, name)) for name, count in snapshot.refusals.items()]
    rows += [(f"{count:,}", f"cut by {name}") for name, count in snapshot.clamps.items()]
    if not rows:
        return Text("nothing", "grey50")
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis", style="grey70")
    for row in rows[:n_rows]:
        grid.add_row(*row)
    return grid


# --- pieces ---------------------------------------------------------------------------------------------------------


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=f"[grey70]{title}[/]", title_align="left", box=box.ROUNDED, border_style=_BORDER)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="grey62", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", ratio=1, no_wrap=True)
    return grid


def _stack() -> Table:
    stack = Table.grid(expand=True)
    stack.add_column(ratio=1)
    return stack


def _table(titles: list[str]) -> Table:
    """A table without lines; titles that begin with ``>`` stand over numbers. The last column takes the rest."""
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 1), header_style="grey50")
    for at, title in enumerate(titles):
        table.add_column(
            title.removeprefix(">"),
            justify="right" if title.startswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if at == len(titles) - 1 and not title.startswith(">") else None,
        )
    return table


def _side(side: str) -> Text:
    return Text(side, {"long": "green", "short": "red"}.get(side, ""))


def _signed(value: float, form: str) -> Text:
    style = "green" if value > 0 else "red" if value < 0 else "grey70"
    return Text(form.format(value), style)


def _money(value: float, quote: str) -> Text:
    return Text.assemble((f"{value:,.2f}", "bold"), (f" {quote}", "grey62"))


def _grade(value: float, warn: float, alarm: float) -> str:
    return "red" if value >= alarm else "yellow" if value >= warn else ""


def _price(value: float) -> str:
    if value == 0:
        return "-"
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.6g}"


def _minute(ts_ns: int) -> str:
    return str(np.datetime64(ts_ns, "ns").astype("datetime64[m]")).replace("T", " ") if ts_ns else "-"
