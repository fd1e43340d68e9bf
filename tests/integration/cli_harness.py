"""Running ``bot4`` as a user does, in this process or in one of its own, with folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot4.app.cli.main import run

SOURCES = Path(__file__).resolve().parents[2] / "src"


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> Any:
        """stdout as its one JSON object."""
        return json.loads(self.stdout)

    @property
    def error(self) -> str:
        """The one line on stderr that is the error."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("error:")]
        assert len(lines) == 1, self.stderr
        assert "Traceback" not in self.stderr
        return lines[0]


def say(capsys: Any, *arguments: object) -> Said:
    """Run a command in this process."""
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Said(code, captured.out, captured.err)


def say_alone(*arguments: object, folder: Path, program: str = "", **environment: str) -> Said:
    """Run a command in a process of its own; ``program`` is Python to run before it."""
    code = f"{program}\nfrom bot4.app.cli.main import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def files_in(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones included, by relative name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
