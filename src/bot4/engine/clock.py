"""The one place that reads the clock."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's clock, UTC nanoseconds."""

    def now_ns(self) -> int:
        """UTC nanoseconds now."""
        return time.time_ns()  # noqa: TID251

    def monotonic(self) -> float:
        """Seconds that never run backwards, for ages and time-outs."""
        return time.monotonic()
