"""Recovery from any damage: never a frame that was not written, the longest valid prefix, no silent cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot4.domain.errors import DataError, Halted
from bot4.domain.events import EVENT
from bot4.domain.orders import COMMAND
from bot4.engine.journal import JournalWriter, read_journal
from bot4.engine.journal_frames import FILE_HEAD

Frame = tuple[str, Any]
FRAMES = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.integers(1, 4)),
        st.tuples(st.just("commands"), st.integers(1, 2)),
        st.tuples(st.just("note"), st.text(max_size=12)),
    ),
    max_size=8,
)


def payload(kind: str, value: Any, seed: int) -> bytes | dict[str, str]:
    if kind == "note":
        return {"text": value}
    dtype = EVENT if kind == "events" else COMMAND
    return np.random.default_rng(seed).bytes(value * dtype.itemsize)


def written(path: Path, frames: list[Frame]) -> tuple[list[bytes | dict[str, str]], list[int]]:
    """Write the frames; return what each holds and where each ends (the header's end first)."""
    payloads, ends = [], []
    with JournalWriter.create(path, {"seed": 1}, sync=False) as writer:
        ends.append(writer.size)
        for seed, (kind, value) in enumerate(frames):
            content = payload(kind, value, seed)
            if isinstance(content, dict):
                writer.append_note(content)
            elif kind == "events":
                writer.append_events(np.frombuffer(content, EVENT))
            else:
                writer.append_commands(np.frombuffer(content, COMMAND))
            payloads.append(content)
            ends.append(writer.size)
    return payloads, ends


def held(contents: Any) -> list[bytes | dict[str, str]]:
    return [value if isinstance(value, dict) else value.tobytes() for _, value, _ in contents.frames()]


def whole_frames(ends: list[int], size: int) -> int:
    """Number of frames after the header that lie before ``size``; -1 if not even the header does."""
    return sum(end <= size for end in ends) - 1


@given(frames=FRAMES, data=st.data())
@settings(deadline=None)
def test_a_journal_cut_at_any_byte_recovers_to_its_longest_whole_prefix(frames: list[Frame], data: Any) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.journal"
        payloads, ends = written(path, frames)
        cut = data.draw(st.integers(0, ends[-1]), label="cut")
        os.truncate(path, cut)
        n_whole = whole_frames(ends, cut)
        if n_whole < 0:
            for opening in (read_journal, JournalWriter.resume):
                with pytest.raises(DataError):
                    opening(path)
            assert path.stat().st_size == cut
            return
        assert held(read_journal(path)) == payloads[:n_whole]
        writer, contents = JournalWriter.resume(path, sync=False)
        with writer:
            assert contents.torn_bytes == cut - ends[n_whole]
            assert held(contents) == payloads[:n_whole]
            writer.append_note({"text": "resumed"})
        assert held(read_journal(path)) == [*payloads[:n_whole], {"text": "resumed"}]


@given(frames=FRAMES, data=st.data())
@settings(deadline=None)
def test_a_flipped_byte_is_a_torn_tail_in_the_last_frame_and_a_halt_anywhere_else(
    frames: list[Frame], data: Any
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.journal"
        payloads, ends = written(path, frames)
        back = data.draw(st.integers(1, ends[-1]), label="bytes before the end")
        place = ends[-1] - back
        flip = data.draw(st.integers(1, 255), label="flip")
        damaged = bytearray(path.read_bytes())
        damaged[place] ^= flip
        path.write_bytes(damaged)
        if place >= FILE_HEAD.size and frames and place >= ends[-2]:
            assert held(read_journal(path)) == payloads[:-1]
            assert read_journal(path).torn_bytes == ends[-1] - ends[-2]
            return
        with pytest.raises(Halted if frames and place >= len(b"BOT4JRNL") else (DataError, Halted)):
            read_journal(path)
        with pytest.raises((DataError, Halted)):
            JournalWriter.resume(path)
        assert path.read_bytes() == bytes(damaged)


@given(frames=FRAMES, data=st.data())
@settings(deadline=None)
def test_bytes_that_go_to_nought_behind_a_cut_never_become_frames(frames: list[Frame], data: Any) -> None:
    """A file system may leave zeros, or the rest of an old block, behind what reached the disk."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.journal"
        payloads, ends = written(path, frames)
        cut = data.draw(st.integers(ends[0], ends[-1]), label="cut")
        rest = data.draw(st.one_of(st.integers(0, 300).map(bytes), st.binary(max_size=300)), label="rest")
        path.write_bytes(path.read_bytes()[:cut] + rest)
        n_whole = whole_frames(ends, cut)
        recovered = held(read_journal(path))
        assert recovered[:n_whole] == payloads[:n_whole]
        assert recovered == payloads[: len(recovered)]  # the rest may by chance be what was cut


WRITER = """
import sys
import numpy as np
from bot4.domain.events import EVENT
from bot4.engine.journal import JournalWriter
writer = JournalWriter.create(sys.argv[1], {"run": "killed"})
batch = np.zeros(int(sys.argv[2]), EVENT)
n = 0
while True:
    batch["ts_ns"] = np.arange(n, n + len(batch))
    writer.append_events(batch)
    n += len(batch)
    if n % (50 * len(batch)) == 0:
        writer.sync()
        print(n, flush=True)
"""


@pytest.mark.parametrize(("batch", "delay_s"), [(1, 0.0), (1, 0.013), (3, 0.031), (200_000, 0.05), (200_000, 0.17)])
def test_a_killed_writer_leaves_a_journal_that_holds_all_it_synced(tmp_path: Path, batch: int, delay_s: float) -> None:
    path = tmp_path / "a.journal"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(batch)], stdout=subprocess.PIPE, text=True, env=env
    )
    assert child.stdout is not None
    if batch == 1:
        synced = int(child.stdout.readline())
    else:
        synced = 0
        while not path.exists():
            assert child.poll() is None
            time.sleep(0.005)
    time.sleep(delay_s)
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    synced = max([synced, *map(int, rest.split())])
    writer, contents = JournalWriter.resume(path)
    with writer:
        n = len(contents.events)
        assert n >= synced
        assert np.array_equal(contents.events["ts_ns"], np.arange(n))
        writer.append_note({"resumed": n})
    assert read_journal(path).is_clean


def test_a_resumed_journal_may_be_killed_and_resumed_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    rng = np.random.default_rng(5)
    JournalWriter.create(path, {"run": 1}).close()
    expected = 0
    for _ in range(40):
        writer, contents = JournalWriter.resume(path, sync=False)
        assert np.array_equal(contents.events["ts_ns"], np.arange(expected))
        ends = [writer.size]
        for n in range(expected, expected + int(rng.integers(1, 6))):
            event = np.zeros(1, EVENT)
            event["ts_ns"] = n
            writer.append_events(event)
            ends.append(writer.size)
        writer.close()
        cut = int(rng.integers(ends[0], ends[-1] + 1))
        os.truncate(path, cut)
        expected += sum(end <= cut for end in ends) - 1
