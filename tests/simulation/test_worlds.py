"""Seeds of the simulation: whatever goes wrong, nothing is lost, doubled or left alone."""

from __future__ import annotations

from collections import Counter

import pytest

from bot4.domain.orders import OrderStatus
from bot4.simulator.network.state import FaultKind
from tests.simulation.profiles import PROFILES
from tests.simulation.world import ALLOWED, LEAST_EVENTS, Outcome, World

NAMES = sorted(PROFILES)


def run(seed: int, name: str) -> Outcome:
    return World(seed, PROFILES[name]).run()


@pytest.mark.parametrize("name", NAMES)
def test_ten_seeds_of_a_profile_end_with_books_that_are_the_venues(name: str) -> None:
    for seed in range(10):
        outcome = run(seed, name)
        assert outcome.n_events >= LEAST_EVENTS
        assert outcome.n_fills > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_the_same_history_twice(name: str) -> None:
    first, second, other = run(3, name), run(3, name), run(4, name)
    assert (first.digest, first.n_events) == (second.digest, second.n_events)
    assert first.digest != other.digest


# Allowed, and not met by these worlds: no order here has a time limit or is refused once it rests, a command in doubt
# leaves PENDING_CANCEL or PENDING_REPLACE and not WORKING, and what is triggered fills in the same moment.
NOT_MET = {
    ("HELD", "EXPIRED"), ("HELD", "TRIGGERED"), ("PENDING", "TRIGGERED"), ("WORKING", "REJECTED"),
    ("WORKING", "UNKNOWN"), ("PARTLY_FILLED", "UNKNOWN"), ("UNKNOWN", "HELD"), ("UNKNOWN", "EXPIRED"),
    ("UNKNOWN", "TRIGGERED"), ("TRIGGERED", "PENDING_REPLACE"), ("TRIGGERED", "REJECTED"), ("TRIGGERED", "EXPIRED"),
    ("TRIGGERED", "UNKNOWN"),
}  # fmt: skip
MENDED = {41: "open-own", 52: "open-native", 88: "open-native", 463: "day-own", 5020: "open-native", 5207: "open-own"}


@pytest.mark.parametrize("seed", MENDED)
def test_a_seed_that_once_failed_passes(seed: int) -> None:
    run(seed, MENDED[seed])


def in_one_step_or_two(before: int, after: int) -> bool:
    """Whether an order may come from one status to another; one event may move it twice."""
    return (before, after) in ALLOWED or any((before, k) in ALLOWED and (k, after) in ALLOWED for k in OrderStatus)


@pytest.mark.slow
def test_hundreds_of_seeds_pass_and_meet_every_fault_and_the_allowed_transitions() -> None:
    hits: Counter[tuple[int, int]] = Counter()
    struck: Counter[str] = Counter()
    for seed in range(9_000, 9_300):
        outcome = run(seed, NAMES[seed % len(NAMES)])
        hits += outcome.hits
        struck += outcome.struck
    assert {kind.name for kind in FaultKind} - {"BOOK_GAP"} <= set(struck)  # the market is not sent on to us here
    assert [pair for pair in hits if not in_one_step_or_two(*pair)] == []
    missed = {(OrderStatus(a).name, OrderStatus(b).name) for a, b in ALLOWED - set(hits)}
    assert missed <= NOT_MET
