"""The report in a real Chromium: it draws, it answers the pointer, and it asks for nothing."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot4.research.result import RunResult
from tests.e2e.browser import CHROMIUM, Page, page_in_a_browser
from tests.runs import run_over, synthetic_bars

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")

SIZES = (
    "[...document.querySelectorAll('{}')].map(e => {{ const b = e.getBoundingClientRect();"
    " return [b.width, b.height] }})"
)
BOX = (
    "(() => {{ const e = document.querySelectorAll('.plot')[{}]; e.scrollIntoView({{block: 'center'}});"
    " const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height] }})()"
)
TIP = "(() => { const t = document.getElementById('tip'); return t.hidden ? '' : t.innerText })()"
OVERLAPS = """(() => {
  const clash = [];
  for (const axis of document.querySelectorAll('.y-axis, .x-axis')) {
    const boxes = [...axis.children].map(e => e.getBoundingClientRect()).filter(b => b.width);
    boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
      if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) clash.push([a, b]);
    }));
  }
  return clash.length;
})()"""


@pytest.fixture(scope="module")
def result() -> RunResult:
    markets = (synthetic_bars("BTCUSDT", 30_000, seed=3), synthetic_bars("ETHUSDT", 30_000, seed=11, price=1500.0))
    return run_over(*markets)


def in_a_browser(tmp_path: Path, run: RunResult, visit: Callable[[Page], Awaitable[None]], width: int = 1280) -> None:
    report = run.save_report(tmp_path / "report.html")

    async def visited() -> None:
        async with page_in_a_browser(tmp_path / "profile") as page:
            await page.open(report, width=width)
            await visit(page)
            assert page.complaints == []
            assert page.requests == [report.as_uri()]

    asyncio.run(visited())


@pytest.mark.parametrize("width", [1280, 420])
def test_every_chart_has_a_size_no_labels_overlap_and_nothing_is_requested(
    tmp_path: Path, result: RunResult, width: int
):
    async def visit(page: Page) -> None:
        sizes = await page.ask(SIZES.format(".plot > svg"))
        assert len(sizes) == 6
        assert all(wide > 0.6 * width and high > 100 for wide, high in sizes)
        drawn = await page.ask(SIZES.format(".plot > svg .line"))
        assert all(wide > 0 and high > 0 for wide, high in drawn)
        assert await page.ask(OVERLAPS) == 0
        assert await page.ask("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out sideways"

    in_a_browser(tmp_path, result, visit, width)


def test_the_pointer_and_the_arrow_keys_show_values(tmp_path: Path, result: RunResult):
    async def visit(page: Page) -> None:
        left, top, width, height = await page.ask(BOX.format(0))
        await page.move(left + width / 2, top + height / 2)
        first = await page.ask(TIP)
        assert "2022" in first
        assert "Strategy" in first
        assert "Buy and hold" in first
        await page.ask("document.querySelectorAll('.plot')[0].focus()")
        await page.press("ArrowRight")
        assert (await page.ask(TIP)) not in ("", first)
        await page.move(left + width / 2, top - 60)
        assert await page.ask(TIP) == ""
        await page.ask("document.querySelector('.defined').focus()")
        assert "Final over initial equity" in await page.ask(TIP)

    in_a_browser(tmp_path, result, visit)


def test_a_trade_under_the_pointer_tells_its_result_and_why_it_ended(tmp_path: Path, result: RunResult):
    trade = result.trades[result.trades["symbol"] == 0][3]
    middle = (int(trade["entry_ts_ns"]) + int(trade["exit_ts_ns"])) / 2
    share = (middle - result.start_ns) / (result.end_ns - result.start_ns)

    async def visit(page: Page) -> None:
        left, top, width, height = await page.ask(BOX.format(4))
        await page.move(left + share * width, top + height / 2)
        told = await page.ask(TIP)
        assert f"{abs(trade['pnl_quote']):,.2f}" in told
        assert result.exit_reasons[trade["exit_reason"]].replace("_", " ") in told

    in_a_browser(tmp_path, result, visit)


def test_dragging_zooms_all_charts_together_and_escape_brings_all_back(tmp_path: Path, result: RunResult):
    views = "[...document.querySelectorAll('.plot > svg')].map(s => s.getAttribute('viewBox'))"

    async def visit(page: Page) -> None:
        whole = await page.ask(views)
        left, top, width, height = await page.ask(BOX.format(0))
        await page.move(left + 0.4 * width, top + height / 2, "mousePressed")
        await page.move(left + 0.6 * width, top + height / 2)
        await page.move(left + 0.6 * width, top + height / 2, "mouseReleased")
        zoomed = [[float(part) for part in view.split()] for view in await page.ask(views)]
        assert all(view[0] == pytest.approx(4000, abs=30) and view[2] == pytest.approx(2000, abs=60) for view in zoomed)
        assert await page.ask("document.querySelectorAll('.y-axis')[0].children.length") >= 2
        assert await page.ask(OVERLAPS) == 0
        await page.press("Escape")
        await page.ask("document.querySelectorAll('.plot')[0].focus()")
        await page.press("Escape")
        assert await page.ask(views) == whole

    in_a_browser(tmp_path, result, visit)


def test_a_script_in_a_strategys_name_does_not_run(tmp_path: Path, result: RunResult):
    hostile = "</title></script><script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"
    run = dataclasses.replace(result, strategies=(hostile,), notes=(hostile,), exit_reasons=(hostile, "b", "c", "d"))

    async def visit(page: Page) -> None:
        assert "owned</script>" not in await page.ask("document.body.innerHTML")
        assert await page.ask("document.title") != "owned"
        assert await page.ask("document.images.length") == 0

    in_a_browser(tmp_path, run, visit)
