"""The parts of the served exchange: signatures, parameters, listings, faults, tape, state files."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.app.exchange_server import faults as f
from bot4.app.exchange_server.faults import KINDS, Fault, FaultBoard, drawn_faults, fault_of, scripted_faults
from bot4.app.exchange_server.listings import Listing
from bot4.app.exchange_server.market_driver import BarPath, MarketClock
from bot4.app.exchange_server.order_requests import FUTURES_KINDS, SPOT_KINDS, futures_order, spot_order
from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.refusals import Refusal, refused_order
from bot4.app.exchange_server.signing import Credentials, drawn_credentials, require_signature, signature
from bot4.app.exchange_server.state_file import arrays_like, load_state, save_state
from bot4.app.exchange_server.tape import Tape
from bot4.domain import orders as o
from bot4.domain.errors import DataError, SettingError, StorageError
from bot4.domain.instruments import Instrument
from bot4.domain.venue_reasons import VenueReason

D = Decimal
INSTRUMENT = Instrument("BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(5), D("0.001"), D("0.001"))
LISTING = Listing(0, INSTRUMENT)
BEST = (6_000_000, 6_000_100)
ROOT = Path(__file__).resolve().parents[2]


# --- signing ----------------------------------------------------------------------------------------------------


def test_a_signature_is_the_one_that_binance_publishes_as_its_example() -> None:
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    payload = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    payload += "&timestamp=1499827319559"
    published = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert signature(secret, payload) == published
    who = Credentials("a-key-of-sorts", secret)
    require_signature(who, f"{payload}&signature={published}", "")
    require_signature(who, "", f"{payload}&signature={published}")
    with pytest.raises(Refusal, match="Signature"):
        require_signature(who, f"{payload}0&signature={published}", "")


@given(split=st.integers(0, 3), tampered=st.booleans())
def test_query_and_body_are_signed_together_and_nothing_of_them_may_change(split: int, tampered: bool) -> None:
    parts = ["a=1", "b=2", "c=3"]
    query, body = "&".join(parts[:split]), "&".join(parts[split:])
    who = Credentials("a-key-of-sorts", "a-secret-of-sorts")
    signed = signature(who.secret, query + body)
    if tampered:
        query = query.replace("a=1", "a=9") if query else query
        body = body.replace("c=3", "c=9") if body else body
        with pytest.raises(Refusal, match="Signature"):
            require_signature(who, query, f"{body}&signature={signed}")
    else:
        require_signature(who, query, f"{body}&signature={signed}")


def test_keys_of_one_seed_are_the_same_and_of_another_are_not() -> None:
    first, second, other = (drawn_credentials(np.random.Generator(np.random.PCG64(seed))) for seed in (1, 1, 2))
    assert first == second != other
    assert re.fullmatch(r"[A-Za-z0-9]{64}", first.api_key)


# --- orders -----------------------------------------------------------------------------------------------------

NUMBERS = {"quantity": "0.01", "price": "60000", "stopPrice": "59000", "timeInForce": "GTC", "callbackRate": "1"}


@pytest.mark.parametrize("name", list(SPOT_KINDS))
def test_a_spot_order_needs_what_its_type_needs_and_nothing_else(name: str) -> None:
    needed = SPOT_KINDS[name].needs
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": name} | {key: NUMBERS[key] for key in needed}
    made = spot_order(LISTING, Parameters.of(sent), BEST)
    assert (made.type, made.qty_lots) == (SPOT_KINDS[name].type, 1000)
    assert made.limit_ticks == (6_000_000 if "price" in needed else 0)
    assert bool(made.flags & o.POST_ONLY) is (name == "LIMIT_MAKER")
    for key in needed:
        with pytest.raises(Refusal) as caught:
            spot_order(LISTING, Parameters.of({k: v for k, v in sent.items() if k != key}), BEST)
        assert caught.value.code == -1102
    for key in {"price", "stopPrice", "timeInForce"} - set(needed):
        with pytest.raises(Refusal) as caught:
            spot_order(LISTING, Parameters.of(sent | {key: NUMBERS[key]}), BEST)
        assert caught.value.code == -1106


@pytest.mark.parametrize("name", list(FUTURES_KINDS))
def test_a_futures_order_needs_what_its_type_needs(name: str) -> None:
    needed = (*FUTURES_KINDS[name].needs, *(["callbackRate"] if name.startswith("TRAILING") else []))
    sent = {"symbol": "BTCUSDT", "side": "SELL", "type": name} | {key: NUMBERS[key] for key in needed}
    made = futures_order(LISTING, Parameters.of(sent), BEST)
    assert made.type == FUTURES_KINDS[name].type
    assert made.trail_ticks == (60_000 if name.startswith("TRAILING") else 0)
    for key in needed:
        with pytest.raises(Refusal):
            futures_order(LISTING, Parameters.of({k: v for k, v in sent.items() if k != key}), BEST)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"price": "60000.001"}, -1013),
        ({"quantity": "0.000001"}, -1013),
        ({"price": "-1"}, -1100),
        ({"price": "1e5"}, -1100),
        ({"side": "HOLD"}, -1117),
        ({"type": "GUESS"}, -1116),
        ({"timeInForce": "LATER"}, -1115),
        ({"newClientOrderId": "much too long an id for any order of theirs"}, -1100),
        ({"icebergQty": "0.001", "timeInForce": "IOC"}, -1013),
        ({"selfTradePreventionMode": "SOMETIMES"}, -1117),
        ({"trailingDelta": "5"}, -2010),
    ],
)
def test_a_parameter_that_is_wrong_is_refused_with_its_code(changed: dict[str, str], code: int) -> None:
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "60000"}
    with pytest.raises(Refusal) as caught:
        spot_order(LISTING, Parameters.of(sent | {"timeInForce": "GTC"} | changed), BEST)
    assert caught.value.code == code


def test_a_trailing_delta_is_a_distance_from_the_side_that_it_would_trade_on() -> None:
    sent = {"symbol": "BTCUSDT", "type": "STOP_LOSS", "quantity": "0.01", "trailingDelta": "100"}
    for side, best in (("SELL", BEST[0]), ("BUY", BEST[1])):
        made = spot_order(LISTING, Parameters.of(sent | {"side": side}), BEST)
        assert (made.type, made.trail_ticks) == (o.TRAILING_STOP, round(best / 100))
    with pytest.raises(Refusal, match="no market"):
        spot_order(LISTING, Parameters.of(sent | {"side": "BUY"}), (0, 0))


@given(ticks=st.integers(0, 10**12), lots=st.integers(0, 10**12))
def test_prices_and_quantities_come_back_from_their_texts(ticks: int, lots: int) -> None:
    assert LISTING.ticks(D(LISTING.price(ticks))) == ticks
    assert LISTING.lots(D(LISTING.quantity(lots))) == lots


def test_every_reason_of_the_exchange_has_an_answer_in_binances_words() -> None:
    for reason in VenueReason:
        for is_futures in (False, True):
            refusal = refused_order(int(reason), is_futures=is_futures)
            assert refusal.code < -1000
            assert refusal.message


# --- faults -----------------------------------------------------------------------------------------------------


def test_a_counting_fault_spoils_as_many_as_it_counts_and_of_its_method_only() -> None:
    board = FaultBoard()
    board.arm(Fault(f.ACK_LOST, 2, method="POST"), 0.0)
    assert board.take(f.ACK_LOST, "DELETE") is None
    assert board.take(f.REFUSAL, "POST") is None
    assert [board.take(f.ACK_LOST, "POST") is not None for _ in range(3)] == [True, True, False]
    board.arm(Fault(f.REFUSAL), 0.0)
    assert board.take(f.REFUSAL, "GET") is None, "a query changes nothing and is let through"
    assert board.take(f.REFUSAL, "POST") is not None
    assert board.to_json(0.0)["taken"] == {f.ACK_LOST: 2, f.REFUSAL: 1}


def test_a_lasting_fault_ends_with_its_seconds_and_all_end_at_once_when_cleared() -> None:
    board = FaultBoard()
    board.arm(Fault(f.SILENT, seconds=5.0), 10.0)
    assert board.lasting(f.SILENT, 14.9) is not None
    assert board.lasting(f.SILENT, 15.0) is None
    board.arm(Fault(f.CLOCK_SKEW, seconds=5.0, skew_ms=-250), 20.0)
    assert board.skew_ms(21.0) == -250
    board.clear()
    assert board.skew_ms(21.0) == 0


def test_scheduled_faults_are_due_once_and_in_order(tmp_path: Path) -> None:
    script = tmp_path / "faults.json"
    script.write_text(json.dumps([{"kind": "ban", "at_s": 5}, {"kind": "ack_lost", "count": 3, "at_s": 1}]))
    board = FaultBoard(scripted_faults(script), 100.0)
    assert [fault.kind for fault in board.due(103.0)] == ["ack_lost"]
    assert board.due(104.0) == []
    assert [(fault.kind, fault.seconds) for fault in board.due(106.0)] == [("ban", 120.0)]


def test_drawn_faults_repeat_with_their_seed_and_come_as_often_as_asked() -> None:
    drawn = [drawn_faults(np.random.Generator(np.random.PCG64(seed)), 2.0, 600.0) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 1000 < len(drawn[0]) < 1400
    assert {fault.kind for fault in drawn[0]} <= set(KINDS)
    assert drawn_faults(np.random.Generator(np.random.PCG64(1)), 0.0, 600.0) == []


@pytest.mark.parametrize(
    "values", [{"kind": "rain"}, {"kind": "ban", "seconds": "5"}, {"kind": "ban", "count": 0}, {"kind": "ban", "x": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(SettingError):
        fault_of(values)


def test_a_script_that_is_no_list_of_faults_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        scripted_faults(tmp_path / "nothing.json")
    for text in ("{", '{"kind": "ban"}', '["ban"]'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(SettingError):
            scripted_faults(tmp_path / "bad.json")


def test_the_documents_list_every_fault_with_what_it_does() -> None:
    text = (ROOT / "docs" / "simulate.md").read_text("utf-8")
    table = text.partition("<!-- faults: begin -->")[2].partition("<!-- faults: end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(name, kind.does, kind.ends) for name, kind in KINDS.items()]


# --- tape, clock, bars, files -----------------------------------------------------------------------------------


def test_differences_of_the_tape_turn_one_book_into_the_next() -> None:
    tape = Tape(LISTING)
    books = [
        ([(100, 5), (99, 7)], [(101, 2)]),
        ([(100, 5), (98, 1)], [(101, 3), (102, 4)]),
        ([], [(105, 1)]),
    ]
    told: dict[str, dict[int, int]] = {"bids": {}, "asks": {}}
    last_id = 0
    for bids, asks in books:
        found = tape.take_book(np.array(bids).reshape(-1, 2), np.array(asks).reshape(-1, 2))
        assert found is not None
        assert (found.first_id, found.previous_id) == (last_id + 1, last_id)
        last_id = found.last_id
        for side, changed in (("bids", found.bids), ("asks", found.asks)):
            told[side] |= dict(changed)
            told[side] = {price: lots for price, lots in told[side].items() if lots}
        assert told == {"bids": dict(bids), "asks": dict(asks)}
    assert tape.take_book(np.zeros((0, 2), dtype=np.int64), np.array([[105, 1]])) is None


def test_a_minute_of_trades_is_a_bar_of_them() -> None:
    tape = Tape(LISTING)
    for ts_s, ticks, lots, side in ((0, 100, 2, o.BUY), (30, 103, 1, o.SELL), (59, 99, 4, o.BUY), (60, 101, 1, o.BUY)):
        tape.take_trade(ts_s * 10**9, ticks, lots, side)
    first, second = tape.bars
    assert (first.open, first.high, first.low, first.close) == (100, 103, 99, 99)
    assert (first.lots, first.n_trades, first.buy_lots) == (7, 3, 6)
    assert first.value == 100 * 2 + 103 + 99 * 4
    assert (second.open_ms, second.first_id) == (60_000, 4)
    tape.roll(185_000)
    assert [(bar.open_ms, bar.open, bar.lots) for bar in tape.bars][2:] == [(120_000, 101, 0), (180_000, 101, 0)]
    tape.take_trade(190 * 10**9, 90, 1, o.SELL)
    assert [(bar.open, bar.low, bar.first_id) for bar in tape.bars][-1] == (90, 90, 5)


def test_a_market_clock_runs_at_its_speed_or_stands_until_it_is_told() -> None:
    now = [5.0]
    fast, still = (MarketClock(1_000, speed, lambda: now[0]) for speed in (60.0, 0.0))
    now[0] = 7.0
    assert fast.now_ns() == 1_000 + 120 * 10**9
    assert still.now_ns() == 1_000
    assert still.advance(5) == 1_005


def test_a_path_through_bars_touches_open_extremes_and_close() -> None:
    bars = SimpleNamespace(
        ts_open_ns=np.array([0, 60]),
        interval_ns=60,
        open=np.array([100.0, 108.0]),
        high=np.array([110.0, 108.0]),
        low=np.array([95.0, 90.0]),
        close=np.array([108.0, 91.0]),
    )
    path = BarPath(bars, 0.5)  # type: ignore[arg-type]
    path.begin(1000)
    assert [path.ticks(1000 + at) * 0.5 for at in (0, 20, 40)] == [100.0, 95.0, 110.0]
    assert path.ticks(1060) * 0.5 == 108.0
    assert path.ticks(5000) * 0.5 == 91.0


def test_a_state_comes_back_from_its_file_and_another_layout_is_refused(tmp_path: Path) -> None:
    arrays = {"a": np.zeros(2, dtype=[("x", "i8"), ("y", "f8")]), "b": np.arange(3)}
    arrays["a"]["x"] = 7
    assert load_state(tmp_path) is None
    save_state(tmp_path, arrays, {"n": [1, "two"]})
    kept = load_state(tmp_path)
    assert kept is not None
    parts, layouts, values = kept
    assert values == {"n": [1, "two"]}
    made = arrays_like({"a": arrays["a"][:0], "b": arrays["b"]}, parts, layouts, "here")
    assert all((made[name] == arrays[name]).all() for name in arrays)
    with pytest.raises(DataError, match="another version"):
        arrays_like({"a": np.zeros(2, dtype=[("x", "i8"), ("z", "f8")])}, parts, layouts, "here")
