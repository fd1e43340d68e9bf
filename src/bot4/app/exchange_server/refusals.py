"""Binance's error codes, messages and HTTP statuses, and which of them says what the simulated exchange refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bot4.domain import venue_reasons as reasons


class Refusal(Exception):
    """A request that is answered by an error: its HTTP status, Binance's code and message, headers to add."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.data = data
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        return body if self.data is None else body | {"data": dict(self.data)}


class Wording(NamedTuple):
    """What Binance says for one of our reasons."""

    code: int
    message: str


FILTERS = {
    reasons.BELOW_MIN_LOTS: "LOT_SIZE",
    reasons.ABOVE_MAX_LOTS: "LOT_SIZE",
    reasons.OFF_LOT: "LOT_SIZE",
    reasons.BAD_QUANTITY: "LOT_SIZE",
    reasons.TOO_LARGE: "LOT_SIZE",
    reasons.BAD_PRICE: "PRICE_FILTER",
    reasons.OFF_TICK: "PRICE_FILTER",
    reasons.BELOW_MIN_NOTIONAL: "NOTIONAL",
    reasons.ABOVE_MAX_NOTIONAL: "NOTIONAL",
    reasons.PERCENT_PRICE: "PERCENT_PRICE_BY_SIDE",
    reasons.TOO_MANY_ORDERS: "MAX_NUM_ORDERS",
    reasons.TOO_MANY_STOPS: "MAX_NUM_ALGO_ORDERS",
    reasons.POSITION_LIMIT: "MAX_POSITION",
    reasons.TOO_MANY_ICEBERG_PARTS: "ICEBERG_PARTS",
}
_INSUFFICIENT = Wording(-2010, "Account has insufficient balance for requested action.")
_OF_SPOT = {
    reasons.WOULD_TAKE: Wording(-2010, "Order would immediately match and take."),
    reasons.WOULD_TRIGGER: Wording(-2010, "Stop price would trigger immediately."),
    reasons.NO_BALANCE: _INSUFFICIENT,
    reasons.BEYOND_HOLDINGS: _INSUFFICIENT,
    reasons.NO_MARGIN: _INSUFFICIENT,
    reasons.DUPLICATE_ORDER: Wording(-2010, "Duplicate order sent."),
    reasons.TABLE_FULL: Wording(-2010, "This account has too many open orders on this symbol."),
    reasons.NO_PARENT: Wording(-2010, "The working order of the list is not open."),
    reasons.NOTHING_TO_REDUCE: Wording(-2010, "There is no position to reduce."),
    reasons.NO_LIQUIDITY: Wording(-2010, "Order book liquidity is less than quantity required."),
    reasons.SELF_TRADE: Wording(-2010, "Order would trade with itself."),
    reasons.UNSUPPORTED: Wording(-2010, "This action is disabled on this account."),
    reasons.BAD_ORDER: Wording(-1106, "Unsupported order combination."),
    reasons.MAINTENANCE: Wording(-1016, "This service is no longer available."),
    reasons.RATE_LIMITED: Wording(-1015, "Too many new orders."),
    reasons.OUTSIDE_WINDOW: Wording(-1021, "Timestamp for this request is outside of the recvWindow."),
    reasons.CLOCK_AHEAD: Wording(-1021, "Timestamp for this request was 1000ms ahead of the server's time."),
}
_OF_FUTURES = {
    reasons.WOULD_TAKE: Wording(
        -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."
    ),
    reasons.WOULD_TRIGGER: Wording(-2021, "Order would immediately trigger."),
    reasons.NO_BALANCE: Wording(-2019, "Margin is insufficient."),
    reasons.NO_MARGIN: Wording(-2019, "Margin is insufficient."),
    reasons.NOTHING_TO_REDUCE: Wording(-2022, "ReduceOnly Order is rejected."),
    reasons.DUPLICATE_ORDER: Wording(-4116, "ClientOrderId is duplicated."),
    reasons.BELOW_MIN_NOTIONAL: Wording(-4164, "Order's notional must be no smaller than the minimum notional."),
    reasons.BELOW_MIN_LOTS: Wording(-4003, "Quantity less than or equal to zero."),
    reasons.BAD_QUANTITY: Wording(-4003, "Quantity less than or equal to zero."),
    reasons.ABOVE_MAX_LOTS: Wording(-4005, "Quantity greater than max quantity."),
    reasons.PERCENT_PRICE: Wording(
        -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
    ),
    reasons.POSITION_LIMIT: Wording(-2027, "Exceeded the maximum allowable position at current leverage."),
    reasons.TOO_MANY_ORDERS: Wording(-2025, "Reach max open order limit."),
    reasons.TOO_MANY_STOPS: Wording(-4045, "Reach max stop order limit."),
}


