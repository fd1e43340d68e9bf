import itertools
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bot4.adapters.storage import atomic_files
from bot4.adapters.storage.bar_files import write_bars
from bot4.adapters.storage.catalogue import Catalogue, data_folder
from bot4.domain.bars import HOUR_NS, MINUTE_NS, BarSeries
from bot4.domain.errors import DataError, StorageError, UsageError
from bot4.quant.series.quality import Defect
from bot4.quant.series.synthetic import synthetic_bars

COLUMNS = ("ts_open_ns", "open", "high", "low", "close", "volume")


def bars(first: int = 0, stop: int = 100, symbol: str = "BTCUSDT") -> BarSeries:
    series = synthetic_bars(1, 500, MINUTE_NS, symbol)
    return replace(series, is_synthetic=False, **{name: getattr(series, name)[first:stop] for name in COLUMNS})


def same(first: BarSeries, second: BarSeries) -> bool:
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in COLUMNS)


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path / "market")


def test_what_was_appended_is_loaded_again(catalogue):
    entry = catalogue.append(bars(), "binance")
    assert entry.path == catalogue.folder / "binance" / "BTCUSDT" / "1m.parquet"
    assert same(catalogue.load("BTCUSDT", MINUTE_NS), bars())
    assert same(catalogue.load("BTC/USDT", MINUTE_NS, "binance"), bars())
    assert catalogue.check("BTCUSDT", MINUTE_NS).findings == ()


def test_the_list_says_what_there_is(catalogue):
    assert catalogue.list() == []
    catalogue.append(bars(symbol="ETHUSDT"), "binance")
    catalogue.append(bars(0, 10), "binance")
    entries = catalogue.list()
    assert [(e.venue, e.symbol, e.interval_ns, e.bars) for e in entries] == [
        ("binance", "BTCUSDT", MINUTE_NS, 10),
        ("binance", "ETHUSDT", MINUTE_NS, 100),
    ]
    assert entries[0].first_open_ns == bars().ts_open_ns[0]
    assert entries[0].last_open_ns == bars().ts_open_ns[9]
    assert entries[0].as_dict()["last_open"] == "2024-01-01T00:09Z"


def test_pieces_with_an_equal_overlap_become_one_series_in_any_order(catalogue):
    for first, stop in ((50, 80), (0, 60), (70, 100), (20, 30)):
        catalogue.append(bars(first, stop))
    assert same(catalogue.load("BTCUSDT", MINUTE_NS), bars())


def test_an_overlap_that_differs_is_refused_and_nothing_changes(catalogue):
    catalogue.append(bars(0, 60))
    before = catalogue.path("BTCUSDT", MINUTE_NS, "local").read_bytes()
    other = bars(50, 100)
    other.volume[3] += 1
    with pytest.raises(DataError, match="volume of 2024-01-01T00:53Z is"):
        catalogue.append(other)
    assert catalogue.path("BTCUSDT", MINUTE_NS, "local").read_bytes() == before


def test_a_period_is_loaded_by_open_time(catalogue):
    series = bars()
    catalogue.append(series)
    part = catalogue.load("BTCUSDT", MINUTE_NS, start_ns=int(series.ts_open_ns[10]), end_ns=int(series.ts_open_ns[20]))
    assert same(part, bars(10, 20))
    with pytest.raises(DataError, match="it holds 2024-01-01T00:00Z to 2024-01-01T01:39Z"):
        catalogue.load("BTCUSDT", MINUTE_NS, start_ns=int(series.ts_open_ns[-1]) + MINUTE_NS)


def test_an_unknown_symbol_is_refused_with_what_there_is(catalogue):
    with pytest.raises(DataError, match="it is empty"):
        catalogue.load("BTCUSDT", MINUTE_NS)
    catalogue.append(bars())
    with pytest.raises(DataError, match="no XRPUSDT 1m in the catalogue; it holds BTCUSDT 1m"):
        catalogue.load("XRPUSDT", MINUTE_NS)
    with pytest.raises(DataError, match="no BTCUSDT 1h in the catalogue; it holds BTCUSDT 1m"):
        catalogue.load("BTCUSDT", HOUR_NS)


def test_two_venues_with_one_symbol_need_a_venue(catalogue):
    catalogue.append(bars(0, 50), "binance")
    catalogue.append(bars(0, 60), "kraken")
    with pytest.raises(DataError, match="several venues hold BTCUSDT 1m: binance, kraken"):
        catalogue.load("BTCUSDT", MINUTE_NS)
    assert len(catalogue.load("BTCUSDT", MINUTE_NS, "kraken")) == 60


def test_synthetic_bars_stay_marked_and_do_not_mix_with_real_ones(catalogue):
    synthetic = synthetic_bars(1, 50, MINUTE_NS, "BTCUSDT")
    catalogue.append(synthetic, "synthetic")
    assert catalogue.load("BTCUSDT", MINUTE_NS).is_synthetic
    assert catalogue.list()[0].is_synthetic
    with pytest.raises(DataError, match="synthetic and real"):
        catalogue.append(bars(40, 60), "synthetic")


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT", "a b%c"])
def test_a_symbol_of_any_spelling_has_a_folder_and_comes_back(catalogue, symbol):
    entry = catalogue.append(bars(symbol=symbol))
    assert entry.path.parent.parent == catalogue.folder / "local"
    assert catalogue.list()[0].symbol == symbol
    assert same(catalogue.load(symbol, MINUTE_NS), bars(symbol=symbol))


