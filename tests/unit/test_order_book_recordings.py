"""Recordings of streams: the forms of a line, packed files, tapes, the sample, small level-3 replays, the picture."""

from __future__ import annotations

import base64
import gzip
import re
import struct
import xml.etree.ElementTree as ET
import zipfile
import zlib
from decimal import Decimal

import numpy as np
import pytest

from bot4.adapters.exchanges.order_books.bitstamp import BitstampParser
from bot4.adapters.exchanges.order_books.depth_history import DepthHistory, DepthSampler, SideAt
from bot4.adapters.exchanges.order_books.fields import iso_ns, seconds_ns
from bot4.adapters.exchanges.order_books.grid import Grids, PriceGrid
from bot4.adapters.exchanges.order_books.level3 import Level3Message, Reason, replay_orders, standing_before
from bot4.adapters.exchanges.order_books.messages import MarketTrade, OrderChange
from bot4.adapters.exchanges.order_books.recordings import read_lines, recorded_messages
from bot4.adapters.exchanges.order_books.replay import BookReplay
from bot4.adapters.exchanges.order_books.sample_stream import FAULTS, SampleSettings, sample_lines
from bot4.adapters.exchanges.order_books.sequence import AT_ONCE, Outcome, SequenceSettings
from bot4.adapters.exchanges.order_books.tape import book_tape
from bot4.domain.errors import DataError, SettingError, StorageError, UsageError
from bot4.domain.events import BOOK_ADD, BOOK_CHANGE, BOOK_REMOVE, BOOK_SET, IS_BOOK_RESET, TRADE
from bot4.research.pictures.depth import depth_page, depth_picture
from bot4.research.pictures.raster import png_address
from tests.order_book_streams import BinanceUsdm

SECOND_NS = 1_000_000_000


def only(line: str):
    (message,) = recorded_messages([line])
    return message


@pytest.mark.parametrize(
    ("line", "ts_ns", "context"),
    [
        ('1723161253937085768 {"a":1}', 1_723_161_253_937_085_768, ""),
        ('1723161253937085 {"a":1}', 1_723_161_253_937_085_000, ""),
        ('1430438404518 order_created {"a":1}', 1_430_438_404_518_000_000, "order_created"),
        ('1618677785 {"a":1}', 1_618_677_785_000_000_000, ""),
        ('1618677786.799668: {"a":1}', 1_618_677_786_799_668_000, ""),
        (
            'https://x/depth?symbol=A -> 1633998512.320639: {"a":1}',
            1_633_998_512_320_639_000,
            "https://x/depth?symbol=A",
        ),
        ('{"a":1}', 0, ""),
    ],
)
def test_every_form_of_a_line_gives_its_time_and_its_message(line, ts_ns, context):
    message = only(line)
    assert (message.ts_local_ns, message.context, message.payload) == (ts_ns, context, {"a": 1})


def test_what_was_sent_is_passed_over_and_an_opened_connection_is_told():
    lines = ["wss://x <-> 1618677785.48", 'wss://x <- 1618677786.5: {"op":"subscribe"}', "configuration: {}", ""]
    (message,) = recorded_messages(lines)
    assert message.is_connection
    assert message.ts_local_ns == 1_618_677_785_480_000_000


def test_numbers_in_json_keep_every_digit_as_text():
    assert only('{"a":0.1000000000000000055511151231257827,"b":12345678901234567890}').payload == {
        "a": "0.1000000000000000055511151231257827",
        "b": 12345678901234567890,
    }


def test_a_line_that_is_no_json_is_a_fault_with_its_number():
    good, bad = recorded_messages(['{"a":1}', '{"a":'])
    assert not good.fault
    assert bad.line == 2
    assert "line 2 is no JSON" in bad.fault


