"""Seeded randomness as data: counter-based streams whose whole state is a record, and the samplers of the network.

The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
Draw ``n`` of stream ``s`` under seed ``k`` is a pure function of ``(k, s, n)``: streams cannot overlap, a snapshot of a
stream is three numbers, and what one purpose draws never moves what another draws. Compiled and plain runs give the
same bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bot4.domain.errors import SettingError
from bot4.kernel import array, b1, f8, i8, kernel, record, records, u8

RANDOM_STREAM = np.dtype([("key", "u8"), ("stream", "u8"), ("n_drawn", "u8")])

# Bare integers are signed to the compiler, and a signed with an unsigned one becomes a float.
_ONE, _ELEVEN, _TWELVE, _HALF = np.uint64(1), np.uint64(11), np.uint64(12), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_ROUNDS = 10
_ULP = 2.0**-53
_HALF_OPEN_ULP = 2.0**-52
_MOST_NS = 1 << 60


def open_streams(seed: int, count: int) -> npt.NDArray[np.void]:
    """Streams 0 to ``count - 1`` of a seed, nothing drawn yet, as an array of :data:`RANDOM_STREAM`.

    Raises:
        SettingError: where the seed is not in 0 to 2**64 - 1.
    """
    if not 0 <= seed < 1 << 64:
        raise SettingError(f"the seed is {seed}", where="simulator", remedy="give a whole number from 0 to 2**64 - 1")
    streams = np.zeros(count, RANDOM_STREAM)
    streams["key"] = seed
    streams["stream"] = np.arange(count, dtype=np.uint64)
    return streams


@kernel(u8(u8, u8, u8))
def random_word(key: Any, stream: Any, n: Any) -> Any:
    """64 random bits: draw ``n`` of a stream under a key. Two draws share a block of 128 bits."""
    block = n >> _ONE
    c0, c1, c2, c3 = block & _LOW, block >> _HALF, stream & _LOW, stream >> _HALF
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(_ROUNDS):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1 = (product_1 >> _HALF) ^ c1 ^ k0, product_1 & _LOW
        c2, c3 = (product_0 >> _HALF) ^ c3 ^ k1, product_0 & _LOW
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    if n & _ONE != 0:
        return c2 | (c3 << _HALF)
    return c0 | (c1 << _HALF)


@kernel(u8(record(RANDOM_STREAM)))
def next_word(stream: Any) -> Any:
    """The stream's next 64 random bits."""
    word = random_word(stream["key"], stream["stream"], stream["n_drawn"])
    stream["n_drawn"] += _ONE
    return word


@kernel(f8(record(RANDOM_STREAM)))
def uniform(stream: Any) -> float:
    """Uniform in [0, 1), on a grid of 2**-53."""
    return float(next_word(stream) >> _ELEVEN) * _ULP


@kernel(f8(record(RANDOM_STREAM)))
def uniform_inside(stream: Any) -> float:
    """Uniform in (0, 1), neither end included: what a logarithm may be taken of."""
    return (float(next_word(stream) >> _TWELVE) + 0.5) * _HALF_OPEN_ULP


@kernel(i8(record(RANDOM_STREAM), i8))
def whole_below(stream: Any, count: int) -> int:
    """A whole number from 0 to ``count - 1``, each equally likely up to 2**-53; ``count`` is 1 to 2**53."""
    return int(uniform(stream) * count)


@kernel(b1(record(RANDOM_STREAM), f8))
def happens(stream: Any, probability: float) -> bool:
    """True with a probability. One draw is taken whatever the probability is."""
    return bool(uniform(stream) < probability)


@kernel(f8(record(RANDOM_STREAM)))
def normal(stream: Any) -> float:
    """Standard normal by Box and Muller: ``sqrt(-2 ln u) cos(2 pi v)``, two draws."""
    radius = math.sqrt(-2.0 * math.log(uniform_inside(stream)))
    return radius * math.cos(2.0 * math.pi * uniform(stream))


@kernel(f8(record(RANDOM_STREAM), f8))
def exponential(stream: Any, mean: float) -> float:
    """Exponential with a mean, in the unit of the mean: ``-mean ln u``."""
    return -mean * math.log(uniform_inside(stream))


