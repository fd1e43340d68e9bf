"""The kernels that move paths: geometric Brownian motion, jumps, stochastic variance, mean reversion.

A path is the logarithm of a price over its start, from 0. All kernels keep, step by step, its running maximum, the
deepest fall from it (start included) and its lowest point, and never store the path itself.

Every kernel takes ``seed``, the number of its first path, ``n_steps`` and writes, a value a path, ``terminal``,
``drawdown`` and ``lowest`` (float64[paths], of the logarithm; their length says how many). ``streams`` is
uint64[2, LANES] and ``work`` float64[N_WORK, LANES], both overwritten.
"""

from __future__ import annotations

import math
from typing import Any

from bot4.domain.bars import FloatArray
from bot4.kernel import array, f8, i8, kernel, u8, void
from bot4.kernel_memory import apart, fused, wide
from bot4.quant.paths.random_streams import LANES, draw_normals, draw_polar, draw_uniforms, start_streams

N_WORK = 9
"""Rows of ``work``: logarithm, peak, drawdown, lowest, and five for draws and a second state."""


@kernel(void(array(f8, 2)))
def at_the_start(work: FloatArray) -> None:
    """All lanes at a logarithm of 0, which is also their peak and their lowest point."""
    for k in range(4):
        for i in range(LANES):
            work[k, i] = 0.0


@kernel(void(i8, array(f8, 2), array(f8), array(f8), array(f8)))
def keep(first: int, work: FloatArray, terminal: FloatArray, drawdown: FloatArray, lowest: FloatArray) -> None:
    """Write the lanes into the results from path ``first`` on, as many as there is place for."""
    for i in range(min(LANES, len(terminal) - first)):
        terminal[first + i] = work[0, i]
        drawdown[first + i] = work[2, i]
        lowest[first + i] = work[3, i]


@kernel(void(array(f8), array(f8), array(f8), array(f8), array(f8)))
def advance(x: FloatArray, peak: FloatArray, drawdown: FloatArray, lowest: FloatArray, step: FloatArray) -> None:
    """Move every lane by its step."""
    apart()
    wide()
    for i in range(LANES):
        value = x[i] + step[i]
        x[i] = value
        high = peak[i]
        high = high if high > value else value
        peak[i] = high
        fall = high - value
        deepest = drawdown[i]
        drawdown[i] = deepest if deepest > fall else fall
        low = lowest[i]
        lowest[i] = low if low < value else value


@kernel(void(array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), f8, f8, f8, f8))
def advance_twice(
    x: FloatArray,
    peak: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    first: FloatArray,
    second: FloatArray,
    first_drift: float,
    first_deviation: float,
    second_drift: float,
    second_deviation: float,
) -> None:
    """Move every lane by ``drift + deviation z`` for two normals, with the state in registers between them."""
    apart()
    wide()
    for i in range(LANES):
        value = x[i] + fused(first_deviation, first[i], first_drift)
        high = peak[i]
        high = high if high > value else value
        fall = high - value
        deepest = drawdown[i]
        deepest = deepest if deepest > fall else fall
        low = lowest[i]
        low = low if low < value else value
        value = value + fused(second_deviation, second[i], second_drift)
        x[i] = value
        high = high if high > value else value
        peak[i] = high
        fall = high - value
        drawdown[i] = deepest if deepest > fall else fall
        lowest[i] = low if low < value else value


