"""The settings of the application: models with bounds, resolved from every source, each value with where it came from.

Sources in rising order: the defaults, one TOML file, the environment, ``--set``. ``docs/configuration.md`` lists all.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from bot4.app.setting_sources import Given, Key, config_file, from_assignments, from_environment, from_file, merged
from bot4.domain.errors import SettingError
from bot4.engine.plan import StrategyChoice
from bot4.engine.settings import RunSettings
from bot4.pipeline.strategies.registry import built_in, find

DEFAULT = "default"
_NEAR = 0.6


def _field(default: Any, unit: str, description: str, **bounds: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)


class InstrumentSettings(BaseModel):
    """What the table of instruments does not know of a symbol, or has otherwise. Numbers as text stay exact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = _field(None, "asset", "what is bought and sold", min_length=1)
    quote: str | None = _field(None, "asset", "what it is paid in", min_length=1)
    tick_size: Decimal | None = _field(None, "quote currency", "smallest step of a price", gt=0)
    lot_size: Decimal | None = _field(None, "base units", "smallest step of a quantity", gt=0)
    min_qty: Decimal | None = _field(None, "base units", "least quantity of an order", ge=0)
    min_notional: Decimal | None = _field(None, "quote currency", "least value of an order", ge=0)
    maker_fee: Decimal | None = _field(
        None, "fraction", "fee of a resting order", ge=Decimal("-0.01"), le=Decimal("0.1")
    )
    taker_fee: Decimal | None = _field(
        None, "fraction", "fee of an order that takes", ge=Decimal("-0.01"), le=Decimal("0.1")
    )
    is_perpetual: bool | None = _field(None, "", "whether it is a perpetual, which may be shorted")
    contract_value: Decimal | None = _field(
        None, "quote currency", "of one contract of an inverse perpetual, whose lots count contracts", gt=0
    )
    sector: str | None = _field(None, "", "group whose risk is limited together")
    venue: str | None = _field(None, "", "where it is traded")


class PaperSettings(BaseModel):
    """Paper trading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    venue: str = _field("binance", "", "exchange whose public data is traded on, by its name in ccxt", min_length=1)
    symbols: tuple[str, ...] = _field(("BTCUSDT", "ETHUSDT"), "", "what is traded", min_length=1, max_length=32)
    interval: str = _field("1m", "", "length of a bar", pattern=r"^[1-9][0-9]*[smhdw]$")
    strategies: tuple[str, ...] = _field(("hybrid",), "", "strategies by name or .py file", min_length=1, max_length=8)
    home: Path | None = _field(None, "folder", "of journals and snapshots; by default paper in the data folder")
    base_url: str = _field("", "", "gateway that stands before the venue; empty for none")
    connect_timeout_s: float = _field(
        8.0, "seconds", "how long the venue may take to answer at the start", ge=1, le=120
    )
    history_bars: int = _field(4000, "bars", "fetched before the first decision, to warm up", ge=0, le=100_000)
    seed: int = _field(1, "", "of the synthetic market", ge=0, le=2**31)


class DataSettings(BaseModel):
    """Market data on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path | None = _field(None, "folder", "of all that Bot4 keeps; by default the user's data folder")


