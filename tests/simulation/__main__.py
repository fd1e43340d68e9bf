"""Run worlds by hand: ``python -m tests.simulation --seed N --profile X``, or many with ``--seeds FIRST COUNT``."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from bot4.domain.orders import OrderStatus
from tests.simulation.mutations import DESKS, WORLDS, world_of
from tests.simulation.profiles import PROFILES
from tests.simulation.world import ALLOWED, Outcome, World

NAMES = sorted(PROFILES)


def main() -> int:
    """Run what the arguments say; returns 1 where an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="many seeds")
    parser.add_argument("--profile", choices=NAMES, help="else seed n runs under the n-th profile, in turn")
    parser.add_argument("--bug", choices=[cls.__name__ for cls in (*DESKS, *WORLDS)], help="plant this bug")
    asked = parser.parse_args()
    first, count = asked.seeds or (asked.seed or 0, 1)
    failed, outcomes, started = 0, [], time.perf_counter()
    for seed in range(first, first + count):
        profile = PROFILES[asked.profile or NAMES[seed % len(NAMES)]]
        world = world_of(asked.bug, seed, profile) if asked.bug else World(seed, profile)
        try:
            outcomes.append(world.run())
        except AssertionError as error:
            failed += 1
            print(f"FAILED seed {seed}, profile {profile.name}: {error}", flush=True)
    if outcomes:
        _summarise(outcomes, time.perf_counter() - started)
    return 1 if failed else 0


def _summarise(outcomes: list[Outcome], elapsed_s: float) -> None:
    hits: Counter[tuple[int, int]] = sum((outcome.hits for outcome in outcomes), Counter())
    events = [outcome.n_events for outcome in outcomes]
    print(f"{len(outcomes)} seeds passed in {elapsed_s:.0f} s, {sum(events):,} events, {min(events):,} at least each")
    print(f"orders {sum(o.n_orders for o in outcomes):,}, fills {sum(o.n_fills for o in outcomes):,}", end=", ")
    print(f"restarts {sum(o.n_crashes for o in outcomes):,}")
    print("halts:", dict(sum((Counter({r.name: n for r, n in o.halts.items()}) for o in outcomes), Counter())))
    print("faults:", dict(sum((outcome.struck for outcome in outcomes), Counter())))
    missing = [f"{OrderStatus(a).name}->{OrderStatus(b).name}" for a, b in sorted(ALLOWED - set(hits))]
    print(f"transitions met: {len(ALLOWED & set(hits))} of {len(ALLOWED)};", "missing:", ", ".join(missing) or "none")


if __name__ == "__main__":
    sys.exit(main())
