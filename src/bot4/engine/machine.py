"""The machine: brain, simulated venue and everything that configures them, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import Halted, SettingError
from bot4.domain.instruments import Universe, pack_instruments
from bot4.domain.ledger import OK, book_deposit
from bot4.domain.portfolio import MAX_STRATEGIES
from bot4.engine.replay import replay
from bot4.engine.run_log import RunLog
from bot4.engine.settings import RunSettings
from bot4.kernel import WarmUpStep, warm_up
from bot4.pipeline.decision.propose import propose
from bot4.pipeline.execution.halting import halt_brain
from bot4.pipeline.execution.settings import write as write_execution
from bot4.pipeline.features.observe import rebuild_features
from bot4.pipeline.risk.settings import write as write_risk
from bot4.pipeline.signals import technical
from bot4.pipeline.signals.regime import update_regime
from bot4.pipeline.state import (
    BLOCK,
    BRAIN,
    CONFIG,
    MARKET,
    N_BANK_ENTRIES,
    N_BANK_PARAMS,
    N_COLUMNS,
    N_INDICATOR_STATE,
    N_VOICES,
    OUTBOX,
    RING,
    STATE_VERSION,
)
from bot4.pipeline.step import step
from bot4.pipeline.strategies.info import ResolvedStrategy
from bot4.pipeline.strategy_family import STRATEGY_FAMILY
from bot4.quant.indicators.bank import BankSpec
from bot4.simulator.intake import receive_command
from bot4.simulator.matching import match_event
from bot4.simulator.state import open_venue

Records = npt.NDArray[np.void]

_STOP_RULE = (("atr", {"period": 14}), ("donchian", {"period": 20}))


@dataclass(eq=False)
class Machine:
    """One brain with its venue, ready to take events.

    Attributes:
        universe, settings, interval_ns: what it was put together from.
        strategies: by slot.
        bank: the indicators of all strategies, each once.
        config, brain, markets, outbox, venue: the records that every step works on.
        log: what has come out so far.
    """

    universe: Universe
    settings: RunSettings
    interval_ns: int
    strategies: list[ResolvedStrategy]
    bank: BankSpec
    config: Records
    brain: Records
    markets: Records
    outbox: Records
    venue: Records
    log: RunLog = field(default_factory=RunLog)

    @property
    def digest(self) -> str:
        """Digest over decisions, order list and fills so far."""
        return self.log.digest(self.brain)

    def state(self) -> dict[str, Records]:
        """The arrays that change, for a snapshot."""
        return {"brain": self.brain, "markets": self.markets, "venue": self.venue} | {
            f"log_{kind}": records for kind, records in self.log.state().items()
        }

    def restore(self, state: dict[str, Records]) -> None:
        """Go back to a state that :meth:`state` gave."""
        for name in ("brain", "markets", "venue"):
            getattr(self, name)[:] = state[name]
        self.log = RunLog.from_state({name[4:]: rows for name, rows in state.items() if name.startswith("log_")})

    def install(self, slot: int, strategy: ResolvedStrategy) -> None:
        """Put a strategy into a slot between two events.

        Where it needs indicators that the bank lacks, the bank is rebuilt and every indicator is computed anew
        from the bars still in the rings (the latest 448 of each timeframe). A refusal changes nothing.

        Raises:
            SettingError: no such slot, or the strategies need more than fits.
        """
        if not 0 <= slot < len(self.strategies):
            raise SettingError(
                f"there is no strategy slot {slot}", remedy=f"slots 0 to {len(self.strategies) - 1} are in use"
            )
        chosen = [strategy if k == slot else installed for k, installed in enumerate(self.strategies)]
        _check_timeframes(chosen, self.settings)
        bank, previous = bank_of(chosen), self.bank
        warm_up(_kernels_of(chosen, bank))
        self.strategies[:], self.bank = chosen, bank
        self.config[0]["waits_for_intents"] = _is_any_in_python(chosen)
        _write_bank(self.config[0], self.bank)
        was_heard = bool(self.config[0]["technical"]["is_used"])
        _write_technical(self.config[0], chosen, self.bank)
        if not was_heard:
            self.brain["technical"] = 0
        for k, installed in enumerate(self.strategies):
            _write_strategy(self.config[0]["strategies"][k], installed, self.bank)
        _write_frames(self.config[0], self.strategies, self.settings)
        if self.bank.columns != previous.columns:
            rebuild_features(self.brain, self.markets, self.config)


def assemble(
    universe: Universe,
    strategies: Sequence[ResolvedStrategy],
    settings: RunSettings,
    interval_ns: int,
    *,
    trades_symbols: Sequence[str] = (),
    progress: Callable[[WarmUpStep], None] | None = None,
) -> Machine:
    """Put a machine together and make its kernels ready.

    Args:
        universe: instruments, by symbol id.
        strategies: one a slot.
        settings: of the run.
        interval_ns: of the base bars.
        trades_symbols: symbols that the simulated venue fills on trades, not on bars.
        progress: told about compiling.

    Raises:
        SettingError: too many strategies, or settings that do not fit together.
    """
    if not 1 <= len(strategies) <= MAX_STRATEGIES:
        raise SettingError(
            f"{len(strategies)} strategies, but 1 to {MAX_STRATEGIES} run together", remedy="split the run"
        )
    chosen = list(strategies)
    _check_timeframes(chosen, settings)
    bank = bank_of(chosen)
    apart = [*bank.kernels, *_own_kernels(chosen), match_event, receive_command, propose, update_regime]
    warm_up(_kernels_of(chosen, bank), progress, beside=apart)
    config = _configure(universe, chosen, settings, interval_ns, bank)
    for symbol in trades_symbols:
        config[0]["matches_trades"][universe.symbols.index(symbol)] = 1
    machine = Machine(
        universe=universe,
        settings=settings,
        interval_ns=interval_ns,
        strategies=chosen,
        bank=bank,
        config=config,
        brain=_new_brain(config, settings, universe),
        markets=np.zeros(len(universe.instruments), dtype=MARKET),
        outbox=np.zeros(1, dtype=OUTBOX),
        venue=_new_venue(config, settings),
    )
    machine.markets["frames"]["features"] = np.nan
    return machine


def bank_of(strategies: Sequence[ResolvedStrategy]) -> BankSpec:
    """The indicators that the strategies and the stop rule need, each once.

    Raises:
        SettingError: they do not fit the fixed tables.
    """
    wanted = [request for strategy in strategies for request in strategy.indicators]
    if _is_any_technical(strategies):
        wanted += technical.INDICATORS
    if any(strategy.info.uses_stop_rule for strategy in strategies):
        wanted += [(name, dict(params)) for name, params in _STOP_RULE]
    bank = BankSpec.of(wanted)
    for what, count, most in (
        ("indicators", len(bank.computed), N_BANK_ENTRIES),
        ("indicator parameters", len(bank.params), N_BANK_PARAMS),
        ("indicator outputs", bank.n_outputs, N_COLUMNS),
        ("numbers of indicator state", bank.n_state, N_INDICATOR_STATE),
        ("bars of look-back", max((m.lookback for m in bank.members), default=0), RING - BLOCK),
    ):
        if count > most:
            raise SettingError(f"the strategies need {count} {what}, at most {most} fit", remedy="use fewer or shorter")
    return bank


def _is_any_in_python(strategies: Sequence[ResolvedStrategy]) -> bool:
    return any(strategy.info.python is not None for strategy in strategies)


def _is_any_technical(strategies: Sequence[ResolvedStrategy]) -> bool:
    return any(strategy.info.uses_technical for strategy in strategies)


def _check_timeframes(strategies: Sequence[ResolvedStrategy], settings: RunSettings) -> None:
    there = len(settings.timeframes)
    for strategy in strategies:
        if strategy.info.n_frames > there:
            raise SettingError(
                f"it reads {strategy.info.n_frames} timeframes, but the run has {there}",
                where=f"strategy {strategy.info.name}",
                remedy="give more of them in `timeframes`",
            )


def _own_kernels(strategies: Sequence[ResolvedStrategy]) -> list[Any]:
    return [strategy.info.kernel for strategy in strategies if strategy.info.kernel is not None]


def _kernels_of(strategies: Sequence[ResolvedStrategy], bank: BankSpec) -> list[Any]:
    return [
        *bank.kernels,
        *_own_kernels(strategies),
        replay,
        step,
        match_event,
        receive_command,
        book_deposit,
        halt_brain,
        rebuild_features,
    ]


def _configure(
    universe: Universe, strategies: list[ResolvedStrategy], settings: RunSettings, interval_ns: int, bank: BankSpec
) -> Records:
    config = np.zeros(1, dtype=CONFIG)
    row = config[0]
    row["n_symbols"] = len(universe.instruments)
    row["n_strategies"] = len(strategies)
    row["n_assets"] = len(universe.assets)
    row["quote_asset"] = 0
    row["base_interval_ns"] = interval_ns
    row["instruments"][: len(universe.instruments)] = pack_instruments(universe)
    _write_frames(row, strategies, settings)
    settings.technical.write(row["technical"])
    _write_bank(row, bank)
    _write_technical(row, strategies, bank)
    for slot, strategy in enumerate(strategies):
        _write_strategy(row["strategies"][slot], strategy, bank)
    row["waits_for_intents"] = _is_any_in_python(strategies)
    settings.decision.write(row["decision"])
    row["decision"]["slippage"] = settings.slippage_bps / 1e4
    write_risk(settings.risk, row["risk"], interval_ns)
    write_execution(settings.execution, row["execution"], loses_answers=False)
    settings.regime.write(row["risk"])
    return config


def _write_frames(row: Any, strategies: Sequence[ResolvedStrategy], settings: RunSettings) -> None:
    all_frames = len(settings.timeframes)
    n_frames = max(all_frames if s.info.uses_technical else s.info.n_frames for s in strategies)
    row["n_frames"] = max(n_frames, int(row["n_frames"]))
    row["frame_factor"][:all_frames] = settings.timeframes


def _write_bank(row: Any, bank: BankSpec) -> None:
    row["n_bank"] = len(bank.entries)
    row["n_columns"] = bank.n_outputs
    row["bank"][: len(bank.entries)] = bank.entries
    row["bank_params"][: len(bank.params)] = bank.params
    row["atr_column"] = row["high_column"] = row["low_column"] = -1
    if "atr_14" in bank.rows:
        row["atr_column"] = bank.column("atr_14")
    if "donchian_20.upper" in bank.rows:
        row["high_column"] = bank.column("donchian_20.upper")
        row["low_column"] = bank.column("donchian_20.lower")


def _write_technical(row: Any, strategies: Sequence[ResolvedStrategy], bank: BankSpec) -> None:
    row["technical"]["is_used"] = _is_any_technical(strategies)
    if row["technical"]["is_used"]:
        row["technical"]["columns"][: len(technical.COLUMNS)] = [bank.column(name) for name in technical.COLUMNS]


def _write_strategy(row: Any, strategy: ResolvedStrategy, bank: BankSpec) -> None:
    info = strategy.info
    row["address"] = STRATEGY_FAMILY.address(info.kernel) if info.kernel is not None else 0
    row["is_active"] = 1
    row["is_python"] = info.python is not None
    row["uses_regime"] = info.uses_regime
    row["uses_voices"] = info.uses_voices
    row["n_columns"] = len(strategy.columns)
    row["columns"][: len(strategy.columns)] = [bank.column(name) for name in strategy.columns]
    row["params"] = 0.0
    row["params"][: len(strategy.params)] = strategy.params


def _new_brain(config: Records, settings: RunSettings, universe: Universe) -> Records:
    brain = np.zeros(1, dtype=BRAIN)
    row = brain[0]
    row["version"] = STATE_VERSION
    for name in ("next_order_id", "next_approval_id", "next_decision_id", "next_trade_id"):
        row[name] = 1
    atoms = int(settings.capital * 10 ** universe.decimals(universe.quote))
    if book_deposit(row["ledger"], 0, atoms) != OK:
        raise Halted("the deposit could not be booked", remedy="use a smaller capital")
    capital = float(settings.capital)
    row["equity"] = row["initial_equity"] = capital
    row["risk"]["peak_equity"] = row["risk"]["day_start_equity"] = capital
    row["strategies"]["voice_weight"] = np.tile(config[0]["decision"]["voice_prior"], (MAX_STRATEGIES, 1))
    assert len(config[0]["decision"]["voice_prior"]) == N_VOICES
    return brain


def _new_venue(config: Records, settings: RunSettings) -> Records:
    n_symbols = int(config[0]["n_symbols"])
    return open_venue(
        config[0]["instruments"][:n_symbols], round(settings.order_latency_ms * 1e6), settings.slippage_bps / 1e4
    )
