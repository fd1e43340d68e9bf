"""Random numbers for paths in lockstep: one stream a path, so that no result depends on threads or blocks.

Path ``p`` of a seed owns a xoroshiro128++ generator (Blackman and Vigna, *Scrambled linear pseudorandom number
generators*, 2021), started with outputs ``2p + 1`` and ``2p + 2`` of a SplitMix64 sequence (Steele, Lea and Flood,
2014) whose start is the mixed seed. ``LANES`` paths move together, an array a word of their states, so that the
compiler turns each loop into vector instructions.

Normals come in pairs from 64 bits (Box and Muller, 1958): 36 bits of radius, ``sqrt(-2 ln u)`` with ``u`` a multiple of
``2^-36`` in (0, 1], and 28 bits of angle. The largest is therefore 7.06, beyond which a normal lies once in 6e11 draws.
Logarithm, sine and cosine are polynomials of least maximal error in sums, products and fused products: the same bits
compiled and not, within 2e-9 of the exact transformation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, u8, void
from bot4.kernel_memory import apart, bits_of_float, float_of_bits, fused, wide

LANES = 256
"""Paths that move in lockstep."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_TWICE_GOLDEN = np.uint64(0x3C6EF372FE94F82A)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_S12, _S15, _S17, _S21, _S24, _S27, _S28, _S30, _S31, _S36, _S47, _S49, _S52, _S63 = (
    np.uint64(n) for n in (12, 15, 17, 21, 24, 27, 28, 30, 31, 36, 47, 49, 52, 63)
)
_ONE = np.uint64(0x3FF0000000000000)  # the bits of 1.0
_RADIUS = np.uint64(0x000FFFFFFFFF0000)  # of a mantissa, the upper 36 bits
_ANGLE = np.uint64(0x000FFFFFFE000000)  # of a mantissa, the upper 27 bits
_EXPONENT = np.uint64(0xFFF0000000000000)
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)  # the bits of sqrt(1/2)
_LARGE = np.uint64((1023 + 40) << 52)  # the bits of 2^40
_TWICE_LARGE = 2199023255552.0  # 2^41
_TWO_52 = np.uint64(0x4330000000000000)  # the bits of 2^52
_TWO_52_AND_40 = 4503599627370536.0
_HALF_ULP = 1.1102230246251565e-16
_MINUS_TWICE_LOG_TWO = -1.3862943611198906


@kernel(u8(u8), is_inlined=True)
def mixed(x: Any) -> Any:
    """The output function of SplitMix64: every bit of ``x`` moves every bit of the result."""
    x = (x ^ (x >> _S30)) * _MIX_A
    x = (x ^ (x >> _S27)) * _MIX_B
    return x ^ (x >> _S31)


@kernel(void(u8, i8, array(u8), array(u8)))
def start_streams(seed: Any, first_path: int, s0: Any, s1: Any) -> None:
    """Start the generators of paths ``first_path`` and the following.

    Args:
        seed: of the whole simulation.
        first_path: number of the path in lane 0, from 0.
        s0, s1: uint64[LANES], overwritten.
    """
    start = mixed(seed)
    for i in range(LANES):
        at = start + np.uint64(first_path + i) * _TWICE_GOLDEN
        s0[i] = mixed(at + _GOLDEN)
        s1[i] = mixed(at + _TWICE_GOLDEN)


@kernel(u8(u8, u8), is_inlined=True)
def output_of(a: Any, b: Any) -> Any:
    """The 64 bits that xoroshiro128++ gives in state ``(a, b)``."""
    total = a + b
    return ((total << _S17) | (total >> _S47)) + a


@kernel(u8(u8, u8), is_inlined=True)
def next_low(a: Any, b: Any) -> Any:
    """First word of the next state."""
    b = b ^ a
    return ((a << _S49) | (a >> _S15)) ^ b ^ (b << _S21)


@kernel(u8(u8, u8), is_inlined=True)
def next_high(a: Any, b: Any) -> Any:
    """Second word of the next state."""
    b = b ^ a
    return (b << _S28) | (b >> _S36)


@kernel(f8(u8), is_inlined=True)
def squared_radius(bits: Any) -> Any:
    """``-2 ln u`` of the upper 36 bits: exponentially distributed with mean 2.

    ``ln u = e ln 2 + ln m`` with ``m`` in sqrt(1/2) .. sqrt(2), and ``ln m = 2 artanh((m - 1) / (m + 1))``. ``u`` is
    taken 2^40 times as large, so that its exponent is above zero. The polynomial, as those below, is summed in pairs:
    the terms do not wait for each other, which made the loop a quarter faster.
    """
    u_bits = bits_of_float(_TWICE_LARGE - float_of_bits(((bits >> _S12) & _RADIUS) | _LARGE))
    above = u_bits - _ROOT_HALF
    m = float_of_bits(u_bits - (above & _EXPONENT))
    exponent = float_of_bits((above >> _S52) | _TWO_52) - _TWO_52_AND_40
    f = m - 1.0
    s = f / (2.0 + f)
    w = s * s
    w2 = w * w
    low = fused(-1.3333333047975562, w, -4.000000000016856)
    high = fused(-0.4723521949185602, w2, fused(-0.5706995702935022, w, -0.8000077197199993))
    return fused(s, fused(w2, high, low), exponent * _MINUS_TWICE_LOG_TWO)


@kernel(f8(u8), is_inlined=True)
def half_turn(bits: Any) -> Any:
    """27 of the lower 28 bits as an angle in half turns, -1/2 to 1/2."""
    return float_of_bits(((bits << _S24) & _ANGLE) | _ONE) - 1.5


