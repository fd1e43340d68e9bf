# mypy: allow-untyped-calls
"""The one door to the compiler: how a per-event function is declared, compiled, cached and found.

A kernel is a plain function over NumPy arrays and records, declared with its one signature::

    @kernel(f8(f8, f8))
    def midpoint(bid, ask):
        return 0.5 * (bid + ask)

Nothing is compiled at import. :func:`warm_up` compiles (or loads from the cache) what a program is about to
run, tells a progress callback what it does, and then freezes it, so that nothing compiles while trading.
With ``BOT4_JIT=0`` a kernel is the plain Python function, for the debugger and for coverage;
``BOT4_BOUNDSCHECK=1`` compiles with bounds checks.

The cache on disk is keyed by the sources a kernel *reaches* (its module and every module that it imports,
directly or not, other than the standard library and installed packages), so that a changed callee or constant
in another file is never missed. A cache that is damaged is made anew; without one, each process compiles.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import pickle
import re
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.caching import NullCache
from numba.extending import intrinsic

JIT = os.environ.get("BOT4_JIT", "1") != "0"
BOUNDS_CHECK = os.environ.get("BOT4_BOUNDSCHECK", "0") == "1"
PACKAGE = __name__.partition(".")[0]

f8 = types.float64
i8 = types.int64
i4 = types.int32
u8 = types.uint64
b1 = types.boolean
void = types.void


def array(element: Any, ndim: int = 1) -> Any:
    """Type of a C-contiguous array of ``ndim`` dimensions of a scalar type such as :data:`f8`."""
    return types.Array(element, ndim, "C")


def record(dtype: np.dtype[Any]) -> Any:
    """Type of one record (passed by reference) of a structured dtype."""
    return _record_type(dtype)[1]


def records(dtype: np.dtype[Any]) -> Any:
    """Type of a one-dimensional contiguous array of records."""
    return types.Array(_record_type(dtype)[1], 1, "C")


_record_types: dict[int, tuple[np.dtype[Any], Any]] = {}


def _record_type(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], Any]:
    # Found again by identity: making and hashing the type of a large nested record takes milliseconds, and
    # hundreds of signatures name the same few. Keeping the dtype keeps its identity from being used again.
    if id(dtype) not in _record_types:
        _record_types[id(dtype)] = (dtype, numba.from_dtype(dtype))
    return _record_types[id(dtype)]


@dataclass(frozen=True, slots=True)
class Kernel:
    """One registered kernel: ``function`` is the plain Python, ``compiled`` what the program calls."""

    name: str
    signature: Any
    function: Callable[..., Any]
    compiled: Any


@dataclass(frozen=True, slots=True)
class WarmUpStep:
    """What :func:`warm_up` reports after each kernel: position, total, name, and whether it came from the cache."""

    done: int
    total: int
    name: str
    was_cached: bool
    elapsed_s: float


KERNELS: dict[str, Kernel] = {}


def kernel(
    signature: Any, *, is_inlined: bool = False, is_member: bool = False, releases_gil: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a kernel with its one signature and enter it in :data:`KERNELS`.

    A kernel allocates nothing per event, raises nothing (it returns a status) and reads no global state.
    ``is_inlined`` puts its body into every caller: for what runs at every bar and has one caller or two.
    ``releases_gil`` lets other threads run Python while it computes: for long computations shared among threads,
    each of which writes to arrays of its own.
    """

    def declare(function: Callable[..., Any]) -> Any:
        name = f"{function.__module__}.{function.__qualname__}"
        compiled = _dispatcher(function, signature, is_inlined, releases_gil) if JIT else function
        KERNELS[name] = Kernel(name, signature, function, compiled)
        return compiled

    return declare


class KernelFamily:
    """Kernels of one signature, called by *address*, so that which one runs is data and recompiles nothing.

    ``family.kernel`` declares a member, ``family.address(member)`` gives the number to keep in a configuration
    (valid in this process only), and ``family.call(address, ...)`` calls it from inside another kernel at the
    cost of an indirect call. The compiler looks up module names only: keep ``call_x = family.call`` beside the
    family and call that.
    """

    def __init__(self, name: str, signature: Any) -> None:
        self.name = name
        self.signature = signature
        self._plain: list[Callable[..., Any]] = []
        self.call = _call_by_address(signature) if JIT else self._call_plain

    def kernel(self, function: Callable[..., Any]) -> Any:
        """Declare a member of the family."""
        return kernel(self.signature)(function)

    def address(self, member: Any) -> int:
        """The address of a declared member; compiles it (or loads it from the cache) if need be."""
        if not JIT:
            if member not in self._plain:
                self._plain.append(member)
            return self._plain.index(member) + 1
        _load(member, self.signature)
        result = member.overloads[self.signature.args]
        return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))

    def _call_plain(self, address: int, *arguments: Any) -> Any:
        return self._plain[int(address) - 1](*arguments)


