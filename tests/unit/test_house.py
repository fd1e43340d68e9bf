"""The rules of the house, checked on every source file."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bot4
from bot4.kernel import KERNELS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "bot4"
FILES = sorted(SOURCE.rglob("*.py"))
BANNED_NAMES = {"utils", "util", "common", "manager", "helpers", "misc"}


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.fixture(scope="module")
def modules() -> list[ModuleType]:
    names = [info.name for info in pkgutil.walk_packages(bot4.__path__, "bot4.") if not info.name.endswith("__main__")]
    return [importlib.import_module(name) for name in names]


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def declared_kernels(path: Path) -> set[str]:
    """Names of the module-level functions that a ``@kernel(...)`` or ``@FAMILY.kernel`` decorator declares."""
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "kernel")
        or (isinstance(decorator, ast.Attribute) and decorator.attr == "kernel")
    }


@pytest.mark.parametrize("path", FILES, ids=named)
def test_only_the_kernel_door_imports_the_compiler(path: Path) -> None:
    if path not in (SOURCE / "kernel.py", SOURCE / "kernel_memory.py"):
        assert not {name for name in imported_names(path) if name.partition(".")[0] in {"numba", "llvmlite"}}


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_stays_under_six_hundred_lines_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") < 600
    if path.stem == "__init__" or not path.stem.startswith("_"):
        assert ast.get_docstring(ast.parse(text)), "no docstring"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    assert not BANNED_NAMES & {part.removesuffix(".py") for part in path.relative_to(SOURCE).parts}


def test_every_declared_kernel_is_discovered_and_has_one_explicit_signature(modules: list[ModuleType]) -> None:
    declared = {
        f"{module.__name__}.{name}"
        for module in modules
        if module.__file__ is not None
        for name in declared_kernels(Path(module.__file__))
    }
    assert len(declared) > 50
    assert declared - KERNELS.keys() == set()
    for name in declared:
        kernel = KERNELS[name]
        assert len(kernel.signature.args) == kernel.function.__code__.co_argcount, name
        assert kernel.signature.return_type is not None, name


def test_no_kernel_is_declared_twice_under_one_name(modules: list[ModuleType]) -> None:
    for module in modules:
        if module.__file__ is not None:
            for name in declared_kernels(Path(module.__file__)):
                assert getattr(module, name) is KERNELS[f"{module.__name__}.{name}"].compiled, name


def test_imports_point_down_only() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
