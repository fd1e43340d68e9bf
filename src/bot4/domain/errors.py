"""The error tree, by what the operator must do.

Every error says what was wrong, where, and what to do about it, in one line; its class fixes the exit code
of the command line (``docs/errors.md``). No other exception reaches a user.

=====================  =========  ===============================================================
class                  exit code  what to do
=====================  =========  ===============================================================
:class:`UsageError`    2          correct the command
:class:`DataError`     3          correct the data: nothing was read or written in part
:class:`SettingError`  4          correct the setting
:class:`Retryable`     5          try again later: nothing happened
:class:`Unknown`       6          ask the venue: it may or may not have happened
:class:`Halted`        7          stop and look: going on could lose money or history
:class:`StorageError`  8          free the disk, mend the permission, close the other process
=====================  =========  ===============================================================
"""

from __future__ import annotations


class Bot4Error(Exception):
    """An error with a remedy. ``str()`` gives one line: where: what; remedy."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}; {self.remedy}" if self.remedy else line


class Refused(Bot4Error):
    """The input was wrong and nothing was done with it."""


class UsageError(Refused):
    """The command or the call does not make sense as given."""

    exit_code = 2


class DataError(Refused):
    """Market data, a journal or a strategy file cannot be used as it is."""

    exit_code = 3


class SettingError(Refused):
    """A setting is unknown, of the wrong type or out of its bounds."""

    exit_code = 4


class Retryable(Bot4Error):
    """A passing fault outside (network, rate limit, maintenance); nothing happened, try again later."""

    exit_code = 5


class Unknown(Bot4Error):
    """A command's outcome is not known: it may or may not have happened, and must be reconciled, never re-sent."""

    exit_code = 6


class Halted(Bot4Error):
    """State, journal and venue disagree: new risk stops until a person has looked."""

    exit_code = 7


class StorageError(Bot4Error):
    """A file or folder cannot be read, written or locked."""

    exit_code = 8
