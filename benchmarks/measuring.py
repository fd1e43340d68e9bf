"""How things are timed here: processor seconds of this process, repeated, the median reported."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Processor seconds that one call takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def median_cpu_seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Median over some calls, after one that does not count."""
    work()
    return statistics.median(cpu_seconds(work) for _ in range(repeats))


def load() -> str:
    """Load of the machine over the last minute and its processors: a busy machine measures low."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
