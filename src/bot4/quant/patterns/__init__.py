"""Patterns in bars: candlesticks, chart figures, harmonic figures and waves, each dated when it could be known."""
