"""The table of cases in ``docs/conformance.md``: ``python -m tests.contract.execution.table`` writes it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.contract.execution import (
    account_cases,
    changes_cases,
    failure_cases,
    orders_cases,
    refusal_cases,
)
from tests.contract.execution.casebook import CASES, Case
from tests.contract.execution.in_process import SimulatorDriver
from tests.contract.execution.through_ccxt import CcxtDriver

DRIVERS = (SimulatorDriver, CcxtDriver)
MODULES = (orders_cases, changes_cases, refusal_cases, account_cases, failure_cases)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "conformance.md"
BEGIN, END = "<!-- cases: begin -->", "<!-- cases: end -->"


def ordered() -> list[Case]:
    """The cases by group, each group where its first case stands in the modules."""
    groups = list(
        dict.fromkeys(case.group for module in MODULES for case in CASES if case.run.__module__ == module.__name__)
    )
    return sorted(CASES, key=lambda case: groups.index(case.group))


def rendered() -> str:
    """The table, a heading a group."""
    lines = [f"{len(CASES)} cases."]
    for group, cases in groupby(ordered(), key=lambda case: case.group):
        heads = ["case", *(driver.name for driver in DRIVERS)]
        lines += ["", f"### {group}", "", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for case in cases:
            cells = [case.name, *(_cell(case, driver) for driver in DRIVERS)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(case: Case, driver: type[SimulatorDriver] | type[CcxtDriver]) -> str:
    reasons = [driver.missing[needed] for needed in case.needs if needed in driver.missing]
    return f"not applicable: {reasons[0]}" if reasons else "yes"


def page_with(text: str) -> str:
    """A page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{rendered()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text("utf-8")), "utf-8")
