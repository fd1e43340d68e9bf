"""Where settings come from: a TOML file, the environment, the command line; each value with its source."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import platformdirs

from bot4.domain.errors import SettingError, StorageError

Key: TypeAlias = tuple[str, ...]

ENVIRONMENT_PREFIX = "BOT4_SET__"
WORKING_FILE = "bot4.toml"
_TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)


@dataclass(frozen=True, slots=True)
class Given:
    """One value that somebody gave: its key, and its source such as ``bot4.toml:12`` or ``--set``."""

    key: Key
    value: Any
    source: str


def config_file(named: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The settings file in use: the one named, ``$BOT4_CONFIG``, ``./bot4.toml``, or the user's own; or None."""
    if named is not None:
        return named
    if environment.get("BOT4_CONFIG"):
        return Path(environment["BOT4_CONFIG"])
    own = Path(platformdirs.user_config_dir("bot4")) / WORKING_FILE
    return next((path for path in (Path(WORKING_FILE), own) if path.is_file()), None)


def from_file(path: Path) -> list[Given]:
    """The values of a TOML file; numbers with a point are exact decimals.

    Raises:
        SettingError: it is no TOML.
        StorageError: it cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise StorageError(
            f"the settings file cannot be read ({error.strerror})",
            where=str(path),
            remedy="check --config and $BOT4_CONFIG",
        ) from error
    except UnicodeDecodeError as error:
        raise SettingError("it is not UTF-8 text", where=str(path), remedy="save it as UTF-8") from error
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError) as error:
        raise SettingError(f"it is no TOML: {error}", where=str(path), remedy="correct that line") from error
    lines = _lines_of(text)
    return [Given(key, value, _file_source(path, key, lines)) for key, value in _leaves(content)]


def from_environment(environment: Mapping[str, str]) -> list[Given]:
    """The values of variables such as ``BOT4_SET__RISK__DRAWDOWN_STOP``, and the folder of ``BOT4_DATA_DIR``."""
    given = []
    if environment.get("BOT4_DATA_DIR"):
        given.append(Given(("data", "folder"), environment["BOT4_DATA_DIR"], "$BOT4_DATA_DIR"))
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX):
            parts = name.removeprefix(ENVIRONMENT_PREFIX).split("__")
            key = tuple(
                part.upper() if parts[0].lower() == "instruments" and at == 1 else part.lower()
                for at, part in enumerate(parts)
            )
            given += _spread(key, _value(environment[name]), f"${name}")
    return given


def from_assignments(assignments: Sequence[str]) -> list[Given]:
    """The values of ``--set key=value``, a later one of a key over an earlier one.

    Raises:
        SettingError: one without ``=`` or without a key.
    """
    given = []
    for text in assignments:
        name, equals, value = text.partition("=")
        key = tuple(part.strip() for part in name.split("."))
        if not equals or not all(key):
            raise SettingError(
                f"{text!r} is no assignment", where="--set", remedy="write key=value, such as risk.drawdown_stop=0.1"
            )
        given += _spread(key, _value(value.strip()), f"--set {name.strip()}")
    return given


def merged(given: Sequence[Given]) -> tuple[dict[str, Any], dict[Key, Given]]:
    """Later over earlier: the values as nested tables, and who gave each.

    Raises:
        SettingError: a key is a value in one place and a table in another.
    """
    winners: dict[Key, Given] = {}
    for item in given:
        for other in winners.values():
            shorter = min(len(item.key), len(other.key))
            if len(item.key) != len(other.key) and item.key[:shorter] == other.key[:shorter]:
                name = ".".join(item.key[:shorter])
                raise SettingError(
                    f"{name} is a value here and a table in {other.source}", where=item.source, remedy="give it one way"
                )
        winners[item.key] = item
    nested: dict[str, Any] = {}
    for key, item in winners.items():
        table = nested
        for part in key[:-1]:
            table = table.setdefault(part, {})
        table[key[-1]] = item.value
    return nested, winners


def _value(text: str) -> Any:
    """A value as TOML would read it, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except (tomllib.TOMLDecodeError, ArithmeticError):
        return text


def _spread(key: Key, value: Any, source: str) -> list[Given]:
    if isinstance(value, dict):
        return [Given(key + rest, leaf, source) for rest, leaf in _leaves(value)]
    return [Given(key, value, source)]


def _leaves(table: Mapping[str, Any], prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*prefix, name))
        elif not isinstance(value, dict):
            yield (*prefix, name), value


def _file_source(path: Path, key: Key, lines: Mapping[Key, int]) -> str:
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return f"{path}:{lines[key[:length]]}"
    return str(path)


def _lines_of(text: str) -> dict[Key, int]:
    """The line of each table and key, as far as a scan by line sees them (not inside inline tables)."""
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            found.setdefault(table + _parts(assignment[1]), number)
    return found


def _parts(dotted: str) -> Key:
    return tuple(
        part.strip().strip("\"'") for part in re.findall(r"""[^."']+|"[^"]*"|'[^']*'""", dotted) if part.strip()
    )
