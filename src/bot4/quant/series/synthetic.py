"""A synthetic market: regimes, stochastic volatility, jumps and the daily rhythm of volume, from a seed.

It is made for running the program without an exchange, and says that it is one (``is_synthetic``). No result on it
says anything about a real market.

Model, per bar of length dt (years):

- *Regime* s: bull, bear, sideways, crisis; a Markov chain with mean durations and a matrix of successors. All symbols
  of one seed share it.
- *Volatility*: sigma_t = sigma_s exp(x_t - nu^2), x a stationary Ornstein-Uhlenbeck process of standard deviation nu
  and the given half-life, so that E[sigma_t^2] = sigma_s^2.
- *Return*: (mu_s - sigma_t^2 / 2) dt + sigma_t sqrt(dt) z + J. z = sqrt(c) z_market + sqrt(1 - c) z_symbol, so that
  two symbols of one seed have correlation c. J is normal with probability 1 - exp(-lambda_s dt), otherwise 0.
- *High and low*: the extremes of a Brownian bridge from open to close, drawn from their exact marginal law
  (open + close +- sqrt((close - open)^2 - 2 sigma^2 dt ln U)) / 2 in logarithms.
- *Volume*: log-normal around a daily mean that follows the hour (peak 15:00 UTC), the weekend, and the bar's move.

Prices are rounded to ``tick`` and volumes to ``lot``; the open is the last close. The random numbers of block b of
``BLOCK_BARS`` bars come from PCG64 seeded by (seed, symbol, b), and the whole state between blocks is five numbers,
so that the array form and :class:`SyntheticMarket` give the same bars, and a restart at any index replays quickly.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from bot4.domain.bars import DAY_NS, HOUR_NS, BarSeries, FloatArray, IntArray
from bot4.domain.errors import SettingError
from bot4.quant.series.time_grid import grid_open_ns, interval_name, utc_text

REGIMES = ("bull", "bear", "sideways", "crisis")
BLOCK_BARS = 4096
YEAR_NS = 365 * DAY_NS
DEFAULT_START_NS = 1_704_067_200_000_000_000  # 2024-01-01
_PEAK_HOUR = 15.0
_MARKET_STREAM = 0
_SYMBOL_STREAM = 1


@dataclass(frozen=True, slots=True)
class SyntheticParameters:
    """Parameters of the synthetic market; tuples are per regime, in the order of :data:`REGIMES`.

    Attributes:
        drift_per_year: mu, as a fraction.
        volatility_per_year: sigma, as a fraction.
        duration_days: mean length of a stay.
        successors: probability of each next regime on leaving one; the diagonal is zero.
        volatility_spread: nu, standard deviation of log volatility within a regime.
        volatility_half_life_days: of its mean reversion.
        jumps_per_day: lambda.
        jump_mean: mean log jump.
        jump_spread: standard deviation of a log jump.
        market_share: c, share of a symbol's diffusive variance that all symbols have in common.
        volume_per_day: mean daily volume, base units.
        volume_spread: standard deviation of log volume.
        daily_rhythm: half the swing of volume through the day, 0 to below 1.
        weekend_volume: volume on Saturday and Sunday relative to weekdays.
    """

    drift_per_year: tuple[float, ...] = (0.9, -0.8, 0.0, -3.0)
    volatility_per_year: tuple[float, ...] = (0.55, 0.7, 0.35, 1.5)
    duration_days: tuple[float, ...] = (30.0, 20.0, 25.0, 2.0)
    successors: tuple[tuple[float, ...], ...] = (
        (0.0, 0.25, 0.65, 0.10),
        (0.25, 0.0, 0.55, 0.20),
        (0.50, 0.40, 0.0, 0.10),
        (0.20, 0.60, 0.20, 0.0),
    )
    volatility_spread: float = 0.45
    volatility_half_life_days: float = 0.5
    jumps_per_day: tuple[float, ...] = (0.15, 0.2, 0.05, 2.0)
    jump_mean: tuple[float, ...] = (0.0, -0.002, 0.0, -0.006)
    jump_spread: tuple[float, ...] = (0.01, 0.012, 0.006, 0.025)
    market_share: float = 0.6
    volume_per_day: float = 20_000.0
    volume_spread: float = 0.6
    daily_rhythm: float = 0.4
    weekend_volume: float = 0.7

    def __post_init__(self) -> None:
        for name in (
            "drift_per_year",
            "volatility_per_year",
            "duration_days",
            "jumps_per_day",
            "jump_mean",
            "jump_spread",
            "successors",
        ):
            if len(getattr(self, name)) != len(REGIMES):
                raise SettingError(
                    f"{name} needs {len(REGIMES)} values", where="synthetic market", remedy="one a regime"
                )
        for row, name in zip(self.successors, REGIMES, strict=True):
            if len(row) != len(REGIMES) or min(row) < 0 or abs(sum(row) - 1) > 1e-9:
                raise SettingError(
                    f"the successors of {name} are no probabilities",
                    where="synthetic market",
                    remedy="make them sum to 1",
                )
        _require(min(self.duration_days) > 0, "duration_days", "above 0")
        _require(min(*self.volatility_per_year, *self.jumps_per_day, *self.jump_spread) >= 0, "a spread", "0 or above")
        _require(self.volatility_spread >= 0 and self.volume_spread >= 0, "a spread", "0 or above")
        _require(self.volatility_half_life_days > 0, "volatility_half_life_days", "above 0")
        _require(0 <= self.market_share <= 1, "market_share", "between 0 and 1")
        _require(0 <= self.daily_rhythm < 1, "daily_rhythm", "from 0 to below 1")
        _require(self.volume_per_day > 0 and self.weekend_volume > 0, "volume", "above 0")


class SyntheticBar(NamedTuple):
    """One bar of a :class:`SyntheticMarket`; ``regime`` is a position in :data:`REGIMES`."""

    bar_index: int
    ts_open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    regime: int


@dataclass(slots=True)
class _State:
    """What passes from one block to the next."""

    regime: int
    log_volatility: float
    log_price: float
    close: float


@dataclass(frozen=True, slots=True)
class _Block:
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    regime: IntArray


class SyntheticMarket:
    """The bars of a synthetic market one after another.

    Args:
        seed: equal seeds give equal bytes.
        interval_ns: length of a bar.
        symbol: also chooses the symbol's own random numbers.
        start_price: open of bar 0.
        start_ns: open time of bar 0, on the grid of the interval.
        tick: smallest price step.
        lot: smallest volume step.
        parameters: of the model.
        index: the first bar to give, for going on after a restart; costs about 0.3 us for every bar before it.

    Raises:
        SettingError: if an argument is out of its bounds.
    """

    def __init__(
        self,
        seed: int,
        interval_ns: int,
        symbol: str = "SYNTH",
        start_price: float = 50_000.0,
        start_ns: int = DEFAULT_START_NS,
        tick: float = 0.01,
        lot: float = 0.00001,
        parameters: SyntheticParameters | None = None,
        index: int = 0,
    ) -> None:
        _require(seed >= 0, "seed", "0 or above")
        _require(interval_ns > 0, "interval_ns", "above 0")
        _require(tick > 0 and lot > 0, "tick and lot", "above 0")
        _require(start_price >= tick and math.isfinite(start_price), "start_price", "at least one tick")
        _require(index >= 0, "index", "0 or above")
        if int(grid_open_ns(np.array([start_ns], dtype=np.int64), interval_ns)[0]) != start_ns:
            raise SettingError(
                f"{utc_text(start_ns)} is not on the {interval_name(interval_ns)} grid",
                where="synthetic market start_ns",
                remedy="give a whole multiple of the interval since 1970-01-01T00:00Z",
            )
        self.seed = seed
        self.interval_ns = interval_ns
        self.symbol = symbol
        self.start_price = start_price
        self.start_ns = start_ns
        self.tick = tick
        self.lot = lot
        self.parameters = parameters or SyntheticParameters()
        self._rewind()
        self.skip_to(index)

    @property
    def index(self) -> int:
        """The index of the bar that comes next."""
        return self._index

    def skip_to(self, index: int) -> None:
        """Go to any bar, forwards or back."""
        block = index // BLOCK_BARS
        if block < self._block_index:
            self._rewind()
        while self._block_index < block:
            self._advance()
        self._index = index

    def next_bar(self) -> SyntheticBar:
        """The next bar."""
        index = self._index
        if index // BLOCK_BARS != self._block_index:
            self._advance()
        block, row = self._block, index % BLOCK_BARS
        self._index = index + 1
        return SyntheticBar(
            index, self.start_ns + index * self.interval_ns, float(block.open[row]), float(block.high[row]),
            float(block.low[row]), float(block.close[row]), float(block.volume[row]), int(block.regime[row]),
        )  # fmt: skip

    def take(self, n: int) -> BarSeries:
        """The next ``n`` bars as a series."""
        _require(n >= 0, "n", "0 or above")
        first, stop = self._index, self._index + n
        pieces: list[_Block] = []
        while self._index < stop:
            if self._index // BLOCK_BARS != self._block_index:
                self._advance()
            row = self._index % BLOCK_BARS
            count = min(BLOCK_BARS - row, stop - self._index)
            pieces.append(_cut(self._block, row, row + count))
            self._index += count
        ts_open_ns = self.start_ns + self.interval_ns * np.arange(first, stop, dtype=np.int64)
        columns = {
            name: np.concatenate([np.empty(0), *(getattr(piece, name) for piece in pieces)])
            for name in ("open", "high", "low", "close", "volume")
        }
        return BarSeries(self.symbol, self.interval_ns, ts_open_ns, is_synthetic=True, **columns)

    def _rewind(self) -> None:
        self._index = 0
        self._block_index: int = -1
        start = max(1.0, round(self.start_price / self.tick)) * self.tick
        self._state = _State(REGIMES.index("sideways"), 0.0, math.log(self.start_price), _clean(start, self.tick))
        self._advance()

    def _advance(self) -> None:
        self._block_index += 1
        self._block, self._state = self._generate(self._block_index, self._state)

    def _generate(self, block: int, state: _State) -> tuple[_Block, _State]:
        p, n = self.parameters, BLOCK_BARS
        market = _stream(self.seed, _MARKET_STREAM, block)
        own = _stream(self.seed, _SYMBOL_STREAM, zlib.crc32(self.symbol.encode()), block)
        years = self.interval_ns / YEAR_NS
        regime = _regimes(p, self.interval_ns / DAY_NS, market.random((2, n)), state.regime)
        z_market, z_volatility = market.standard_normal((2, n))
        z_own, z_jump, z_volume = own.standard_normal((3, n))
        u_jump, u_high, u_low = own.random((3, n))
        log_volatility = self._log_volatility(z_volatility, state.log_volatility)
        sigma = np.array(p.volatility_per_year)[regime] * np.exp(log_volatility - p.volatility_spread**2)
        z = math.sqrt(p.market_share) * z_market + math.sqrt(1 - p.market_share) * z_own
        has_jump = u_jump < -np.expm1(-np.array(p.jumps_per_day)[regime] * (self.interval_ns / DAY_NS))
        jump = np.where(has_jump, np.array(p.jump_mean)[regime] + np.array(p.jump_spread)[regime] * z_jump, 0.0)
        moves = (np.array(p.drift_per_year)[regime] - sigma**2 / 2) * years + sigma * math.sqrt(years) * z + jump
        log_close = np.array(list(accumulate(moves.tolist(), initial=state.log_price)))
        prices = self._prices(log_close, sigma * math.sqrt(years), u_high, u_low, state.close)
        typical = np.array(p.volatility_per_year)[regime] * math.sqrt(years)
        volume = self._volume(block, z_volume, np.abs(moves) / typical, np.array(p.volatility_per_year)[regime])
        new_state = _State(int(regime[-1]), float(log_volatility[-1]), float(log_close[-1]), float(prices[3][-1]))
        return _Block(*prices, volume, regime), new_state

    def _log_volatility(self, z: FloatArray, start: float) -> FloatArray:
        p = self.parameters
        decay = 0.5 ** (self.interval_ns / DAY_NS / p.volatility_half_life_days)
        noise = (p.volatility_spread * math.sqrt(1 - decay**2)) * z
        return np.array(list(accumulate(noise.tolist(), lambda x, e: decay * x + e, initial=start))[1:])

    def _prices(
        self, log_close: FloatArray, spread: FloatArray, u_high: FloatArray, u_low: FloatArray, last_close: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        start, end = log_close[:-1], log_close[1:]
        total, squared = start + end, (end - start) ** 2
        top = (total + np.sqrt(squared - 2 * spread**2 * np.log1p(-u_high))) / 2
        bottom = (total - np.sqrt(squared - 2 * spread**2 * np.log1p(-u_low))) / 2
        close = self._on_ticks(end)
        open_ = np.concatenate([[last_close], close[:-1]])
        high = np.maximum(self._on_ticks(top), np.maximum(open_, close))
        low = np.minimum(self._on_ticks(bottom), np.minimum(open_, close))
        return open_, high, low, close

    def _on_ticks(self, log_price: FloatArray) -> FloatArray:
        return _clean_array(np.maximum(1.0, np.rint(np.exp(log_price) / self.tick)), self.tick)

    def _volume(self, block: int, z: FloatArray, move: FloatArray, volatility: FloatArray) -> FloatArray:
        p = self.parameters
        index = np.arange(block * BLOCK_BARS, (block + 1) * BLOCK_BARS, dtype=np.int64)
        ts_ns = self.start_ns + self.interval_ns * index + self.interval_ns // 2
        hour = (ts_ns % DAY_NS) / HOUR_NS
        rhythm = 1 + p.daily_rhythm * np.cos((hour - _PEAK_HOUR) * (2 * math.pi / 24))
        weekday = (ts_ns // DAY_NS + 3) % 7  # 0 is Monday
        calendar = rhythm * np.where(weekday >= 5, p.weekend_volume, 1.0)
        activity = (0.5 + 0.6 * np.minimum(move, 10.0)) * np.sqrt(volatility / max(p.volatility_per_year[2], 1e-9))
        mean = p.volume_per_day * self.interval_ns / DAY_NS
        volume = mean * calendar * activity * np.exp(p.volume_spread * z - p.volume_spread**2 / 2)
        return _clean_array(np.maximum(1.0, np.rint(volume / self.lot)), self.lot)


def synthetic_bars(
    seed: int,
    n: int,
    interval_ns: int,
    symbol: str = "SYNTH",
    start_price: float = 50_000.0,
    start_ns: int = DEFAULT_START_NS,
    tick: float = 0.01,
    lot: float = 0.00001,
    parameters: SyntheticParameters | None = None,
) -> BarSeries:
    """The first ``n`` bars of a :class:`SyntheticMarket`; the arguments are its."""
    return SyntheticMarket(seed, interval_ns, symbol, start_price, start_ns, tick, lot, parameters).take(n)


def _require(is_right: bool, name: str, bounds: str) -> None:
    if not is_right:
        raise SettingError(f"{name} is out of bounds", where="synthetic market", remedy=f"it must be {bounds}")


def _stream(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def _regimes(p: SyntheticParameters, days: float, uniforms: FloatArray, regime: int) -> IntArray:
    """int64[n]: the regime of each bar; a switch takes effect at the bar it is drawn for."""
    leave = -np.expm1(-days / np.array(p.duration_days))
    path = np.empty(uniforms.shape[1], dtype=np.int64)
    since = 0
    for row in np.flatnonzero(uniforms[0] < leave.max()).tolist():
        if uniforms[0, row] < leave[regime]:
            path[since:row] = regime
            regime = _successor(p.successors[regime], float(uniforms[1, row]))
            since = row
    path[since:] = regime
    return path


def _successor(probabilities: tuple[float, ...], uniform: float) -> int:
    total = 0.0
    last = 0
    for regime, probability in enumerate(probabilities):
        if probability > 0:
            last = regime
            total += probability
            if uniform < total:
                return regime
    return last


def _cut(block: _Block, start: int, stop: int) -> _Block:
    return replace(block, **{name: getattr(block, name)[start:stop] for name in _Block.__slots__})


def _clean_array(steps: FloatArray, step: float) -> FloatArray:
    """Whole numbers of steps as the float nearest to their decimal value: 3 steps of 0.1 are 0.3."""
    per_unit = round(1 / step)
    if per_unit >= 1 and abs(per_unit * step - 1) < 1e-9:
        return np.asarray(steps / per_unit)
    return np.asarray(steps * step)


def _clean(value: float, step: float) -> float:
    return float(_clean_array(np.rint(np.array([value / step])), step)[0])
