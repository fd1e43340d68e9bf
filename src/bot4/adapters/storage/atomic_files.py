"""Files that are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bot4.domain.errors import StorageError


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that a reader, a crash or a full disk leaves the old one or the new one, never a part.

    The content is made in memory, written beside the target, synced, and renamed over it.

    Args:
        path: the file to make or replace; its folder is made.
        write: writes the content to the buffer it is given.

    Raises:
        StorageError: if the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    buffer = io.BytesIO()
    write(buffer)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            remedy="free the disk or mend the permission; what was there before is unchanged",
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there, and a rename is durable without it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
