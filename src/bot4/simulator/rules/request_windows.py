"""Request windows: how old or early a request's timestamp may be, and nonces that are refused a second time.

The venue has a clock of its own, which may be off and may drift. A request carries a timestamp, a receive window and,
at some venues, a nonce. A nonce is remembered as long as its timestamp could still be taken; when the bounded table is
full of such nonces, the venue fails closed and refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.money import FLOOR, mul_div
from bot4.domain.venue_reasons import BAD_ORDER, CLOCK_AHEAD, OUTSIDE_WINDOW, REPLAYED_NONCE, TABLE_FULL
from bot4.kernel import i8, kernel, record
from bot4.simulator.rules.bounds import check_between

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
PARTS_PER_BILLION = 1_000_000_000
MOST_NONCES = 1024

TAKEN = 0

NO_NONCE = 0
UNIQUE = 1
RISING = 2


class NonceMode(IntEnum):
    """What a venue asks of a nonce."""

    NONE = NO_NONCE  # nothing
    UNIQUE = UNIQUE  # not used within the life of its request
    RISING = RISING  # above every one before


REQUEST_WINDOW = np.dtype(
    [
        ("default_window_ns", "i8"),
        ("longest_window_ns", "i8"),
        ("ahead_ns", "i8"),
        ("clock_offset_ns", "i8"),
        ("clock_drift_ppb", "i8"),
        ("clock_start_ns", "i8"),
        ("nonce_mode", "i8"),
        ("last_nonce", "i8"),
        ("n_nonces", "i8"),
        ("nonces", "i8", (MOST_NONCES,)),
        ("nonce_until_ns", "i8", (MOST_NONCES,)),  # venue time from which its request is too old anyway
    ],
    align=True,
)

_WHERE = "request window"


@dataclass(frozen=True, slots=True)
class RequestSettings:
    """When a venue takes a signed request.

    Attributes:
        default_window_ns: receive window of a request that names none, 1 ms to 1 h; 0: timestamps are not looked at.
        longest_window_ns: the most that a request may name, 1 ms to 1 h.
        ahead_ns: how far a timestamp may be ahead of the venue's clock, 0 to 1 h.
        clock_offset_ns: venue's clock less true time at the start, -1 h to 1 h.
        clock_drift_ppb: what it gains, in ns per s, -1e6 to 1e6.
        nonces: what is asked of a nonce.
    """

    default_window_ns: int = 5 * SECOND_NS
    longest_window_ns: int = 60 * SECOND_NS
    ahead_ns: int = SECOND_NS
    clock_offset_ns: int = 0
    clock_drift_ppb: int = 0
    nonces: NonceMode = NonceMode.NONE

    def __post_init__(self) -> None:
        if self.default_window_ns != 0:
            check_between(_WHERE, "default_window_ns", self.default_window_ns, MILLISECOND_NS, HOUR_NS, "ns")
        check_between(_WHERE, "longest_window_ns", self.longest_window_ns, MILLISECOND_NS, HOUR_NS, "ns")
        check_between(_WHERE, "ahead_ns", self.ahead_ns, 0, HOUR_NS, "ns")
        check_between(_WHERE, "clock_offset_ns", self.clock_offset_ns, -HOUR_NS, HOUR_NS, "ns")
        check_between(_WHERE, "clock_drift_ppb", self.clock_drift_ppb, -(10**6), 10**6, "ns per s")


def pack_request_window(settings: RequestSettings, start_ns: int = 0) -> npt.NDArray[np.void]:
    """The window as an array of one :data:`REQUEST_WINDOW` record; the clock drifts from ``start_ns`` on."""
    packed = np.zeros(1, dtype=REQUEST_WINDOW)
    row = packed[0]
    for name in ("default_window_ns", "longest_window_ns", "ahead_ns", "clock_offset_ns", "clock_drift_ppb"):
        row[name] = getattr(settings, name)
    row["clock_start_ns"] = start_ns
    row["nonce_mode"] = settings.nonces
    return packed


@kernel(i8(record(REQUEST_WINDOW), i8))
def venue_clock_ns(window: Any, now_ns: int) -> int:
    """What the venue's clock shows at a true time: ``now + offset + floor((now - start) * drift)``."""
    gained = mul_div(now_ns - window["clock_start_ns"], window["clock_drift_ppb"], PARTS_PER_BILLION, FLOOR)
    return int(now_ns + window["clock_offset_ns"] + gained)