@pytest.mark.parametrize("name", ["", "..", ".hidden"])
def test_a_name_that_leaves_the_catalogue_is_refused(catalogue, name):
    with pytest.raises(UsageError):
        catalogue.append(bars(symbol=name))
    with pytest.raises(UsageError):
        catalogue.append(bars(), venue=name)


def test_a_file_is_imported_with_repair_and_its_report(catalogue, tmp_path):
    series = bars(0, 20)
    rows = [*range(10), 9, *range(10, 20)]
    frame = pl.DataFrame({name: getattr(series, name)[rows] for name in COLUMNS})
    path = tmp_path / "BTC_USDT-1m.csv"
    frame.write_csv(path)
    imported = catalogue.import_file(path, venue="binance")
    assert imported.new_bars == 20
    assert imported.report.find(Defect.EXACT_DUPLICATE).bars == 1
    assert same(catalogue.load("BTCUSDT", MINUTE_NS), series)
    assert catalogue.import_file(path, venue="binance").new_bars == 0


def test_the_folder_is_the_users_or_the_one_named(monkeypatch, tmp_path):
    monkeypatch.setenv("BOT4_DATA_DIR", str(tmp_path))
    assert Catalogue().folder == tmp_path / "market"
    monkeypatch.delenv("BOT4_DATA_DIR")
    assert data_folder().name == "bot4"


# --- nothing half-written ------------------------------------------------------------------------------------------


def child_environment() -> dict[str, str]:
    root = Path(__file__).resolve().parents[2]
    return {**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(catalogue, monkeypatch, step):
    catalogue.append(bars(0, 50))
    path = catalogue.path("BTCUSDT", MINUTE_NS, "local")
    before = path.read_bytes()

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(atomic_files.os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        catalogue.append(bars(50, 100))
    monkeypatch.undo()
    assert caught.value.exit_code == 8
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert leftovers(catalogue.folder) == ["1m.parquet"]


def test_a_disk_that_fills_while_writing_leaves_nothing_half_written(tmp_path):
    catalogue = Catalogue(tmp_path)
    catalogue.append(bars(0, 50))
    before = catalogue.path("BTCUSDT", MINUTE_NS, "local").read_bytes()
    limit = len(before) + 500
    script = (
        "import resource, signal, sys\n"
        "from bot4.adapters.storage.catalogue import Catalogue\n"
        "from bot4.domain.errors import StorageError\n"
        "from bot4.quant.series.synthetic import synthetic_bars\n"
        "from tests.unit.test_catalogue import bars\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "try:\n"
        f"    Catalogue({str(tmp_path)!r}).append(bars(50, 500))\n"
        "except StorageError as error:\n"
        "    print(error)\n"
        "    sys.exit(error.exit_code)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=child_environment(), check=False, timeout=60
    )
    assert result.returncode == 8, result.stderr
    assert "cannot be written" in result.stdout
    assert result.stdout.count("\n") == 1
    assert catalogue.path("BTCUSDT", MINUTE_NS, "local").read_bytes() == before
    assert leftovers(tmp_path) == ["1m.parquet"]


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "market").write_text("a file where a folder should be")
    with pytest.raises(StorageError) as caught:
        Catalogue(tmp_path / "market").append(bars())
    assert str(tmp_path / "market") in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_storage_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="Permission denied"):
        Catalogue(tmp_path / "market").append(bars())
    tmp_path.chmod(0o700)


def test_a_write_to_a_folder_that_refuses_is_a_storage_error(tmp_path, monkeypatch):
    def refuse(*_arguments, **_named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(atomic_files.tempfile, "mkstemp", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        write_bars(bars(), tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_in_the_catalogue_is_named(catalogue):
    path = catalogue.append(bars()).path
    path.write_bytes(path.read_bytes()[:200])
    for act in (catalogue.list, lambda: catalogue.load("BTCUSDT", MINUTE_NS)):
        with pytest.raises(DataError) as caught:
            act()
        assert str(path) in str(caught.value)


def test_two_processes_that_append_at_once_lose_nothing(tmp_path):
    script = (
        "import sys\n"
        "from bot4.adapters.storage.catalogue import Catalogue\n"
        "from tests.unit.test_catalogue import bars\n"
        f"catalogue = Catalogue({str(tmp_path)!r})\n"
        "for first in range(int(sys.argv[1]), 100, 20):\n"
        "    catalogue.append(bars(first, first + 10))\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, first], env=child_environment()) for first in ("0", "10")
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert same(Catalogue(tmp_path).load("BTCUSDT", MINUTE_NS), bars())


def test_a_reader_sees_one_version_of_a_file_that_is_being_replaced(tmp_path):
    catalogue = Catalogue(tmp_path)
    path = catalogue.append(bars(0, 10)).path
    versions = {len(version): version for version in (bars(0, 10), bars(0, 500))}
    is_done = threading.Event()

    def keep_replacing():
        for version in itertools.cycle(versions.values()):
            if is_done.is_set():
                return
            write_bars(version, path, "local")

    with ThreadPoolExecutor(1) as writer:
        replacing = writer.submit(keep_replacing)
        try:
            for _ in range(300):
                (entry,) = catalogue.list()
                assert entry.last_open_ns == versions[entry.bars].ts_open_ns[-1]
                held = catalogue.load("BTCUSDT", MINUTE_NS)
                assert same(held, versions[len(held)])
        finally:
            is_done.set()
        replacing.result()
