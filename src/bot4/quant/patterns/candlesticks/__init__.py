"""The 61 candlestick patterns, with the definitions of TA-Lib, found in one pass.

:func:`candlesticks` takes whole columns, :class:`CandlestickStream` one bar at a time; :data:`CANDLESTICKS` is the
table of what each pattern is and says.
"""

from bot4.quant.patterns.candlesticks.arrays import CandlestickStream, candlesticks
from bot4.quant.patterns.candlesticks.catalogue import CANDLESTICKS, CandlestickPattern, pattern_named

__all__ = ["CANDLESTICKS", "CandlestickPattern", "CandlestickStream", "candlesticks", "pattern_named"]