@kernel(i8(record(REQUEST_WINDOW), i8, i8, i8))
def why_not_stamped(window: Any, clock_ns: int, stamped_ns: int, receive_window_ns: int) -> int:
    """Why a timestamp is refused, or 0.

    Formula: ``stamped <= clock + ahead`` else ``CLOCK_AHEAD``; ``clock - stamped <= receive window`` else
    ``OUTSIDE_WINDOW``, as is a receive window that is negative or longer than the venue allows.

    Args:
        window: of the venue.
        clock_ns: the venue's clock (:func:`venue_clock_ns`).
        stamped_ns: by the client's clock.
        receive_window_ns: 0 takes the venue's default.
    """
    if window["default_window_ns"] == 0:
        return TAKEN
    allowed = window["default_window_ns"] if receive_window_ns == 0 else receive_window_ns
    if allowed < 0 or allowed > window["longest_window_ns"]:
        return OUTSIDE_WINDOW
    if stamped_ns > clock_ns + window["ahead_ns"]:
        return CLOCK_AHEAD
    if clock_ns - stamped_ns > allowed:
        return OUTSIDE_WINDOW
    return TAKEN


@kernel(i8(record(REQUEST_WINDOW), i8, i8, i8))
def why_not_nonce(window: Any, nonce: int, clock_ns: int, until_ns: int) -> int:
    """Why a nonce is refused, or 0, and then it is remembered until the venue's clock passes ``until_ns``.

    Returns:
        0; ``BAD_ORDER`` for a nonce that is not above zero; ``REPLAYED_NONCE`` for one that was used or, at a venue
        of rising nonces, does not rise; ``TABLE_FULL`` where no remembered one may be forgotten yet.
    """
    if window["nonce_mode"] == NO_NONCE:
        return TAKEN
    if nonce <= 0:
        return BAD_ORDER
    if window["nonce_mode"] == RISING:
        if nonce <= window["last_nonce"]:
            return REPLAYED_NONCE
        window["last_nonce"] = nonce
        return TAKEN
    kept, is_replayed = 0, False
    for at in range(window["n_nonces"]):
        if clock_ns <= window["nonce_until_ns"][at]:
            is_replayed = is_replayed or window["nonces"][at] == nonce
            window["nonces"][kept] = window["nonces"][at]
            window["nonce_until_ns"][kept] = window["nonce_until_ns"][at]
            kept += 1
    window["n_nonces"] = kept
    if is_replayed:
        return REPLAYED_NONCE
    if kept == MOST_NONCES:
        return TABLE_FULL
    window["nonces"][kept] = nonce
    window["nonce_until_ns"][kept] = until_ns
    window["n_nonces"] = kept + 1
    return TAKEN


@kernel(i8(record(REQUEST_WINDOW), i8, i8, i8, i8))
def why_not_requested(window: Any, now_ns: int, stamped_ns: int, receive_window_ns: int, nonce: int) -> int:
    """Why a request that arrives at a true time is refused, or 0: its timestamp first, then its nonce.

    A nonce is remembered until its timestamp is older than the longest window, so that it cannot be replayed with
    another receive window; where timestamps are not looked at, for that window from its arrival.

    Returns:
        A :class:`~bot4.domain.venue_reasons.VenueReason`, or 0.
    """
    clock_ns = venue_clock_ns(window, now_ns)
    reason = why_not_stamped(window, clock_ns, stamped_ns, receive_window_ns)
    if reason != TAKEN:
        return int(reason)
    born_ns = clock_ns if window["default_window_ns"] == 0 else stamped_ns
    return int(why_not_nonce(window, nonce, clock_ns, born_ns + window["longest_window_ns"]))
