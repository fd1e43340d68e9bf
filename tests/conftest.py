"""What holds for every test: the hypothesis profile, one compile cache, and a data folder that is not the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before any kernel is declared: one cache for all workers and runs, apart from the user's.
os.environ.setdefault("BOT4_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "bot4"))

_slow_first_example = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]  # the first one may compile
settings.register_profile("dev", max_examples=40, deadline=None, suppress_health_check=_slow_first_example)
settings.register_profile(
    "ci", max_examples=150, deadline=None, derandomize=True, print_blob=True, suppress_health_check=_slow_first_example
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session", autouse=True)
def _data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that a test starts, child processes included, writes to the user's data folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOT4_DATA_DIR", str(tmp_path_factory.mktemp("bot4-data")))
        yield