@kernel(f8(f8), is_inlined=True)
def sine(x: float) -> float:
    """``sin(pi x)`` for -1/2 to 1/2."""
    y = x * x
    y2 = y * y
    low = fused(-5.167712764655935, y, 3.141592653536447)
    middle = fused(-0.5992522090879838, y, 2.550163319952393)
    high = fused(-0.007028468832155285, y, 0.0820504533146009)
    return float(x * fused(y2, fused(y2, high, middle), low))


@kernel(f8(f8), is_inlined=True)
def cosine(x: float) -> float:
    """``cos(pi x)`` for -1/2 to 1/2."""
    y = x * x
    y2 = y * y
    low = fused(-4.934802137228326, y, 0.9999999997806521)
    middle = fused(-1.335212056650099, y, 4.058709164341375)
    high = fused(-0.024396716454042126, y, 0.234937558864803)
    return float(fused(y2, fused(y2, high, middle), low))


@kernel(f8(f8, u8), is_inlined=True)
def with_random_sign(value: float, bits: Any) -> Any:
    """The value, negated where the lowest bit is set: the half of the circle that the angle left out."""
    return float_of_bits(bits_of_float(value) ^ (bits << _S63))


@kernel(void(array(u8), array(u8), array(f8), array(f8)))
def draw_normals(s0: Any, s1: Any, first: FloatArray, second: FloatArray) -> None:
    """Two independent standard normals a lane; the streams move by one.

    Args:
        s0, s1: uint64[LANES], states of the streams.
        first, second: float64[LANES], overwritten.
    """
    apart()
    wide()
    for i in range(LANES):
        a = s0[i]
        b = s1[i]
        bits = output_of(a, b)
        s0[i] = next_low(a, b)
        s1[i] = next_high(a, b)
        radius = math.sqrt(squared_radius(bits))
        x = half_turn(bits)
        first[i] = radius * sine(x)
        second[i] = with_random_sign(radius * cosine(x), bits)


@kernel(void(array(u8), array(u8), array(f8), array(f8), array(f8)))
def draw_polar(s0: Any, s1: Any, squared: FloatArray, sines: FloatArray, cosines: FloatArray) -> None:
    """As :func:`draw_normals`, before the root: the normals are ``sqrt(squared) * sines`` and ``... * cosines``.

    A caller that scales normals by the root of something takes one root of the product instead of two.
    """
    apart()
    wide()
    for i in range(LANES):
        a = s0[i]
        b = s1[i]
        bits = output_of(a, b)
        s0[i] = next_low(a, b)
        s1[i] = next_high(a, b)
        squared[i] = squared_radius(bits)
        x = half_turn(bits)
        sines[i] = sine(x)
        cosines[i] = with_random_sign(cosine(x), bits)


@kernel(void(array(u8), array(u8), array(f8)))
def draw_uniforms(s0: Any, s1: Any, out: FloatArray) -> None:
    """A uniform in (0, 1) a lane, of 52 bits; the streams move by one."""
    apart()
    wide()
    for i in range(LANES):
        a = s0[i]
        b = s1[i]
        bits = output_of(a, b)
        s0[i] = next_low(a, b)
        s1[i] = next_high(a, b)
        out[i] = float_of_bits((bits >> _S12) | _ONE) - 1.0 + _HALF_ULP


@kernel(void(u8, i8, array(f8, 2), array(u8, 2), array(f8, 2)), releases_gil=True)
def fill_normals(seed: Any, first_path: int, out: FloatArray, streams: Any, work: FloatArray) -> None:
    """Standard normals, row ``i`` from the stream of path ``first_path + i``.

    Args:
        seed: of the simulation.
        first_path: number of the path of row 0.
        out: float64[paths, n], overwritten.
        streams: uint64[2, LANES], overwritten.
        work: float64[2 or more, LANES], overwritten.
    """
    wide()
    n_paths, n = out.shape
    for first in range(0, n_paths, LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        m = min(LANES, n_paths - first)
        for j in range(0, n, 2):
            draw_normals(streams[0], streams[1], work[0], work[1])
            for i in range(m):
                out[first + i, j] = work[0, i]
                if j + 1 < n:
                    out[first + i, j + 1] = work[1, i]


@kernel(void(u8, i8, array(f8, 2), array(u8, 2), array(f8, 2)), releases_gil=True)
def fill_uniforms(seed: Any, first_path: int, out: FloatArray, streams: Any, work: FloatArray) -> None:
    """Uniforms in (0, 1), row ``i`` from the stream of path ``first_path + i``; arguments as :func:`fill_normals`."""
    wide()
    n_paths, n = out.shape
    for first in range(0, n_paths, LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        m = min(LANES, n_paths - first)
        for j in range(n):
            draw_uniforms(streams[0], streams[1], work[0])
            for i in range(m):
                out[first + i, j] = work[0, i]


def normals(seed: int, n_paths: int, n: int, first_path: int = 0) -> FloatArray:
    """float64[n_paths, n] standard normals of a seed, a row from the stream of its path."""
    return _filled(fill_normals, seed, n_paths, n, first_path)


def uniforms(seed: int, n_paths: int, n: int, first_path: int = 0) -> FloatArray:
    """float64[n_paths, n] uniforms in (0, 1) of a seed, a row from the stream of its path."""
    return _filled(fill_uniforms, seed, n_paths, n, first_path)


def _filled(fill: Any, seed: int, n_paths: int, n: int, first_path: int) -> FloatArray:
    out = np.empty((n_paths, n))
    fill(np.uint64(seed), first_path, out, np.empty((2, LANES), np.uint64), np.empty((2, LANES)))
    return out
