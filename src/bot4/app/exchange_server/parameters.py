"""The parameters of a request: read once, each by name and kind, with Binance's own complaint where one is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from bot4.app.exchange_server.refusals import Refusal, illegal, missing

_NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?|\.\d{1,20}")
_INTEGER = re.compile(r"-?\d{1,19}")
_CLIENT_ID = re.compile(r"[A-Za-z0-9-_.:/]{1,36}")


class Parameters(Mapping[str, str]):
    """What a client sent in query and body, the body's where a name stands in both."""

    def __init__(self, query: str = "", body: str = "") -> None:
        self._values = dict(parse_qsl(query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Parameters:
        """From names and values, as they stand in a message of the socket interface."""
        made = cls()
        made._values = {name: str(value) for name, value in values.items() if value is not None}
        return made

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterable[str]:  # type: ignore[override]
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str:
        """A mandatory text."""
        value = self._values.get(name, "")
        if not value:
            raise missing(name)
        return value

    def optional(self, name: str) -> str | None:
        """A text that may be absent; empty counts as absent."""
        return self._values.get(name) or None

    def one_of(self, name: str, allowed: Iterable[str], default: str | None = None) -> str:
        """A text out of a list."""
        value = self._values.get(name) or default
        if value is None:
            raise missing(name)
        if value not in tuple(allowed):
            raise Refusal(-1116 if name == "type" else -1115 if name == "timeInForce" else -1117, _invalid(name))
        return value

    def number(self, name: str) -> Decimal:
        """A mandatory non-negative decimal number."""
        value = self.optional_number(name)
        if value is None:
            raise missing(name)
        return value

    def optional_number(self, name: str) -> Decimal | None:
        """A non-negative decimal number that may be absent."""
        text = self.optional(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            raise illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$")
        return Decimal(text)

    def optional_integer(self, name: str) -> int | None:
        """An integer that may be absent."""
        text = self.optional(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            raise illegal(name, "^[0-9]{1,20}$")
        return int(text)

    def integer(self, name: str, default: int, least: int, most: int) -> int:
        """An integer cut to its bounds."""
        value = self.optional_integer(name)
        return min(max(default if value is None else value, least), most)

    def client_id(self, name: str) -> str | None:
        """An id that the client chose, or None."""
        text = self.optional(name)
        if text is not None and not _CLIENT_ID.fullmatch(text):
            raise illegal(name, "^[a-zA-Z0-9-_]{1,36}$")
        return text

    def is_true(self, name: str) -> bool:
        """Whether a flag was sent as true."""
        return self._values.get(name, "").lower() == "true"


def _invalid(name: str) -> str:
    return {"type": "Invalid orderType.", "timeInForce": "Invalid timeInForce.", "side": "Invalid side."}.get(
        name, f"Invalid {name}."
    )
