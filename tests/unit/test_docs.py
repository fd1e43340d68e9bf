"""The documents are held to the code: links lead somewhere, functions exist, commands are the program's own."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot4.app.cli.main import COMMANDS, bot4
from bot4.domain.events import EVENT
from bot4.domain.instruments import MAX_ASSETS, MAX_SYMBOLS
from bot4.domain.orders import EXIT_SLOTS, MAX_ORDERS, TRANSITIONS, OrderStatus, is_finished
from bot4.domain.portfolio import MAX_STRATEGIES
from bot4.pipeline.state import (
    BLOCK,
    N_BANK_ENTRIES,
    N_COLUMNS,
    N_RECENT_TRADES,
    N_STRATEGY_COLUMNS,
    N_STRATEGY_MEMORY,
    N_STRATEGY_PARAMS,
    REFUSALS,
    RING,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
)
LIVES = [ROOT / "docs" / "life_of_a_tick.md", ROOT / "docs" / "life_of_an_order.md", ROOT / "docs" / "architecture.md"]
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^()\s]+)\)")
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    return FENCE.sub("", text)


def links(path: Path) -> Iterator[tuple[str, str]]:
    for link in LINK.finditer(without_code(path.read_text("utf-8"))):
        yield link["text"], link["target"]


def anchors(path: Path) -> set[str]:
    """Anchors of the headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCS, ids=named)
def test_every_relative_link_of_a_document_leads_somewhere(path: Path) -> None:
    for _text, target in links(path):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{named(path)} links to {target}"
        assert place.is_relative_to(ROOT), f"{named(path)} links outside the project: {target}"
        if anchor:
            assert anchor in anchors(place), f"{named(path)} links to {target}"


@pytest.mark.parametrize("path", DOCS, ids=named)
def test_the_rows_of_every_table_have_as_many_cells_as_its_head(path: Path) -> None:
    width = 0
    for line in [*without_code(path.read_text("utf-8")).splitlines(), ""]:
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        width = width or cells
        assert cells == width, f"{named(path)}: {line}"


def defined_names(path: Path) -> set[str]:
    """Functions, classes, their methods and constants at the top of a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))
            names.update(f"{node.name}.{method.name}" for method in methods)
        if isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return names


@pytest.mark.parametrize("path", LIVES, ids=named)
def test_every_function_that_the_documents_link_to_stands_in_that_file(path: Path) -> None:
    checked = 0
    for text, target in links(path):
        name = text.strip("`")
        if text.startswith("`") and target.endswith(".py") and not name.endswith(".py"):
            assert name in defined_names((path.parent / target).resolve()), f"{named(path)}: {name} in {target}"
            checked += 1
    assert checked > 5


def command_lines(text: str) -> Iterator[list[str]]:
    """Every ``bot4 ...`` line of the shell blocks and of the indented ones, as words."""
    shell = [block["body"] for block in FENCE.finditer(text) if block["language"] in ("sh", "bash", "")]
    indented = re.findall(r"^    (bot4 .*)$", without_code(text), re.MULTILINE)
    for line in [*"\n".join(shell).splitlines(), *indented]:
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words[:1] == ["bot4"]:
                yield words[1:]


def shown_commands() -> list[tuple[str, list[str]]]:
    shown = [ROOT / "README.md", *LIVES, *(ROOT / "docs" / "recipes").glob("*.md")]
    return [(named(path), words) for path in shown for words in command_lines(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("where", "words"), shown_commands(), ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_every_command_shown_is_one_of_the_programs_own_with_its_options(where: str, words: list[str]) -> None:
    command: click.Command = bot4
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if command is bot4:
            assert rest[0] in COMMANDS, where
        found = command.get_command(click.Context(command), rest.pop(0))
        assert found is not None, where
        command = found
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    for word in rest:
        if word.startswith("-"):
            assert word.partition("=")[0] in known, f"{where}: {word} of bot4 {' '.join(words)}"


def test_the_readme_shows_commands() -> None:
    assert len([where for where, _words in shown_commands() if where == "README.md"]) > 3


def test_every_target_of_make_that_the_documents_name_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for path in DOCS:
        text = path.read_text("utf-8")
        for name in re.findall(r"(?:`(?:BOT4_\w+=\S+ )?|&& |^)make ([a-z-]+)", text, re.MULTILINE):
            assert name in targets, f"{named(path)}: make {name}"


def test_the_table_of_order_transitions_is_the_programs() -> None:
    text = (ROOT / "docs" / "life_of_an_order.md").read_text("utf-8")
    rows = re.findall(r"^\| ([A-Z_]+) \| ([A-Z_, ]+) \|$", text, re.MULTILINE)
    shown = {OrderStatus[source]: {OrderStatus[name] for name in targets.split(", ")} for source, targets in rows}
    allowed = {
        source: {target for target in OrderStatus if TRANSITIONS[source, target]}
        for source in OrderStatus
        if source != OrderStatus.FREE and not is_finished(source)
    }
    assert shown == allowed
    assert not any(TRANSITIONS[source].any() for source in OrderStatus if is_finished(source))


def test_every_refusal_is_explained_and_every_explained_one_exists() -> None:
    text = "".join((ROOT / "docs" / name).read_text("utf-8") for name in ("decision.md", "risk.md"))
    explained = set(re.findall(r"`([a-z_]+)`", text))
    assert set(REFUSALS[1:]) <= explained
    checks = re.search(r"## The checks, in their order\n(.*?)\n## ", text, re.DOTALL)
    assert checks is not None
    named_first = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", checks[1], re.MULTILINE)
    assert {name for cell in named_first for name in re.findall(r"[a-z_]+", cell)} <= set(REFUSALS)


def test_the_capacities_in_the_documents_are_the_programs() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for said in (
        f"{MAX_SYMBOLS} symbols, {MAX_ASSETS} assets",
        f"{MAX_STRATEGIES} strategies",
        f"{MAX_ORDERS} orders, {EXIT_SLOTS} of them",
        f"{N_BANK_ENTRIES} indicators, {N_COLUMNS} outputs, {RING - BLOCK} bars",
        f"{N_STRATEGY_PARAMS} parameters, {N_STRATEGY_COLUMNS} indicator outputs, {N_STRATEGY_MEMORY} numbers",
        f"a ring of {RING} bars",
        f"for {BLOCK} events",
        f"is {EVENT.itemsize} bytes",
    ):
        assert said in architecture, said
    order = (ROOT / "docs" / "life_of_an_order.md").read_text("utf-8")
    assert f"the last {N_RECENT_TRADES} are remembered" in order
    assert f"Of its {MAX_ORDERS} slots the gate leaves {EXIT_SLOTS}" in order


def test_the_index_of_the_documents_names_every_one() -> None:
    docs = ROOT / "docs"
    indices = [docs / "README.md", docs / "indicators" / "README.md"]
    named_pages = {(index.parent / target).resolve() for index in indices for _text, target in links(index)}
    for path in docs.rglob("*.md"):
        assert path in (docs / "README.md", *named_pages), named(path)


def test_the_map_of_the_readme_names_every_package() -> None:
    mapped = {target.strip("/") for _text, target in links(ROOT / "README.md")}
    packages = [path.parent for path in (ROOT / "src" / "bot4").glob("*/__init__.py")]
    assert {named(package) for package in packages} <= mapped


def test_no_document_names_a_place_of_one_machine() -> None:
    for path in DOCS:
        found = re.search(r"(?<![\w./])/(?:home|root|Users|work|opt|tmp)/", path.read_text("utf-8"))
        assert found is None, f"{named(path)}: {found}"
