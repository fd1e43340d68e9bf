"""The served exchange in a file: what a restart after a kill goes on from.

The file is replaced whole before every answer that changed an order, so that what a client was told is kept. Arrays
stand in it as their bytes beside the layout that they were written with; another layout is refused.
"""

from __future__ import annotations

import io
import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bot4.adapters.storage.atomic_files import replace_file
from bot4.domain.errors import DataError, StorageError

FILE_NAME = "exchange.npz"
_VERSION = 1
_VALUES = "values"


def layout(array: Any) -> str:
    """What an array's bytes mean."""
    return repr(array.dtype)


def save_state(folder: Path, arrays: dict[str, Any], values: dict[str, Any]) -> None:
    """Replace the file.

    Raises:
        StorageError: the folder cannot be written.
    """
    layouts = {name: [layout(array), list(array.shape)] for name, array in arrays.items()}
    text = json.dumps({"version": _VERSION, "layouts": layouts, "values": values}, separators=(",", ":"))
    parts: dict[str, Any] = {name: np.frombuffer(array.tobytes(), np.uint8) for name, array in arrays.items()}
    parts[_VALUES] = np.frombuffer(text.encode(), np.uint8)

    def write(file: Any) -> None:
        np.savez(file, **parts)

    replace_file(folder / FILE_NAME, write)


def load_state(folder: Path) -> tuple[dict[str, bytes], dict[str, Any], dict[str, Any]] | None:
    """The bytes and layouts of each array, and the values; None where there is no file.

    Raises:
        DataError: it is damaged, or of another version.
        StorageError: it cannot be read.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            parts = {name: bytes(found[name].tobytes()) for name in found.files}
        document = json.loads(parts.pop(_VALUES))
        version, layouts, values = document["version"], document["layouts"], document["values"]
    except OSError as error:
        raise StorageError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="mend the permission"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("is damaged", where=str(path), remedy="remove the folder to begin anew") from error
    if version != _VERSION:
        raise DataError(
            f"is of version {version}, not {_VERSION}", where=str(path), remedy="remove the folder to begin anew"
        )
    return parts, layouts, values


def arrays_like(fresh: dict[str, Any], parts: dict[str, bytes], layouts: dict[str, Any], where: str) -> dict[str, Any]:
    """Arrays of the dtypes of fresh ones, filled with the bytes of a file; their lengths are the file's.

    Raises:
        DataError: the file was written by a program with another layout.
    """
    made = {}
    for name, array in fresh.items():
        found, shape = layouts.get(name, ["", [0]])
        if found != layout(array) or name not in parts or array.dtype.itemsize * prod(shape) != len(parts[name]):
            raise DataError(
                f"{name} was written by another version of the program",
                where=where,
                remedy="use that version, or remove the folder to begin anew",
            )
        made[name] = np.frombuffer(parts[name], array.dtype).reshape(shape).copy()
    return made