def refused_order(reason: int, *, is_futures: bool = False) -> Refusal:
    """The answer to an order that the exchange refused for a :class:`~bot4.domain.venue_reasons.VenueReason`."""
    wording = _OF_FUTURES.get(reason) if is_futures else None
    if wording is None and reason in FILTERS:
        wording = Wording(-1013, f"Filter failure: {FILTERS[reason]}")
    wording = wording or _OF_SPOT.get(reason)
    if wording is None:
        name = reasons.VenueReason(reason).name if reason in set(reasons.VenueReason) else str(reason)
        wording = Wording(-2010, f"Order was rejected: {name}.")
    return Refusal(wording.code, wording.message)


def unknown_order() -> Refusal:
    """A cancel or amendment of what is not open."""
    return Refusal(-2011, "Unknown order sent.")


def no_such_order() -> Refusal:
    """A query of what was never there, or is forgotten."""
    return Refusal(-2013, "Order does not exist.")


def bad_signature() -> Refusal:
    """The signature is not that of the request."""
    return Refusal(-1022, "Signature for this request is not valid.")


def bad_key() -> Refusal:
    """The API key is not one of ours."""
    return Refusal(-2014, "API-key format invalid.", status=401)


def wrong_key() -> Refusal:
    """An API key of the right form that nobody has."""
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def outside_window() -> Refusal:
    """The request's timestamp is too old."""
    return Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def clock_ahead() -> Refusal:
    """The request's timestamp lies in the future."""
    return Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def too_many_requests(retry_after_s: int, limit: int) -> Refusal:
    """The weight of a window is used up."""
    message = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
    return Refusal(-1003, message, 429, {"Retry-After": str(max(1, retry_after_s))})


def too_many_orders(retry_after_s: int, limit: int, window: str) -> Refusal:
    """The order count of a window is used up."""
    message = f"Too many new orders; current limit is {limit} orders per {window}."
    return Refusal(-1015, message, 429, {"Retry-After": str(max(1, retry_after_s))})


def banned(until_ms: int, retry_after_s: int) -> Refusal:
    """The address went on after refusals."""
    message = (
        f"Way too much request weight used; IP banned until {until_ms}. Please use the websocket for live updates."
    )
    return Refusal(-1003, message, 418, {"Retry-After": str(max(1, retry_after_s))})


def outcome_unknown() -> Refusal:
    """The request reached the exchange, and nobody knows what became of it."""
    message = "Unknown error, please check your request or try again later."
    return Refusal(-1006, f"{message} Execution status unknown.", 503)


def service_unavailable() -> Refusal:
    """The request did not reach the matching engine."""
    return Refusal(-1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", 503)


def in_maintenance() -> Refusal:
    """The exchange is closed for maintenance."""
    return Refusal(-1016, "This service is no longer available: system maintenance.", 503)


def timed_out() -> Refusal:
    """The backend did not answer in time; what became of the request is unknown."""
    message = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return Refusal(-1007, message, 504)


def bad_symbol() -> Refusal:
    """No such symbol."""
    return Refusal(-1121, "Invalid symbol.")


def missing(name: str) -> Refusal:
    """A mandatory parameter was not sent."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> Refusal:
    """A parameter of a form that cannot be."""
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_needed(name: str) -> Refusal:
    """A parameter that does not go with the others."""
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")