@pytest.mark.parametrize("pack", ["plain", "gzip", "zip", "zstd"])
def test_a_file_reads_the_same_however_it_is_packed(tmp_path, pack):
    text = "\n".join(sample_lines(SampleSettings(seconds=2)))
    path = tmp_path / "book.jsonl"
    if pack == "gzip":
        path.write_bytes(gzip.compress(text.encode()))
    elif pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.jsonl", text)
    elif pack == "zstd":
        pyarrow = pytest.importorskip("pyarrow")
        with pyarrow.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(text.encode())
    else:
        path.write_text(text)
    assert read_lines(path) == text.split("\n")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \n\n", "no lines"),
        (b"\x80\x81\x82 no text", "no text"),
        (gzip.compress(b"{}" * 1000)[:20], "damaged"),
        (b"PK\x03\x04broken", "damaged"),
        (b"\x28\xb5\x2f\xfdbroken", "damaged"),
    ],
    ids=["empty", "blank", "binary", "cut gzip", "broken zip", "broken zstd"],
)
def test_a_file_that_cannot_be_used_says_why_in_one_line(tmp_path, content, what):
    path = tmp_path / "book.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_lines(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error_of_storage(tmp_path):
    with pytest.raises(StorageError):
        read_lines(tmp_path / "nothing.jsonl")


def test_times_are_read_to_the_last_digit():
    assert iso_ns("2021-04-17T16:43:30.244075Z") == 1_618_677_810_244_075_000
    assert seconds_ns("1618678133.365913") == 1_618_678_133_365_913_000
    assert seconds_ns("5") == 5 * SECOND_NS


@pytest.mark.parametrize("step", ["0", "-1", "NaN", "Infinity"])
def test_a_grid_without_a_step_is_refused(step):
    with pytest.raises(SettingError):
        PriceGrid(Decimal(step), Decimal(1))


# --- the sample --------------------------------------------------------------------------------------------------


def replay_of(lines, settings: SequenceSettings = AT_ONCE) -> BookReplay:
    replay = BookReplay(None, Grids(), settings)
    for message in recorded_messages(list(lines)):
        replay.feed(message)
    return replay


def test_equal_seeds_give_equal_samples_and_others_differ():
    first, again, other = (list(sample_lines(SampleSettings(5, seed))) for seed in (7, 7, 8))
    assert first == again != other


def test_a_sample_without_faults_agrees_with_its_own_best_prices():
    replay = replay_of(sample_lines(SampleSettings(20)))
    (book,) = replay.books.values()
    assert book.check.compared > 150
    assert book.check.mismatches == 0
    assert replay.findings == []


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("gap", Outcome.GAP),
        ("duplicate", Outcome.DUPLICATE),
        ("reorder", Outcome.GAP),
        ("crossed", Outcome.CROSSED),
        ("garbage", Outcome.MALFORMED),
    ],
)
def test_each_fault_of_a_sample_is_found_once_and_the_book_comes_back(fault, outcome):
    replay = replay_of(sample_lines(SampleSettings(20, 7, (fault,))))
    assert [finding.outcome for finding in replay.findings] == [outcome]
    (book,) = replay.books.values()
    assert book.sequence.state.value == "in_step"
    assert book.check.mismatches == 0


def test_with_patience_a_reordered_sample_needs_no_new_snapshot():
    replay = replay_of(sample_lines(SampleSettings(20, 7, ("reorder",))), SequenceSettings(held=3))
    assert [finding.outcome for finding in replay.findings] == [Outcome.REORDERED]


@pytest.mark.parametrize("settings", [{"seconds": 0}, {"faults": ("nonsense",)}])
def test_a_sample_that_cannot_be_is_refused(settings):
    with pytest.raises(SettingError):
        SampleSettings(**settings)
    assert len(FAULTS) == 5


@pytest.mark.parametrize("settings", [{"held": -1}, {"buffered": 0}])
def test_a_patience_that_cannot_be_is_refused(settings):
    with pytest.raises(SettingError):
        SequenceSettings(**settings)


