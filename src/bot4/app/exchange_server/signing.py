"""Who sends a request: API keys, HMAC-SHA256 signatures, timestamps within the receive window."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

import numpy as np

from bot4.app.exchange_server.parameters import Parameters
from bot4.app.exchange_server.refusals import bad_key, bad_signature, illegal, missing, wrong_key
from bot4.domain.errors import SettingError

KEY_LETTERS = 64
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SIGNATURE = re.compile(r"(?:^|&)signature=([^&]*)")
DEFAULT_WINDOW_MS = 5_000
MOST_WINDOW_MS = 60_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """One account's key and secret; they open nothing but this simulator."""

    api_key: str
    secret: str

    def __post_init__(self) -> None:
        for name, value in (("api_key", self.api_key), ("secret", self.secret)):
            if not re.fullmatch(r"[A-Za-z0-9_-]{8,128}", value):
                raise SettingError(
                    f"the {name} is not 8 to 128 letters and digits", where="keys", remedy="leave it out to get one"
                )


def drawn_credentials(rng: np.random.Generator) -> Credentials:
    """A key and a secret from a generator, in the form that Binance gives out."""
    letters = rng.integers(0, len(_ALPHABET), size=(2, KEY_LETTERS))
    key, secret = ("".join(_ALPHABET[at] for at in row) for row in letters)
    return Credentials(key, secret)


def signature(secret: str, payload: str) -> str:
    """Hexadecimal HMAC-SHA256 of what was sent."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def require_key(credentials: Credentials, api_key: str | None) -> None:
    """Refuse a request without the account's key."""
    if not api_key:
        raise bad_key()
    if not hmac.compare_digest(api_key.encode(), credentials.api_key.encode()):
        raise wrong_key()


def require_signature(credentials: Credentials, query: str, body: str) -> None:
    """Refuse a request whose signature is not that of its query followed by its body, the signature itself left out."""
    found = _SIGNATURE.findall(query) + _SIGNATURE.findall(body)
    if not found:
        raise missing("signature")
    signed = (_SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)).lstrip("&")
    if not hmac.compare_digest(found[-1].lower().encode(), signature(credentials.secret, signed).encode()):
        raise bad_signature()


def request_times(parameters: Parameters) -> tuple[int, int]:
    """Timestamp and receive window of a signed request, milliseconds."""
    timestamp_ms = parameters.optional_integer("timestamp")
    if timestamp_ms is None:
        raise missing("timestamp")
    window_ms = parameters.optional_integer("recvWindow")
    window_ms = DEFAULT_WINDOW_MS if window_ms is None else window_ms
    if not 0 < window_ms <= MOST_WINDOW_MS:
        raise illegal("recvWindow", f"1-{MOST_WINDOW_MS}")
    return timestamp_ms, window_ms
