"""The samplers against their own laws, and the streams against each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from bot4.domain.errors import SettingError
from bot4.simulator.network.random_streams import (
    BETA,
    EXPONENTIAL,
    GAMMA,
    LOG_NORMAL,
    NORMAL,
    POISSON,
    UNIFORM,
    draw_into,
    next_arrival_ns,
    open_streams,
    partial_fill_lots,
    random_word,
    whole_below,
    whole_ns,
)

N = 20_000
# Some twenty tests against their law at fixed seeds: were the samplers right and the seeds drawn anew each day, one
# would fall below this once in five hundred days. One that is off by five per cent falls far below (see below).
LEAST_P_VALUE = 1e-4

LAWS = {
    "uniform": (UNIFORM, 0.0, 0.0, stats.uniform()),
    "normal": (NORMAL, 0.0, 0.0, stats.norm()),
    "exponential": (EXPONENTIAL, 2.5, 0.0, stats.expon(scale=2.5)),
    "log-normal": (LOG_NORMAL, 8e6, 0.6, stats.lognorm(0.6, scale=8e6)),
    "log-normal, wide": (LOG_NORMAL, 1.0, 2.0, stats.lognorm(2.0)),
    "gamma": (GAMMA, 3.2, 0.0, stats.gamma(3.2)),
    "gamma below one": (GAMMA, 0.3, 0.0, stats.gamma(0.3)),
    "beta": (BETA, 2.0, 5.0, stats.beta(2.0, 5.0)),
    "beta, both ends": (BETA, 0.5, 0.5, stats.beta(0.5, 0.5)),
    "beta, flat": (BETA, 1.0, 1.0, stats.beta(1.0, 1.0)),
}


def drawn(
    law: int, first: float, second: float, seed: int = 20_240, stream: int = 0, n: int = N
) -> npt.NDArray[np.float64]:
    values = np.zeros(n)
    assert draw_into(open_streams(seed, stream + 1), stream, law, first, second, values) == n
    return values


@pytest.mark.parametrize("name", LAWS)
def test_a_sampler_agrees_with_its_own_law(name: str) -> None:
    law, first, second, expected = LAWS[name]
    assert stats.kstest(drawn(law, first, second), expected.cdf).pvalue > LEAST_P_VALUE


@pytest.mark.parametrize("name", LAWS)
def test_the_test_of_a_law_notices_a_scale_that_is_five_per_cent_off(name: str) -> None:
    law, first, second, expected = LAWS[name]
    if name in ("uniform", "beta, flat", "beta, both ends", "beta"):
        shifted = drawn(law, first, second) * 0.95
    else:
        shifted = drawn(law, first, second) * (1.05 if name != "normal" else 1.1)
    if name == "log-normal, wide":
        shifted = shifted * 1.1  # five per cent is little beside a sigma of two
    if name == "gamma below one":
        shifted = shifted * 1.15  # and beside a law most of which lies near zero
    assert stats.kstest(shifted, expected.cdf).pvalue < LEAST_P_VALUE


@pytest.mark.parametrize("mean", [0.7, 6.0])
def test_counts_of_poisson_arrivals_have_the_frequencies_of_their_law(mean: float) -> None:
    counts = drawn(POISSON, mean, 0.0).astype(np.int64)
    top = int(stats.poisson(mean).ppf(0.999))
    seen = np.bincount(np.minimum(counts, top), minlength=top + 1)
    probability = stats.poisson(mean).pmf(np.arange(top + 1))
    probability[-1] = stats.poisson(mean).sf(top - 1)
    assert stats.chisquare(seen, probability * N).pvalue > LEAST_P_VALUE


def test_gaps_between_poisson_arrivals_are_exponential() -> None:
    streams = open_streams(5, 1)
    times = [0]
    for _ in range(5_000):
        times.append(next_arrival_ns(streams[0], times[-1], 1e9))
    gaps = np.diff(times)
    assert gaps.min() >= 1
    assert stats.kstest(gaps, stats.expon(scale=1e9).cdf).pvalue > LEAST_P_VALUE


def test_partial_fills_follow_a_beta_rounded_up_to_lots() -> None:
    streams = open_streams(6, 1)
    lots = np.array([partial_fill_lots(streams[0], 10_000, 2.0, 3.0) for _ in range(5_000)])
    assert 1 <= lots.min()
    assert lots.max() <= 10_000
    # Lots are a ten-thousandth of the whole: the grid is finer than what the test can see.
    assert stats.kstest((lots - 0.5) / 10_000, stats.beta(2.0, 3.0).cdf).pvalue > LEAST_P_VALUE
    assert {partial_fill_lots(streams[0], 1, 0.05, 0.05) for _ in range(50)} == {1}


# Known answers of Philox4x32-10 as its authors publish them (Random123, kat_vectors): key, counter, result.
PUBLISHED = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0xA4093822, 0x299F31D0),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def philox(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Philox4x32-10 in Python's integers, straight from the paper."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b % 2**32, (a >> 32) ^ c3 ^ k1, a % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


@pytest.mark.parametrize(("key", "counter", "result"), PUBLISHED)
def test_the_reference_gives_the_published_answers(
    key: tuple[int, int], counter: tuple[int, int, int, int], result: tuple[int, ...]
) -> None:
    assert philox(key, counter) == result


@pytest.mark.parametrize(
    ("seed", "stream", "n"), [(0, 0, 0), (0, 0, 1), (12345, 7, 10), (2**64 - 1, 2**63 + 5, 2**40 + 1)]
)
def test_a_draw_is_the_references(seed: int, stream: int, n: int) -> None:
    block = n >> 1
    words = philox((seed % 2**32, seed >> 32), (block % 2**32, block >> 32, stream % 2**32, stream >> 32))
    low, high = words[2:] if n % 2 else words[:2]
    assert int(random_word(np.uint64(seed), np.uint64(stream), np.uint64(n))) == low | high << 32


def test_what_one_stream_draws_does_not_move_another() -> None:
    alone, beside = open_streams(9, 2), open_streams(9, 2)
    other, expected, seen = np.zeros(100), np.zeros(50), np.zeros(50)
    draw_into(beside, 0, GAMMA, 0.4, 0.0, other)
    draw_into(alone, 1, NORMAL, 0.0, 0.0, expected)
    draw_into(beside, 1, NORMAL, 0.0, 0.0, seen)
    assert (seen == expected).all()
    assert abs(stats.pearsonr(drawn(NORMAL, 0, 0, stream=0), drawn(NORMAL, 0, 0, stream=1)).statistic) < 0.03


def test_a_stream_goes_on_from_its_copy() -> None:
    streams, first, second, again = open_streams(11, 1), np.zeros(37), np.zeros(40), np.zeros(40)
    draw_into(streams, 0, NORMAL, 0.0, 0.0, first)
    copy = streams.copy()
    draw_into(streams, 0, BETA, 0.3, 2.0, second)
    draw_into(copy, 0, BETA, 0.3, 2.0, again)
    assert (second == again).all()


def test_whole_numbers_below_a_bound_are_equally_likely() -> None:
    streams = open_streams(3, 1)
    seen = np.bincount([whole_below(streams[0], 7) for _ in range(7_000)], minlength=7)
    assert len(seen) == 7
    assert stats.chisquare(seen).pvalue > LEAST_P_VALUE


def test_a_duration_beyond_reason_is_cut_and_never_negative() -> None:
    assert [whole_ns(x) for x in (-5.0, 0.4, 0.5, 1e30, float("nan"))] == [0, 0, 1, 1 << 60, 1 << 60]


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(SettingError, match="seed"):
        open_streams(seed, 1)


SCRIPT = """
import json, sys
import numpy as np
from bot4.simulator.network.random_streams import draw_into, open_streams
streams = open_streams(77, 7)
out = []
for law, (first, second) in enumerate([(0, 0), (0, 0), (2.5, 0), (8e6, 0.6), (0.3, 0), (0.5, 2.0), (4.0, 0)]):
    values = np.zeros(200)
    draw_into(streams, law, law, float(first), float(second), values)
    out.append([x.hex() for x in values.tolist()])
print(json.dumps(out))
"""


def test_plain_and_compiled_draws_are_the_same_bits() -> None:
    root = Path(__file__).resolve().parents[2]
    results = []
    for jit in ("0", "1"):
        environment = os.environ | {"BOT4_JIT": jit, "PYTHONPATH": str(root / "src")}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        results.append(json.loads(done.stdout))
    assert results[0] == results[1]