@kernel(f8(record(RANDOM_STREAM), f8, f8))
def log_normal(stream: Any, median: float, sigma: float) -> float:
    """Log-normal: ``median exp(sigma z)``; ``sigma`` is the standard deviation of the logarithm."""
    return median * math.exp(sigma * normal(stream))


@kernel(f8(record(RANDOM_STREAM), f8))
def gamma(stream: Any, shape: float) -> float:
    """Gamma of scale one, by Marsaglia and Tsang (2000); a shape below one by ``G(shape + 1) u^(1 / shape)``."""
    raised = shape if shape >= 1.0 else shape + 1.0
    d = raised - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        z = normal(stream)
        v = 1.0 + c * z
        if v > 0.0:
            v = v * v * v
            if math.log(uniform_inside(stream)) < 0.5 * z * z + d - d * v + d * math.log(v):
                break
    drawn = float(d * v)
    if shape < 1.0:
        drawn *= math.exp(math.log(uniform_inside(stream)) / shape)
    return drawn


@kernel(f8(record(RANDOM_STREAM), f8, f8))
def beta(stream: Any, a: float, b: float) -> float:
    """Beta of two shapes from 0.05 up: ``X / (X + Y)`` of two gammas."""
    x = gamma(stream, a)
    y = gamma(stream, b)
    return float(x / (x + y)) if x + y > 0.0 else 0.5


@kernel(i8(f8))
def whole_ns(duration_ns: float) -> int:
    """A duration to the nearest nanosecond, 0 to 2**60; NaN counts as the longest."""
    return int(duration_ns + 0.5) if 0.0 <= duration_ns < _MOST_NS else (0 if duration_ns < 0.0 else _MOST_NS)


@kernel(i8(record(RANDOM_STREAM), i8, f8))
def next_arrival_ns(stream: Any, now_ns: int, mean_gap_ns: float) -> int:
    """Time of the next arrival of a Poisson process: an exponential gap after ``now_ns``, a nanosecond at least."""
    return now_ns + max(1, int(whole_ns(exponential(stream, mean_gap_ns))))


@kernel(i8(record(RANDOM_STREAM), f8))
def poisson_count(stream: Any, mean: float) -> int:
    """Arrivals of a Poisson process in a time that holds ``mean`` of them on average; takes as many steps."""
    count = 0
    passed = exponential(stream, 1.0)
    while passed < mean:
        count += 1
        passed += exponential(stream, 1.0)
    return count


@kernel(i8(record(RANDOM_STREAM), i8, f8, f8))
def partial_fill_lots(stream: Any, qty_lots: int, a: float, b: float) -> int:
    """What part of an order fills, in lots from 1 to all: ``ceil(Beta(a, b) lots)``; ``qty_lots`` is 1 to 2**53."""
    return int(min(qty_lots, max(1, math.ceil(beta(stream, a, b) * qty_lots))))


UNIFORM, NORMAL, EXPONENTIAL, LOG_NORMAL, GAMMA, BETA, POISSON = 0, 1, 2, 3, 4, 5, 6


@kernel(i8(records(RANDOM_STREAM), i8, i8, f8, f8, array(f8)))
def draw_into(streams: Any, at: int, law: int, first: float, second: float, out: Any) -> int:
    """Fill an array with draws of one law from ``streams[at]``, for callers in Python.

    Args:
        law: one of UNIFORM, NORMAL, EXPONENTIAL (mean), LOG_NORMAL (median, sigma), GAMMA (shape), BETA (a, b) and
            POISSON (mean), with its parameters in ``first`` and ``second``.

    Returns:
        How many were drawn.
    """
    stream = streams[at]
    for k in range(len(out)):
        if law == UNIFORM:
            value = uniform(stream)
        elif law == NORMAL:
            value = normal(stream)
        elif law == EXPONENTIAL:
            value = exponential(stream, first)
        elif law == LOG_NORMAL:
            value = log_normal(stream, first, second)
        elif law == GAMMA:
            value = gamma(stream, first)
        elif law == BETA:
            value = beta(stream, first, second)
        else:
            value = float(poisson_count(stream, first))
        out[k] = value
    return len(out)
