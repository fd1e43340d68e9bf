import numpy as np
import pytest

from bot4.domain.bars import DAY_NS, HOUR_NS, MINUTE_NS
from bot4.domain.errors import SettingError
from bot4.quant.series.quality import Defect, check_bars
from bot4.quant.series.synthetic import (
    BLOCK_BARS,
    REGIMES,
    SyntheticMarket,
    SyntheticParameters,
    synthetic_bars,
)

COLUMNS = ("ts_open_ns", "open", "high", "low", "close", "volume")


def test_one_seed_gives_the_same_bytes_and_another_gives_others():
    first, again, other = (synthetic_bars(seed, 5000, MINUTE_NS) for seed in (7, 7, 8))
    for name in COLUMNS:
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()
    assert first.close.tobytes() != other.close.tobytes()


def test_the_bars_say_that_they_are_synthetic():
    assert synthetic_bars(1, 3, MINUTE_NS).is_synthetic


def test_one_bar_after_another_gives_exactly_the_bars_of_the_array():
    n = BLOCK_BARS + 500
    series = synthetic_bars(5, n, 5 * MINUTE_NS, "ETHUSDT", 3000.0)
    market = SyntheticMarket(5, 5 * MINUTE_NS, "ETHUSDT", 3000.0)
    bars = [market.next_bar() for _ in range(n)]
    for name in COLUMNS:
        assert [getattr(bar, name) for bar in bars] == getattr(series, name).tolist()
    assert [bar.bar_index for bar in bars] == list(range(n))


@pytest.mark.parametrize("index", [0, 1, BLOCK_BARS - 1, BLOCK_BARS, 3 * BLOCK_BARS + 17])
def test_a_restart_at_any_bar_goes_on_as_if_it_had_never_stopped(index):
    whole = synthetic_bars(5, 4 * BLOCK_BARS, MINUTE_NS)
    rest = SyntheticMarket(5, MINUTE_NS, index=index).take(50)
    for name in COLUMNS:
        assert getattr(rest, name).tobytes() == getattr(whole, name)[index : index + 50].tobytes()


def test_skipping_back_gives_the_earlier_bars_again():
    market = SyntheticMarket(5, MINUTE_NS, index=2 * BLOCK_BARS)
    market.skip_to(10)
    assert market.next_bar() == SyntheticMarket(5, MINUTE_NS, index=10).next_bar()
    assert market.index == 11


def test_the_bars_are_sound_and_each_opens_at_the_last_close():
    series = synthetic_bars(11, 100_000, MINUTE_NS, start_price=2.0, tick=0.0001)
    assert {finding.defect for finding in check_bars(series).findings} <= {Defect.SPIKE, Defect.FROZEN}
    assert np.array_equal(series.open[1:], series.close[:-1])
    assert series.open[0] == 2.0
    assert (series.volume > 0).all()


@pytest.mark.parametrize("tick", [0.01, 0.1, 0.5, 1.0, 5.0, 0.0001])
def test_prices_are_whole_ticks_printed_without_a_tail(tick):
    series = synthetic_bars(2, 2000, HOUR_NS, start_price=1000.0, tick=tick)
    for name in ("open", "high", "low", "close"):
        prices = getattr(series, name)
        assert np.array_equal(np.rint(prices / tick) * tick, prices) or np.allclose(
            np.rint(prices / tick), prices / tick, rtol=0, atol=1e-6
        )
        assert all(len(repr(price)) <= 12 for price in prices.tolist())


def test_a_price_never_falls_below_one_tick():
    ruin = SyntheticParameters(drift_per_year=(-3000.0,) * 4)
    series = synthetic_bars(1, 2000, HOUR_NS, start_price=1.0, tick=0.01, parameters=ruin)
    assert series.low.min() == 0.01


def test_returns_have_the_volatility_of_their_regime():
    n = 400_000
    parameters = SyntheticParameters(jumps_per_day=(0.0,) * 4, drift_per_year=(0.0,) * 4)
    market = SyntheticMarket(4, 5 * MINUTE_NS, parameters=parameters, tick=1e-6)
    bars = [market.next_bar() for _ in range(n)]
    regime = np.array([bar.regime for bar in bars])
    returns = np.array([np.log(bar.close / bar.open) for bar in bars])
    assert set(np.unique(regime)) == set(range(len(REGIMES)))
    for index in range(3):
        measured = returns[regime == index].std() * np.sqrt(365 * 288)
        assert measured == pytest.approx(parameters.volatility_per_year[index], rel=0.12)
    excess_kurtosis = np.mean(returns**4) / np.mean(returns**2) ** 2 - 3
    assert excess_kurtosis > 1, "volatility is stochastic"
    lagged = np.corrcoef(np.abs(returns[1:]), np.abs(returns[:-1]))[0, 1]
    assert lagged > 0.1, "volatility clusters"


def test_regimes_last_as_long_as_they_should():
    market = SyntheticMarket(9, HOUR_NS)
    regime = np.array([market.next_bar().regime for _ in range(200_000)])
    switches = np.count_nonzero(np.diff(regime))
    stays = {index: np.count_nonzero(regime == index) for index in range(4)}
    entered = {index: np.count_nonzero((regime[1:] == index) & (regime[:-1] != index)) for index in range(4)}
    assert switches > 200
    for index, days in enumerate(SyntheticParameters().duration_days):
        assert stays[index] / entered[index] / 24 == pytest.approx(days, rel=0.35)


def test_two_symbols_of_a_seed_move_together_as_much_as_they_share():
    calm = SyntheticParameters(jumps_per_day=(0.0,) * 4)
    first, second = (synthetic_bars(3, 20_000, HOUR_NS, name, parameters=calm) for name in ("BTCUSDT", "ETHUSDT"))
    correlation = np.corrcoef(np.diff(np.log(first.close)), np.diff(np.log(second.close)))[0, 1]
    assert correlation == pytest.approx(calm.market_share, abs=0.05)


def test_volume_follows_the_hour_and_the_week():
    series = synthetic_bars(3, 24 * 7 * 100, HOUR_NS)
    hour = series.ts_open_ns % DAY_NS // HOUR_NS
    weekday = (series.ts_open_ns // DAY_NS + 3) % 7
    assert series.volume[hour == 15].mean() > 1.5 * series.volume[hour == 3].mean()
    assert series.volume[weekday < 5].mean() > 1.2 * series.volume[weekday >= 5].mean()


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": -1},
        {"tick": 0.0},
        {"start_price": 0.0},
        {"index": -1},
        {"start_ns": 1},
        {"interval_ns": 0},
        {"lot": -1.0},
    ],
)
def test_arguments_out_of_bounds_are_refused(arguments):
    with pytest.raises(SettingError):
        SyntheticMarket(**{"seed": 1, "interval_ns": MINUTE_NS, **arguments})


@pytest.mark.parametrize(
    "parameters",
    [
        {"drift_per_year": (1.0,)},
        {"successors": ((0.5, 0.2, 0.2, 0.2),) * 4},
        {"market_share": 1.5},
        {"daily_rhythm": 1.0},
        {"duration_days": (0.0, 1.0, 1.0, 1.0)},
    ],
)
def test_parameters_out_of_bounds_are_refused(parameters):
    with pytest.raises(SettingError):
        SyntheticParameters(**parameters)
