"""Any table file as a frame: Parquet, Feather, CSV and JSON, bare or packed by gzip, zip or zstandard.

The format is told from the content, not from the name. The columns of a CSV file are all read as text, so that what
cannot be read as a number can be named by row; :func:`numbers` turns them.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.exceptions import PanicException, PolarsError

from bot4.domain.bars import FloatArray
from bot4.domain.errors import DataError, StorageError

PARQUET_MAGIC = b"PAR1"
ARROW_MAGIC = b"ARROW1"
FEATHER_V1_MAGIC = b"FEA1"
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SUFFIX_MAGIC = {".parquet": PARQUET_MAGIC, ".feather": ARROW_MAGIC, ".arrow": ARROW_MAGIC, ".ipc": ARROW_MAGIC}

_FETCH_AGAIN = "fetch or export the file again"

HeaderlessNames = Callable[[Sequence[str]], list[str] | None]
"""From the fields of the first row of a file without a header line to the names of its columns, or None."""


def read_table(
    path: Path, headerless_names: HeaderlessNames, columns: Callable[[list[str]], list[str]]
) -> pl.DataFrame:
    """Read the table in a file.

    Args:
        path: the file.
        headerless_names: names the columns of a CSV or JSON table that has no header.
        columns: chooses among the names of the columns those to read.

    Raises:
        StorageError: if the file cannot be opened.
        DataError: if it is empty, cut short, damaged or no table.
    """
    try:
        with path.open("rb") as file:  # opened once: a path may be another file by its second opening
            return _read_open_table(file, path, headerless_names, columns)
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="check the path and the permission"
        ) from error


def _read_open_table(
    file: BinaryIO, path: Path, headerless_names: HeaderlessNames, columns: Callable[[list[str]], list[str]]
) -> pl.DataFrame:
    where = str(path)
    head = file.read(8)
    expected = _SUFFIX_MAGIC.get(path.suffix.lower())
    if not head:
        raise DataError("the file is empty", where=where, remedy=_FETCH_AGAIN)
    if head.startswith(FEATHER_V1_MAGIC):
        raise DataError("Feather version 1 is not read", where=where, remedy="write it as Feather version 2 or Parquet")
    if head.startswith(PARQUET_MAGIC):
        _require_tail(file, PARQUET_MAGIC, "Parquet", where)
        return _decoded(lambda: _scan(pl.scan_parquet(file), columns), where, "Parquet")
    if head.startswith(ARROW_MAGIC):
        _require_tail(file, ARROW_MAGIC, "Feather", where)
        return _decoded(lambda: _scan(pl.scan_ipc(file), columns), where, "Feather")
    if expected is not None:
        raise DataError(f"this is no {path.suffix[1:].capitalize()} file", where=where, remedy=_FETCH_AGAIN)
    return _read_text_table(_unpacked(file, head, where), where, headerless_names, columns)


def numbers(column: pl.Series, where: str) -> FloatArray:
    """float64[n]: a column as numbers; a missing value is NaN.

    Raises:
        DataError: if a value is no number.
    """
    if column.dtype.is_numeric() or column.dtype == pl.Null:
        values = column.cast(pl.Float64)
    else:
        text = column.cast(pl.String).str.strip_chars()
        values = text.cast(pl.Float64, strict=False)
        is_unreadable = values.is_null() & text.is_not_null() & (text != "")
        if is_unreadable.any():
            row = int(is_unreadable.arg_max() or 0)
            raise DataError(
                f"column '{column.name}', row {row + 1}: '{text[row]}' is not a number",
                where=where,
                remedy="correct the value; decimals take a point",
            )
    return values.fill_null(float("nan")).to_numpy(writable=True)


def _scan(frame: pl.LazyFrame, columns: Callable[[list[str]], list[str]]) -> pl.DataFrame:
    return frame.select(columns(frame.collect_schema().names())).collect()


def _require_tail(file: BinaryIO, magic: bytes, name: str, where: str) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - len(magic)))
    tail = file.read()
    file.seek(0)
    if tail != magic or size < 2 * len(magic) + 4:
        raise DataError(f"the {name} file is cut short ({size} bytes)", where=where, remedy=_FETCH_AGAIN)


def _decoded(read: Callable[[], pl.DataFrame], where: str, name: str) -> pl.DataFrame:
    try:
        return read()
    except (PolarsError, PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"the {name} file is damaged ({reason})", where=where, remedy=_FETCH_AGAIN) from error


def _unpacked(file: BinaryIO, head: bytes, where: str) -> bytes:
    file.seek(0)
    try:
        if head.startswith(GZIP_MAGIC):
            return gzip.GzipFile(fileobj=file).read()
        if head.startswith(ZIP_MAGIC):
            return _only_member(file, where)
        return file.read()
    except (zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, RuntimeError) as error:
        raise DataError(f"the archive is damaged ({error})", where=where, remedy=_FETCH_AGAIN) from error


def _only_member(file: BinaryIO, where: str) -> bytes:
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) != 1:
            raise DataError(f"the archive holds {len(names)} files", where=where, remedy="give one file to an archive")
        return archive.read(names[0])


def _read_text_table(
    data: bytes, where: str, headerless_names: HeaderlessNames, columns: Callable[[list[str]], list[str]]
) -> pl.DataFrame:
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise DataError("the file is empty", where=where, remedy=_FETCH_AGAIN)
    if start[:1] in (b"[", b"{"):
        frame = _from_json(data, where, headerless_names)
        return frame.select(columns(frame.columns))
    if b"\0" in start and not data.startswith(ZSTD_MAGIC):
        raise DataError("this is no table of market data", where=where, remedy="give Parquet, Feather, CSV or JSON")
    return _from_csv(data, where, headerless_names, columns)


def _from_json(data: bytes, where: str, headerless_names: HeaderlessNames) -> pl.DataFrame:
    try:
        rows = json.loads(data)
    except ValueError as error:
        raise DataError(f"the JSON is damaged ({error})", where=where, remedy=_FETCH_AGAIN) from error
    if isinstance(rows, list) and not rows:
        raise DataError("the file holds no rows", where=where, remedy=_FETCH_AGAIN)
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return _decoded(lambda: pl.DataFrame(rows, infer_schema_length=None), where, "JSON")
    if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        names = headerless_names([str(value) for value in rows[0]])
        if names is not None and all(len(row) == len(names) for row in rows):
            return _decoded(
                lambda: pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None), where, "JSON"
            )
    raise DataError(
        "the JSON is no list of rows of a known shape",
        where=where,
        remedy="give rows of time, open, high, low, close, volume",
    )


def _from_csv(
    data: bytes, where: str, headerless_names: HeaderlessNames, columns: Callable[[list[str]], list[str]]
) -> pl.DataFrame:
    def read(rows: int | None = None, skip: int = 0, only: list[int] | None = None) -> pl.DataFrame:
        return pl.read_csv(
            io.BytesIO(data), separator=separator, has_header=False, infer_schema=False, n_rows=rows, columns=only,
            skip_rows=skip,
        )  # fmt: skip

    separator = _separator(data)
    first = _decoded(lambda: read(rows=1), where, "CSV")
    fields = ["" if value is None else str(value) for value in first.row(0)]
    has_header = not any(_is_number(field) for field in fields)
    names = [field.strip() for field in fields] if has_header else headerless_names(fields)
    if names is None:
        raise DataError(
            f"a table of {len(fields)} columns without a header line is of no known shape",
            where=where,
            remedy="add a line that names the columns",
        )
    chosen = columns(names)
    positions = sorted(names.index(name) for name in chosen)
    has_rows = b"\n" in data.strip() or not has_header
    frame = _decoded(lambda: read(skip=int(has_header), only=positions), where, "CSV") if has_rows else pl.DataFrame()
    if not len(frame):
        raise DataError("the file holds no rows", where=where, remedy=_FETCH_AGAIN)
    frame.columns = [names[position] for position in positions]
    return frame


def _separator(data: bytes) -> str:
    line = data[:4096].split(b"\n", 1)[0]
    return max((",", ";", "\t"), key=lambda separator: line.count(separator.encode()))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
