"""What a command says: its result on stdout, everything else on stderr.

With ``--json`` exactly one JSON object goes to stdout. Progress is a line that moves on a terminal, and a plain line
every ten seconds elsewhere; work that is over at once shows none.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bot4.kernel import WarmUpStep

PLAIN_EVERY_S = 10.0
QUIET_S = 0.4  # nothing is shown of work that takes less
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Terminal:
    """How a command speaks.

    Attributes:
        is_json: whether stdout is to hold one JSON object.
    """

    is_json: bool = False

    def show(self, text: str, record: Mapping[str, Any]) -> None:
        """The result: as text, or as the JSON object."""
        print(json.dumps(record, allow_nan=False) if self.is_json else text)

    def note(self, line: str) -> None:
        """Something to know, on stderr."""
        print(f"note: {line}", file=sys.stderr, flush=True)

    @property
    def is_interactive(self) -> bool:
        """Whether a person looks at stdout."""
        return not self.is_json and sys.stdout.isatty()

    @contextmanager
    def compiling(self) -> Iterator[Callable[[WarmUpStep], None]]:
        """Progress of compiling, for ``RunPlan.machine``; silent where everything comes from the cache."""
        with self.progress("compiling", "kernels", "first time only, about 30 s", quiet_s=0.0) as advance:
            has_compiled = False

            def report(step: WarmUpStep) -> None:
                nonlocal has_compiled
                has_compiled = has_compiled or not step.was_cached
                if has_compiled:
                    advance(step.done, step.total)

            yield report

    @contextmanager
    def progress(
        self, label: str, unit: str, remark: str = "", quiet_s: float = QUIET_S
    ) -> Iterator[Callable[[int, int], None]]:
        """Progress of long work: call what it gives with done and total."""
        line = _ProgressLine(label, unit, remark, quiet_s)
        try:
            yield line.advance
        finally:
            line.close()


class _ProgressLine:
    def __init__(self, label: str, unit: str, remark: str, quiet_s: float) -> None:
        self._label, self._unit, self._remark, self._quiet_s = label, unit, remark, quiet_s
        self._started_s = time.perf_counter()
        self._next_plain_s = self._started_s + quiet_s
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def advance(self, done: int, total: int) -> None:
        now_s = time.perf_counter()
        if now_s - self._started_s < self._quiet_s and self._bar is None:
            return
        if sys.stderr.isatty():
            self._move_bar(done, total)
        elif now_s >= self._next_plain_s:
            self._next_plain_s = now_s + PLAIN_EVERY_S
            print(self._plain(done, total, now_s - self._started_s), file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _move_bar(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            remark = f"({self._remark})" if self._remark else ""
            self._task = self._bar.add_task(self._label, total=total, unit=self._unit, remark=remark, rate="")
            self._bar.start()
        assert self._task is not None
        rate = done / max(time.perf_counter() - self._started_s, 1e-9)
        self._bar.update(self._task, completed=done, total=total, rate=f"{rate:,.0f}/s")

    def _plain(self, done: int, total: int, elapsed_s: float) -> str:
        remark = f" ({self._remark})" if self._remark else ""
        estimate = ""
        if 0 < done < total and elapsed_s > 1.0:
            estimate = f", {done / elapsed_s:,.0f}/s, {duration(elapsed_s * (total - done) / done)} left"
        return f"{self._label} {done:,}/{total:,} {self._unit}{remark}{estimate}"


def _new_bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
        console=Console(stderr=True),
        transient=True,
    )


def duration(seconds: float) -> str:
    """A duration in words as short as they come: ``8 s``, ``3 min``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(n_bytes: float) -> str:
    """A number of bytes: ``1.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns as wide as they need to be; those in ``right`` are aligned to the right."""
    cells = [list(titles), *[list(row) for row in rows]]
    widths = [max(len(row[k]) for row in cells) for k in range(len(titles))]

    def line(row: Sequence[str]) -> str:
        parts = [c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(parts).rstrip()

    return "\n".join(line(row) for row in cells)


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Values as a line of blocks, each the mean of its share of them; NaN leaves a blank."""
    if not len(values):
        return ""
    width = min(width, len(values))
    means = []
    for k in range(width):
        part = [v for v in values[k * len(values) // width : (k + 1) * len(values) // width] if v == v]
        means.append(sum(part) / len(part) if part else float("nan"))
    known = [m for m in means if m == m]
    if not known:
        return " " * width
    low, span = min(known), max(known) - min(known)
    top = len(_BLOCKS) - 1
    return "".join(" " if m != m else _BLOCKS[round((m - low) / span * top) if span > 0 else 0] for m in means)
