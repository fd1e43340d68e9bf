"""From a machine that has run to a result that can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.bars import BarSeries, FloatArray, IntArray
from bot4.domain.orders import PLACE
from bot4.domain.portfolio import ExitReason
from bot4.engine.machine import Machine
from bot4.pipeline.state import CLAMP_NAMES, REFUSALS
from bot4.research.result import RunResult
from bot4.research.run import TRADE

EXIT_REASONS = ("open", *(reason.name.lower() for reason in ExitReason))


def result_of(
    machine: Machine,
    series: Sequence[BarSeries],
    *,
    elapsed_s: float,
    start_ns: int,
    settings: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> RunResult:
    """The result of a run so far.

    Args:
        machine: after its last event.
        series: the bars it was given, for charts and for buy-and-hold.
        elapsed_s: wall time of the run.
        start_ns: when the run's first bar opened.
        settings: as they are to be shown.
        notes: warnings to show.
    """
    brain, config = machine.brain[0], machine.config[0]
    quote_atom = float(config["instruments"][0]["quote_atom"])
    ts_ns, equity, exposure = _curve(machine)
    trades = _trades(machine, quote_atom)
    positions = brain["positions"][: len(machine.universe.instruments)]
    commands = machine.log.records("commands")
    return RunResult(
        strategies=tuple(strategy.info.name for strategy in machine.strategies),
        symbols=machine.universe.symbols,
        is_synthetic=any(item.is_synthetic for item in series),
        start_ns=start_ns,
        end_ns=int(brain["ts_ns"]),
        initial_equity=float(brain["initial_equity"]),
        quote_asset=machine.universe.quote,
        bars=int(brain["n_bars"]),
        events=int(brain["n_events"]),
        decisions=machine.log.count("decisions"),
        clamped=int(brain["n_clamped"]),
        equity_ts_ns=ts_ns,
        equity=equity,
        exposure=exposure,
        buy_and_hold=_buy_and_hold(machine, series, ts_ns),
        trades=trades,
        exit_reasons=EXIT_REASONS,
        orders=int(np.count_nonzero(commands["kind"] == PLACE)),
        fills=machine.log.count("fills"),
        fees=float(np.sum(positions["fees_atoms"])) * quote_atom,
        slippage=float(np.sum(trades["slippage_quote"])),
        funding=float(np.sum(positions["funding_atoms"])) * quote_atom,
        digest=machine.digest,
        elapsed_s=elapsed_s,
        refusals=_counts(REFUSALS[1:], brain["refusals"][1:]),
        clamp_binding=_counts(CLAMP_NAMES, brain["clamp_bound"]),
        price_bars={item.symbol: item for item in series},
        settings=settings,
        notes=tuple(notes) + _warnings(machine),
    )


def _curve(machine: Machine) -> tuple[IntArray, FloatArray, FloatArray]:
    samples = machine.log.records("samples")
    brain = machine.brain[0]
    ts_ns, equity, exposure = samples["ts_ns"], samples["equity"], samples["exposure"]
    if len(ts_ns) == 0 or ts_ns[-1] < brain["ts_ns"]:
        ts_ns = np.append(ts_ns, brain["ts_ns"])
        equity = np.append(equity, brain["equity"])
        exposure = np.append(exposure, exposure[-1] if len(exposure) else 0.0)
    return ts_ns.astype(np.int64), equity.astype(np.float64), exposure.astype(np.float64)


def _trades(machine: Machine, quote_atom: float) -> npt.NDArray[np.void]:
    closed = machine.log.records("trades")
    instruments = machine.config[0]["instruments"]
    quantity = closed["entry_lots"] * instruments["lot"][closed["symbol"]]
    net = (closed["realised_atoms"] - closed["fees_atoms"]) * quote_atom
    trades = np.zeros(len(closed), dtype=TRADE)
    for name in ("trade_id", "symbol", "strategy", "side", "exit_reason"):
        trades[name] = closed[name]
    trades["entry_ts_ns"], trades["exit_ts_ns"] = closed["ts_entry_ns"], closed["ts_exit_ns"]
    trades["quantity"] = quantity
    with np.errstate(divide="ignore", invalid="ignore"):
        trades["entry_price"] = closed["entry_cost_atoms"] * quote_atom / quantity
        trades["exit_price"] = closed["exit_value_atoms"] * quote_atom / quantity
        risk = closed["risk_atoms"] * quote_atom
        trades["r_multiple"] = np.where(risk > 0, net / risk, np.nan)
    trades["pnl_quote"] = net
    trades["fees_quote"] = closed["fees_atoms"] * quote_atom
    trades["slippage_quote"] = closed["slippage_atoms"] * quote_atom
    return trades


def _buy_and_hold(machine: Machine, series: Sequence[BarSeries], ts_ns: IntArray) -> FloatArray:
    """Value of the capital spread equally over the symbols at their first bars, after one taker fee."""
    capital = float(machine.brain[0]["initial_equity"])
    held = np.zeros(len(ts_ns))
    share = capital / max(1, len(series))
    for item in series:
        instrument = machine.universe.instruments[machine.universe.symbols.index(item.symbol)]
        quantity = share * (1.0 - float(instrument.taker_fee)) / item.open[0]
        at = np.searchsorted(item.ts_open_ns + item.interval_ns, ts_ns, side="right") - 1
        held += np.where(at >= 0, quantity * item.close[np.maximum(at, 0)], share)
    return held


def _counts(names: Sequence[str], counts: Any) -> dict[str, int]:
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _warnings(machine: Machine) -> tuple[str, ...]:
    brain = machine.brain[0]
    notes = []
    open_symbols = [s for k, s in enumerate(machine.universe.symbols) if brain["positions"][k]["lots"]]
    if open_symbols:
        notes.append(f"positions in {', '.join(open_symbols)} were open at the end and are valued at the last price")
    if brain["is_halted"]:
        notes.append("new risk was halted: venue and brain disagreed; see the journal")
    for slot, strategy in enumerate(machine.strategies):
        if brain["strategies"][slot]["is_suspended"]:
            notes.append(f"strategy {strategy.info.name} was suspended after a failure")
    if brain["risk"]["is_drawdown_stopped"]:
        notes.append("the drawdown stop was in force at the end")
    return tuple(notes)