def warm_up(
    kernels: Iterable[Any],
    progress: Callable[[WarmUpStep], None] | None = None,
    beside: Iterable[Any] = (),
) -> bool:
    """Make the given kernels ready to run and freeze them: a call with other types then raises TypeError.

    Where all of them are in the cache, only they are loaded. Otherwise they and what they call are compiled, in the
    order of declaration (callees first), so that the progress is even; what nobody asked for is not. A second
    process meanwhile compiles those given as ``beside``, and what they call, into the same cache.

    Args:
        kernels: the kernels that the caller is about to call.
        progress: called after each one.
        beside: kernels of packages that the rest calls through few doors (indicators, decision, the venue).

    Returns:
        True if everything came from the cache.
    """
    if not JIT:
        return True
    started = time.perf_counter()
    wanted = [entry for entry in KERNELS.values() if any(entry.compiled is k for k in kernels)]
    is_warm = all(_is_ready(entry) for entry in wanted)
    apart = [entry for entry in KERNELS.values() if any(entry.compiled is k for k in beside)]
    with _Helper([] if is_warm else apart) as helper:
        reached = set() if is_warm else _reached(wanted)
        todo = wanted if is_warm else helper.in_turn([e for e in KERNELS.values() if e.name in reached])
        for done, entry in enumerate(todo, 1):
            was_cached = _load(helper.awaited(entry).compiled, entry.signature)
            if progress is not None:
                progress(WarmUpStep(done, len(todo), entry.name, was_cached, time.perf_counter() - started))
    return is_warm


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``$BOT4_CACHE_DIR`` or the user's cache folder."""
    override = os.environ.get("BOT4_CACHE_DIR")
    if override:
        base = Path(override)
    else:
        import platformdirs

        base = Path(platformdirs.user_cache_dir("bot4"))
    return base / ("kernels-checked" if BOUNDS_CHECK else "kernels")


# --- a second process ---------------------------------------------------------------------------------------------


def compile_into_cache(names: Iterable[str]) -> None:
    """Compile kernels by name, and what they call, into the cache: what the helper process runs."""
    for name in names:
        _load(KERNELS[name].compiled, KERNELS[name].signature)


class _Helper:
    """A process that compiles some kernels into the cache while this one compiles the others.

    What both need from other packages (exact money, for example) is small, and compiled by each. Whatever becomes
    of the process, nothing is lost: what is not in the cache is compiled here.
    """

    def __init__(self, apart: list[Kernel]) -> None:
        shared = [entry for entry in apart if _package_of(entry).partition(".")[0] == PACKAGE]
        packages = {_package_of(entry) for entry in shared}
        self._names = {name for name in _reached(shared) if _package_of(KERNELS[name]) in packages}
        self._process: subprocess.Popen[bytes] | None = None
        if shared and (os.cpu_count() or 1) > 1 and _is_writable(cache_folder()):
            self._process = _start_compiling(shared)

    def in_turn(self, entries: list[Kernel]) -> list[Kernel]:
        """The entries in the order to load them: first what needs nothing of the helper's."""
        if self._process is None:
            return entries

        def turn(entry: Kernel) -> int:
            return 1 if entry.name in self._names else 2 if _reached([entry]) & self._names else 0

        return sorted(entries, key=turn)

    def awaited(self, entry: Kernel) -> Kernel:
        """The entry, once the helper is done if it is one of the helper's."""
        if self._process is not None and entry.name in self._names:
            self._process.wait()
        return entry

    def __enter__(self) -> _Helper:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def _package_of(entry: Kernel) -> str:
    return entry.function.__module__.rpartition(".")[0]


