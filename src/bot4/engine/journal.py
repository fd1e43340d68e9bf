"""The journal: the truth of a run, appended to by plain writes and mapped only for reading.

Every event is journalled before it takes effect, and synced before a command that it caused is sent. (A compiled
backtest, which sends nothing, is journalled a stretch at a time.) A run that was killed is recovered from it: the
torn tail that a crash leaves is cut, and nothing else ever is. The layout is in :mod:`bot4.engine.journal_frames` and
``docs/journal.md``.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from bot4.domain.errors import DataError, StorageError, UsageError
from bot4.domain.events import EVENT
from bot4.domain.orders import COMMAND
from bot4.engine.journal_frames import (
    MAX_PAYLOAD_BYTES,
    FrameIndex,
    FrameKind,
    check_file_head,
    file_head,
    index_frames,
    padding_after,
    sealed_frame_head,
)
from bot4.engine.lock import try_lock, unlock
from bot4.engine.record_layout import describe

Records = np.ndarray[Any, Any]

_RECORDS: dict[int, np.dtype[Any]] = {FrameKind.EVENTS: EVENT, FrameKind.COMMANDS: COMMAND}
_BATCH_BYTES = 4 << 20  # of one frame of a large array
_SMALL_BYTES = 1 << 16  # up to here one copy and one write are faster than gathering
_EVENTS, _COMMANDS, _NOTE, _HEADER = (
    int(FrameKind.EVENTS),
    int(FrameKind.COMMANDS),
    int(FrameKind.NOTE),
    int(FrameKind.HEADER),
)
_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class JournalWriter:
    """The one writer of a journal, as a context manager; holds the file's lock until it is closed.

    Attributes:
        path: the file.
        synced_bytes: bytes that are known to have reached the disk.
    """

    def __init__(self, path: Path, descriptor: int, size: int, next_sequence: int, *, sync: bool) -> None:
        self.path = path
        self.synced_bytes = 0
        self._descriptor = descriptor
        self._does_sync = sync
        self._broken_by = ""
        self._end = (size, next_sequence)  # one value, so that an interrupt cannot part the two
        self._is_writing = False

    @classmethod
    def create(cls, path: Path | str, header: dict[str, Any], *, sync: bool = True) -> JournalWriter:
        """Start a new journal; it appears under its name with its header whole and synced, or not at all.

        Args:
            path: the file; must not exist. Its folder is made.
            header: JSON-able; everything that a re-run needs.
            sync: False never waits for the disk (a backtest, which can be run again).

        Raises:
            StorageError: the file exists, or cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise _exists(path)
        staged = path.with_name(f".{path.name}.{os.getpid()}.part")
        descriptor = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(staged, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
            writer = cls(path, descriptor, 0, 0, sync=sync)
            try_lock(descriptor)
            writer._write([file_head()], 0)
            writer._append_json(_HEADER, {"run": header, "records": _record_layouts()})
            writer.sync()
            _publish(staged, path)
        except BaseException as error:
            if descriptor >= 0:
                os.close(descriptor)
                staged.unlink(missing_ok=True)
            if isinstance(error, FileExistsError):
                raise _exists(path) from error
            if isinstance(error, OSError):
                raise _unwritable(path, error) from error
            raise
        if sync:
            _sync_folder(path.parent)
            _sync_folder(path.parent.parent)
        return writer

    @classmethod
    def resume(cls, path: Path | str, *, sync: bool = True) -> tuple[JournalWriter, JournalContents]:
        """Open a journal to go on with it: lock, check every frame, cut a torn tail, stand at the end.

        Returns:
            The writer and what the journal holds; ``torn_bytes`` of the contents says how much was cut.

        Raises:
            StorageError: another process writes it, or it cannot be opened for writing.
            DataError: not a journal, or of another version.
            Halted: damaged in the middle; nothing was cut.
        """
        path = Path(path)
        descriptor = _open_existing(path, os.O_RDWR | os.O_APPEND)
        try:
            if not try_lock(descriptor):
                raise StorageError(
                    "another process is writing this journal", where=str(path), remedy="stop it first, then try again"
                )
            contents = _read(path, descriptor)
            writer = cls(path, descriptor, contents.valid_bytes, contents.n_frames, sync=sync)
            if contents.torn_bytes:
                os.ftruncate(descriptor, contents.valid_bytes)
            writer.sync()
        except OSError as error:
            _release(descriptor)
            raise _unwritable(path, error) from error
        except BaseException:
            _release(descriptor)
            raise
        return writer, contents

    @property
    def size(self) -> int:
        """Bytes appended, the file head included."""
        return self._end[0]

    @property
    def next_sequence(self) -> int:
        """Number of the next frame."""
        return self._end[1]

    def append_events(self, events: Records | np.void) -> None:
        """Append :data:`EVENT` records (an array or one record): all of them or, on an error, none."""
        if events.dtype is not EVENT and events.dtype != EVENT:
            raise UsageError(f"events must be EVENT records, not {events.dtype}", where=str(self.path))
        self._append_records(_EVENTS, events)

    def append_commands(self, commands: Records | np.void) -> None:
        """Append :data:`COMMAND` records (an array or one record): all of them or, on an error, none."""
        if commands.dtype is not COMMAND and commands.dtype != COMMAND:
            raise UsageError(f"commands must be COMMAND records, not {commands.dtype}", where=str(self.path))
        self._append_records(_COMMANDS, commands)

    def append_note(self, note: dict[str, Any]) -> None:
        """Append a JSON-able note."""
        self._append_json(_NOTE, note)

    def sync(self) -> None:
        """Wait until everything appended is on the disk; free if it already is."""
        if not self._does_sync or self.synced_bytes == self.size:
            return
        self._refuse_if_broken()
        try:
            _sync_data(self._descriptor)
        except OSError as error:
            # After a failed sync the system may have dropped the pages: a later one would succeed and mean nothing.
            self._broken_by = f"a sync failed ({error.strerror})"
            raise _unwritable(self.path, error) from error
        self.synced_bytes = self.size

    def close(self) -> None:
        """Sync, and give the file and its lock back; harmless if done."""
        if self._descriptor < 0:
            return
        try:
            if self._is_writing:
                self._cut_back()
            if not self._broken_by:
                self.sync()
        finally:
            _release(self._descriptor)
            self._descriptor = -1
            self._broken_by = "it is closed"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _append_records(self, kind: int, records: Records | np.void) -> None:
        if 0 < records.nbytes <= _SMALL_BYTES:  # records of 8n bytes need no padding
            payload = records.tobytes()
            self._write([sealed_frame_head(kind, self._end[1], payload) + payload], 1)
            return
        flat = np.ascontiguousarray(records).reshape(-1)
        step = _BATCH_BYTES // flat.dtype.itemsize
        batches = [flat[i : i + step].view(np.uint8).data for i in range(0, len(flat), step)]
        pieces: list[bytes | memoryview] = []
        for sequence, batch in enumerate(batches, self._end[1]):
            pieces += [sealed_frame_head(kind, sequence, batch), batch]
        self._write(pieces, len(batches))

    def _append_json(self, kind: int, value: dict[str, Any]) -> None:
        payload = json.dumps(value, separators=(",", ":")).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise UsageError(f"{len(payload)} bytes of JSON do not fit a frame", where=str(self.path))
        head = sealed_frame_head(kind, self._end[1], payload)
        self._write([head + payload + padding_after(len(payload))], 1)

    def _write(self, pieces: list[bytes | memoryview], n_frames: int) -> None:
        """Write all the pieces, or cut back to where the file ended and raise."""
        if self._is_writing:  # an interrupt (Ctrl-C) left the last append half done, so it never happened
            self._cut_back()
        self._refuse_if_broken()
        self._is_writing = True
        size, sequence = self._end
        try:
            for piece in pieces:
                done = os.write(self._descriptor, piece)
                while done < len(piece):
                    done += os.write(self._descriptor, memoryview(piece)[done:])
                size += done
        except OSError as error:
            self._cut_back()
            raise _unwritable(self.path, error) from error
        self._end = (size, sequence + n_frames)
        self._is_writing = False

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._end[0])
        except OSError as error:
            self._broken_by = f"a failed write could not be undone ({error.strerror})"
        self._is_writing = False

    def _refuse_if_broken(self) -> None:
        if self._broken_by:
            raise StorageError(
                f"the journal takes no more: {self._broken_by}",
                where=str(self.path),
                remedy="stop, check the disk and resume from the journal",
            )


