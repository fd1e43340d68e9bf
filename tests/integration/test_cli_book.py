"""``bot4 book``: what a newcomer can do without any recorded data, and what bad files are told."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.integration.cli_harness import say
from tests.order_book_streams import BinanceUsdm, Kraken


@pytest.fixture
def sample(tmp_path, capsys):
    path = tmp_path / "book.jsonl"
    assert say(capsys, "book", "sample", "--out", path, "--seed", 7, "--seconds", 20).code == 0
    return path


def test_a_sample_is_replayed_drawn_and_shown_at_a_moment(sample, tmp_path, capsys):
    picture = tmp_path / "depth.svg"
    done = say(capsys, "book", "replay", sample, "--out", picture, "--at", "2025-01-01T00:00:10")
    assert done.code == 0
    assert "0 differ" in done.stdout
    assert "no faults in the stream" in done.stdout
    assert "SYNTHUSDT as received by 2025-01-01T00:00:10Z" in done.stdout
    ET.parse(picture)


def test_the_json_holds_the_same_numbers(sample, tmp_path, capsys):
    page = tmp_path / "depth.html"
    done = say(capsys, "book", "replay", sample, "--json", "--at", "2025-01-01T00:00:10", "--out", page)
    record = done.record
    assert done.code == 0
    assert record["compared"] > 100
    assert record["mismatches"] == 0
    assert record["venue"] == "binance-usdm"
    assert record["picture"] == str(page)
    (at,) = record["at"]
    assert len(at["bids"]) == len(at["asks"]) == 10
    assert float(at["bids"][0][0]) < float(at["asks"][0][0])
    assert record["symbols"]["SYNTHUSDT"]["spread"]["least"] == "3"
    assert page.read_text().startswith("<!doctype html>")


def test_faults_are_listed_with_their_lines_and_leave_the_exit_code_alone(tmp_path, capsys):
    path = tmp_path / "book.jsonl"
    faults = ("gap", "duplicate", "crossed")
    say(capsys, "book", "sample", "--out", path, "--seconds", 20, *(w for f in faults for w in ("--fault", f)))
    done = say(capsys, "book", "replay", path, "--json")
    assert done.code == 0
    assert [finding["outcome"] for finding in done.record["findings"]] == list(faults)
    text = say(capsys, "book", "replay", path).stdout
    assert "faults: 1 gaps, 1 duplicates, 1 crossed, 3 resyncs" in text


def test_a_book_that_disagrees_with_the_exchange_ends_with_three(tmp_path, capsys):
    writer = BinanceUsdm()
    lines = [writer.snapshot((("99", "1"),), (("101", "1"),)), writer.difference((("99", "2"),))]
    lines.append(writer.best().replace('"B": "2"', '"B": "3"'))
    path = tmp_path / "book.jsonl"
    first = BinanceUsdm().difference((("98", "1"),))
    path.write_text("\n".join(f"{1_700_000_000_000_000_000 + k} {t}" for k, t in enumerate([first, *lines])))
    done = say(capsys, "book", "replay", path, "--json")
    assert done.code == 3
    assert (done.record["compared"], done.record["mismatches"]) == (1, 1)


def test_a_wrong_checksum_ends_with_three(tmp_path, capsys):
    writer = Kraken()
    lines = [writer.snapshot((("99", "1"),), (("101", "1"),)), writer.difference((("98", "2"),)).replace("98", "97")]
    path = tmp_path / "book.jsonl"
    path.write_text("\n".join(lines))
    done = say(capsys, "book", "replay", path)
    assert done.code == 3
    assert "checksums compared: 1, 1 differ" in done.stdout


def test_a_level_3_recording_says_how_many_trades_the_book_made(tmp_path, capsys):
    def line(k: int, event: str, **fields: object) -> str:
        return f"{1_430_438_404_000 + k} {event} {json.dumps(fields)}"

    order = {"datetime": "1430438404"}
    lines = [
        line(0, "order_created", price="101.00", amount="2.00000000", id=11, order_type=1, **order),
        line(1, "order_created", price="101.00", amount="0.50000000", id=12, order_type=0, **order),
        line(2, "order_changed", price="101.00", amount="1.50000000", id=11, order_type=1, **order),
        line(3, "order_deleted", price="101.00", amount="0.00000000", id=12, order_type=0, **order),
        line(4, "trade", price=101.0, amount=0.5, id=1),
        line(5, "trade", price=150.0, amount=0.7, id=2),
    ]
    path = tmp_path / "orders.log"
    path.write_text("\n".join(lines))
    done = say(capsys, "book", "replay", path, "--json", "--at", "2015-05-01T00:00:04.003")
    record = done.record
    assert done.code == 0
    assert (record["made_by_the_book"], record["recorded_trades"]) == (1, 2)
    assert record["not_made"][0]["line"] == 6
    assert record["at"][0]["asks"] == [["101", "1.5"]]
    text = say(capsys, "book", "replay", path, "--out", tmp_path / "orders.svg").stdout
    assert "made 1 of 2 recorded trades (50.0%)" in text
    ET.parse(tmp_path / "orders.svg")


@pytest.mark.parametrize(
    ("content", "code", "what"),
    [
        ("", 3, "the file is empty"),
        ("hello\nworld\n", 3, "no message of a known stream"),
        ('{"a": 1}\n', 3, "no message of a known stream"),
        (
            '{"stream":"x@depth","data":{"e":"depthUpdate","s":"X","U":"?","u":2,"b":[],"a":[]}}',
            3,
            "no message could be",
        ),
    ],
    ids=["empty", "prose", "other json", "nonsense"],
)
def test_a_file_without_a_book_is_told_so_in_one_line(tmp_path, capsys, content, code, what):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    done = say(capsys, "book", "replay", path)
    assert done.code == code
    assert what in done.error


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--venue", "nowhere"), "no stream 'nowhere'"),
        (("--at", "2030-01-01"), "outside the recording"),
        (("--at", "noon"), "no date or time"),
        (("--tick", "x"), "is no number"),
        (("--lot", "0"), "not above zero"),
        (("--out", "depth.png"), "no picture's name"),
        (("--symbol", "ETHUSDT"), "no book of ETHUSDT"),
    ],
)
def test_options_that_make_no_sense_are_told_so(sample, capsys, options, what):
    done = say(capsys, "book", "replay", sample, *options)
    assert done.code in (2, 3)
    assert what in done.error


def test_a_grid_that_prices_are_not_on_is_told_with_the_first_line(sample, capsys):
    done = say(capsys, "book", "replay", sample, "--tick", "0.7")
    assert done.code == 3
    assert "60000.00 is not on the grid of 0.7" in done.error


def test_an_unknown_fault_is_refused(tmp_path, capsys):
    done = say(capsys, "book", "sample", "--out", tmp_path / "x.jsonl", "--fault", "flood")
    assert done.code == 2
    assert not (tmp_path / "x.jsonl").exists()
