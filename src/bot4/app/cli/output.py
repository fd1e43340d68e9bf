"""What a command says: its result on stdout, everything else on stderr.

With ``--json`` exactly one JSON object goes to stdout. Progress is a line that moves on a terminal, and a plain line
every ten seconds elsewhere; work that is over at once shows none.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bot4.domain.errors import StorageError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bot4.kernel import WarmUpStep

PLAIN_EVERY_S = 10.0
QUIET_S = 0.4  # nothing is shown of work that takes less
_ESTIMATE_FROM_S, _ESTIMATE_FROM_SHARE = 5.0, 0.05
_BLOCKS = "▁▂▃▄▅▆▇█"


def write_stdout(text: str) -> None:
    """Print and flush.

    Raises:
        StorageError: stdout is a file on a full disk, for example.
        BrokenPipeError: nobody reads any more.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        silence_stdout()
        raise StorageError(
            f"the result could not be written ({error.strerror})", where="stdout", remedy="free the disk and run again"
        ) from error


def silence_stdout() -> None:
    """Let what is still buffered, and the interpreter's own flush at exit, go nowhere."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.close(devnull)


@dataclass(frozen=True, slots=True)
class Terminal:
    """How a command speaks.

    Attributes:
        is_json: whether stdout is to hold one JSON object.
    """

    is_json: bool = False

    def show(self, text: str, record: Mapping[str, Any]) -> None:
        """The result: as text, or as the JSON object."""
        write_stdout(json.dumps(record, allow_nan=False) if self.is_json else text)

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
        with self.progress("compiling", "kernels", "first time only, about 45 s", quiet_s=0.0) as advance:
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
        self._first: tuple[float, int] | None = None  # when the first report came, and what was done by then
        self._next_plain_s = 0.0
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def advance(self, done: int, total: int) -> None:
        now_s = time.perf_counter()
        if self._first is None:
            self._first = (now_s, done)
            self._next_plain_s = now_s + self._quiet_s
        elapsed_s, since = now_s - self._first[0], done - self._first[1]
        if elapsed_s < self._quiet_s:
            return
        rate = since / elapsed_s if elapsed_s > 0 else 0.0
        if sys.stderr.isatty():
            self._move_bar(done, total, rate)
        elif now_s >= self._next_plain_s:
            self._next_plain_s = now_s + PLAIN_EVERY_S
            is_sure = elapsed_s > _ESTIMATE_FROM_S and since > _ESTIMATE_FROM_SHARE * total
            print(self._plain(done, total, rate if is_sure else 0.0), file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _move_bar(self, done: int, total: int, rate: float) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            remark = f"({self._remark})" if self._remark else ""
            self._task = self._bar.add_task(self._label, total=total, unit=self._unit, remark=remark, rate="")
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total, rate=_rate(rate))

    def _plain(self, done: int, total: int, rate: float) -> str:
        line = f"{self._label} {done:,}/{total:,} {self._unit}"
        if rate and done < total:
            return f"{line}, {_rate(rate)}, {duration((total - done) / rate)} left"
        return f"{line} ({self._remark})" if self._remark else line


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


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}/s" if per_second >= 10 else f"{per_second:.1f}/s"


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
    """Finite values as one line of blocks, each the mean of its share of them."""
    means = _means(values, width)
    low, span = min(means, default=0.0), max(means, default=0.0) - min(means, default=0.0)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((mean - low) / span * top) if span > 0 else 0] for mean in means)


def chart(values: Sequence[float], width: int = 70, height: int = 10) -> str:
    """Finite values as columns of blocks over ``height`` lines, with the scale on the left."""
    means = _means(values, width)
    low, high = min(means), max(means)
    eighths = [round((mean - low) / (high - low or 1.0) * (8 * height - 1)) + 1 for mean in means]
    scale = [f"{low + (high - low) * row / max(height - 1, 1):,.6g}" for row in range(height)]
    margin = max(len(text) for text in scale)
    lines = []
    for row in reversed(range(height)):
        cells = [min(max(level - 8 * row, 0), 8) for level in eighths]
        lines.append(f"{scale[row].rjust(margin)} ┤" + "".join(_BLOCKS[c - 1] if c else " " for c in cells).rstrip())
    return "\n".join(lines)


def _means(values: Sequence[float], width: int) -> list[float]:
    width = min(width, len(values))
    edges = [k * len(values) // width for k in range(width + 1)] if width else []
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]


def halt_line(halt: Mapping[str, Any]) -> str:
    """What halted new risk, in one line: when, about which order, why."""
    import numpy as np

    when = str(np.datetime64(int(halt["ts_ns"]), "ns").astype("datetime64[s]")).replace("T", " ")
    about = f" order {halt['order_id']}" if halt["order_id"] else ""
    where = f" {halt['symbol']}" if halt["symbol"] else ""
    return f"{when} UTC{where}{about}: {halt['words']}"