class JournalContents:
    """What a journal holds, as read-only views of the mapped file; they stay valid while one of them is alive.

    Attributes:
        header: what :meth:`JournalWriter.create` was given.
        torn_bytes: size of the tail that is not a whole frame (cut by then, if the journal was resumed).
        valid_bytes: where the last whole frame ends.
    """

    def __init__(self, path: Path, data: memoryview, index: FrameIndex) -> None:
        self.path = path
        self.valid_bytes = index.end
        self.torn_bytes = len(data) - index.end
        self._data = data
        self._index = index
        head = self._json(0)
        _refuse_other_layouts(head["records"], path)
        self.header: dict[str, Any] = head["run"]

    @property
    def is_clean(self) -> bool:
        """Whether the file ends with a whole frame."""
        return self.torn_bytes == 0

    @property
    def n_frames(self) -> int:
        """Number of whole frames, the header included; also the sequence of the next one."""
        return len(self._index)

    def frames(self) -> Iterator[tuple[FrameKind, Records | dict[str, Any], int]]:
        """All frames after the header in order: kind, records or dictionary, sequence."""
        for sequence in range(1, self.n_frames):
            kind = FrameKind(self._index.kinds[sequence])
            dtype = _RECORDS.get(kind)
            yield kind, self._json(sequence) if dtype is None else self._view(sequence, dtype), sequence

    @cached_property
    def events(self) -> Records:
        """All events in order, ``EVENT[n]``, read-only; no copy where they lie in one frame."""
        return self._all_records(FrameKind.EVENTS)

    @cached_property
    def commands(self) -> Records:
        """All commands in order, ``COMMAND[n]``, read-only; no copy where they lie in one frame."""
        return self._all_records(FrameKind.COMMANDS)

    @cached_property
    def notes(self) -> list[dict[str, Any]]:
        """All notes in order."""
        return [self._json(i) for i, kind in enumerate(self._index.kinds) if kind == FrameKind.NOTE]

    def _json(self, sequence: int) -> dict[str, Any]:
        start, size = self._index.offsets[sequence], self._index.sizes[sequence]
        value: dict[str, Any] = json.loads(bytes(self._data[start : start + size]))
        return value

    def _view(self, sequence: int, dtype: np.dtype[Any]) -> Records:
        start, size = self._index.offsets[sequence], self._index.sizes[sequence]
        return np.frombuffer(self._data, dtype, size // dtype.itemsize, start)

    def _all_records(self, kind: FrameKind) -> Records:
        dtype = _RECORDS[kind]
        runs = self._index.runs(kind)
        if not runs:
            return _read_only(np.empty(0, dtype))
        if len(runs) == 1 and runs[0][3] == 1:
            start, size, _, _ = runs[0]
            return np.frombuffer(self._data, dtype, size // dtype.itemsize, start)
        gathered = np.empty(sum(size * n for _, size, _, n in runs), np.uint8)
        place = 0
        for start, size, stride, n in runs:
            flat = np.frombuffer(self._data, np.uint8, (n - 1) * stride + size, start)
            even = np.lib.stride_tricks.as_strided(flat, (n, size), (stride, 1), writeable=False)
            gathered[place : place + n * size].reshape(n, size)[...] = even
            place += n * size
        return _read_only(gathered.view(dtype))


def read_journal(path: Path | str) -> JournalContents:
    """Read a journal without touching it, even while a process writes it; a torn tail is reported, not cut.

    Raises:
        DataError: missing, a folder, empty, not a journal, cut within its header, or of another version.
        Halted: damaged in the middle: a frame is missing or bad, and valid frames follow.
        StorageError: it may not be read.
    """
    path = Path(path)
    descriptor = _open_existing(path, os.O_RDONLY)
    try:
        return _read(path, descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, descriptor: int) -> JournalContents:
    size = os.fstat(descriptor).st_size
    if size == 0:
        check_file_head(b"", str(path))
    data = memoryview(mmap.mmap(descriptor, size, prot=mmap.PROT_READ))
    check_file_head(data[:64], str(path))
    sizes = {kind: dtype.itemsize for kind, dtype in _RECORDS.items()}
    return JournalContents(path, data, index_frames(data, sizes, str(path)))


def _record_layouts() -> dict[str, Any]:
    return {FrameKind(kind).name: describe(dtype) for kind, dtype in _RECORDS.items()}


def _refuse_other_layouts(layouts: dict[str, Any], path: Path) -> None:
    for name, layout in _record_layouts().items():
        if layouts.get(name) != layout:
            raise DataError(
                f"its {name.lower()} are laid out in another way than this program's",
                where=str(path),
                remedy="use the version of Bot4 that wrote it",
            )


def _read_only(array: Records) -> Records:
    array.setflags(write=False)
    return array


def _release(descriptor: int) -> None:
    unlock(descriptor)  # a mapping keeps a duplicate of the descriptor, and with it the lock
    os.close(descriptor)


def _open_existing(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise DataError("there is no such journal", where=str(path), remedy="check the name") from error
    except IsADirectoryError as error:
        raise _folder(path) from error
    except OSError as error:
        raise StorageError(
            f"the journal cannot be opened ({error.strerror})", where=str(path), remedy="mend its permissions"
        ) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise _folder(path)
    raise DataError("this is no plain file", where=str(path), remedy="name a journal that a run wrote")


def _publish(staged: Path, path: Path) -> None:
    try:
        os.link(staged, path)  # unlike a rename it never replaces
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        staged.rename(path)
    else:
        staged.unlink()


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # a folder that may not be read was not made here
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _folder(path: Path) -> DataError:
    return DataError("this is a folder, not a journal", where=str(path), remedy="name the journal file in it")


def _exists(path: Path) -> StorageError:
    return StorageError(
        "a file of this name exists, and a journal is never overwritten",
        where=str(path),
        remedy="choose another name, resume it, or move it away",
    )


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the journal cannot be written ({error.strerror})",
        where=str(path),
        remedy="free space on the disk or mend the permission; nothing half-written was left",
    )
