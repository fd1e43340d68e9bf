"""Snapshots of the brain's state: a shortcut for recovery, never the truth.

A snapshot is the bytes of a few structured arrays with their layouts beside them. One that is missing, damaged
or cannot be migrated is reported and ignored: recovery then replays the whole journal. Migration goes by field
name, nested records included; it is for upgrades, between which the layout changed.

The file: magic, format version, checksum of all that follows, length of the JSON; the JSON (state version,
sequence of the journal, meta, and name, layout, shape and place of each array); the arrays' bytes.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot4.domain.errors import StorageError
from bot4.engine.record_layout import MigrationError, describe, dtype_of, migrate
from bot4.pipeline.state import STATE_VERSION

MAGIC = b"BOT4SNAP"
FORMAT_VERSION = 1
_HEAD = struct.Struct("<8sIIQ")  # magic, format version, crc32 of everything after this head, bytes of JSON

State = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state as it was after the journal's frame ``journal_sequence``.

    Attributes:
        state: the arrays by name, in the layouts that were asked for, writable.
        journal_sequence: number of the last frame whose effects are in the state.
        meta: what :meth:`SnapshotStore.save` was given.
        migrated: names of the arrays whose layout had changed.
    """

    state: State
    journal_sequence: int
    meta: dict[str, Any]
    migrated: tuple[str, ...] = ()


class _UnusableError(Exception):
    """Why a snapshot is ignored."""


class SnapshotStore:
    """The latest snapshot of a run, in one file.

    Attributes:
        path: the file.
        why_ignored: after :meth:`load` returned None: one line for the operator; otherwise empty.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.why_ignored = ""

    def save(self, state: State, journal_sequence: int, meta: dict[str, Any]) -> None:
        """Replace the snapshot in one step: after a crash the file holds the old one or the new one, whole.

        Sync the journal first: a snapshot must not know of frames that the disk has not.

        Args:
            state: arrays by name.
            journal_sequence: number of the last frame whose effects are in the state.
            meta: JSON-able.

        Raises:
            StorageError: it cannot be written; the old one is untouched.
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
        head = json.dumps(
            {
                "state_version": STATE_VERSION,
                "journal_sequence": int(journal_sequence),
                "meta": meta,
                "arrays": _table_of(arrays),
            }
        ).encode()
        body = b"".join([head, *(array.tobytes() for array in arrays.values())])
        try:
            _replace(self.path, [_HEAD.pack(MAGIC, FORMAT_VERSION, zlib.crc32(body), len(head)), body])
        except OSError as error:
            raise StorageError(
                f"the snapshot cannot be written ({error.strerror})",
                where=str(self.path),
                remedy="free space on the disk or mend the permission; the journal is not concerned",
            ) from error

    def load(self, expected: dict[str, np.dtype[Any]]) -> Snapshot | None:
        """The snapshot in the layouts asked for, or None with the reason in :attr:`why_ignored`.

        New fields are zero, fields gone are dropped, arrays inside records that grew are padded with zeros.
        """
        self.why_ignored = ""
        try:
            return _decode(self._bytes(), expected)
        except _UnusableError as reason:
            self.why_ignored = f"{self.path}: the snapshot is ignored: {reason}; the whole journal is replayed"
            return None

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            raise _UnusableError("there is none") from None
        except OSError as error:
            raise _UnusableError(f"it cannot be read ({error.strerror})") from error


def _table_of(arrays: State) -> list[dict[str, Any]]:
    table, place = [], 0
    for name, array in arrays.items():
        table.append({"name": name, "layout": describe(array.dtype), "shape": list(array.shape), "place": place})
        place += array.nbytes
    return table


def _decode(data: bytes, expected: dict[str, np.dtype[Any]]) -> Snapshot:
    if len(data) < _HEAD.size or data[: len(MAGIC)] != MAGIC:
        raise _UnusableError("it is not a snapshot, or was cut")
    _, format_version, checksum, head_bytes = _HEAD.unpack_from(data)
    body = memoryview(data)[_HEAD.size :]
    if format_version != FORMAT_VERSION:
        raise _UnusableError(f"its format is {format_version}, not {FORMAT_VERSION}")
    if zlib.crc32(body) != checksum or head_bytes > len(body):
        raise _UnusableError("it is damaged")
    head = json.loads(bytes(body[:head_bytes]))
    if head["state_version"] > STATE_VERSION:
        raise _UnusableError(f"a newer version of Bot4 wrote it (state {head['state_version']}, not {STATE_VERSION})")
    stored = {entry["name"]: _array_of(entry, body[head_bytes:]) for entry in head["arrays"]}
    if missing := expected.keys() - stored.keys():
        raise _UnusableError(f"it lacks {', '.join(sorted(missing))}")
    try:
        state = {name: migrate(stored[name], dtype) for name, dtype in expected.items()}
    except MigrationError as error:
        raise _UnusableError(f"its layout cannot be migrated: {error}") from error
    migrated = tuple(name for name, dtype in expected.items() if stored[name].dtype != dtype)
    return Snapshot(state, head["journal_sequence"], head["meta"], migrated)


def _array_of(entry: dict[str, Any], data: memoryview) -> np.ndarray[Any, Any]:
    dtype = dtype_of(entry["layout"])
    shape = tuple(entry["shape"])
    return np.frombuffer(data, dtype, int(np.prod(shape, dtype=np.int64)), entry["place"]).reshape(shape)


def _replace(path: Path, pieces: list[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with staged.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
