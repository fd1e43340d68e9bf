"""Files that a command is to write: refused before the work where they cannot be, and whole or absent after it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bot4.domain.errors import StorageError


def require_writable(path: Path, *, may_exist: bool = True) -> None:
    """Refuse a file that could not be written, by trying its folder.

    Raises:
        StorageError: the folder is missing or cannot be written, or the path is a folder or exists and may not.
    """
    folder = path.parent
    if path.is_dir():
        raise StorageError("this is a folder", where=str(path), remedy="give the name of a file")
    if not may_exist and path.exists():
        raise StorageError("a file of this name exists", where=str(path), remedy="choose another name or move it away")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise StorageError(
            f"its folder cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="make the folder, mend its permission, or name another",
        ) from error


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to; it becomes ``path`` if the block succeeds, and goes away if not.

    Raises:
        StorageError: ``path`` came to exist meanwhile, or cannot be made.
    """
    staged = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        yield staged
        if path.exists():
            raise StorageError("a file of this name exists", where=str(path), remedy="choose another name")
        staged.rename(path)
    except OSError as error:
        raise StorageError(
            f"cannot be written ({error.strerror or error})",
            where=str(path),
            remedy="free the disk or mend the permission",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
