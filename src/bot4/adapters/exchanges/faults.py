"""What ccxt's errors mean to the operator, and how long to be patient with the passing ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bot4.domain.errors import Bot4Error, Retryable, UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Exponential back-off: ``first_s * factor**k``, never above ``longest_s``, at most ``attempts`` tries.

    A longer wait that the venue asks for (``Retry-After``) is granted up to ``longest_s``; beyond it the call fails
    at once, because asking again while banned prolongs the ban.
    """

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 60.0
    attempts: int = 8

    def delay_s(self, failures: int) -> float:
        """How long to wait after the given number of failures in a row (1 or more)."""
        return float(min(self.longest_s, self.first_s * self.factor ** min(failures - 1, 64)))

    def next_delay_s(self, failures: int, asked_s: float) -> float | None:
        """The wait before the next try, or None to give up."""
        if failures >= self.attempts or asked_s > self.longest_s:
            return None
        return max(self.delay_s(failures), asked_s)


PATIENT = Patience()


def as_bot4_error(error: Exception, where: str, asked_s: float = 0.0) -> Bot4Error:
    """The error of Bot4's tree for one of ccxt's (table in ``docs/venues.md``)."""
    from ccxt.base import errors

    said = _one_line(error)
    wait = f"in {asked_s:.0f} s" if asked_s else "in a minute"
    if _is_refusal(error):
        return UsageError(
            f"the venue refuses this address ({said})", where=where, remedy="choose a venue that serves your country"
        )
    if isinstance(error, (errors.DDoSProtection, errors.RateLimitExceeded)):
        return Retryable(f"the venue limits our requests ({said})", where=where, remedy=f"run it again {wait}")
    if isinstance(error, errors.OnMaintenance):
        return Retryable(f"the venue is under maintenance ({said})", where=where, remedy="try again later")
    if isinstance(error, errors.OperationFailed):
        return Retryable(
            f"the venue cannot be reached ({said})", where=where, remedy=f"check the network and run it again {wait}"
        )
    if isinstance(error, errors.NotSupported):
        return UsageError(f"the venue does not offer this ({said})", where=where, remedy="choose another venue")
    if isinstance(error, errors.BadRequest):
        return UsageError(f"the venue rejects the request ({said})", where=where, remedy="check symbol and times")
    return Retryable(f"the venue answered with an error ({said})", where=where, remedy="try again later")


def patiently(
    call: Callable[[], T], exchange: Any, *, patience: Patience, sleep: Callable[[float], object], where: str
) -> T:
    """Call until it succeeds; passing faults are waited out, everything else is raised as a Bot4 error."""
    from ccxt.base import errors

    failures = 0
    while True:
        try:
            return call()
        except errors.BaseError as error:
            failures += 1
            sleep(_wait_or_raise(error, failures, exchange, patience, where))


async def patiently_async(
    call: Callable[[], Awaitable[T]],
    exchange: Any,
    *,
    patience: Patience,
    where: str,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """:func:`patiently` for asyncio."""
    from ccxt.base import errors

    failures = 0
    while True:
        try:
            return await call()
        except errors.BaseError as error:
            failures += 1
            await sleep(_wait_or_raise(error, failures, exchange, patience, where))


def retry_after_s(exchange: Any) -> float:
    """How long the venue's last answer asked us to stay away, in seconds; 0 if it did not."""
    headers = exchange.last_response_headers or {}
    for name, value in headers.items():
        if name.lower() == "retry-after" and str(value).strip().isdigit():
            return float(value)
    return 0.0


def is_passing(error: Exception) -> bool:
    """Whether trying again may help."""
    from ccxt.base import errors

    return isinstance(error, errors.OperationFailed) and not _is_refusal(error)


def _is_refusal(error: Exception) -> bool:
    from ccxt.base import errors

    is_legal_bar = isinstance(error, errors.ExchangeNotAvailable) and " 451 " in str(error)  # ccxt: "not available"
    return is_legal_bar or isinstance(error, (errors.RestrictedLocation, errors.AuthenticationError))


def _wait_or_raise(error: Exception, failures: int, exchange: Any, patience: Patience, where: str) -> float:
    from ccxt.base import errors

    is_limited = isinstance(error, (errors.DDoSProtection, errors.RateLimitExceeded, errors.ExchangeNotAvailable))
    asked_s = retry_after_s(exchange) if is_limited else 0.0
    delay_s = patience.next_delay_s(failures, asked_s) if is_passing(error) else None
    if delay_s is None:
        raise as_bot4_error(error, where, asked_s) from error
    return delay_s


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
