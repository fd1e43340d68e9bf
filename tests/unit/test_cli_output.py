"""What commands print with: progress that stays silent for short work, tables, charts, times and options."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from bot4.app.cli import output
from bot4.app.cli.options import ManyValues, one_line, time_ns
from bot4.app.cli.output import Terminal, chart, duration, size, sparkline, table
from bot4.domain.errors import UsageError
from bot4.kernel import WarmUpStep


class Clock:
    def __init__(self, monkeypatch):
        self.now_s = 100.0
        monkeypatch.setattr(output.time, "perf_counter", lambda: self.now_s)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_work_that_is_over_at_once_shows_no_progress(clock, capsys):
    with Terminal().progress("running", "events") as advance:
        for done in range(0, 1000, 100):
            clock.now_s += 0.01
            advance(done, 1000)
    assert capsys.readouterr() == ("", "")


def test_long_work_says_every_ten_seconds_how_far_it_is_and_how_long_it_takes(clock, capsys):
    with Terminal().progress("running", "events") as advance:
        for done in range(0, 31_000, 1_000):
            advance(done, 60_000)
            clock.now_s += 1.0
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 3
    assert lines[0] == "running 1,000/60,000 events"
    assert lines[1] == "running 11,000/60,000 events, 1,000/s, 49 s left"


def test_compiling_is_shown_only_where_something_is_compiled(clock, capsys):
    with Terminal().compiling() as report:
        for done in range(1, 5):
            report(WarmUpStep(done, 4, "kernel", True, 0.0))
    assert capsys.readouterr().err == ""
    with Terminal().compiling() as report:
        report(WarmUpStep(1, 377, "kernel", True, 0.0))
        report(WarmUpStep(2, 377, "kernel", False, 0.5))
    assert capsys.readouterr().err == "compiling 2/377 kernels (first time only, about 45 s)\n"


def test_a_table_aligns_its_columns():
    assert table(("name", "bars"), [("a", "1"), ("longer", "1,000")], right=(1,)) == (
        "name     bars\na           1\nlonger  1,000"
    )


def test_a_sparkline_rises_with_its_values():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert sparkline([]) == ""
    assert len(sparkline(list(range(10_000)), 60)) == 60


def test_a_chart_fills_its_highest_and_lowest_columns():
    lines = chart([1.0, 2.0, 4.0], height=4).splitlines()
    assert len(lines) == 4
    assert lines[0].strip().startswith("4 ┤")
    assert lines[0].endswith("█")
    assert lines[-1].strip() == "1 ┤▁██"
    assert chart([5.0, 5.0], height=3)


@pytest.mark.parametrize(("seconds", "text"), [(8.4, "8 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")])
def test_durations_are_as_short_as_they_come(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(("n", "text"), [(12, "12 B"), (1_400_000, "1.4 MB"), (3e12, "3.0 TB")])
def test_sizes_have_a_unit(n, text):
    assert size(n) == text


def test_counts_come_greatest_first():
    assert one_line({"heat": 3, "var": 1_200, "crisis": 3}) == "var 1,200, crisis 3, heat 3"


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-02", 86_400 * 10**9),
        ("1970-01-01T01:00", 3_600 * 10**9),
        ("1970-01-01T01:00:00Z", 3_600 * 10**9),
        ("1970-01-01T01:00+01:00", 0),
        ("1970-01-01 00:00:00.000001", 1_000),
        ("1969-12-31", -86_400 * 10**9),
    ],
)
def test_times_are_iso_and_utc_unless_they_say_otherwise(text, ns):
    assert time_ns(text, "--start") == ns


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "1500-01-01", "2300-01-01", "01/02/2024"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match="--end"):
        time_ns(text, "--end")


def test_an_option_takes_several_values_until_the_next_option():
    @click.command(cls=ManyValues, many=("--data", "--trades"))
    @click.option("--data", multiple=True)
    @click.option("--trades", multiple=True)
    @click.option("--name")
    @click.option("--flag", is_flag=True)
    def command(data, trades, name, flag):
        print(data, trades, name, flag)

    arguments = ["--data", "a", "b", "--name", "n", "--trades", "t", "u", "--data=c", "--flag"]
    said = CliRunner().invoke(command, arguments)
    assert said.output.strip() == "('a', 'b', 'c') ('t', 'u') n True"
    assert CliRunner().invoke(command, ["--flag", "stray"]).exit_code == 2
    assert CliRunner().invoke(command, ["--data"]).exit_code == 2