class AppSettings(RunSettings):
    """Everything that can be set; frozen. The fields of a run stand at the top."""

    instruments: Mapping[str, InstrumentSettings] = _field({}, "", "instruments by symbol")
    strategy: Mapping[str, Mapping[str, float]] = _field({}, "", "parameters of strategies by name")
    paper: PaperSettings = Field(default_factory=PaperSettings)
    data: DataSettings = Field(default_factory=DataSettings)

    @property
    def run(self) -> RunSettings:
        """The settings of a run alone, as a journal keeps them."""
        return RunSettings(**{name: getattr(self, name) for name in RunSettings.model_fields})

    @property
    def instrument_overrides(self) -> dict[str, dict[str, Any]]:
        """Instruments as :func:`bot4.adapters.instrument_table.universe_of` takes them."""
        return {symbol: item.model_dump(exclude_none=True) for symbol, item in self.instruments.items()}

    @property
    def data_folder(self) -> Path:
        """Where everything of this user is kept."""
        from bot4.adapters.storage.catalogue import data_folder

        return self.data.folder or data_folder()

    @property
    def market_folder(self) -> Path:
        """The folder of the catalogue."""
        return self.data_folder / "market"

    @property
    def paper_home(self) -> Path:
        """The folder of paper trading."""
        return self.paper.home or self.data_folder / "paper"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One resolved setting, for people."""

    key: str
    value: Any
    unit: str
    bounds: str
    description: str
    source: str


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The resolved settings, the file in use, and who gave what."""

    settings: AppSettings
    file: Path | None
    given: Mapping[Key, Given]

    def rows(self) -> list[SettingRow]:
        """Every setting with its value and its source; of instruments and strategies, those that were given."""
        return list(self._rows(self.settings, ()))

    def strategies(self, names: Sequence[str]) -> list[StrategyChoice]:
        """The strategies as named, each with the parameters that ``[strategy.NAME]`` gives.

        Raises:
            SettingError: an unknown strategy or parameter, or a value out of its bounds, naming its source.
            DataError: a user's file holds no usable strategy.
        """
        choices = []
        for name in names:
            own = find(name).name
            parameters = self.settings.strategy.get(own, {})
            try:
                choices.append(StrategyChoice.of(name, parameters))
            except SettingError as error:
                raise self._located(error, own) from error
        return choices

    def unused_strategies(self, choices: Sequence[StrategyChoice]) -> list[str]:
        """Names under ``[strategy]`` that are neither built in nor among those chosen."""
        known = {*built_in(), *(choice.resolved().info.name for choice in choices)}
        return [name for name in self.settings.strategy if name not in known]

    def _located(self, error: SettingError, strategy: str) -> SettingError:
        sources = {item.source: key for key, item in self.given.items() if key[:2] == ("strategy", strategy)}
        culprit = next((s for s, key in sources.items() if key[2:] and key[2] in error.what), None)
        return SettingError(error.what, where=f"{culprit or 'settings'}: strategy.{strategy}", remedy=error.remedy)

    def _rows(self, model: BaseModel, prefix: Key) -> Iterator[SettingRow]:
        for name, field in type(model).model_fields.items():
            key, value = (*prefix, name), getattr(model, name)
            if isinstance(value, BaseModel):
                yield from self._rows(value, key)
            elif key == ("instruments",):
                for symbol, instrument in value.items():
                    yield from (r for r in self._rows(instrument, (*key, symbol)) if r.value is not None)
            elif key == ("strategy",):
                for strategy, parameters in value.items():
                    yield from self._parameter_rows(strategy, parameters)
            else:
                yield SettingRow(
                    ".".join(key), value, unit_of(field), bounds_of(field), field.description or "", self._source(key)
                )

    def _parameter_rows(self, strategy: str, parameters: Mapping[str, float]) -> Iterator[SettingRow]:
        info = built_in().get(strategy)
        declared = {p.name: p for p in info.parameters} if info is not None else {}
        for name, value in parameters.items():
            key, p = ("strategy", strategy, name), declared.get(name)
            bounds = f"{p.low:g} to {p.high:g}" if p is not None else ""
            yield SettingRow(
                ".".join(key), value, p.unit if p else "", bounds, p.summary if p else "", self._source(key)
            )

    def _source(self, key: Key) -> str:
        return self.given[key].source if key in self.given else DEFAULT


def load_settings(
    config: Path | None = None, assignments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> LoadedSettings:
    """Resolve the settings.

    Args:
        config: a TOML file; must exist if given.
        assignments: ``key=value`` texts.
        environment: variables, by default none.

    Raises:
        SettingError: a key that does not exist, a value of the wrong type or out of its bounds; it names key and
            source, the bounds, and for a key the nearest that exists.
        StorageError: the file cannot be read.
    """
    variables = environment or {}
    file = config_file(config, variables)
    sources = [from_file(file)] if file is not None else []
    given = [item for source in sources for item in source]
    given += [*from_environment(variables), *from_assignments(assignments)]
    for item in given:
        _require_known(item)
    nested, winners = merged(given)
    try:
        settings = AppSettings.model_validate(nested)
    except ValidationError as error:
        raise _setting_error(error, winners) from error
    loaded = LoadedSettings(settings, file, winners)
    for name in settings.strategy:
        if name in built_in():
            loaded.strategies([name])
    return loaded


def bounds_of(field: FieldInfo) -> str:
    """The bounds of a field in words, such as ``0.01 to 0.5``; empty where it has none."""
    limits = {type(m).__name__.lower(): m for m in _metadata(field)}
    values = {name: getattr(limits[name], name) for name in ("ge", "gt", "le", "lt") if name in limits}
    low = f"{_plain(values['ge'])}" if "ge" in values else f"above {_plain(values['gt'])}" if "gt" in values else ""
    high = f"{_plain(values['le'])}" if "le" in values else f"below {_plain(values['lt'])}" if "lt" in values else ""
    if low and high:
        return f"{low} to {high}"
    return (low if low.startswith("above") else f"{low} or more") if low else f"{high} or less" if high else ""


def unit_of(field: FieldInfo) -> str:
    """The unit of a field, or nothing."""
    extra = field.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _metadata(field: FieldInfo) -> list[Any]:
    found = list(field.metadata)
    for argument in get_args(field.annotation):
        found += getattr(argument, "__metadata__", ())
    return found


def _plain(value: Any) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:g}" if isinstance(value, float) else str(value)


# --- what is wrong with a setting -----------------------------------------------------------------------------------


