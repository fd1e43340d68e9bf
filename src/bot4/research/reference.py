"""The reference of indicators: an index by family, and a page with formula, parameters and picture for each.

Everything on a page comes from the row of the indicator; the picture and the memory are of the synthetic market, so the
same program writes the same pages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from bot4.domain.bars import HOUR_NS, BarSeries
from bot4.domain.errors import StorageError
from bot4.quant.indicators import INDICATORS, resolve
from bot4.quant.indicators.arrays import bar_matrix
from bot4.quant.indicators.memory import HISTORIES, history_dependence
from bot4.quant.indicators.registry import ROW_NAMES, IndicatorInfo, ResolvedIndicator
from bot4.quant.series.synthetic import synthetic_bars
from bot4.research.pictures.bars import indicator_picture

PICTURES = "pictures"
_SEED, _BARS, _DRAWN = 1, 6_000, 160


def write_reference(folder: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Write ``README.md``, a page an indicator, and their pictures; returns the number of pages.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        pages = sorted(INDICATORS)
        for done, name in enumerate(pages, 1):
            member = resolve(name)
            (folder / f"{name}.md").write_text(page(member), encoding="utf-8")
            picture = indicator_picture(sample(), [member], _DRAWN)
            (folder / PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")
            if progress is not None:
                progress(done, len(pages))
        (folder / "README.md").write_text(index(), encoding="utf-8")
        (folder / "memory.md").write_text(memory_page(), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot be written ({error.strerror or error})", where=str(folder), remedy="name another folder"
        ) from error
    return len(pages) + 2


@functools.cache
def sample() -> BarSeries:
    """The bars that every picture shows."""
    return synthetic_bars(_SEED, _BARS, HOUR_NS)


def index() -> str:
    """The index by family, as Markdown."""
    lines = [
        "# Indicators",
        "",
        f"{len(INDICATORS)} indicators. `bot4 indicators reference` writes these pages from the rows of the code.",
        "Each serves whole columns and one more bar. How far back their values reach: [memory.md](memory.md).",
    ]
    for family in sorted({info.family for info in INDICATORS.values()}):
        lines += ["", f"## {family.capitalize()}", "", "| indicator | parameters | what it is |", "|---|---|---|"]
        for name, info in sorted(INDICATORS.items()):
            if info.family == family:
                params = ", ".join(f"{p.name} {p.default:g}" for p in info.params)
                lines.append(f"| [{name}]({name}.md) | {params} | {_cell(info.formula.partition(chr(10))[0])} |")
    return "\n".join(lines) + "\n"


def page(member: ResolvedIndicator) -> str:
    """The page of one indicator, as Markdown."""
    info = member.info
    lines = [
        f"# {info.name}",
        "",
        info.formula,
        "",
        f"![{info.name} on the synthetic market]({PICTURES}/{info.name}.svg)",
    ]
    lines += ["", "| | |", "|---|---|", f"| family | {info.family} |"]
    lines.append(f"| reads | {', '.join(ROW_NAMES[row] for row in info.inputs)} |")
    lines.append(f"| gives | {', '.join(f'`{column}`' for column in member.columns)} |")
    lines.append(f"| warm-up | {member.warm_up} bars before the first value |")
    lines.append(f"| source | {_cell(info.source)} |")
    if info.of != info.name:
        lines.append(f"| computed with | [{info.of}]({info.of}.md), once for all that share it |")
    if info.params:
        lines += ["", "| parameter | default | bounds | |", "|---|---|---|---|"]
        for param in info.params:
            kind = "whole" if param.is_whole else ""
            lines.append(f"| {param.name} | {param.default:g} | {param.low:g} to {param.high:g} | {kind} |")
    lines += ["", "```python", "from bot4.quant.indicators.arrays import compute", ""]
    lines += [f'compute("{info.name}", bars{_arguments(info)})', "```", ""]
    lines += ["After a bar of which one of these columns is not finite it starts again with the next one."]
    return "\n".join(lines) + "\n"


def memory_page() -> str:
    """How far the last value is off where only so many bars were seen, for every indicator, as Markdown."""
    bars = bar_matrix(sample())
    lines = [
        "# How far back a value reaches",
        "",
        f"The last value on the synthetic market from so many bars alone, against that from all {_BARS:,}: the",
        "largest difference as a part of the mean size of the output. 0: nothing earlier counts. An exponential",
        "average forgets slowly; a running total never does, so its level depends on where it began.",
        "",
        "| indicator | warm-up | " + " | ".join(f"{history:,} bars" for history in HISTORIES) + " |",
        "|---|---|" + "---|" * len(HISTORIES),
    ]
    for name in sorted(INDICATORS):
        member = resolve(name)
        cells = [_off(off) for off in history_dependence(member, bars).values()]
        lines.append(f"| [{name}]({name}.md) | {member.warm_up} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _off(off: float | None) -> str:
    if off is None:
        return "not defined"
    return "0" if off == 0.0 else f"{off:.0e}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _arguments(info: IndicatorInfo) -> str:
    return "".join(f", {p.name}={p.default:g}" for p in info.params)
