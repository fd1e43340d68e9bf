"""Killed at every event of one run, the order manager comes back to the venue's truth: quantity, price, result, ids."""

from __future__ import annotations

import dataclasses

import pytest

from tests.simulation.killed import KilledWorld
from tests.simulation.profiles import PROFILES, Profile

SEED = 12
AT_THE_END = 20  # inputs after which there is no time to come back and settle


def calm(name: str) -> Profile:
    """A profile without faults: the kill is the only one."""
    return dataclasses.replace(PROFILES[name], message_faults=False, connection_faults=False, our_crashes=False)


def things_done(name: str) -> int:
    """How many inputs the order manager takes in the run that nobody interrupts."""
    world = KilledWorld(SEED, calm(name))
    world.run()
    return world.n_done


def kill_everywhere(name: str, step: int) -> int:
    """Kill at every ``step``-th input in each way; the checks at the end of each world raise what does not hold."""
    kills = 0
    for kill_at in range(1, things_done(name) - AT_THE_END, step):
        for cold in (False, True):
            for unsent in (False, True):
                world = KilledWorld(SEED, calm(name), kill_at, cold=cold, unsent=unsent)
                outcome = world.run()
                assert outcome.n_crashes == 1, f"killed {outcome.n_crashes} times at {kill_at}"
                assert outcome.n_fills > 4
                kills += 1
    return kills


@pytest.mark.parametrize("name", ["day-native", "none-own"])
def test_killed_here_and_there_the_four_invariants_hold(name: str) -> None:
    assert kill_everywhere(name, 61) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("name", ["day-native", "none-own"])
def test_killed_at_every_fourth_event_warm_and_cold_the_four_invariants_hold(name: str) -> None:
    assert kill_everywhere(name, 4) > 300


if __name__ == "__main__":  # every event: python -m tests.simulation.test_killed_at_every_event
    for profile in ("day-native", "none-own"):
        print(profile, kill_everywhere(profile, 1), "kills")
