"""The reference of indicators in the documents is what the program writes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bot4.quant.indicators import INDICATORS, resolve
from bot4.research.reference import index, page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "indicators"
REMEDY = "run `bot4 indicators reference --out docs/indicators`"


@pytest.mark.parametrize("name", sorted(INDICATORS))
def test_the_page_of_an_indicator_says_what_its_row_says(name: str) -> None:
    assert (FOLDER / f"{name}.md").read_text("utf-8") == page(resolve(name)), REMEDY
    assert ET.parse(FOLDER / "pictures" / f"{name}.svg").getroot().tag.endswith("svg")


def test_the_index_names_every_indicator_and_no_page_is_left_over() -> None:
    assert (FOLDER / "README.md").read_text("utf-8") == index(), REMEDY
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", "memory", *INDICATORS}
    assert {path.stem for path in (FOLDER / "pictures").glob("*.svg")} == set(INDICATORS)


def test_the_page_on_memory_has_a_row_for_every_indicator() -> None:
    rows = [line for line in (FOLDER / "memory.md").read_text("utf-8").splitlines() if line.startswith("| [")]
    assert len(rows) == len(INDICATORS)
