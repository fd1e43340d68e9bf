"""Where strategies are found: the modules of this package, and a user's own file.

A module that holds ``STRATEGY = StrategyInfo(...)`` is a built-in strategy; adding one takes that module alone.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

import bot4.pipeline.strategies as package
from bot4.domain.errors import DataError, SettingError
from bot4.kernel import KERNELS
from bot4.pipeline.strategies.info import ResolvedStrategy, StrategyInfo, StrategyParam, resolve
from bot4.pipeline.strategies.ordinary import BarView, Signal, Strategy
from bot4.pipeline.strategy_family import STRATEGY_FAMILY

_N_ARGUMENTS = len(STRATEGY_FAMILY.signature.args)
_REMEDY = "see docs/recipes/add_a_strategy.md"

_FAULTS = (
    ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
"""What running a user's module may raise through its own mistakes."""


@functools.cache
def built_in() -> Mapping[str, StrategyInfo]:
    """Every built-in strategy by name."""
    found = {}
    for entry in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        info = getattr(importlib.import_module(entry.name), "STRATEGY", None)
        if isinstance(info, StrategyInfo):
            found[info.name] = info
    return MappingProxyType(dict(sorted(found.items())))


def get(name: str) -> StrategyInfo:
    """A built-in strategy.

    Raises:
        SettingError: there is none of that name.
    """
    known = built_in()
    if name not in known:
        raise SettingError(
            f"no strategy {name!r}", where="strategies", remedy=f"give one of {', '.join(known)}, or a .py file"
        )
    return known[name]


def find(name_or_path: str) -> StrategyInfo:
    """A strategy as a user names it: built-in, or a file ending in ``.py``.

    Raises:
        SettingError, DataError: as :func:`get` and :func:`load_file`.
    """
    return load_file(Path(name_or_path)) if name_or_path.endswith(".py") else get(name_or_path)


def load_file(path: Path) -> StrategyInfo:
    """A user's own strategy: a file with ``STRATEGY = StrategyInfo(...)`` or with one subclass of ``Strategy``.

    The file's code runs, once. What it declares is checked, so that a mistake shows here and not in the run.

    Raises:
        DataError: no such file, no strategy in it, or it does not run.
        SettingError: an indicator, a parameter or a signature that does not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("no such file", where=str(path), remedy="give the path of a .py file")
    info = _strategy_in(_run(path), path)
    _check_function(info, path)
    resolve(info)
    return info


def _run(path: Path) -> ModuleType:
    name = f"bot4_user_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise DataError("is not a Python file", where=str(path), remedy="give the path of a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        what = f"line {error.lineno}: {error.msg}"
        raise DataError(f"syntax error in {what}", where=str(path), remedy="correct the file") from error
    except _FAULTS as error:
        line = _line_of(error, path)
        raise DataError(
            f"{type(error).__name__} in line {line}: {error}", where=str(path), remedy="correct the file"
        ) from error
    return module


def _line_of(error: BaseException, path: Path) -> int:
    """The last line of the user's file in an error's traceback."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _strategy_in(module: ModuleType, path: Path) -> StrategyInfo:
    declared = getattr(module, "STRATEGY", None)
    if isinstance(declared, StrategyInfo):
        return declared
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if len(classes) == 1:
        return classes[0].info()
    found = "holds no strategy" if not classes else f"holds {len(classes)} strategies"
    raise DataError(
        found, where=str(path), remedy=f"one file holds one STRATEGY or one subclass of Strategy; {_REMEDY}"
    )


def _check_function(info: StrategyInfo, path: Path) -> None:
    where = f"{path}: strategy {info.name}"
    if (info.kernel is None) == (info.python is None):
        raise SettingError("needs either a kernel or a Python class", where=where, remedy=_REMEDY)
    if info.kernel is not None:
        _check_kernel(info, where)
        return
    if not (isinstance(info.python, type) and issubclass(info.python, Strategy)):
        raise SettingError("its Python class is no subclass of Strategy", where=where, remedy=_REMEDY)
    if inspect.isabstract(info.python):
        raise SettingError("it has no on_bar", where=where, remedy="define on_bar(self, view)")
    if len(inspect.signature(info.python.on_bar).parameters) != 2:
        raise SettingError("on_bar has the wrong arguments", where=where, remedy="define on_bar(self, view)")


def _check_kernel(info: StrategyInfo, where: str) -> None:
    entry = next((k for k in KERNELS.values() if k.compiled is info.kernel), None)
    if entry is None or entry.signature != STRATEGY_FAMILY.signature:
        raise SettingError(
            "its kernel is no strategy kernel", where=where, remedy="declare it with @STRATEGY_FAMILY.kernel"
        )
    n_arguments = len(inspect.signature(entry.function).parameters)
    if n_arguments != _N_ARGUMENTS:
        raise SettingError(
            f"its kernel takes {n_arguments} arguments",
            where=where,
            remedy=f"it takes {_N_ARGUMENTS}: view, frames, columns, params, memory, signal",
        )


__all__ = [
    "BarView", "ResolvedStrategy", "Signal", "Strategy", "StrategyInfo", "StrategyParam", "built_in", "find", "get",
    "load_file", "resolve",
]  # fmt: skip