def test_a_snapshot_that_comes_before_any_symbol_was_named_goes_to_the_first():
    writer = BinanceUsdm()
    lines = [writer.snapshot((("99", "1"),), (("101", "2"),)), writer.difference((("98", "3"),)), writer.best()]
    replay = replay_of(f"{1_700_000_000 + k} {line}" for k, line in enumerate(lines))
    assert list(replay.books) == ["BTCUSDT"]
    assert replay.books["BTCUSDT"].check.compared == 1
    assert replay.books["BTCUSDT"].sequence.counters.snapshots == 1


def test_a_snapshot_without_a_name_among_several_symbols_is_no_ones():
    first, second = BinanceUsdm(), BinanceUsdm("ETHUSDT")
    lines = [first.difference((("98", "3"),)), second.difference((("9", "3"),)), first.snapshot()]
    replay = replay_of(f"{1_700_000_000 + k} {line}" for k, line in enumerate(lines))
    assert set(replay.books) == {"BTCUSDT", "ETHUSDT"}
    assert [finding.line for finding in replay.findings] == [3]


# --- tapes -------------------------------------------------------------------------------------------------------


def test_a_tape_tells_a_lost_book_and_the_snapshot_that_follows():
    writer = BinanceUsdm()
    lines = [f"1 {writer.snapshot((('99', '1'),), (('101', '2'),))}", f"2 {writer.difference((('98', '3'),))}"]
    writer.difference((("97", "1"),))
    lines += [f"3 {writer.difference((('96', '1'),))}", f"4 {writer.trade('99', '0.3', is_buyer_taker=False)}"]
    lines += [f"5 {writer.snapshot()}"]
    stamped = [f"{1_000_000_000 + int(line[0])}{line[1:]}" for line in lines]
    grids = Grids(default=PriceGrid(Decimal(1), Decimal("0.1")))
    symbols = {"BTCUSDT": 5}
    tape = book_tape(recorded_messages([stamped[1], *stamped]), symbols, grids)
    events = tape.events[tape.events["kind"] == BOOK_CHANGE]
    resets = np.flatnonzero(events["flags"] == IS_BOOK_RESET).tolist()
    told = [(int(e["level_side"]), int(e["level_ticks"]), float(e["level_quantity"])) for e in events]
    assert told[0] == (1, 99, 1.0)
    assert [told[k] for k in resets] == [(1, 99, 1.0), (1, 0, 0.0), (1, 99, 1.0)]
    assert told[-5:] == [(1, 99, 1.0), (1, 98, 3.0), (1, 97, 1.0), (1, 96, 1.0), (-1, 101, 2.0)]
    (trade,) = tape.events[tape.events["kind"] == TRADE]
    assert (trade["price_ticks"], trade["quantity"], trade["aggressor"]) == (99, 0.3, -1)
    assert (tape.events["symbol"] == 5).all()
    assert (np.diff(tape.events["ts_ns"]) >= 0).all()


def test_a_quantity_that_a_float_cannot_hold_is_refused():
    writer = BinanceUsdm()
    line = f"1000000001 {writer.snapshot((('99', str(2**53)),), (('101', '2'),))}"
    first = f"1000000000 {writer.difference((('98', '1'),))}"
    grids = Grids(default=PriceGrid(Decimal(1), Decimal(1)))
    with pytest.raises(DataError, match="do not fit an event"):
        book_tape(recorded_messages([first, line]), {"BTCUSDT": 0}, grids)


def test_a_trade_that_cannot_be_is_noted_and_the_book_goes_on():
    lines = list(sample_lines(SampleSettings(5)))
    at = next(k for k, line in enumerate(lines) if '"e": "trade"' in line and k > 40)
    price = lines[at].partition('"p": "')[2].partition('"')[0]
    replay = replay_of([*lines[:at], lines[at].replace(price, "-1"), *lines[at + 1 :]])
    (finding,) = replay.findings
    assert (finding.line, finding.outcome) == (at + 1, Outcome.MALFORMED)
    assert replay.malformed_prints == 1
    (book,) = replay.books.values()
    assert book.sequence.counters.resyncs == 1  # the one before the first snapshot


def test_an_empty_recording_gives_an_empty_tape():
    assert len(book_tape([], {"BTCUSDT": 0}, Grids()).events) == 0


