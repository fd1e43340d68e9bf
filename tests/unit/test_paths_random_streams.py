"""The random streams of paths: against plain integers, against the normal law, and against each other."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from bot4.quant.paths.random_streams import LANES, normals, uniforms

MASK = (1 << 64) - 1
PER_PATH = 40


def mixed(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def rotated(x: int, k: int) -> int:
    return ((x << k) | (x >> (64 - k))) & MASK


def stream(seed: int, path: int) -> list[int]:
    """The generator as its authors publish it, in plain integers: the first outputs of one path."""
    start = mixed(seed)
    a, b = (mixed((start + (2 * path + k) * 0x9E3779B97F4A7C15) & MASK) for k in (1, 2))
    outputs = []
    for _ in range(PER_PATH):
        outputs.append((rotated((a + b) & MASK, 17) + a) & MASK)
        b ^= a
        a, b = rotated(a, 49) ^ b ^ ((b << 21) & MASK), rotated(b, 28)
    return outputs


def normal_pair(bits: int) -> tuple[float, float]:
    u = 1.0 - (bits >> 28) / 2.0**36
    angle = math.pi * ((bits & 0xFFFFFFF) >> 1) / 2.0**27 - math.pi / 2.0
    radius = math.sqrt(-2.0 * math.log(u))
    return radius * math.sin(angle), radius * math.cos(angle) * (-1.0 if bits & 1 else 1.0)


@pytest.mark.parametrize(("seed", "path"), [(0, 0), (7, 3), (2**64 - 1, LANES + 5), (12345, 2**40)])
def test_a_stream_is_xoroshiro_started_by_splitmix(seed: int, path: int) -> None:
    bits = stream(seed, path)
    expected = [(value >> 12) / 2.0**52 + 2.0**-53 for value in bits]
    np.testing.assert_array_equal(uniforms(seed, 1, PER_PATH, path)[0], expected)
    pairs = [z for value in bits for z in normal_pair(value)]
    np.testing.assert_allclose(normals(seed, 1, 2 * PER_PATH, path)[0], pairs, rtol=0.0, atol=2e-9)


def test_splitmix_gives_its_published_first_outputs() -> None:
    assert [mixed((k * 0x9E3779B97F4A7C15) & MASK) for k in (1, 2, 3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_a_path_has_its_numbers_whatever_block_it_is_in() -> None:
    whole = normals(5, 2 * LANES + 9, 7)
    np.testing.assert_array_equal(whole[LANES - 3 : LANES + 40], normals(5, 43, 7, LANES - 3))
    np.testing.assert_array_equal(whole[:, :4], normals(5, 2 * LANES + 9, 4))


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return normals(11, 10_000, 100)


def test_normals_have_the_moments_of_the_normal_law(many: np.ndarray) -> None:
    n = many.size
    for power, moment in ((1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0)):
        variance = float(stats.norm.moment(2 * power)) - moment**2
        assert abs(np.mean(many**power) - moment) < 3.0 * math.sqrt(variance / n), power


def test_normals_and_uniforms_have_their_distributions(many: np.ndarray) -> None:
    assert stats.kstest(many.ravel(), "norm").pvalue > 0.001
    assert stats.kstest(uniforms(11, 2_000, 100).ravel(), "uniform").pvalue > 0.001
    bins = np.bincount((stats.norm.cdf(many.ravel()) * 1_000).astype(int), minlength=1_000)
    assert stats.chisquare(bins).pvalue > 0.001


def test_tails_of_the_normals_are_as_heavy_as_they_should_be(many: np.ndarray) -> None:
    for at in (3.0, 3.5, 4.0, 4.5):
        for hits in (np.count_nonzero(many > at), np.count_nonzero(many < -at)):
            expected = many.size * stats.norm.sf(at)
            assert abs(hits - expected) < 4.0 * math.sqrt(expected) + 1.0, at


def test_the_two_of_a_pair_their_squares_and_neighbours_are_uncorrelated(many: np.ndarray) -> None:
    first, second = many[:, 0::2], many[:, 1::2]
    pairs = {
        "a pair": (first, second),
        "the next draw": (first[:, :-1], first[:, 1:]),
        "the next path": (many[:-1], many[1:]),
        "a block apart": (many[:-LANES], many[LANES:]),
    }
    for name, (a, b) in pairs.items():
        for f in (lambda x: x, np.square, np.abs, np.sign):
            r = np.corrcoef(f(a).ravel(), f(b).ravel())[0, 1]
            assert abs(r) < 4.0 / math.sqrt(a.size), name


def test_neighbouring_seeds_have_nothing_to_do_with_each_other(many: np.ndarray) -> None:
    r = np.corrcoef(many.ravel(), normals(12, 10_000, 100).ravel())[0, 1]
    assert abs(r) < 4.0 / math.sqrt(many.size)


SMALL = """
import hashlib
import numpy as np
from bot4.quant.paths.models import *
from bot4.quant.paths.portfolio import PortfolioModel, simulate_portfolio
from bot4.quant.paths.simulation import simulate
digest = hashlib.sha256()
for model in (GeometricBrownianMotion(0.1, 0.6), MertonJumps(0.1, 0.5, 20.0, -0.02, 0.05),
              Heston(0.0, 0.36, 0.36, 3.0, 0.8, -0.5), OrnsteinUhlenbeck(0.1, 5.0, 0.5),
              ForecastVolatility((0.001, 0.002, 0.003)), FractionalBrownianMotion(0.1, 0.5, 0.7)):
    paths = simulate(model, 300, n_steps=3, seed=9)
    for values in (paths.terminal, paths.drawdown, paths.lowest):
        digest.update(values.tobytes())
paths = simulate_portfolio(PortfolioModel((0.5, -0.2), ((1e-3, 4e-4), (4e-4, 2e-3)), (), 5), 300, n_steps=2, seed=9)
for values in (paths.terminal, paths.drawdown, paths.lowest):
    digest.update(values.tobytes())
print(digest.hexdigest())
"""


def test_paths_are_the_same_bits_compiled_and_not() -> None:
    def digest(jit: str) -> str:
        paths = os.pathsep.join(entry for entry in sys.path if entry)
        environment = os.environ | {"BOT4_JIT": jit, "PYTHONPATH": paths}
        return subprocess.run(
            [sys.executable, "-c", SMALL], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert digest("1") == digest("0")
