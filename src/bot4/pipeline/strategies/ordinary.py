"""A strategy in ordinary Python: it is shown a read-only view of each bar and answers with a signal or nothing.

It runs outside the compiled step: its answers are events, are journalled, and on a replay are read back. What it
wants then goes through the same decision, risk gate and execution as a kernel's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from bot4.domain.errors import DataError, SettingError
from bot4.pipeline.state import ENTER, LEAVE
from bot4.pipeline.strategies.info import IndicatorRequest, StrategyInfo, StrategyParam


@dataclass(frozen=True, slots=True)
class BarView:
    """A completed bar and the strategy's own position; nothing in it can be changed.

    Attributes:
        ts_ns: when the bar is known, UTC nanoseconds.
        symbol: such as ``BTCUSDT``.
        open, high, low, close: quote currency.
        volume: base currency.
        features: per timeframe, the indicators of its latest completed bar by column name (``rsi_14``,
            ``macd_12_26_9.signal``); NaN until warm. Give mappings that cannot be written to.
        position_quantity: signed, base currency, of this strategy in this symbol.
        entry_price: average, quote currency; 0 when flat.
        regime: ``bull``, ``bear``, ``sideways`` or ``crisis``.
        is_entering, is_exiting: whether an entry or an exit is in flight.
        technical_score: of the technical voice, -1 to 1; NaN where it does not speak, and where the strategy does
            not have ``uses_technical``.
        technical_alignment, technical_confidence: 0 to 1.
    """

    ts_ns: int
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    features: tuple[Mapping[str, float], ...]
    position_quantity: float
    entry_price: float
    regime: str
    is_entering: bool = False
    is_exiting: bool = False
    technical_score: float = math.nan
    technical_alignment: float = 0.0
    technical_confidence: float = 0.0

    def __getitem__(self, column: str) -> float:
        """An indicator of the base timeframe.

        Raises:
            DataError: the strategy declared no such indicator.
        """
        try:
            return self.features[0][column]
        except KeyError:
            known = ", ".join(self.features[0]) or "none"
            raise DataError(
                f"no indicator column {column!r}", where=f"strategy view of {self.symbol}", remedy=f"it has {known}"
            ) from None


@dataclass(frozen=True, slots=True)
class Signal:
    """What a strategy in Python wants; made by :meth:`enter` and :meth:`leave`.

    Attributes:
        action: ``ENTER`` or ``LEAVE``.
        direction: -1 to 1; its sign is the side of an entry.
        confidence: 0 to 1.
        win_probability: calibrated; None: from closed trades.
        quantity: base currency; 0: sized by Kelly.
        stop_distance: in price; None: by the stop rule; 0: none.
        has_targets, has_trail: whether profits are taken at the targets, and the stop trails.
    """

    action: int
    direction: float
    confidence: float = 1.0
    win_probability: float | None = None
    quantity: float = 0.0
    stop_distance: float | None = None
    has_targets: bool = False
    has_trail: bool = False

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("direction", self.direction, -1.0, 1.0),
            ("confidence", self.confidence, 0.0, 1.0),
            ("win_probability", self.win_probability, 0.0, 1.0),
            ("quantity", self.quantity, 0.0, math.inf),
            ("stop_distance", self.stop_distance, 0.0, math.inf),
        ):
            if value is not None and not low <= value <= high:
                raise SettingError(
                    f"{name} is {value!r}", where="signal", remedy=f"give a number from {low:g} to {high:g}"
                )

    @classmethod
    def enter(cls, direction: float = 1.0, **details: Any) -> Signal:
        """Ask for a position: ``direction`` above zero is long, below zero short; the rest as the attributes."""
        return cls(ENTER, direction, **details)

    @classmethod
    def leave(cls) -> Signal:
        """Ask to close the position."""
        return cls(LEAVE, 0.0)

    def write(self, record: Any, lot: float) -> None:
        """Fill in a record of ``SIGNAL`` for an instrument whose lot is ``lot`` base units.

        Raises:
            SettingError: a quantity below one lot.
        """
        lots = math.floor(self.quantity / lot + 1e-9)
        if self.quantity > 0.0 and lots < 1:
            raise SettingError(
                f"quantity {self.quantity:g} is below one lot", where="signal", remedy=f"give at least {lot:g}"
            )
        record["action"] = self.action
        record["direction"] = self.direction
        record["confidence"] = self.confidence
        record["win_probability"] = math.nan if self.win_probability is None else self.win_probability
        record["fixed_lots"] = lots
        record["stop_distance"] = math.nan if self.stop_distance is None else self.stop_distance
        record["has_targets"] = self.has_targets
        record["has_trail"] = self.has_trail


class Strategy(ABC):
    """Base class of strategies in ordinary Python. One object serves one run; it may keep state in itself.

    Class attributes are those of :class:`~bot4.pipeline.strategies.info.StrategyInfo`; the values of its
    parameters are in ``self.params``.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    parameters: ClassVar[tuple[StrategyParam, ...]] = ()
    indicators: ClassVar[tuple[IndicatorRequest, ...]] = ()
    n_frames: ClassVar[int] = 1
    uses_technical: ClassVar[bool] = False
    uses_regime: ClassVar[bool] = False
    uses_voices: ClassVar[bool] = False
    uses_stop_rule: ClassVar[bool] = True

    def __init__(self, params: Mapping[str, float]) -> None:
        self.params = params

    @abstractmethod
    def on_bar(self, view: BarView) -> Signal | None:
        """Answer to a completed bar: a signal, or None to leave things as they are."""

    @classmethod
    def info(cls) -> StrategyInfo:
        """What the class declares."""
        return StrategyInfo(
            name=cls.name or cls.__name__,
            summary=cls.summary or (cls.__doc__ or "").strip().partition("\n")[0],
            python=cls,
            parameters=cls.parameters,
            indicators=cls.indicators,
            n_frames=cls.n_frames,
            uses_technical=cls.uses_technical,
            uses_regime=cls.uses_regime,
            uses_voices=cls.uses_voices,
            uses_stop_rule=cls.uses_stop_rule,
        )