def _start_compiling(entries: list[Kernel]) -> subprocess.Popen[bytes] | None:
    modules = sorted({entry.function.__module__ for entry in entries})
    program = f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    program += f"from {__name__} import compile_into_cache\n"
    program += f"compile_into_cache({[entry.name for entry in entries]!r})\n"
    quiet = subprocess.DEVNULL
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        return subprocess.Popen(  # noqa: S603 - our own program, with the names of our own modules
            [sys.executable, "-c", program], stdin=quiet, stdout=quiet, stderr=quiet, env=environment
        )
    except OSError:
        return None


def _reached(roots: list[Kernel]) -> set[str]:
    """Names of the kernels that some kernels call, directly or not, and their own."""
    by_identity = {id(entry.compiled): entry for entry in KERNELS.values()}
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        entry = waiting.pop()
        if entry.name not in reached:
            reached.add(entry.name)
            names = entry.function.__code__.co_names
            called = (entry.function.__globals__.get(name) for name in names)
            waiting.extend(by_identity[id(value)] for value in called if id(value) in by_identity)
    return reached


# --- compiling -------------------------------------------------------------------------------------------------


class ReachedSourcesLocator:
    """Cache locator for numba: one folder, stamped with the digest of the sources that the function reaches."""

    def __init__(self, function: Callable[..., Any], path: str) -> None:
        self._stamp = reached_sources_digest(path)
        place = f"{path}:{function.__qualname__}"
        self._place = hashlib.sha256(place.encode()).hexdigest()[:12]

    @classmethod
    def from_function(cls, function: Callable[..., Any], path: str) -> ReachedSourcesLocator | None:
        return cls(function, path) if Path(path).is_file() else None

    def ensure_cache_path(self) -> None:
        """Called before a kernel is saved: what earlier sources left of the same kernel goes."""
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob(f"*{self._place}-*"):
            if self.get_disambiguator() not in file.name:
                file.unlink(missing_ok=True)

    def get_cache_path(self) -> str:
        return str(cache_folder())

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        """Part of the file names, the sources included: an index never points at code of other sources.

        numba writes the index before the code, so that a process killed in between would otherwise leave a new
        index beside old code.
        """
        return f"{self._place}-{self._stamp[:16]}"


_CACHE_ERRORS = (OSError, EOFError, pickle.UnpicklingError)


def _dispatcher(function: Callable[..., Any], signature: Any, is_inlined: bool, releases_gil: bool) -> Any:
    can_cache = Path(function.__code__.co_filename).is_file() and _is_writable(cache_folder())
    config: Any = numba.config
    previous = config.CACHE_LOCATOR_CLASSES
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.ReachedSourcesLocator"
    try:
        # Without numba's runtime no reference to an array is counted: a kernel allocates nothing and its caller holds
        # every array, while the atomic additions took a third of the time of a bar.
        options: dict[str, Any] = {"no_cfunc_wrapper": True, "_nrt": False}  # known to numba, not to its type stubs
        dispatcher: Any = numba.njit(
            function,
            cache=can_cache,
            boundscheck=BOUNDS_CHECK,
            error_model="numpy",
            forceinline=is_inlined,
            nogil=releases_gil,
            **options,
        )
    finally:
        config.CACHE_LOCATOR_CLASSES = previous
    dispatcher.compile = functools.partial(_compile_as_declared, dispatcher, signature)
    return dispatcher


def _compile_as_declared(dispatcher: Any, declared: Any, wanted: Any) -> Any:
    """Compile with the declared return type and under the declared key, whoever asks.

    A kernel met as a callee would otherwise get the return type that numba infers, which a call by address must
    not, and another place in the cache.
    """
    arguments = tuple(wanted) if isinstance(wanted, tuple) else wanted.args
    return type(dispatcher).compile(dispatcher, declared if arguments == declared.args else wanted)


@functools.lru_cache
def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _is_ready(entry: Kernel) -> bool:
    if entry.signature.args in entry.compiled.overloads:
        return True
    cache = entry.compiled._cache
    if isinstance(cache, NullCache):
        return False
    key = cache._index_key(entry.signature, entry.compiled.targetctx.codegen())
    try:
        return key in cache._cache_file._load_index()
    except _CACHE_ERRORS:
        return False


def _load(compiled: Any, signature: Any) -> bool:
    """Compile or load one kernel; returns whether it was ready or cached."""
    if signature.args not in compiled.overloads:
        try:
            compiled.compile(signature)
        except _CACHE_ERRORS:
            _drop_cache()
            compiled.compile(signature)
    compiled.disable_compile()
    return bool(sum(compiled.stats.cache_hits.values())) or not compiled.stats.cache_misses


