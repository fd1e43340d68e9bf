"""Settings: where each value comes from, what is refused and with which words, and that the documents list them all."""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path

import pytest

from bot4.app.cli.main import BROKEN_PIPE, COMMANDS, INTERRUPTED, UNEXPECTED
from bot4.app.diagnosis import VARIABLES
from bot4.app.settings import AppSettings, InstrumentSettings, bounds_of, load_settings, unit_of
from bot4.domain import errors
from bot4.domain.errors import Bot4Error, SettingError, StorageError
from bot4.engine.settings import RunSettings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(autouse=True)
def _no_file_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


def refused(assignments=(), environment=None, config=None) -> SettingError:
    with pytest.raises(SettingError) as caught:
        load_settings(config, assignments, environment)
    assert "\n" not in str(caught.value)
    assert caught.value.where
    assert caught.value.remedy
    return caught.value


def test_without_any_source_everything_is_at_its_default():
    loaded = load_settings()
    assert loaded.settings.run == RunSettings.model_validate({})
    assert {row.source for row in loaded.rows()} == {"default"}


def test_later_sources_win_over_earlier_ones(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("capital = 1\nslippage_bps = 1\norder_latency_ms = 1\n")
    environment = {"BOT4_SET__SLIPPAGE_BPS": "2", "BOT4_SET__ORDER_LATENCY_MS": "2"}
    loaded = load_settings(file, ("order_latency_ms=3", "order_latency_ms=4"), environment)
    run = loaded.settings.run
    assert (run.capital, run.slippage_bps, run.order_latency_ms) == (1, 2, 4)
    sources = {row.key: row.source for row in loaded.rows()}
    assert sources["capital"] == f"{file}:1"
    assert sources["slippage_bps"] == "$BOT4_SET__SLIPPAGE_BPS"
    assert sources["order_latency_ms"] == "--set order_latency_ms"


def test_the_file_named_wins_over_the_variable_and_that_over_the_working_folder(tmp_path):
    for name, capital in (("bot4.toml", 1), ("variable.toml", 2), ("named.toml", 3)):
        (tmp_path / name).write_text(f"capital = {capital}")
    environment = {"BOT4_CONFIG": str(tmp_path / "variable.toml")}
    assert load_settings().settings.capital == 1
    assert load_settings(environment=environment).settings.capital == 2
    assert load_settings(tmp_path / "named.toml", environment=environment).settings.capital == 3


@pytest.mark.parametrize("text", ["10000.1", '"10000.1"'])
def test_money_is_exact_from_file_to_setting(tmp_path, text):
    (tmp_path / "bot4.toml").write_text(f"capital = {text}\n")
    assert load_settings().settings.capital == Decimal("10000.1")
    assert load_settings(None, [f"capital={text}"]).settings.capital == Decimal("10000.1")


def test_instruments_and_parameters_of_strategies_are_set_by_name():
    loaded = load_settings(
        None,
        ("instruments.BTCUSDT.taker_fee=0.00075", "strategy.ema_cross.fast=7"),
        {"BOT4_SET__INSTRUMENTS__ETHUSDT__TICK_SIZE": "0.05", "BOT4_DATA_DIR": "/somewhere"},
    )
    assert loaded.settings.instrument_overrides == {
        "BTCUSDT": {"taker_fee": Decimal("0.00075")},
        "ETHUSDT": {"tick_size": Decimal("0.05")},
    }
    assert loaded.strategies(["ema_cross"])[0].resolved().values["fast"] == 7
    assert loaded.settings.data_folder == Path("/somewhere")
    rows = {row.key: row for row in loaded.rows()}
    assert rows["strategy.ema_cross.fast"].bounds == "1 to 500"
    assert rows["instruments.BTCUSDT.taker_fee"].source == "--set instruments.BTCUSDT.taker_fee"


def test_a_table_given_as_one_value_is_spread_over_its_fields():
    loaded = load_settings(None, ["risk={drawdown_stop=0.1, heat_limit=0.2}"])
    assert (loaded.settings.risk.drawdown_stop, loaded.settings.risk.heat_limit) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("assignment", "what", "remedy"),
    [
        ("risk.drawdown_stop=0.9", "risk.drawdown_stop = 0.9 is out of bounds", "from 0.01 to 0.5"),
        ("risk.drawdown_stop=high", "'high' is not a number", "from 0.01 to 0.5"),
        ("risk.drawdown_stop=nan", "is not a number", "from 0.01 to 0.5"),
        ("risk.warm_up_risk_bars=2.5", "is not a whole number", "a whole number from 2 to 10000 (bars)"),
        ("capital=0", "capital = 0 is out of bounds", "above 0 to 1,000,000,000"),
        ("timeframes=12", "timeframes", "a list such as [1, 3, 12]"),
        ("timeframes=[1,2,3,4,5,6,7]", "timeframes", "a list such as [1, 3, 12]"),
        ("timeframes=[1,12,3]", "timeframes rise from 1", "change"),
        ("timeframes=[2,4]", "timeframes rise from 1", "change"),
        ("technical.timeframe_weights=[1,2]", "out of bounds", "a list of numbers (weights)"),
        ("technical.timeframe_weights=[0.5,0.5]", "holds 2, but there are 3 timeframes", "change"),
        ("technical.threshold=1.5", "technical.threshold = 1.5 is out of bounds", "from 0 to 1 (score)"),
        ("technical.obv_span=1", "out of bounds", "a whole number from 2 to 500 (bars)"),
        ("paper.interval=month", "paper.interval = 'month'", "give text"),
        ("instruments.BTCUSDT.taker_fee=2", "is out of bounds", "-0.01 to 0.1"),
        ("instruments.BTCUSDT.is_perpetual=perhaps", "is neither true nor false", "true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_bounds(assignment, what, remedy):
    error = refused([assignment])
    assert what in error.what
    assert remedy in error.remedy
    assert error.where.startswith("--set ")


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("risk.drawdwn_stop", "risk.drawdown_stop"),
        ("drawdown_stop", "risk.drawdown_stop"),
        ("capitl", "capital"),
        ("rsk.heat_limit", "risk"),
        ("decision.min_edge", "decision.min_edge_r"),
        ("instruments.BTCUSDT.lotsize", "instruments.BTCUSDT.lot_size"),
        ("strategy.ema_crss.fast", "ema_cross"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_known_one(key, near):
    assert refused([f"{key}=1"]).remedy == f"did you mean {near}?"


@pytest.mark.parametrize(
    "assignment", ["capital", "=3", ".capital=3", "risk=3", "capital.x=3", "instruments.BTCUSDT=3"]
)
def test_what_is_no_assignment_of_a_setting_is_refused(assignment):
    refused([assignment])


def test_a_fault_in_the_file_is_named_by_line(tmp_path):
    file = tmp_path / "bot4.toml"
    file.write_text("capital = 5000\n\n[risk]  # limits\nheat_limit = 0.2\n  drawdown_stop = 3\n")
    assert refused().where == "bot4.toml:5"
    file.write_text('capital = 5000\nrisk = { "drawdwn_stop" = 0.1 }\n')
    assert refused().where == "bot4.toml:2"
    file.write_text("capital = \n")
    assert "line 1" in refused().what


def test_settings_that_do_not_fit_together_name_all_who_gave_them():
    error = refused(["risk.garch_beta=0.95"], {"BOT4_SET__RISK__GARCH_ALPHA": "0.2"})
    assert error.where == "$BOT4_SET__RISK__GARCH_ALPHA, --set risk.garch_beta"
    assert "must stay below 0.999" in error.what


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(StorageError, match=r"none\.toml: the settings file cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_settings_cannot_be_changed_once_made():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().settings.capital = Decimal(1)


# --- the documents ------------------------------------------------------------------------------------------------


def documented(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.mark.parametrize("row", load_settings(Path("/dev/null")).rows(), ids=lambda row: row.key)
def test_every_setting_is_in_the_configuration_document_with_its_default_and_bounds(row):
    from bot4.app.cli.config import shown

    line = f"| `{row.key}` | {shown(row.value)} | {row.bounds} | {row.unit} | {row.description} |"
    assert line in documented("configuration.md"), f"docs/configuration.md lacks or misstates: {line}"


def test_every_field_of_an_instrument_is_in_the_configuration_document():
    text = documented("configuration.md")
    for name, field in InstrumentSettings.model_fields.items():
        assert f"| `{name}` | {bounds_of(field)} | {unit_of(field)} | {field.description} |" in text


def test_the_configuration_document_names_no_setting_that_does_not_exist():
    known = {row.key for row in load_settings(Path("/dev/null")).rows()} | set(InstrumentSettings.model_fields)
    assert set(re.findall(r"^\| `([a-z0-9_.]+)` \|", documented("configuration.md"), re.MULTILINE)) == known


def test_every_error_class_is_in_the_error_document_with_its_exit_code():
    text = documented("errors.md")
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Bot4Error)]
    for error in classes:
        assert f"`{error.__name__}`" in text
        if "exit_code" in vars(error) and error is not Bot4Error:
            assert f"| {error.exit_code} | `{error.__name__}` |" in text
    for code in (0, 1, UNEXPECTED, INTERRUPTED, BROKEN_PIPE):
        assert f"| {code} | " in text


def test_every_command_and_every_variable_is_in_the_command_document():
    text = documented("cli.md")
    for name in COMMANDS:
        assert f"`bot4 {name}" in text, name
    for variable in (*VARIABLES, "BOT4_SET__"):
        assert f"`{variable}" in text, variable


def test_every_top_level_table_has_its_model():
    assert set(AppSettings.model_fields) >= set(RunSettings.model_fields) | {"instruments", "strategy", "paper", "data"}
