"""Indicators as a user writes them: ``rsi``, ``sma:period=50``, ``macd:fast=5,slow=35``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot4.domain.errors import UsageError
from bot4.quant.indicators.registry import ResolvedIndicator, resolve


def indicator_request(text: str) -> ResolvedIndicator:
    """The indicator that a text names, with its parameters settled.

    Raises:
        UsageError: the text has another form.
        SettingError: unknown indicator or parameter, or a value out of its bounds.
    """
    name, _, assignments = text.partition(":")
    params: dict[str, Any] = {}
    for assignment in filter(None, assignments.split(",")):
        key, is_given, value = assignment.partition("=")
        if not is_given or not key:
            raise UsageError(f"{assignment!r} sets nothing", where=text, remedy=f"write {name}:period=20,other=3")
        params[key] = _number(value, text)
    return resolve(name, **params)


def indicator_requests(texts: Sequence[str]) -> list[ResolvedIndicator]:
    """Several of them, each once."""
    return list({member.label: member for member in map(indicator_request, texts)}.values())


def _number(text: str, where: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a number", where=where, remedy="decimals take a point") from None
