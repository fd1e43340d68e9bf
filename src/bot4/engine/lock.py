"""One process at a time: a lock that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from bot4.domain.errors import StorageError

LOCK_NAME = "run.lock"


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock of an open file without waiting; False if another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give the lock of an open file back, duplicates of the descriptor included."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_locked(folder: Path | str) -> bool:
    """Whether a process holds the lock of a run's folder; nothing is changed."""
    try:
        descriptor = os.open(Path(folder) / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)  # closing gives back what was taken
    finally:
        os.close(descriptor)


class RunLock:
    """The right to write in a run's folder, as a context manager.

    The lock is on the file ``run.lock``, which names its holder and is never deleted: deleting it would let
    two processes lock two files of the same name. A crash releases the lock, and the file may stay.

    Raises:
        StorageError: on entering, if another process holds the lock (it says which) or the folder cannot be
            written.
    """

    def __init__(self, folder: Path | str) -> None:
        self.path = Path(folder) / LOCK_NAME
        self._descriptor = -1

    def acquire(self) -> Self:
        """Take the lock, or say who has it."""
        descriptor = self._open()
        try:
            if not try_lock(descriptor):
                raise StorageError(
                    f"process {self._holder(descriptor)} is already running here",
                    where=str(self.path.parent),
                    remedy="stop it first, or give this run a folder of its own",
                )
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"the run's folder cannot be written ({error.strerror})",
                where=str(self.path.parent),
                remedy="mend its permissions or choose another folder",
            ) from error

    @staticmethod
    def _holder(descriptor: int) -> str:
        return os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
