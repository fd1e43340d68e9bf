"""HTML built from elements, so that text is escaped unless it is known to be markup."""

from __future__ import annotations

import html
from collections.abc import Iterable


class Html(str):
    """Text that is already markup."""

    __slots__ = ()


VOID_ELEMENTS = frozenset({"br", "hr", "link", "meta"})


def element(name: str, /, *children: str | Iterable[str], **attributes: str | float | bool | None) -> Html:
    """One element. Children are escaped unless they are :class:`Html`; iterables of children are flattened.

    Attribute names lose a trailing underscore and turn inner ones to hyphens (``class_``, ``aria_label``). True
    writes the bare name; None and False leave the attribute out.
    """
    written = []
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            written.append(f" {attribute}")
        elif value is not None and value is not False:
            written.append(f' {attribute}="{html.escape(str(value))}"')
    start = f"<{name}{''.join(written)}>"
    return Html(start if name in VOID_ELEMENTS else f"{start}{join(*children)}</{name}>")


def join(*children: str | Iterable[str]) -> Html:
    """Children one after the other, escaped unless they are :class:`Html`."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(html.escape(child))
        else:
            parts.append(join(*child))
    return Html("".join(parts))
