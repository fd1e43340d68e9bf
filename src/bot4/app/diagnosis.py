"""What ``bot4 doctor`` looks at: each check gives a state, what was seen, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot4 import __version__
from bot4.adapters.exchanges.reachability import is_reachable
from bot4.adapters.exchanges.venues import VenueSettings
from bot4.app.setting_sources import ENVIRONMENT_PREFIX
from bot4.app.settings import LoadedSettings
from bot4.domain.errors import SettingError, UsageError
from bot4.kernel import BOUNDS_CHECK, JIT, cache_folder

LIBRARIES = ("numpy", "numba", "llvmlite", "polars", "pydantic", "ccxt", "click", "rich")
VARIABLES = ("BOT4_CONFIG", "BOT4_DATA_DIR", "BOT4_CACHE_DIR", "BOT4_JIT", "BOT4_BOUNDSCHECK", "BOT4_DEBUG")
BUILT_NS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9
LITTLE_BYTES, TOO_LITTLE_BYTES = 2_000_000_000, 200_000_000
_CLOCK_SAMPLE_S = 0.05
_CLOCK_TOLERANCE_S = 0.02
_FILE_TOLERANCE_S = 2.0


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``remedy`` is empty where all is well."""

    name: str
    state: State
    seen: str
    remedy: str = ""


def checks(
    loaded: LoadedSettings | SettingError, environment: Mapping[str, str], now_ns: int, *, is_offline: bool = False
) -> Iterator[Check]:
    """All checks, one after another.

    Args:
        loaded: the settings, or why they cannot be used.
        environment: variables.
        now_ns: the clock.
        is_offline: leave out what asks the network.
    """
    yield from versions()
    yield clock(now_ns)
    yield settings_file(loaded)
    yield from variables(environment)
    from bot4.adapters.storage.catalogue import data_folder

    folder = loaded.settings.data_folder if isinstance(loaded, LoadedSettings) else data_folder()
    yield writable_folder("data folder", folder)
    yield disk(folder)
    yield kernel_cache()
    if not is_offline and isinstance(loaded, LoadedSettings):
        paper = loaded.settings.paper
        yield venue(paper.venue, paper.base_url, paper.connect_timeout_s)


def versions() -> Iterator[Check]:
    """Python and the libraries."""
    seen = f"Bot4 {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    is_new = sys.version_info >= (3, 11)
    yield Check("version", State.OK if is_new else State.FAIL, seen, "" if is_new else "install Python 3.11 or newer")
    found, missing = [], []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check(
            "libraries", State.FAIL, f"missing: {', '.join(missing)}", "install Bot4 again, with its dependencies"
        )
    else:
        yield Check("libraries", State.OK, ", ".join(found))


def clock(now_ns: int) -> Check:
    """The clock against the program's age, against the monotonic clock, and against the time of a new file."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now_ns // 1000)
    seen = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    remedy = "set the clock by NTP (for example `timedatectl set-ntp true`)"
    if now_ns < BUILT_NS:
        return Check("clock", State.FAIL, f"{seen}, which is before this program was written", remedy)
    from bot4.engine.clock import SystemClock

    system = SystemClock()
    wall_ns, steady_s = system.now_ns(), system.monotonic()
    time.sleep(_CLOCK_SAMPLE_S)
    drift_s = (system.now_ns() - wall_ns) / 1e9 - (system.monotonic() - steady_s)
    if abs(drift_s) > _CLOCK_TOLERANCE_S:
        return Check("clock", State.WARN, f"{seen}, jumped {drift_s * 1000:+.0f} ms while it was watched", remedy)
    with tempfile.NamedTemporaryFile() as file:
        apart_s = Path(file.name).stat().st_mtime - system.now_ns() / 1e9
    if abs(apart_s) > _FILE_TOLERANCE_S:
        return Check("clock", State.WARN, f"{seen}, but a new file is dated {apart_s:+.1f} s from it", remedy)
    return Check("clock", State.OK, f"{seen}, steady, agrees with file times (not compared with NTP)")


def settings_file(loaded: LoadedSettings | SettingError) -> Check:
    """The settings file in use, and whether the settings can be used."""
    if isinstance(loaded, SettingError):
        return Check("settings", State.FAIL, f"{loaded.where}: {loaded.what}", loaded.remedy)
    changed = len(loaded.given)
    return Check("settings", State.OK, f"{loaded.file or 'no file'}, {changed} values changed from their defaults")


def variables(environment: Mapping[str, str]) -> Iterator[Check]:
    """Variables that begin like ours and are not read."""
    unknown = [
        name
        for name in sorted(environment)
        if name.startswith("BOT4_") and name not in VARIABLES and not name.startswith(ENVIRONMENT_PREFIX)
    ]
    if unknown:
        yield Check(
            "variables",
            State.WARN,
            f"not read: {', '.join(unknown)}",
            f"known are {', '.join(VARIABLES)}, BOT4_SET__...",
        )


def writable_folder(name: str, folder: Path) -> Check:
    """Whether files can be made in a folder, or the folder itself where it is not there yet."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return Check(name, State.FAIL, f"{folder}: cannot be written ({error.strerror})", "mend its permission")
    return Check(name, State.OK, f"{folder}" if nearest == folder else f"{folder} (not there yet, can be made)")


def disk(folder: Path) -> Check:
    """Free space where the data folder is."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    seen = f"{free / 1e9:,.1f} GB free"
    if free < TOO_LITTLE_BYTES:
        return Check("disk", State.FAIL, seen, "free some: a journal that cannot be written stops trading")
    if free < LITTLE_BYTES:
        return Check("disk", State.WARN, seen, "free some before a long run")
    return Check("disk", State.OK, seen)


def kernel_cache() -> Check:
    """The folder of compiled kernels: whether it can be written, its size, and whether anything is in it."""
    if not JIT:
        return Check("kernels", State.WARN, "BOT4_JIT=0: plain Python, about a hundred times slower", "unset BOT4_JIT")
    folder = cache_folder()
    writable = writable_folder("kernels", folder)
    if writable.state is State.FAIL:
        return Check("kernels", State.WARN, writable.seen, "mend it or set BOT4_CACHE_DIR: now every start compiles")
    if BOUNDS_CHECK:
        return Check("kernels", State.WARN, f"{folder}: BOT4_BOUNDSCHECK=1, slower", "unset BOT4_BOUNDSCHECK")
    files = [path.stat().st_size for path in folder.glob("*.nb*")] if folder.is_dir() else []
    if not files:
        return Check("kernels", State.OK, f"{folder}: cold, the next run compiles for about 45 s")
    seen = f"{folder}: warm, {len(files)} files, {sum(files) / 1e6:.0f} MB (a changed version compiles anew)"
    return Check("kernels", State.OK, seen)


def venue(name: str, base_url: str, timeout_s: float) -> Check:
    """Whether the exchange of ``[paper]`` answers a public request."""
    try:
        settings = VenueSettings(base_url)
        is_there = is_reachable(name, timeout_s, settings)
    except (SettingError, UsageError) as error:
        return Check("venue", State.FAIL, f"{name}: {error.what}", error.remedy)
    if is_there:
        return Check("venue", State.OK, f"{name} answers")
    return Check(
        "venue",
        State.WARN,
        f"{name} did not answer within {timeout_s:g} s",
        "check network and proxy ($HTTPS_PROXY); without it paper trades the synthetic market",
    )
