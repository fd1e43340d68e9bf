"""Performance statistics of an equity curve and of closed trades (``docs/statistics.md``)."""
