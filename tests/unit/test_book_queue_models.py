"""Queue models against plain Python, and calibration against data whose model is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot4.domain.errors import DataError, SettingError
from bot4.simulator.book.queue_models import (
    LOGARITHMIC,
    PESSIMISTIC,
    POWER,
    PROPORTIONAL,
    QueueModel,
    QueueSettings,
    ahead_after_change,
    ahead_after_trade,
    calibrate,
    calibrate_on_lives,
    filled_lots,
    share_ahead,
)

MODELS = [(PESSIMISTIC, 1.0), (PROPORTIONAL, 1.0), (POWER, 0.5), (POWER, 3.0), (LOGARITHMIC, 1.0)]


def plain_share(model: int, n: float, a: float, b: float) -> float:
    if a <= 0:
        return 0.0
    if b <= 0:
        return 1.0
    if model == PROPORTIONAL:
        return a / (a + b)
    if model == POWER:
        return 1.0 / (1.0 + min(b / a, 1e15) ** n)
    if model == LOGARITHMIC:
        return math.log1p(a) / (math.log1p(a) + math.log1p(b))
    return 0.0


class PlainQueue:
    """Where an order is, told lot by lot: cancelled lots that find no room behind come from ahead."""

    def __init__(self, model: int, parameter: float, standing: int) -> None:
        self.model, self.parameter, self.ahead = model, parameter, float(standing)

    def trade(self, lots: int) -> None:
        self.ahead -= lots

    def change(self, traded: int, before: int, after: int) -> None:
        cancelled = before - after - traded
        if cancelled > 0 and self.ahead > 0 and self.model != PESSIMISTIC:
            behind = before - self.ahead
            p = plain_share(self.model, self.parameter, self.ahead, behind)
            from_behind = min((1 - p) * cancelled, max(behind, 0.0))
            self.ahead -= cancelled - from_behind
        self.ahead = min(self.ahead, after)


@pytest.mark.parametrize(("model", "parameter"), MODELS)
@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 1500)), max_size=20),
)
def test_the_place_in_the_queue_is_the_plain_ones(model: int, parameter: float, standing: int, steps: list) -> None:
    plain, ahead, total = PlainQueue(model, parameter, standing), float(standing), standing
    for traded, after in steps:
        plain.trade(traded)
        plain.change(traded, total, after)
        ahead = ahead_after_change(model, parameter, ahead_after_trade(ahead, traded), traded, total, after)
        total = after
        assert ahead == pytest.approx(plain.ahead, rel=1e-12, abs=1e-9)
        assert ahead <= total


@pytest.mark.parametrize(("model", "parameter"), MODELS)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_the_share_that_stood_ahead_is_a_probability(model: int, parameter: float, a: float, b: float) -> None:
    share = share_ahead(model, parameter, a, b)
    assert 0.0 <= share <= 1.0
    assert share == pytest.approx(plain_share(model, parameter, a, b), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("model", "parameter"), MODELS)
def test_no_model_moves_back_when_the_level_grows(model: int, parameter: float) -> None:
    assert ahead_after_change(model, parameter, 40.0, 0, 100, 500) == 40.0


def test_the_pessimistic_order_moves_by_trades_alone_until_the_level_is_smaller_than_its_queue() -> None:
    assert ahead_after_change(PESSIMISTIC, 1.0, 40.0, 0, 100, 41) == 40.0
    assert ahead_after_change(PESSIMISTIC, 1.0, 40.0, 0, 100, 30) == 30.0
    assert ahead_after_trade(40.0, 15) == 25.0


def test_a_fall_that_trades_explain_is_not_counted_twice() -> None:
    ahead = ahead_after_trade(50.0, 20)
    assert ahead_after_change(PROPORTIONAL, 1.0, ahead, 20, 100, 80) == 30.0


@given(st.integers(0, 50), st.integers(1, 30), st.lists(st.integers(1, 20), max_size=15))
def test_partial_fills_give_what_traded_beyond_the_queue_and_never_more_than_is_open(
    standing: int, ordered: int, trades: list
) -> None:
    ahead, open_lots = float(standing), ordered
    for lots in trades:
        ahead = ahead_after_trade(ahead, lots)
        filled = filled_lots(ahead, open_lots)
        ahead += filled
        open_lots -= filled
    assert ordered - open_lots == min(ordered, max(0, sum(trades) - standing))


def test_parts_of_lots_are_rounded_to_the_nearest_and_the_rest_is_carried() -> None:
    assert filled_lots(-0.4, 5) == 0
    assert filled_lots(-0.6, 5) == 1
    assert filled_lots(-2.4, 5) == 2
    assert filled_lots(-2.9, 1) == 1


def drawn_cancellations(power: float, n: int, seed: int) -> tuple:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(1, 500, n).astype(float), rng.integers(1, 500, n).astype(float)
    p = a**power / (a**power + b**power)
    return a, b, (rng.random(n) < p).astype(float), np.ones(n)


@pytest.mark.parametrize("power", [0.4, 1.7, 3.0])
def test_calibration_finds_the_power_that_drew_the_cancellations(power: float) -> None:
    fit = calibrate(*drawn_cancellations(power, 40_000, seed=3))
    assert fit.settings.model == POWER
    assert fit.settings.parameter == pytest.approx(power, rel=0.05)
    assert fit.losses[QueueModel.PESSIMISTIC] == math.inf


def test_calibration_prefers_the_model_without_a_parameter_where_that_is_as_good() -> None:
    fit = calibrate(*drawn_cancellations(1.0, 20_000, seed=4))
    assert fit.settings == QueueSettings(QueueModel.PROPORTIONAL)
    assert fit.power == pytest.approx(1.0, abs=0.05)


def test_calibration_chooses_the_pessimistic_model_where_nobody_ahead_cancels() -> None:
    a, b, _ahead, c = drawn_cancellations(1.0, 500, seed=4)
    assert calibrate(a, b, np.zeros(500), c).settings.model == PESSIMISTIC


def test_the_fitted_power_is_where_the_likelihood_has_no_slope() -> None:
    a, b, c_a, c = drawn_cancellations(0.7, 5000, seed=9)
    n = calibrate(a, b, c_a, c).power
    slope = sum((x - 1 / (1 + (bb / aa) ** n)) * math.log(aa / bb) for aa, bb, x in zip(a, b, c_a, strict=True))
    assert abs(slope) < 0.1


@pytest.mark.parametrize(("model", "power"), [(POWER, 2.5), (LOGARITHMIC, 1.0), (PESSIMISTIC, 1.0)])
def test_calibration_on_lives_finds_the_model_that_the_orders_lived_by(model: int, power: float) -> None:
    rng = np.random.default_rng(7)
    starts, ends, rows, firsts = [], [], [], [0]
    for _ in range(300):
        total = int(rng.integers(50, 400))
        plain = PlainQueue(model, power, total)
        starts.append(float(total))
        for _ in range(int(rng.integers(3, 25))):
            traded = int(rng.integers(0, 4))
            after = max(total - traded + int(rng.integers(-40, 35)), 0)
            plain.trade(traded)
            plain.change(traded, total, after)
            rows.append((total, after, traded))
            total = after
        ends.append(max(plain.ahead, 0.0))
        firsts.append(len(rows))
    fit = calibrate_on_lives(np.array(starts), np.array(rows), np.array(firsts), np.array(ends))
    assert fit.settings.model == model
    assert fit.losses[QueueModel(model)] == pytest.approx(0.0, abs=1e-6)
    if model == POWER:
        assert fit.settings.parameter == pytest.approx(power, rel=1e-3)


@pytest.mark.parametrize(
    "columns",
    [
        ([1.0], [1.0], [2.0], [1.0]),
        ([1.0], [1.0], [0.0], [0.0]),
        ([1.0], [1.0, 2.0], [0.0], [1.0]),
        ([math.nan], [1.0], [0.0], [1.0]),
        ([0.0], [1.0], [0.0], [1.0]),
        ([], [], [], []),
    ],
)
def test_observations_that_make_no_sense_are_refused(columns: tuple) -> None:
    with pytest.raises(DataError):
        calibrate(*(np.array(column, dtype=float) for column in columns))


def test_lives_that_do_not_fit_their_rows_are_refused() -> None:
    one = np.array([1.0])
    with pytest.raises(DataError):
        calibrate_on_lives(one, np.array([[1, 1, 0]]), np.array([0, 2]), one)


@pytest.mark.parametrize("power", [0.0, 0.01, 21.0, math.nan])
def test_a_power_out_of_bounds_is_refused(power: float) -> None:
    with pytest.raises(SettingError):
        QueueSettings(QueueModel.POWER, power)
