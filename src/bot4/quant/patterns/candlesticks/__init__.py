"""The 61 candlestick patterns, with the definitions of TA-Lib."""
