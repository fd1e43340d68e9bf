"""The door to the compiler, each test in a process and with a cache of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot4.kernel import reached_sources_digest

CALLEE = """
from bot4.kernel import f8, kernel

FACTOR = 2.0

@kernel(f8(f8))
def scale(x):
    return FACTOR * x
"""

CALLER = """
from bot4.kernel import KernelFamily, array, f8, i8, kernel, void
from tiny.callee import scale

FAMILY = KernelFamily("shape", f8(f8, f8))
FILLS = KernelFamily("fill", void(array(f8), f8))
call_shape = FAMILY.call
call_fill = FILLS.call

@FAMILY.kernel
def total(a, b):
    return a + b

@FAMILY.kernel
def product(a, b):
    return a * b

@FILLS.kernel
def fill(out, value):
    out[0] = value

@kernel(f8(f8))
def scaled_plus_one(x):
    return scale(x) + 1.0

@kernel(f8(i8, f8, f8))
def by_address(address, a, b):
    return call_shape(address, a, b)

@kernel(void(i8, array(f8), f8))
def fill_by_address(address, out, value):
    call_fill(address, out, value)
"""

PRELUDE = """
import json, sys
import numpy as np
from bot4.kernel import JIT, KERNELS, cache_folder, warm_up
from tiny import caller
steps = []
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A package of two files, whose caller's kernel calls the callee's."""
    package = tmp_path / "project" / "tiny"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "callee.py").write_text(CALLEE)
    (package / "caller.py").write_text(CALLER)
    return package


def run(tiny: Path, script: str, **environment: str) -> Any:
    """Run a script that ends in an expression to return, in a process of its own; the cache is beside the project."""
    *body, result = script.strip().splitlines()
    code = "\n".join([PRELUDE, *body, f"print(json.dumps({result}))"])
    source = [str(tiny.parent), *(entry for entry in sys.path if entry)]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("BOT4_")},
            "PYTHONPATH": os.pathsep.join(source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BOT4_CACHE_DIR": str(tiny.parent.parent / "cache"),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


CALL = """
warm = warm_up([caller.scaled_plus_one])
[warm, caller.scaled_plus_one(10.0)]
"""


def test_an_unchanged_kernel_comes_from_the_cache_and_a_changed_callee_changes_the_result(tiny: Path) -> None:
    cache = tiny.parent.parent / "cache"
    assert run(tiny, CALL) == [False, 21.0]
    n_files = len(list(cache.rglob("*.nb[ic]")))
    (tiny / "unrelated.py").write_text("NOTHING = 1\n")
    assert run(tiny, CALL) == [True, 21.0]
    (tiny / "callee.py").write_text(CALLEE.replace("2.0", "3.0"))
    assert run(tiny, CALL) == [False, 31.0]
    assert len(list(cache.rglob("*.nb[ic]"))) == n_files  # what the earlier sources left is gone


def test_a_callee_imported_relatively_is_reached_too(tiny: Path) -> None:
    (tiny / "caller.py").write_text(CALLER.replace("from tiny.callee import", "from .callee import"))
    assert run(tiny, CALL)[1] == 21.0
    (tiny / "callee.py").write_text(CALLEE.replace("2.0", "3.0"))
    assert run(tiny, CALL) == [False, 31.0]


@pytest.mark.parametrize("jit", ["1", "0"])
def test_a_family_is_called_by_address(tiny: Path, jit: str) -> None:
    script = """
addresses = [caller.FAMILY.address(caller.total), caller.FAMILY.address(caller.product)]
assert addresses[0] != addresses[1]
assert addresses[0] == caller.FAMILY.address(caller.total)
out = np.zeros(1)
caller.fill_by_address(caller.FILLS.address(caller.fill), out, 5.0)
[caller.by_address(a, 3.0, 4.0) for a in addresses] + out.tolist()
"""
    assert run(tiny, script, BOT4_JIT=jit) == [7.0, 12.0, 5.0]


def test_without_the_compiler_a_kernel_is_the_plain_function(tiny: Path) -> None:
    script = """
is_plain = type(caller.scaled_plus_one).__name__ == "function"
[is_plain, warm_up([caller.scaled_plus_one]), caller.scaled_plus_one(10.0), cache_folder().exists()]
"""
    assert run(tiny, script, BOT4_JIT="0") == [True, True, 21.0, False]


def test_plain_integers_wrap_as_compiled_ones_do(tiny: Path) -> None:
    (tiny / "callee.py").write_text(
        CALLEE + "\nfrom bot4.kernel import i8\n\n@kernel(i8(i8))\ndef double(x):\n    return x + x\n"
    )
    script = """
from tiny import callee
int(callee.double(np.int64(2**62)))
"""
    assert run(tiny, script, BOT4_JIT="0") == -(2**63)


def test_warming_up_reports_each_kernel_and_freezes_it(tiny: Path) -> None:
    script = """
warm_up([caller.scaled_plus_one], steps.append)
try:
    caller.scaled_plus_one(np.zeros(3))
    refused = False
except TypeError:
    refused = True
