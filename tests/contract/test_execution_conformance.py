"""Every execution case against every driver: the simulator in process, and its served interface by ccxt's client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot4.app.exchange_server.assembly import make_ready
from tests.contract.execution.casebook import CASES, Case
from tests.contract.execution.driver import ExecutionDriver
from tests.contract.execution.table import DRIVERS, MODULES, PAGE, page_with


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """No request of a case waits for the compiler."""
    make_ready(lambda _step: None)


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Iterator[ExecutionDriver]:
    kind, case = request.param
    for needed in sorted(case.needs, key=lambda capability: capability.name):
        if needed in kind.missing:
            pytest.skip(f"not applicable {kind.name}: {needed.value} ({kind.missing[needed]})")
    driver = kind()
    driver.open(case.setup)
    try:
        yield driver
    finally:
        driver.close()


@pytest.mark.parametrize(
    ("venue", "case"),
    [pytest.param((kind, case), case, id=f"{kind.name}-{case.id}") for kind in DRIVERS for case in CASES],
    indirect=["venue"],
)
def test_the_venue_conforms(venue: ExecutionDriver, case: Case) -> None:
    case.run(venue)


def test_every_case_has_a_name_of_its_own_and_runs_somewhere() -> None:
    assert len({case.id for case in CASES}) == len({case.name for case in CASES}) == len(CASES) >= 70
    assert {case.run.__module__ for case in CASES} == {module.__name__ for module in MODULES}
    for case in CASES:
        assert any(not case.needs & set(kind.missing) for kind in DRIVERS), case.name


def test_the_table_of_cases_in_the_documents_is_the_suites() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page_with(text), "python -m tests.contract.execution.table"
