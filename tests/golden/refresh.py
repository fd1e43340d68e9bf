"""Run the golden runs again and store what they do: ``python -m tests.golden.refresh [part of a name...]``."""

from __future__ import annotations

import json
import sys

from tests.golden.cases import CASES, RUNS_FILE, difference, stored_runs
from tests.shared_data import SHARED_DATA


def main(wanted: list[str]) -> None:
    """Refresh the runs whose names contain one of the given parts, or all."""
    runs = {name: run for name, run in stored_runs().items() if name in {case.name for case in CASES}}
    for case in CASES:
        if wanted and not any(part in case.name for part in wanted):
            continue
        if case.files is not None and not SHARED_DATA.is_dir():
            print(f"{case.name}: left as it is, the recorded data are not here")
            continue
        found = case.run()
        print(difference(case.name, runs.get(case.name, {}), found) or f"{case.name}: unchanged")
        runs[case.name] = found
    ordered = {case.name: runs[case.name] for case in CASES if case.name in runs}
    RUNS_FILE.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
