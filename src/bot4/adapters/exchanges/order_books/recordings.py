"""Recorded streams: files of one message a line, bare or packed by gzip, zip or zstandard.

A line is one of

- ``<local receive time, ns, us, ms or s> <JSON>``
- ``<local time> <event> <JSON>``, as Bitstamp's first socket is recorded
- ``<epoch s>: <JSON>``, ``<address> -> <epoch s>: <JSON>`` and ``<address> <-> <epoch s>``, which are what was
  received, a REST answer, and a connection that was opened; ``<address> <- ...`` is what was sent and passed over
- ``<JSON>``, whose own ``received_at``, ``ts`` or nothing is the local time
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from bot4.adapters.exchanges.order_books.fields import decoded
from bot4.adapters.storage.table_files import GZIP_MAGIC, ZIP_MAGIC, ZSTD_MAGIC
from bot4.domain.errors import DataError, StorageError

_STAMPED = re.compile(r"(\d{9,19}) (?:([a-z_]+) )?(?=[\[{])")
_RECEIVED = re.compile(r"(\d{9,11}(?:\.\d+)?): ")
_ANSWERED = re.compile(r"(\S+) -> (\d{9,11}(?:\.\d+)?): ")
_OPENED = re.compile(r"\S+ <-> (\d{9,11}(?:\.\d+)?)")
_SENT = re.compile(r"\S+ <- ")
_FETCH_AGAIN = "fetch or record the file again"
_LONGEST_DIGITS = 19


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One line of a recording.

    Attributes:
        line: its number, from 1.
        ts_local_ns: when it was received, UTC nanoseconds; 0 where the file does not say.
        payload: the decoded JSON; None for a connection that was opened and for a line that is no JSON.
        context: the address that answered, or the event's name.
        fault: why the line could not be read; empty where it could.
        is_connection: whether the line says that a connection was opened.
    """

    line: int
    ts_local_ns: int
    payload: Any
    context: str = ""
    fault: str = ""
    is_connection: bool = False


def read_lines(path: Path) -> list[str]:
    """The lines of a file.

    Raises:
        StorageError: it cannot be opened.
        DataError: it is empty, damaged, or no text.
    """
    where = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror or error}", where=where, remedy="check the path and the permission"
        ) from error
    if not data:
        raise DataError("the file is empty", where=where, remedy=_FETCH_AGAIN)
    try:
        lines = _unpacked(data).splitlines()
    except UnicodeDecodeError as error:
        raise DataError("this is no text of JSON lines", where=where, remedy="give a recorded stream") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, PolarsError, PanicException) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"the packed file is damaged ({reason})", where=where, remedy=_FETCH_AGAIN) from error
    if not any(line.strip() for line in lines):
        raise DataError("the file holds no lines", where=where, remedy=_FETCH_AGAIN)
    return lines


def recorded_messages(lines: list[str]) -> Iterator[RecordedMessage]:
    """The messages of a recording in their order; a line that cannot be read is one with a ``fault``."""
    for number, line in enumerate(lines, 1):
        if line and not line.isspace():
            message = _message(number, line)
            if message is not None:
                yield message


def _unpacked(data: bytes) -> str:
    if data.startswith(GZIP_MAGIC):
        data = gzip.decompress(data)
    elif data.startswith(ZIP_MAGIC):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise zipfile.BadZipFile(f"it holds {len(names)} files, not one")
            data = archive.read(names[0])
    elif data.startswith(ZSTD_MAGIC):
        return "\n".join(pl.read_lines(io.BytesIO(data))["line"].to_list())
    return data.decode("utf-8-sig")


def _message(number: int, line: str) -> RecordedMessage | None:
    stamped = _STAMPED.match(line)
    if stamped is not None:
        return _decoded(number, _digits_ns(stamped[1]), line[stamped.end() :], stamped[2] or "")
    received = _RECEIVED.match(line)
    if received is not None:
        return _decoded(number, _seconds_ns(received[1]), line[received.end() :], "")
    answered = _ANSWERED.match(line)
    if answered is not None:
        return _decoded(number, _seconds_ns(answered[2]), line[answered.end() :], answered[1])
    opened = _OPENED.match(line)
    if opened is not None:
        return RecordedMessage(number, _seconds_ns(opened[1]), None, is_connection=True)
    if _SENT.match(line) or line.startswith("configuration: "):
        return None
    message = _decoded(number, 0, line, "")
    payload = message.payload
    if isinstance(payload, dict):
        at = payload.get("received_at", payload.get("ts", 0))
        if isinstance(at, int) and at > 0:
            return RecordedMessage(number, _digits_ns(str(at)), payload)
    return message


def _decoded(number: int, ts_ns: int, text: str, context: str) -> RecordedMessage:
    try:
        return RecordedMessage(number, ts_ns, decoded(text), context)
    except (ValueError, RecursionError) as fault:
        return RecordedMessage(number, ts_ns, None, context, fault=f"line {number} is no JSON ({str(fault)[:60]})")


def _digits_ns(digits: str) -> int:
    """UTC nanoseconds of a whole time whose unit shows in its length: s, ms, us or ns."""
    thousands = max(0, (_LONGEST_DIGITS - len(digits)) // 3)
    return int(digits) * int(1000**thousands)


def _seconds_ns(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000_000 + int(part[:9].ljust(9, "0") or 0)