# --- level 3 -----------------------------------------------------------------------------------------------------


def story(*entries) -> list[Level3Message]:
    """``("add", id, side, price, lots)`` and ``("trade", price, lots)`` as messages, a line each."""
    actions = {"add": BOOK_ADD, "set": BOOK_SET, "gone": BOOK_REMOVE}
    found = []
    for line, (what, *fields) in enumerate(entries, 1):
        if what == "trade":
            message = MarketTrade("", fields[0], fields[1], 0, str(line))
        else:
            number, side, ticks, lots = fields
            message = OrderChange("", actions[what], number, side, ticks, lots)
        found.append(Level3Message(line, line * SECOND_NS, message))
    return found


def test_the_older_of_two_orders_at_one_price_is_the_one_that_trades():
    report = replay_orders(
        story(
            ("add", 11, -1, 100, 5), ("add", 12, -1, 100, 5), ("add", 13, 1, 100, 5),
            ("gone", 11, -1, 100, 0), ("gone", 13, 1, 100, 0), ("trade", 100, 5),
        )
    )  # fmt: skip
    (trade,) = report.trades
    assert (trade.made.maker_id, trade.made.taker_id, trade.made.taker_side) == (11, 13, 1)
    assert trade.pair == (13, 11)
    assert report.extra == []


def test_a_trade_that_contradicts_price_time_is_not_made_but_explained():
    report = replay_orders(
        story(
            ("add", 11, -1, 100, 5), ("add", 12, -1, 101, 3), ("add", 13, 1, 101, 3),
            ("gone", 12, -1, 101, 0), ("gone", 13, 1, 101, 0), ("trade", 101, 3),
        )
    )  # fmt: skip
    (trade,) = report.trades
    assert trade.made is None
    assert trade.reason is Reason.ORDERS_FELL
    assert [(extra.ticks, extra.lots, extra.maker_id) for extra in report.extra] == [(100, 3, 11)]
    assert report.share_made == 0.0


def test_an_order_that_stood_before_the_recording_is_put_into_the_book_with_what_it_traded():
    messages = story(("add", 20, 1, 100, 4), ("gone", 7, -1, 100, 0), ("gone", 20, 1, 100, 0), ("trade", 100, 4))
    (before,) = standing_before(messages)
    assert (before.order_id, before.side, before.price_ticks, before.lots) == (7, -1, 100, 4)
    assert replay_orders(messages).made == 1
    alone = replay_orders(messages, with_opening=False)
    assert (alone.made, alone.trades[0].reason) == (0, Reason.ORDER_UNANNOUNCED)


def test_an_order_moved_to_another_price_takes_there_and_loses_its_place():
    report = replay_orders(
        story(
            ("add", 1, -1, 105, 2), ("add", 2, 1, 100, 2), ("set", 2, 1, 105, 2),
            ("gone", 1, -1, 105, 0), ("gone", 2, 1, 105, 0), ("trade", 105, 2),
        )
    )  # fmt: skip
    assert report.made == 1
    assert report.orders["moved to another price"] == 1


def test_a_trade_of_which_no_order_tells_is_unexplained():
    report = replay_orders(story(("add", 1, 1, 100, 2), ("trade", 300, 9)))
    assert report.trades[0].reason is Reason.UNEXPLAINED


def test_a_stream_without_orders_is_refused():
    with pytest.raises(DataError, match="no orders"):
        replay_orders(story(("trade", 100, 1)))


def test_a_float_that_is_no_price_of_the_grid_is_not_rounded_to_one():
    parser = BitstampParser(Grids(default=PriceGrid(Decimal("0.01"), Decimal("1e-8"))))
    (good,) = parser.parse({"price": "236.56999999999999", "amount": "1.7885566900000001", "id": 1}, "trade")
    assert (good.price_ticks, good.lots) == (23657, 178855669)
    (bad,) = parser.parse({"price": "236.571", "amount": "1.0", "id": 1}, "trade")
    assert "no multiple" in bad.reason


