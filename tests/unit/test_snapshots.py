from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import StorageError
from bot4.engine import snapshots
from bot4.engine.record_layout import MigrationError, describe, dtype_of, migrate
from bot4.engine.snapshots import SnapshotStore
from bot4.pipeline.state import BRAIN, CONFIG, STATE_VERSION

ORDER = np.dtype([("id", "i8"), ("status", "i4")], align=True)
BOOK = np.dtype([("n", "i4"), ("orders", ORDER, (3,)), ("cash", "f8")], align=True)


def random_bytes(dtype: np.dtype[Any], n: int = 1) -> np.ndarray:
    return np.frombuffer(np.random.default_rng(3).bytes(n * dtype.itemsize), dtype)


def book() -> np.ndarray:
    state = np.zeros(2, BOOK)
    state["n"] = 2
    state["orders"]["id"] = [[1, 2, 3], [4, 5, 6]]
    state["orders"]["status"] = 7
    state["cash"] = [10.5, 20.5]
    return state


def test_a_saved_state_comes_back_to_the_byte_and_writable(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "run" / "state.snapshot")
    brain, prices = random_bytes(BRAIN), np.arange(6.0).reshape(2, 3)
    store.save({"brain": brain, "prices": prices}, 41, {"run": "a"})
    snapshot = store.load({"brain": BRAIN, "prices": np.dtype("f8")})
    assert snapshot is not None
    assert snapshot.state["brain"].tobytes() == brain.tobytes()
    assert np.array_equal(snapshot.state["prices"], prices)
    assert (snapshot.journal_sequence, snapshot.meta, snapshot.migrated) == (41, {"run": "a"}, ())
    snapshot.state["prices"][0, 0] = 9.0
    assert store.why_ignored == ""


def test_saving_replaces_the_snapshot_and_leaves_one_file(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"a": np.arange(3)}, 1, {})
    store.save({"a": np.arange(4)}, 2, {})
    snapshot = store.load({"a": np.dtype("i8")})
    assert snapshot is not None
    assert (snapshot.journal_sequence, len(snapshot.state["a"])) == (2, 4)
    assert list(tmp_path.iterdir()) == [store.path]


def test_a_missing_snapshot_is_ignored_with_a_reason(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "state.snapshot")
    assert store.load({"a": np.dtype("i8")}) is None
    assert "there is none; the whole journal is replayed" in store.why_ignored


@given(data=st.data())
def test_a_snapshot_cut_or_altered_at_any_byte_is_ignored(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("snapshot") / "state.snapshot")
    store.save({"book": book()}, 5, {"run": 1})
    content = bytearray(store.path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:place]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    store.path.write_bytes(content)
    assert store.load({"book": BOOK}) is None
    assert "the snapshot is ignored" in store.why_ignored


def test_a_snapshot_that_cannot_be_written_is_a_storage_error_and_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"a": np.arange(3)}, 1, {})
    monkeypatch.setattr(snapshots.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        store.save({"a": np.arange(9)}, 2, {})
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == [store.path]
    snapshot = store.load({"a": np.dtype("i8")})
    assert snapshot is not None
    assert snapshot.journal_sequence == 1


def test_an_upgrade_finds_its_fields_by_name_in_nested_records(tmp_path: Path) -> None:
    new_order = np.dtype([("status", "i8"), ("reason", "i4"), ("id", "i8")], align=True)
    new_book = np.dtype([("cash", "f8"), ("orders", new_order, (5,)), ("halted", "i4")], align=True)
    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"book": book()}, 5, {})
    snapshot = store.load({"book": new_book})
    assert snapshot is not None
    assert snapshot.migrated == ("book",)
    migrated = snapshot.state["book"]
    assert migrated.dtype == new_book
    assert migrated["cash"].tolist() == [10.5, 20.5]
    assert migrated["orders"]["id"].tolist() == [[1, 2, 3, 0, 0], [4, 5, 6, 0, 0]]
    assert migrated["orders"]["status"].tolist() == [[7, 7, 7, 0, 0]] * 2
    assert not migrated["orders"]["reason"].any()
    assert not migrated["halted"].any()


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ([("cash", "i8")], "cash was float64 and now is int64"),
        ([("cash", "f4")], "cash was float64 and now is float32"),
        ([("orders", ORDER, (2,))], r"orders had shape \(2, 3\) and now has \(2, 2\)"),
        ([("orders", ORDER)], r"orders had shape \(2, 3\) and now has \(2,\)"),
        ([("orders", [("id", [("low", "i4")])], (3,))], "orders.id was int64 and now is a record"),
        ([("orders", "i8", (3,))], "orders was .* and now is int64"),
    ],
)
def test_a_field_that_lost_its_room_or_kind_is_not_migrated(tmp_path: Path, layout: Any, reason: str) -> None:
    with pytest.raises(MigrationError, match=reason):
        migrate(book(), np.dtype(layout))
    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"book": book()}, 5, {})
    assert store.load({"book": np.dtype(layout)}) is None
    assert "cannot be migrated" in store.why_ignored


def test_an_array_that_the_snapshot_lacks_is_named(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"book": book()}, 5, {})
    assert store.load({"book": BOOK, "sleeves": BOOK}) is None
    assert "it lacks sleeves" in store.why_ignored


def test_a_newer_state_version_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SnapshotStore(tmp_path / "state.snapshot")
    monkeypatch.setattr(snapshots, "STATE_VERSION", STATE_VERSION + 1)
    store.save({"book": book()}, 5, {})
    monkeypatch.undo()
    assert store.load({"book": BOOK}) is None
    assert "a newer version of Bot4 wrote it" in store.why_ignored


def test_another_file_format_is_ignored(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "state.snapshot")
    store.save({"book": book()}, 5, {})
    content = bytearray(store.path.read_bytes())
    struct.pack_into("<I", content, 8, 9)
    store.path.write_bytes(content)
    assert zlib.crc32(content[24:]) == struct.unpack_from("<I", content, 12)[0]
    assert store.load({"book": BOOK}) is None
    assert "its format is 9" in store.why_ignored


@pytest.mark.parametrize("dtype", [BRAIN, CONFIG, BOOK, np.dtype("f8"), np.dtype(("i4", (2, 3)))])
def test_a_layout_survives_json(dtype: np.dtype[Any]) -> None:
    again = dtype_of(json.loads(json.dumps(describe(dtype))))
    assert again == dtype
    assert again.itemsize == dtype.itemsize