@kernel(
    void(u8, i8, i8, array(f8), array(f8), array(f8), array(f8), array(f8), array(u8, 2), array(f8, 2)),
    releases_gil=True,
)
def gaussian_walk(
    seed: Any,
    first_path: int,
    n_steps: int,
    drift: FloatArray,
    deviation: FloatArray,
    terminal: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    streams: Any,
    work: FloatArray,
) -> None:
    """Independent normal steps, exact for geometric Brownian motion: ``x += drift[t] + deviation[t] z``.

    Args:
        drift, deviation: float64[n_steps], of the logarithm, a step.
    """
    wide()
    for first in range(0, len(terminal), LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        at_the_start(work)
        for t in range(0, n_steps - 1, 2):
            draw_normals(streams[0], streams[1], work[4], work[5])
            advance_twice(
                work[0], work[1], work[2], work[3], work[4], work[5],
                drift[t], deviation[t], drift[t + 1], deviation[t + 1],
            )  # fmt: skip
        if n_steps % 2 == 1:
            draw_normals(streams[0], streams[1], work[4], work[5])
            for i in range(LANES):
                work[4, i] = fused(deviation[n_steps - 1], work[4, i], drift[n_steps - 1])
            advance(work[0], work[1], work[2], work[3], work[4])
        keep(first, work, terminal, drawdown, lowest)


@kernel(void(array(f8), array(f8), array(f8), array(f8), array(f8), f8, f8, f8, f8))
def jump_steps(
    z: FloatArray,
    jump_z: FloatArray,
    uniform: FloatArray,
    n_jumps: FloatArray,
    poisson: FloatArray,
    drift: float,
    deviation: float,
    jump_mean: float,
    jump_deviation: float,
) -> None:
    """Replace normals by steps with jumps: ``z' = drift + deviation z + N m + s sqrt(N) jump_z``.

    ``N`` is Poisson, by inversion: the number of values of its distribution function below the uniform.

    Args:
        z: float64[LANES], overwritten with the steps.
        jump_z: float64[LANES].
        uniform: float64[LANES].
        n_jumps: float64[LANES], overwritten.
        poisson: float64[k], probabilities of at most 0, 1, ... jumps in a step.
    """
    apart()
    wide()
    for i in range(LANES):
        n_jumps[i] = 0.0
    for k in range(len(poisson)):
        bound = poisson[k]
        for i in range(LANES):
            n_jumps[i] += 1.0 if uniform[i] > bound else 0.0
    for i in range(LANES):
        n = n_jumps[i]
        z[i] = fused(deviation, z[i], drift) + fused(jump_deviation * math.sqrt(n), jump_z[i], n * jump_mean)


@kernel(
    void(u8, i8, i8, f8, f8, f8, f8, array(f8), array(f8), array(f8), array(f8), array(u8, 2), array(f8, 2)),
    releases_gil=True,
)
def jump_walk(
    seed: Any,
    first_path: int,
    n_steps: int,
    drift: float,
    deviation: float,
    jump_mean: float,
    jump_deviation: float,
    poisson: FloatArray,
    terminal: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    streams: Any,
    work: FloatArray,
) -> None:
    """Normal steps and a Poisson number of normal jumps in each, exact for Merton's jump diffusion.

    Args:
        drift, deviation: of the diffusion's logarithm, a step.
        jump_mean, jump_deviation: of a jump of the logarithm.
        poisson: float64[k], as :func:`jump_steps` takes it.
    """
    wide()
    for first in range(0, len(terminal), LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        at_the_start(work)
        for _t in range(n_steps):
            draw_normals(streams[0], streams[1], work[4], work[5])
            draw_uniforms(streams[0], streams[1], work[6])
            jump_steps(work[4], work[5], work[6], work[7], poisson, drift, deviation, jump_mean, jump_deviation)
            advance(work[0], work[1], work[2], work[3], work[4])
        keep(first, work, terminal, drawdown, lowest)


@kernel(
    void(
        array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8), array(f8),
        f8, f8, f8, f8, f8, f8, f8,
    )
)  # fmt: skip
def advance_heston(
    x: FloatArray,
    peak: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    variance: FloatArray,
    squared: FloatArray,
    sines: FloatArray,
    cosines: FloatArray,
    drift: float,
    half_dt: float,
    along: float,
    across: float,
    speed_dt: float,
    long_variance: float,
    vol_of_vol: float,
) -> None:
    """One step of full truncation: with ``v+ = max(v, 0)`` and the normals ``z_v``, ``z`` of the polar draw,

    ``x += drift - v+ half_dt + sqrt(v+) (along z_v + across z)``,
    ``v += speed_dt (long_variance - v+) + vol_of_vol sqrt(v+) z_v``.
    """
    apart()
    wide()
    for i in range(LANES):
        v = variance[i]
        v_plus = v if v > 0.0 else 0.0
        scale = math.sqrt(v_plus * squared[i])
        of_variance = scale * sines[i]
        value = x[i] + fused(along, of_variance, fused(across, scale * cosines[i], fused(-half_dt, v_plus, drift)))
        variance[i] = v + fused(vol_of_vol, of_variance, speed_dt * (long_variance - v_plus))
        x[i] = value
        high = peak[i]
        high = high if high > value else value
        peak[i] = high
        fall = high - value
        deepest = drawdown[i]
        drawdown[i] = deepest if deepest > fall else fall
        low = lowest[i]
        lowest[i] = low if low < value else value


@kernel(
    void(
        u8, i8, i8, f8, f8, f8, f8, f8, f8, f8,
        array(f8), array(f8), array(f8), array(u8, 2), array(f8, 2),
    ),
    releases_gil=True,
)  # fmt: skip
def heston_walk(
    seed: Any,
    first_path: int,
    n_steps: int,
    drift: float,
    dt: float,
    variance: float,
    long_variance: float,
    speed: float,
    vol_of_vol: float,
    correlation: float,
    terminal: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    streams: Any,
    work: FloatArray,
) -> None:
    """Heston's model by full truncation (Lord, Koekkoek and van Dijk 2010), whose bias falls with the step.

    Args:
        drift: of the price, a step.
        dt: the step, in years.
        variance, long_variance: at the start and in the long run, a year.
        speed: of reversion, a year.
        vol_of_vol: deviation of the variance is ``vol_of_vol sqrt(v)`` a root year.
        correlation: of the normals of price and variance.
    """
    wide()
    root_dt = math.sqrt(dt)
    across = math.sqrt(1.0 - correlation * correlation) * root_dt
    for first in range(0, len(terminal), LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        at_the_start(work)
        for i in range(LANES):
            work[4, i] = variance
        for _t in range(n_steps):
            draw_polar(streams[0], streams[1], work[5], work[6], work[7])
            advance_heston(
                work[0], work[1], work[2], work[3], work[4], work[5], work[6], work[7],
                drift, 0.5 * dt, correlation * root_dt, across, speed * dt, long_variance, vol_of_vol * root_dt,
            )  # fmt: skip
        keep(first, work, terminal, drawdown, lowest)


@kernel(void(array(f8), array(f8), f8, f8, f8))
def reverting_steps(x: FloatArray, z: FloatArray, level: float, kept: float, deviation: float) -> None:
    """Replace normals by the steps of a reverting value: ``z' = (level - x) (1 - kept) + deviation z``."""
    apart()
    wide()
    for i in range(LANES):
        z[i] = fused(deviation, z[i], (level - x[i]) * (1.0 - kept))


@kernel(
    void(u8, i8, i8, f8, f8, f8, array(f8), array(f8), array(f8), array(u8, 2), array(f8, 2)),
    releases_gil=True,
)
def reverting_walk(
    seed: Any,
    first_path: int,
    n_steps: int,
    level: float,
    kept: float,
    deviation: float,
    terminal: FloatArray,
    drawdown: FloatArray,
    lowest: FloatArray,
    streams: Any,
    work: FloatArray,
) -> None:
    """The Ornstein-Uhlenbeck process at its steps, exactly: ``x' = level + kept (x - level) + deviation z``.

    Args:
        level: to which the logarithm reverts.
        kept: ``exp(-speed dt)``.
        deviation: ``volatility sqrt((1 - kept^2) / (2 speed))``.
    """
    wide()
    for first in range(0, len(terminal), LANES):
        start_streams(seed, first_path + first, streams[0], streams[1])
        at_the_start(work)
        for t in range(n_steps):
            if t % 2 == 0:
                draw_normals(streams[0], streams[1], work[4], work[5])
                reverting_steps(work[0], work[4], level, kept, deviation)
                advance(work[0], work[1], work[2], work[3], work[4])
            else:
                reverting_steps(work[0], work[5], level, kept, deviation)
                advance(work[0], work[1], work[2], work[3], work[5])
        keep(first, work, terminal, drawdown, lowest)