report = [(s.done, s.total, s.name, s.was_cached) for s in steps]
assert all(later.elapsed_s >= earlier.elapsed_s >= 0 for earlier, later in zip(steps, steps[1:]))
[refused, report, len(caller.scaled_plus_one.overloads)]
"""
    refused, cold, overloads = run(tiny, script)
    assert refused
    assert overloads == 1
    assert [done for done, *_ in cold] == list(range(1, len(cold) + 1))
    assert {total for _, total, _, _ in cold} == {len(cold)}
    names = [name for _, _, name, _ in cold]
    assert names == ["tiny.callee.scale", "tiny.caller.scaled_plus_one"], "callees first, and nothing else"
    assert not any(was_cached for *_, was_cached in cold)
    refused, warm, _ = run(tiny, script)
    assert refused
    assert warm == [[1, 1, "tiny.caller.scaled_plus_one", True]]


def test_every_kernel_is_registered_with_its_signature(tiny: Path) -> None:
    script = """
{name: str(k.signature) for name, k in KERNELS.items() if name.startswith("tiny.")}
"""
    assert run(tiny, script, BOT4_JIT="0") == {
        "tiny.callee.scale": "(float64,) -> float64",
        "tiny.caller.total": "(float64, float64) -> float64",
        "tiny.caller.product": "(float64, float64) -> float64",
        "tiny.caller.fill": "(Array(float64, 1, 'C', False, aligned=True), float64) -> none",
        "tiny.caller.scaled_plus_one": "(float64,) -> float64",
        "tiny.caller.by_address": "(int64, float64, float64) -> float64",
        "tiny.caller.fill_by_address": "(int64, Array(float64, 1, 'C', False, aligned=True), float64) -> none",
    }


def test_a_cache_folder_that_cannot_be_made_does_not_stop_the_program(tiny: Path) -> None:
    (tiny.parent / "file").write_text("")
    script = CALL.replace("[warm, ", "[")
    assert run(tiny, script, BOT4_CACHE_DIR=str(tiny.parent / "file" / "cache")) == [21.0]


def test_a_cache_whose_disk_is_full_does_not_stop_the_program(tiny: Path) -> None:
    limit = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""
    assert run(tiny, limit + CALL) == [False, 21.0]


def test_a_damaged_cache_is_made_anew(tiny: Path) -> None:
    for suffix, content in (("nbi", b""), ("nbc", b"\x80\x05garbage")):
        assert run(tiny, CALL) == [False, 21.0]
        damaged = list((tiny.parent.parent / "cache").rglob(f"*.{suffix}"))
        assert damaged
        for file in damaged:
            file.write_bytes(content)
        assert run(tiny, CALL)[1] == 21.0


def test_a_kernel_first_met_as_a_callee_has_its_declared_return_type(tiny: Path) -> None:
    (tiny / "caller.py").write_text(
        CALLER + "\n\n@FAMILY.kernel\ndef nothing(a, b):\n    return 0\n\n\n"
        "@kernel(f8())\ndef nothing_more():\n    return nothing(1.0, 2.0) + 0.5\n"
    )
    script = """
caller.nothing_more()
[str(next(iter(caller.nothing.overloads.values())).signature.return_type), caller.nothing_more()]
"""
    assert run(tiny, script) == ["float64", 0.5]


def test_bounds_are_checked_on_request_and_cached_apart(tiny: Path) -> None:
    (tiny / "callee.py").write_text(
        CALLEE + "\nfrom bot4.kernel import array, i8\n\n@kernel(f8(array(f8), i8))\ndef at(xs, i):\n    return xs[i]\n"
    )
    script = """
from tiny import callee
try:
    callee.at(np.zeros(2), 5)
    raised = False
except IndexError:
    raised = True
[raised, cache_folder().name]
"""
    assert run(tiny, script, BOT4_BOUNDSCHECK="1") == [True, "kernels-checked"]


def test_the_digest_follows_own_modules_and_leaves_installed_ones_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "beside_strategy.py").write_text("LIMIT = 1\n")
    strategy = tmp_path / "strategy.py"
    strategy.write_text("import json\nimport numpy\nimport beside_strategy\n")
    other = tmp_path / "other.py"
    other.write_text("import json\n")
    assert reached_sources_digest(str(strategy)) != reached_sources_digest(str(other))
    from bot4 import kernel

    assert kernel._reached_files(str(strategy)) == {str(strategy), str(tmp_path / "beside_strategy.py")}
    assert kernel._reached_files(str(other)) == {str(other)}


SPINNING = """
import threading, time
from bot4.kernel import i8, kernel
kinds = {}
for releases in (False, True):
    @kernel(i8(i8, i8), releases_gil=releases)
    def spin(n, seed):
        for i in range(n):
            seed = (seed * 6364136223846793005 + 1442695040888963407) ^ (seed >> 7)
        return seed
    spin(1, 1)
    worker = threading.Thread(target=spin, args=(100_000_000, 1))
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    kinds[releases] = turns
kinds[True] > 10 > kinds[False]
"""


def test_other_threads_run_python_beside_a_kernel_only_if_it_lets_go_of_the_interpreter(tiny: Path) -> None:
    assert run(tiny, SPINNING)