def _drop_cache() -> None:
    """The cache is damaged or its disk is full: empty it, and let this process compile for itself."""
    for entry in KERNELS.values():
        entry.compiled._cache = NullCache()
    for file in cache_folder().glob("*.nb[ic]"):
        file.unlink(missing_ok=True)


def _call_by_address(signature: Any) -> Any:
    argument_types = signature.args

    def codegen(context: Any, builder: Any, _call_signature: Any, arguments: Any) -> Any:
        convention = context.call_conv
        function_type = convention.get_function_type(signature.return_type, argument_types)
        pointer = builder.inttoptr(arguments[0], function_type.as_pointer())
        unpacked = cgutils.unpack_tuple(builder, arguments[1])
        status, result = convention.call_function(builder, pointer, signature.return_type, argument_types, unpacked)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        if signature.return_type == types.void:
            return context.get_dummy_value()
        return result

    @intrinsic
    def call(_typing_context: Any, address: Any, *arguments: Any) -> Any:
        return signature.return_type(types.intp, types.StarArgTuple(argument_types)), codegen

    return call


# --- what a kernel reaches ---------------------------------------------------------------------------------------


@functools.cache
def reached_sources_digest(path: str) -> str:
    """Digest of a source file and of every module of this package that it imports, directly or not."""
    digest = hashlib.sha256()
    for reached in sorted(_reached_files(path)):
        digest.update(reached.encode())
        digest.update(_source(reached))
    return digest.hexdigest()


@functools.cache
def _source(path: str) -> bytes:
    return Path(path).read_bytes()


def _reached_files(path: str) -> set[str]:
    reached: set[str] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(_imported_files(current))
    return reached


@functools.cache
def _imported_files(path: str) -> tuple[str, ...]:
    found: set[str] = set()
    for node in _import_statements(_source(path)):
        if isinstance(node, ast.Import):
            found.update(_module_files(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            found.update(_module_files([module, *(f"{module}.{alias.name}" for alias in node.names)]))
        elif isinstance(node, ast.ImportFrom):
            found.update(_relative_files(path, node))
    return tuple(found)


_IMPORT = re.compile(
    rb"^[ \t]*((?:from[ \t]+[.\w]+[ \t]+import\b|import[ \t]+\w)[^\n(]*(?:\([^)]*\)[^\n]*)?)", re.MULTILINE
)


def _import_statements(source: bytes) -> Iterable[ast.AST]:
    """The import statements of a source, wherever they stand; found by their words, since parsing all is slow."""
    try:
        return ast.parse(b"\n".join(_IMPORT.findall(source))).body
    except SyntaxError:  # prose that reads like an import, or one cut short
        return ast.walk(ast.parse(source))


def _module_files(names: Iterable[str]) -> set[str]:
    return {file for name in names if (file := _module_file(name)) is not None}


def _relative_files(path: str, node: ast.ImportFrom) -> set[str]:
    base = Path(path).parents[node.level - 1].joinpath(*(node.module or "").split("."))
    places = [base, *(base / alias.name for alias in node.names)]
    candidates = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
    return {str(file) for file in candidates if file.is_file()}


@functools.cache
def _module_file(name: str) -> str | None:
    """The source file of a module of this package or of the user's own; None for all others."""
    if not _is_own(name.partition(".")[0]):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return spec.origin if spec is not None and spec.origin and spec.origin.endswith(".py") else None


@functools.cache
def _is_own(top_level: str) -> bool:
    if top_level == PACKAGE:
        return True
    if top_level in sys.stdlib_module_names:
        return False
    try:
        spec = importlib.util.find_spec(top_level)
    except (ModuleNotFoundError, ValueError):  # ValueError: __main__ has no spec
        return False
    places = [spec.origin, *(spec.submodule_search_locations or [])] if spec is not None else []
    installed = [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
    return any(
        place is not None and not any(Path(place).is_relative_to(folder) for folder in installed) for place in places
    )


if not JIT:
    np.seterr(over="ignore")  # compiled integers wrap without a word; so must the plain ones

__all__ = [
    "BOUNDS_CHECK", "JIT", "KERNELS", "Kernel", "KernelFamily", "WarmUpStep", "array", "b1", "cache_folder",
    "f8", "i4", "i8", "kernel", "reached_sources_digest", "record", "records", "u8", "void", "warm_up",
]  # fmt: skip
