"""One writer at a time, across processes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bot4.domain.errors import StorageError

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` for the length of a ``with`` block, waiting for whoever holds it.

    The operating system gives the lock back when a process dies. The empty file stays.

    Raises:
        StorageError: if the lock file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(
            f"cannot be locked: {error.strerror}", where=str(path.parent), remedy="mend the permission or free the disk"
        ) from error
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)
