"""Bugs planted on purpose are noticed: a simulation that passes with them would show nothing."""

from __future__ import annotations

import pytest

from tests.simulation.mutations import DESKS, WORLDS, world_of
from tests.simulation.profiles import PROFILES

NAMES = sorted(PROFILES)
MOST_SEEDS = 1_000
BUGS = [cls.__name__ for cls in (*DESKS, *WORLDS)]
QUICK = ["ResendsOnTimeout", "BooksFillsTwice", "WrongFeeSign"]


def first_seed_that_notices(name: str, most: int) -> int:
    """The first seed whose world does not end well; ``most`` where none does."""
    for seed in range(most):
        try:
            world_of(name, seed, PROFILES[NAMES[seed % len(NAMES)]]).run()
        except AssertionError:
            return seed
    return most


def test_twenty_bugs_and_more_are_planted() -> None:
    assert len(set(BUGS)) >= 20


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_noticed_within_a_few_seeds(name: str) -> None:
    assert first_seed_that_notices(name, 20) < 20


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_every_planted_bug_is_noticed_within_a_thousand_seeds(name: str) -> None:
    assert first_seed_that_notices(name, MOST_SEEDS) < MOST_SEEDS