# --- the picture -------------------------------------------------------------------------------------------------


def history(n: int = 40) -> DepthHistory:
    sides = [SideAt(np.array([99.0, 98.0]), np.array([1.0, 50.0])) for _ in range(n)]
    asks = [SideAt(np.array([101.0, 102.0]), np.array([2.0, 30.0])) for _ in range(n)]
    bid, ask = np.full(n, 99.0), np.full(n, 101.0)
    bid[10:20] = ask[10:20] = np.nan
    return DepthHistory(
        "BTC<USD", np.arange(1, n + 1) * SECOND_NS, sides, asks, bid, ask,
        np.array([5 * SECOND_NS, 6 * SECOND_NS]), np.array([101.0, 99.0]), np.array([1.0, 2.0]), np.array([1, -1]), 0.5,
    )  # fmt: skip


def test_the_picture_is_one_svg_that_needs_nothing_from_outside():
    text = depth_picture(history(), "BTC<USD, depth over time", "a & b")
    root = ET.fromstring(text)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert {"image", "circle", "path", "rect", "text"} <= names
    assert not re.search(r'(?:href|src)="(?!data:)', text)
    assert "prefers-color-scheme:dark" in text
    assert "BTC&lt;USD" in text
    assert sum("buy" in e.get("class", "") for e in root.iter() if e.tag.endswith("circle")) == 2  # legend and trade


def test_the_page_holds_the_same_picture():
    page = depth_page(history(), "title")
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert "<?xml" not in page


def test_a_stretch_without_a_book_is_shaded_and_no_line_crosses_it():
    text = depth_picture(history(), "title")
    assert text.count('class="unknown"') == 1
    lines = re.findall(r'<path class="best" d="([^"]*)"', text)
    assert [line.count("M") for line in lines] == [2, 2]


def test_a_picture_without_any_book_or_trade_is_still_drawn():
    empty = SideAt(np.zeros(0), np.zeros(0))
    nothing = np.full(3, np.nan)
    none = np.zeros(0)
    shown = DepthHistory(
        "X",
        np.arange(1, 4),
        [empty] * 3,
        [empty] * 3,
        nothing,
        nothing,
        none.astype(int),
        none,
        none,
        none.astype(int),
        1.0,
    )
    ET.fromstring(depth_picture(shown, "nothing"))


def test_a_png_holds_the_pixels_that_it_was_given():
    pixels = np.random.default_rng(3).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    data = base64.b64decode(png_address(pixels).partition(",")[2])
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        chunks[name] = body
        at += 12 + length
    assert struct.unpack(">IIBB", chunks[b"IHDR"][:10]) == (7, 5, 8, 6)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(5, 29)
    assert (rows[:, 0] == 0).all()
    assert (rows[:, 1:].reshape(5, 7, 4) == pixels).all()
    with pytest.raises(UsageError):
        png_address(pixels[:, :, :3])


def test_the_sampler_shows_the_book_as_it_stood_when_each_step_ended():
    lines = list(sample_lines(SampleSettings(10)))
    recorded = list(recorded_messages(lines))
    grids = Grids()
    sampler = DepthSampler("SYNTHUSDT", grids, recorded[0].ts_local_ns, recorded[-1].ts_local_ns, steps=20)
    replay = BookReplay(None, grids, AT_ONCE, [sampler])
    for message in recorded:
        replay.feed(message)
    shown = sampler.history()
    (book,) = replay.books.values()
    assert shown.symbol == "SYNTHUSDT"
    assert len(shown.bids) == 20
    assert shown.best_bid[-1] == float(grids.of("").price(book.sequence.book.bids.best()[0]))
    middle = replay_of([line for line in lines if int(line.partition(" ")[0]) <= shown.ts_ns[9]])
    (then,) = middle.books.values()
    assert shown.best_ask[9] == float(grids.of("").price(then.sequence.book.asks.best()[0]))
    assert shown.trade_ts_ns.size == book.trades