def _require_known(item: Given) -> None:
    """Refuse a key that no model has, with the nearest one that it has."""
    model: type[BaseModel] = AppSettings
    for at, part in enumerate(item.key):
        fields = model.model_fields
        if part not in fields:
            raise SettingError(
                f"unknown setting {'.'.join(item.key)}",
                where=item.source,
                remedy=_nearest(part, item.key[:at], list(fields)),
            )
        rest = item.key[at + 1 :]
        if part in ("instruments", "strategy") and at == 0:
            _require_named(item, part, rest)
            if part == "strategy":
                return
            model = InstrumentSettings
            _require_field(item, rest[1:], model)
            return
        annotation = fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            if rest:
                raise SettingError(
                    f"{'.'.join(item.key[: at + 1])} is no table", where=item.source, remedy="give it one value"
                )
            return
        if not rest:
            raise SettingError(
                f"{part} is a table",
                where=item.source,
                remedy=f"give its fields, such as {part}.{next(iter(annotation.model_fields))}",
            )
        model = annotation


def _require_named(item: Given, table: str, rest: Key) -> None:
    if len(rest) != 2:
        example = "instruments.BTCUSDT.taker_fee" if table == "instruments" else "strategy.ema_cross.fast"
        raise SettingError(
            f"{'.'.join(item.key)} is not of the form {table}.NAME.FIELD",
            where=item.source,
            remedy=f"such as {example}",
        )
    if table == "strategy" and rest[0] not in built_in():
        near = difflib.get_close_matches(rest[0], list(built_in()), n=1, cutoff=0.75)
        if near:
            raise SettingError(f"no strategy {rest[0]!r}", where=item.source, remedy=f"did you mean {near[0]}?")


def _require_field(item: Given, rest: Key, model: type[BaseModel]) -> None:
    if rest[0] not in model.model_fields:
        raise SettingError(
            f"unknown setting {'.'.join(item.key)}",
            where=item.source,
            remedy=_nearest(rest[0], item.key[:-1], list(model.model_fields)),
        )


def _nearest(part: str, table: Key, fields: list[str]) -> str:
    near = difflib.get_close_matches(part, fields, n=1, cutoff=_NEAR)
    if near:
        return f"did you mean {'.'.join((*table, near[0]))}?"
    elsewhere = difflib.get_close_matches(part, _all_keys(), n=1, cutoff=_NEAR)
    by_last = {key.rpartition(".")[2]: key for key in _all_keys()}
    near = difflib.get_close_matches(part, list(by_last), n=1, cutoff=_NEAR)
    if elsewhere or near:
        return f"did you mean {elsewhere[0] if elsewhere else by_last[near[0]]}?"
    place = f"[{'.'.join(table)}] has" if table else "there are"
    return f"{place} {', '.join(fields)}"


def _all_keys() -> list[str]:
    return [row.key for row in LoadedSettings(AppSettings.model_validate({}), None, {}).rows()]


def _setting_error(error: ValidationError, winners: Mapping[Key, Given]) -> SettingError:
    first = error.errors()[0]
    key = tuple(str(part) for part in first["loc"])
    item = next((winners[key[:n]] for n in range(len(key), 0, -1) if key[:n] in winners), None)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "value_error":
        culprits = [i.source for k, i in winners.items() if k[: len(key)] == key]
        where = item.source if item else ", ".join(dict.fromkeys(culprits)) or "settings"
        name = f"{'.'.join(key)}: " if key else ""
        return SettingError(f"{name}{first['ctx']['error']}{more}", where=where, remedy="change one of them")
    field = _field_of(item.key if item else key)
    name = ".".join(item.key) if item else ".".join(key)
    what = f"{name} = {_shown(item.value if item else first['input'])} {_fault(first, field)}{more}"
    return SettingError(what, where=item.source if item else "settings", remedy=_remedy(first, field))


def _fault(fault: Any, field: FieldInfo | None) -> str:
    kind = str(fault["type"])
    if kind.startswith(("greater", "less", "too_short", "too_long", "string_too")):
        return "is out of bounds"
    if kind.startswith(("float", "decimal", "int_parsing", "int_type", "finite")):
        return "is not a number"
    if kind.startswith("int"):
        return "is not a whole number"
    if kind.startswith("bool"):
        return "is neither true nor false"
    message = str(fault["msg"])
    return f"does not fit ({message[:1].lower()}{message[1:]})"


def _remedy(fault: Any, field: FieldInfo | None) -> str:
    if field is None:
        return "give a number" if "float" in str(fault["type"]) else "correct it"
    bounds, unit = bounds_of(field), unit_of(field)
    annotation = str(getattr(field.annotation, "__name__", field.annotation))
    kind = {"float": "a number", "Decimal": "a number", "int": "a whole number", "str": "text", "bool": "true or false"}
    word = next((text for name, text in kind.items() if name in annotation), "a value")
    if "tuple" in annotation:
        word = f"a list such as {_shown(list(field.default))}" if field.default else "a list of numbers"
    span = f" from {bounds}" if " to " in bounds and not bounds.startswith("above") else f" {bounds}" if bounds else ""
    return f"give {word}{span}" + (f" ({unit})" if unit else "")


def _field_of(key: Key) -> FieldInfo | None:
    model: type[BaseModel] = AppSettings
    if key[:1] == ("instruments",):
        return InstrumentSettings.model_fields.get(key[-1])
    for at, part in enumerate(key):
        field = model.model_fields.get(part)
        if field is None or at == len(key) - 1:
            return field
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return field
        model = field.annotation
    return None


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else repr(value)
