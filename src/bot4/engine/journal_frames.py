"""The layout of a journal on disk, and the scan that tells a torn tail from corruption (``docs/journal.md``).

A journal is a file head followed by frames. Every byte of the file is covered by a checksum, a constant or a
rule, so that no change of a byte goes unseen. All numbers are little-endian; frames start at multiples of 8.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from bot4.domain.errors import DataError, Halted
from bot4.domain.events import EVENT_VERSION

MAGIC = b"BOT4JRNL"
FORMAT_VERSION = 1
FILE_HEAD = struct.Struct("<8sIIII")  # magic, format version, event version, frame head size, crc32 of the above
FRAME_HEAD = struct.Struct("<IHHQ")  # payload bytes, kind, reserved (0), sequence: what the checksum starts with
FRAME_SEAL = struct.Struct("<II")  # crc32 of the frame head and the payload, and the mark
FRAME_HEAD_BYTES = FRAME_HEAD.size + FRAME_SEAL.size
MARK = 0xB074F4A3  # found at a fixed place of every frame, so that frames behind damage can be looked for
MAX_PAYLOAD_BYTES = 1 << 30
_WHOLE_HEAD = struct.Struct("<IHHQII")
_PADDING = tuple(bytes(n) for n in range(8))


class FrameKind(IntEnum):
    """What a frame holds."""

    HEADER = 1  # JSON: all that a re-run needs; the first frame, and only there
    EVENTS = 2  # EVENT records
    COMMANDS = 3  # COMMAND records
    NOTE = 4  # JSON: what a person may want to know (a strategy swapped or suspended, a stop in order)


def file_head() -> bytes:
    """The bytes every journal of this version starts with."""
    fields = FILE_HEAD.pack(MAGIC, FORMAT_VERSION, EVENT_VERSION, FRAME_HEAD_BYTES, 0)[:-4]
    return fields + struct.pack("<I", zlib.crc32(fields))


def check_file_head(data: bytes | memoryview, where: str) -> None:
    """Refuse what is not a journal, or one of another version.

    Raises:
        DataError: not a journal, cut within the head, or written by another version.
        Halted: a journal whose head was altered.
    """
    if len(data) == 0:
        raise DataError("the file is empty, so it is no journal", where=where, remedy="name a journal that a run wrote")
    if bytes(data[: len(MAGIC)]) != MAGIC[: len(data)]:
        raise DataError("this is no Bot4 journal", where=where, remedy="name a journal that a run wrote")
    if len(data) < FILE_HEAD.size:
        raise _no_header(where)
    _, format_version, event_version, _, checksum = FILE_HEAD.unpack_from(data)
    if checksum != zlib.crc32(data[: FILE_HEAD.size - 4]):
        raise Halted("the file head is damaged", where=f"{where}, byte 0", remedy="restore the file from a copy")
    if (format_version, event_version) != (FORMAT_VERSION, EVENT_VERSION):
        raise DataError(
            f"written in format {format_version} with events {event_version}; "
            f"this program reads format {FORMAT_VERSION} with events {EVENT_VERSION}",
            where=where,
            remedy="use the version of Bot4 that wrote it",
        )


def sealed_frame_head(kind: int, sequence: int, payload: bytes | memoryview) -> bytes:
    """The 24 bytes that go before a payload."""
    head = FRAME_HEAD.pack(len(payload), kind, 0, sequence)
    return head + FRAME_SEAL.pack(zlib.crc32(payload, zlib.crc32(head)), MARK)


def padding_after(payload_bytes: int) -> bytes:
    """The zero bytes that bring a payload to a multiple of 8."""
    return _PADDING[-payload_bytes % 8]


@dataclass(slots=True)
class FrameIndex:
    """Where the valid frames of a journal are: payload offsets and sizes, and kinds; the sequence is the position."""

    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    kinds: list[int] = field(default_factory=list)
    end: int = FILE_HEAD.size  # of the last valid frame: where the next one goes

    def __len__(self) -> int:
        return len(self.offsets)

    def runs(self, kind: FrameKind) -> list[tuple[int, int, int, int]]:
        """Frames of one kind as runs that lie evenly: (payload offset, payload size, stride, number of frames)."""
        of_kind = np.flatnonzero(np.asarray(self.kinds, np.int64) == kind)
        if not len(of_kind):
            return []
        offsets = np.asarray(self.offsets, np.int64)[of_kind]
        sizes = np.asarray(self.sizes, np.int64)[of_kind]
        strides = FRAME_HEAD_BYTES + sizes + (-sizes % 8)
        goes_on = (np.diff(offsets) == strides[:-1]) & (np.diff(sizes) == 0)
        starts = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
        counts = np.diff(np.append(starts, len(offsets)))
        return [(int(offsets[s]), int(sizes[s]), int(strides[s]), int(n)) for s, n in zip(starts, counts, strict=True)]


def index_frames(data: memoryview, record_sizes: dict[int, int], where: str) -> FrameIndex:
    """Check every frame and note where it lies, up to the first that is not valid.

    What follows the last valid frame is a torn tail if no valid frame lies behind it.

    Args:
        data: the whole file.
        record_sizes: bytes of a record for the kinds that hold records.
        where: the name of the file, for errors.

    Raises:
        Halted: a damaged or missing frame with valid frames behind it.
        DataError: not even the header frame is whole.
    """
    index = FrameIndex()
    offset, sequence = index.end, 0
    while (frame := _frame_at(data, offset)) is not None:
        size, kind, number, after = frame
        if number != sequence or not _is_in_place(kind, sequence, size, record_sizes):
            break
        index.offsets.append(offset + FRAME_HEAD_BYTES)
        index.sizes.append(size)
        index.kinds.append(kind)
        index.end = offset = after
        sequence += 1
    _refuse_valid_frames_behind(data, offset, sequence, where)
    if not len(index):
        raise _no_header(where)
    return index


def _frame_at(data: memoryview, offset: int) -> tuple[int, int, int, int] | None:
    """Payload size, kind, sequence and end of the whole and undamaged frame that starts here, if one does."""
    start = offset + FRAME_HEAD_BYTES
    if start > len(data):
        return None
    size, kind, reserved, sequence, checksum, mark = _WHOLE_HEAD.unpack_from(data, offset)
    after = start + size + (-size % 8)
    if mark != MARK or reserved or after > len(data):
        return None
    if zlib.crc32(data[start : start + size], zlib.crc32(data[offset : offset + FRAME_HEAD.size])) != checksum:
        return None
    if size % 8 and any(data[start + size : after]):
        return None
    return size, kind, sequence, after


def _is_in_place(kind: int, sequence: int, size: int, record_sizes: dict[int, int]) -> bool:
    if sequence == 0 or kind == FrameKind.HEADER:
        return sequence == 0 and kind == FrameKind.HEADER
    if kind in record_sizes:
        return size > 0 and size % record_sizes[kind] == 0
    return kind == FrameKind.NOTE


def _refuse_valid_frames_behind(data: memoryview, offset: int, sequence: int, where: str) -> None:
    found = _first_frame_from(data, offset)
    if found is None:
        return
    what = "a frame is missing" if found == offset else f"a frame is damaged, and valid frames follow at byte {found}"
    raise Halted(
        f"{what} (expected number {sequence})",
        where=f"{where}, byte {offset}",
        remedy="nothing was cut: restore the file from a copy, or set it aside and start a new run",
    )


def _first_frame_from(data: memoryview, offset: int) -> int | None:
    """The first place from ``offset`` on (a multiple of 8) where a whole frame starts."""
    n_words = (len(data) - offset) // 8
    if n_words <= 0:
        return None
    words = np.frombuffer(data, "<u8", n_words, offset)
    marked = np.flatnonzero((words >> np.uint64(32)) == MARK)  # the mark is the second half of a head's third word
    for place in (offset + 8 * (marked - 2)).tolist():
        if place >= offset and _frame_at(data, place) is not None:
            return int(place)
    return None


def _no_header(where: str) -> DataError:
    return DataError(
        "the journal ends before its header does, so it holds no run",
        where=where,
        remedy="delete it and start a new run",
    )
