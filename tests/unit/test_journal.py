from __future__ import annotations

import json
import os
import resource
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bot4.domain.errors import DataError, Halted, StorageError, UsageError
from bot4.domain.events import BAR, EVENT
from bot4.domain.orders import COMMAND, PLACE
from bot4.engine import journal as journal_module
from bot4.engine.journal import JournalWriter, read_journal
from bot4.engine.journal_frames import FILE_HEAD, FRAME_HEAD_BYTES, FrameKind
from bot4.engine.lock import RunLock

HEADER = {"settings": {"capital_quote": 10_000}, "universe": ["BTCUSDT"]}


def bars(n: int, first: int = 0) -> np.ndarray:
    events = np.zeros(n, EVENT)
    events["ts_ns"] = np.arange(first, first + n) * 60_000_000_000
    events["kind"] = BAR
    events["close_ticks"] = np.arange(first, first + n)
    return events


def commands(n: int) -> np.ndarray:
    out = np.zeros(n, COMMAND)
    out["kind"] = PLACE
    out["order"]["id"] = np.arange(1, n + 1)
    return out


@contextmanager
def file_size_limit(n_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "run" / "a.journal"
    with JournalWriter.create(path, HEADER) as writer:
        writer.append_events(bars(3))
        writer.append_commands(commands(2))
        writer.append_note({"what": "strategy swapped", "at": "µ"})
        writer.append_events(bars(1, first=3)[0])
        writer.append_events(bars(5, first=4))
    contents = read_journal(path)
    assert contents.header == HEADER
    assert contents.is_clean
    assert contents.events.tobytes() == bars(9).tobytes()
    assert contents.commands.tobytes() == commands(2).tobytes()
    assert contents.notes == [{"what": "strategy swapped", "at": "µ"}]
    frames = list(contents.frames())
    assert [kind for kind, _, _ in frames] == [
        FrameKind.EVENTS,
        FrameKind.COMMANDS,
        FrameKind.NOTE,
        FrameKind.EVENTS,
        FrameKind.EVENTS,
    ]
    assert [sequence for _, _, sequence in frames] == [1, 2, 3, 4, 5]
    assert len(frames[4][1]) == 5


def test_a_large_array_is_split_into_frames_and_read_back(tmp_path: Path) -> None:
    events = bars(200_000)
    with JournalWriter.create(tmp_path / "a.journal", HEADER, sync=False) as writer:
        writer.append_events(events[::2])  # not contiguous
        writer.append_events(events[1::2])
    contents = read_journal(writer.path)
    assert contents.n_frames > 3
    assert contents.events.tobytes() == events[::2].tobytes() + events[1::2].tobytes()


def test_frames_of_changing_sizes_are_gathered_in_order(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER, sync=False) as writer:
        first = 0
        for n in (1, 1, 1, 2, 2, 1, 7, 7, 7, 1):
            writer.append_events(bars(n, first=first))
            first += n
            if n == 2:
                writer.append_commands(commands(1))
    assert read_journal(writer.path).events.tobytes() == bars(first).tobytes()


def test_events_in_one_frame_are_views_of_the_file_and_read_only(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        writer.append_events(bars(4))
    events = read_journal(writer.path).events
    assert not events.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        events["kind"] = 0


def test_an_empty_array_writes_nothing(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        size = writer.size
        writer.append_events(bars(0))
        assert writer.size == size == writer.path.stat().st_size
    contents = read_journal(writer.path)
    assert len(contents.events) == 0
    assert contents.events.dtype == EVENT


def test_records_of_another_layout_are_refused(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        with pytest.raises(UsageError, match="must be EVENT"):
            writer.append_events(np.zeros(2, "i8"))
        with pytest.raises(UsageError, match="must be COMMAND"):
            writer.append_commands(bars(1))


def test_synced_bytes_follow_the_size_only_on_sync(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        assert writer.synced_bytes == writer.size
        writer.append_events(bars(1))
        assert writer.size - writer.synced_bytes == FRAME_HEAD_BYTES + EVENT.itemsize
        writer.sync()
        assert writer.synced_bytes == writer.size == writer.path.stat().st_size
    with JournalWriter.create(tmp_path / "b.journal", HEADER, sync=False) as unsynced:
        unsynced.append_events(bars(1))
        unsynced.sync()
        assert unsynced.synced_bytes == 0


def test_sync_reaches_the_disk_once_for_all_that_was_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        monkeypatch.setattr(journal_module, "_sync_data", calls.append)
        writer.append_events(bars(1))
        writer.append_events(bars(1))
        writer.sync()
        writer.sync()
        assert len(calls) == 1


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    JournalWriter.create(path, HEADER).close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"never overwritten; choose another name"):
        JournalWriter.create(path, HEADER)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.journal"]


def test_a_header_that_is_not_json_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        JournalWriter.create(tmp_path / "a.journal", {"settings": object()})
    assert list(tmp_path.iterdir()) == []


def test_resuming_goes_on_where_the_journal_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with JournalWriter.create(path, HEADER) as writer:
        writer.append_events(bars(3))
    resumed, contents = JournalWriter.resume(path)
    with resumed:
        assert contents.torn_bytes == 0
        assert contents.events.tobytes() == bars(3).tobytes()
        resumed.append_events(bars(2, first=3))
    assert read_journal(path).events.tobytes() == bars(5).tobytes()


def test_a_torn_tail_is_reported_by_reading_and_cut_by_resuming(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with JournalWriter.create(path, HEADER) as writer:
        writer.append_events(bars(3))
        whole = writer.size
        writer.append_events(bars(1, first=3))
    os.truncate(path, path.stat().st_size - 5)
    torn = path.stat().st_size - whole
    contents = read_journal(path)
    assert (contents.torn_bytes, contents.is_clean) == (torn, False)
    assert path.stat().st_size == whole + torn
    resumed, contents = JournalWriter.resume(path)
    with resumed:
        assert contents.torn_bytes == torn
        assert path.stat().st_size == whole
        assert contents.events.tobytes() == bars(3).tobytes()
        resumed.append_events(bars(1, first=3))
    assert read_journal(path).events.tobytes() == bars(4).tobytes()


def test_damage_in_the_middle_halts_and_cuts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with JournalWriter.create(path, HEADER) as writer:
        writer.append_events(bars(3))
        bad = writer.size
        writer.append_events(bars(1, first=3))
        writer.append_events(bars(1, first=4))
    data = bytearray(path.read_bytes())
    data[bad + 30] ^= 1
    path.write_bytes(data)
    for opening in (read_journal, JournalWriter.resume):
        with pytest.raises(Halted, match=rf"byte {bad}: a frame is damaged, and valid frames follow"):
            opening(path)
    assert path.read_bytes() == bytes(data)


def test_a_frame_taken_out_of_the_middle_halts(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with JournalWriter.create(path, HEADER) as writer:
        starts = []
        for n in range(4):
            starts.append(writer.size)
            writer.append_events(bars(1, first=n))
    data = path.read_bytes()
    path.write_bytes(data[: starts[1]] + data[starts[2] :])
    with pytest.raises(Halted, match=rf"byte {starts[1]}: a frame is missing \(expected number 2\)"):
        read_journal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PAR1" + bytes(100), "no Bot4 journal"),
        (b"BOT4", "ends before its header does"),
        (b"BOT4JRNL", "ends before its header does"),
    ],
)
def test_what_is_no_journal_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    for opening in (read_journal, JournalWriter.resume):
        with pytest.raises(DataError, match=message) as caught:
            opening(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for opening in (read_journal, JournalWriter.resume):
        with pytest.raises(DataError, match="is a folder"):
            opening(tmp_path)
        with pytest.raises(DataError, match="no such journal"):
            opening(tmp_path / "none.journal")


def rewrite_head(path: Path, version_field: int) -> None:
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, version_field, 99)
    struct.pack_into("<I", data, FILE_HEAD.size - 4, zlib.crc32(data[: FILE_HEAD.size - 4]))
    path.write_bytes(data)


@pytest.mark.parametrize(("field", "named"), [(8, "format 99"), (12, "events 99")])
def test_another_version_is_named_and_refused(tmp_path: Path, field: int, named: str) -> None:
    JournalWriter.create(tmp_path / "a.journal", HEADER).close()
    rewrite_head(tmp_path / "a.journal", field)
    with pytest.raises(DataError, match=named):
        read_journal(tmp_path / "a.journal")


def test_a_damaged_file_head_halts(tmp_path: Path) -> None:
    JournalWriter.create(tmp_path / "a.journal", HEADER).close()
    data = bytearray((tmp_path / "a.journal").read_bytes())
    data[9] ^= 4
    (tmp_path / "a.journal").write_bytes(data)
    with pytest.raises(Halted, match="file head is damaged"):
        read_journal(tmp_path / "a.journal")


def test_records_laid_out_in_another_way_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    JournalWriter.create(tmp_path / "a.journal", HEADER).close()
    monkeypatch.setitem(journal_module._RECORDS, FrameKind.COMMANDS, np.dtype([("kind", "i8")]))
    with pytest.raises(DataError, match="its commands are laid out in another way"):
        read_journal(tmp_path / "a.journal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_journal_that_may_not_be_read_is_a_storage_error(tmp_path: Path) -> None:
    JournalWriter.create(tmp_path / "a.journal", HEADER).close()
    (tmp_path / "a.journal").chmod(0)
    with pytest.raises(StorageError, match="Permission denied"):
        read_journal(tmp_path / "a.journal")


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        JournalWriter.create(tmp_path / "file" / "run" / "a.journal", HEADER)


@pytest.mark.parametrize("n_events", [1, 100, 300_000])
def test_a_full_disk_leaves_nothing_half_written_and_the_writer_usable(tmp_path: Path, n_events: int) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        writer.append_events(bars(2))
        size = writer.size
        room = 40 if n_events < 1000 else 10_000_000  # the first write is cut short, or a later batch fails
        with file_size_limit(size + room), pytest.raises(StorageError, match=r"cannot be written .*; free space"):
            writer.append_events(bars(n_events))
        assert writer.path.stat().st_size == size == writer.size
        writer.append_events(bars(1, first=2))
    contents = read_journal(writer.path)
    assert contents.is_clean
    assert contents.events.tobytes() == bars(3).tobytes()


def test_a_full_disk_while_creating_leaves_no_file(tmp_path: Path) -> None:
    with file_size_limit(100), pytest.raises(StorageError, match="cannot be written"):
        JournalWriter.create(tmp_path / "a.journal", HEADER)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_sync_closes_the_journal_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    writer = JournalWriter.create(tmp_path / "a.journal", HEADER)
    writer.append_events(bars(1))
    monkeypatch.setattr(journal_module, "_sync_data", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        writer.sync()
    monkeypatch.undo()
    with pytest.raises(StorageError, match="takes no more: a sync failed"):
        writer.append_events(bars(1))
    with pytest.raises(StorageError, match="takes no more"):
        writer.sync()
    assert writer.synced_bytes < writer.size
    writer.close()


def test_an_interrupt_inside_a_write_leaves_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        real_write(descriptor, data)
        raise KeyboardInterrupt

    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        writer.append_events(bars(1))
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.append_events(bars(1, first=99))
        monkeypatch.undo()
        writer.append_events(bars(1, first=1))
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.append_events(bars(1, first=99))
        monkeypatch.undo()
    contents = read_journal(writer.path)
    assert contents.is_clean
    assert contents.events.tobytes() == bars(2).tobytes()


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "a.journal", HEADER)
    writer.close()
    writer.close()
    with pytest.raises(StorageError, match="it is closed"):
        writer.append_events(bars(1))


def test_a_journal_being_written_can_be_read_but_not_resumed(tmp_path: Path) -> None:
    with JournalWriter.create(tmp_path / "a.journal", HEADER) as writer:
        writer.append_events(bars(1))
        assert len(read_journal(writer.path).events) == 1
        with pytest.raises(StorageError, match="another process is writing"):
            JournalWriter.resume(writer.path)
    resumed, _mapped = JournalWriter.resume(writer.path)
    with resumed, pytest.raises(StorageError, match="another process is writing"):
        JournalWriter.resume(writer.path)
    JournalWriter.resume(writer.path)[0].close()  # although the contents are still mapped


HOLDER = """
import sys, time
from bot4.engine.lock import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_told_who_holds_the_run_and_a_kill_frees_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=_env()
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=f"process {holder.pid} is already running here"):
            RunLock(tmp_path).acquire()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with RunLock(tmp_path):
        assert (tmp_path / "run.lock").read_text() == f"{os.getpid()}\n"


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "new" / "run")
    with lock, pytest.raises(StorageError):
        RunLock(tmp_path / "new" / "run").acquire()
    with lock:
        pass
    lock.release()


def test_a_folder_that_cannot_be_locked_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        RunLock(tmp_path / "file").acquire()


def test_the_header_carries_the_layout_of_the_records(tmp_path: Path) -> None:
    JournalWriter.create(tmp_path / "a.journal", HEADER).close()
    data = (tmp_path / "a.journal").read_bytes()
    start = FILE_HEAD.size + FRAME_HEAD_BYTES
    (size,) = struct.unpack_from("<I", data, FILE_HEAD.size)
    layouts = json.loads(data[start : start + size])["records"]
    assert layouts["EVENTS"]["itemsize"] == 64
    assert "close_ticks" in layouts["EVENTS"]["names"]
    assert layouts["COMMANDS"]["itemsize"] == COMMAND.itemsize


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
