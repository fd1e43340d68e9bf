"""Rate limits: several fixed windows of request weight and of orders, refusal beyond them, and bans that grow.

A window of length L begins at every multiple of L of venue time, as Binance's do; what was used is forgotten when the
next one begins. A request counts its weight whether it is refused or not, an order only when it is taken. A client
that goes on after refusals is banned, each time for longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.venue_reasons import BANNED, RATE_LIMITED
from bot4.kernel import i8, kernel, record, void
from bot4.simulator.rules.bounds import check_between

MAX_WINDOWS = 8
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
PERCENT = 100

BY_WEIGHT = 1
BY_ORDERS = 2

ALLOWED = 0


class Counted(IntEnum):
    """What a window counts."""

    WEIGHT = BY_WEIGHT
    ORDERS = BY_ORDERS


RATE_LIMITS = np.dtype(
    [
        ("n_windows", "i8"),
        ("counts", "i8", (MAX_WINDOWS,)),  # a Counted
        ("length_ns", "i8", (MAX_WINDOWS,)),
        ("limit", "i8", (MAX_WINDOWS,)),
        ("began_ns", "i8", (MAX_WINDOWS,)),
        ("used", "i8", (MAX_WINDOWS,)),
        ("warning_percent", "i8"),
        ("refusals_before_ban", "i8"),  # 0: nobody is banned
        ("first_ban_ns", "i8"),
        ("ban_growth", "i8"),
        ("longest_ban_ns", "i8"),
        ("forgiven_after_ns", "i8"),
        ("n_refused", "i8"),  # in a row of refusals that no window's end has interrupted
        ("refused_until_ns", "i8"),  # when the latest refusal's window ends
        ("n_bans", "i8"),
        ("banned_until_ns", "i8"),
        ("retry_after_ns", "i8"),  # of the latest answer: how long to wait; 0 where it was allowed
    ],
    align=True,
)

_WHERE = "rate limits"


@dataclass(frozen=True, slots=True)
class RateWindow:
    """One limit.

    Attributes:
        counts: request weight or orders.
        length_ns: of the window, 1 s to 30 days; windows begin at its multiples.
        limit: the most that one window takes, 1 to 10**9.
    """

    counts: Counted
    length_ns: int
    limit: int

    def __post_init__(self) -> None:
        check_between(_WHERE, "length_ns", self.length_ns, SECOND_NS, 30 * DAY_NS, "ns")
        check_between(_WHERE, "limit", self.limit, 1, 10**9, "requests or orders")


@dataclass(frozen=True, slots=True)
class RateSettings:
    """Rate limits of a venue, and what becomes of who does not keep them.

    Attributes:
        windows: at most 8; none limits nothing.
        warning_percent: share of a limit from which :func:`warning_level` warns, 1 to 100.
        refusals_before_ban: refusals in a row that lead to a ban, 1 to 10,000; 0: nobody is banned.
        first_ban_ns: length of the first ban, 1 s to 30 days.
        ban_growth: factor of each further one, 1 to 100.
        longest_ban_ns: where bans stop growing, 1 s to 30 days.
        forgiven_after_ns: time after a ban's end after which the next one is a first one again, 0 to 365 days.
    """

    windows: tuple[RateWindow, ...] = ()
    warning_percent: int = 80
    refusals_before_ban: int = 10
    first_ban_ns: int = 2 * MINUTE_NS
    ban_growth: int = 2
    longest_ban_ns: int = 3 * DAY_NS
    forgiven_after_ns: int = 7 * DAY_NS

    def __post_init__(self) -> None:
        check_between(_WHERE, "number of windows", len(self.windows), 0, MAX_WINDOWS, "windows")
        check_between(_WHERE, "warning_percent", self.warning_percent, 1, 100, "percent")
        check_between(_WHERE, "refusals_before_ban", self.refusals_before_ban, 0, 10_000, "refusals")
        check_between(_WHERE, "first_ban_ns", self.first_ban_ns, SECOND_NS, 30 * DAY_NS, "ns")
        check_between(_WHERE, "ban_growth", self.ban_growth, 1, 100, "times")
        check_between(_WHERE, "longest_ban_ns", self.longest_ban_ns, self.first_ban_ns, 30 * DAY_NS, "ns")
        check_between(_WHERE, "forgiven_after_ns", self.forgiven_after_ns, 0, 365 * DAY_NS, "ns")


def pack_rate_limits(settings: RateSettings) -> npt.NDArray[np.void]:
    """The limits, unused, as an array of one :data:`RATE_LIMITS` record."""
    packed = np.zeros(1, dtype=RATE_LIMITS)
    row = packed[0]
    row["n_windows"] = len(settings.windows)
    for at, window in enumerate(settings.windows):
        row["counts"][at] = window.counts
        row["length_ns"][at] = window.length_ns
        row["limit"][at] = window.limit
        row["began_ns"][at] = -(2**62)
    for name in (
        "warning_percent", "refusals_before_ban", "first_ban_ns", "ban_growth", "longest_ban_ns", "forgiven_after_ns",
    ):  # fmt: skip
        row[name] = getattr(settings, name)
    return packed


@kernel(void(record(RATE_LIMITS), i8))
def turn_windows(limits: Any, now_ns: int) -> None:
    """Begin the windows that a venue time lies in; counts of those that ended are forgotten. Time never falls."""
    for at in range(limits["n_windows"]):
        length = limits["length_ns"][at]
        began = now_ns // length * length
        if began > limits["began_ns"][at]:
            limits["began_ns"][at] = began
            limits["used"][at] = 0


@kernel(i8(record(RATE_LIMITS), i8, i8))
def wait_of_full_windows(limits: Any, weight: int, n_orders: int) -> int:
    """When the last window ends that cannot take this weight or these orders more; 0 where all of them can."""
    ends_ns = 0
    for at in range(limits["n_windows"]):
        more = weight if limits["counts"][at] == BY_WEIGHT else n_orders
        if more > 0 and limits["used"][at] + more > limits["limit"][at]:
            ends_ns = max(ends_ns, limits["began_ns"][at] + limits["length_ns"][at])
    return int(ends_ns)


@kernel(void(record(RATE_LIMITS), i8, i8))
def count_used(limits: Any, weight: int, n_orders: int) -> None:
    """Count weight and orders in every window that counts them."""
    for at in range(limits["n_windows"]):
        limits["used"][at] += weight if limits["counts"][at] == BY_WEIGHT else n_orders


@kernel(i8(record(RATE_LIMITS), i8))
def ban(limits: Any, now_ns: int) -> int:
    """Begin a ban, longer than the one before unless that is forgiven; returns ``BANNED``.

    Length: ``min(first_ban * ban_growth ** n, longest_ban)`` after ``n`` bans that are not forgiven.
    """
    if limits["n_bans"] > 0 and now_ns - limits["banned_until_ns"] >= limits["forgiven_after_ns"]:
        limits["n_bans"] = 0
    length = limits["first_ban_ns"]
    for _ in range(limits["n_bans"]):
        length = min(length * limits["ban_growth"], limits["longest_ban_ns"])
        if length == limits["longest_ban_ns"]:
            break
    limits["n_bans"] += 1
    limits["n_refused"] = 0
    limits["banned_until_ns"] = now_ns + length
    limits["retry_after_ns"] = length
    return BANNED


@kernel(i8(record(RATE_LIMITS), i8, i8, i8))
def why_not_now(limits: Any, now_ns: int, weight: int, n_orders: int) -> int:
    """Whether a request is taken at a venue time that never falls; counts it.

    Args:
        limits: changed; ``retry_after_ns`` says how long a refused client should wait.
        now_ns: venue time.
        weight: of the request, zero or more, counted even where it is refused.
        n_orders: that it places, zero or more, counted only where it is taken.

    Returns:
        0; ``RATE_LIMITED`` (as HTTP 429) where a window is full; ``BANNED`` (as 418) during a ban, which further
        requests do not lengthen, and for the refusal that begins one.
    """
    turn_windows(limits, now_ns)
    if now_ns < limits["banned_until_ns"]:
        limits["retry_after_ns"] = limits["banned_until_ns"] - now_ns
        return BANNED
    ends_ns = wait_of_full_windows(limits, weight, n_orders)
    if ends_ns == 0:
        count_used(limits, weight, n_orders)
        limits["retry_after_ns"] = 0
        return ALLOWED
    count_used(limits, weight, 0)
    if now_ns >= limits["refused_until_ns"]:
        limits["n_refused"] = 0
    limits["refused_until_ns"] = ends_ns
    limits["n_refused"] += 1
    limits["retry_after_ns"] = ends_ns - now_ns
    if limits["refusals_before_ban"] > 0 and limits["n_refused"] >= limits["refusals_before_ban"]:
        return int(ban(limits, now_ns))
    return RATE_LIMITED


@kernel(i8(record(RATE_LIMITS), i8))
def warning_level(limits: Any, now_ns: int) -> int:
    """Fullest window, in percent of its limit, where that is at least ``warning_percent``; 0 below it."""
    turn_windows(limits, now_ns)
    fullest = 0
    for at in range(limits["n_windows"]):
        fullest = max(fullest, limits["used"][at] * PERCENT // limits["limit"][at])
    return int(fullest) if fullest >= limits["warning_percent"] else 0


def used_counts(limits: np.void, now_ns: int) -> list[tuple[Counted, int, int, int]]:
    """What the windows have counted, for the headers of an answer: what is counted, length in ns, used, limit."""
    turn_windows(limits, now_ns)
    rows = zip(limits["counts"], limits["length_ns"], limits["used"], limits["limit"], strict=True)
    return [(Counted(int(what)), int(length), int(used), int(limit)) for what, length, used, limit in rows if limit]
