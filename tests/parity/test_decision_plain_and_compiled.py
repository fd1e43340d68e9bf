"""Signals, decisions and strategies come to the same bits compiled and as plain Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(jit: str) -> str:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "BOT4_JIT": jit, "PYTHONPATH": path}
    command = [sys.executable, "-m", "tests.parity.decision_scenario"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_plain_python_decides_as_the_compiled_kernels_do():
    assert run("0") == run("1")
