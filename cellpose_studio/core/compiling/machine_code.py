"""What compiled loops need of numba; imported with the first of them that runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import config, event
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    UserProvidedCacheLocator,
)
from numba.extending import intrinsic

from cellpose_studio.core.compiling.watched import tell


class _BundleLocator(UserProvidedCacheLocator):
    """Finds the cache of a bundle, which has no source files.

    numba takes their names for paths below the current folder, so it would compile
    anew in each folder that the application is started in.
    """

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        place = str(Path(sys.executable).parent / file)
        super().__init__(function, place)  # type: ignore[no-untyped-call]

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> Any:
        if not (getattr(sys, "frozen", False) and getattr(config, "CACHE_DIR", "")):
            return None
        locator: Any = cls(function, file)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


class _CacheFiles(CompileResultCacheImpl):
    _locator_classes = [  # noqa: RUF012
        _BundleLocator,
        *CompileResultCacheImpl._locator_classes,
    ]


class _OptionalCache(FunctionCache):
    """A cache of compiled code that only ever saves time.

    A file of it that is damaged is compiled anew; one that cannot be written, on a full
    disk or in a folder that has become read-only, is left out.
    """

    _impl_class = _CacheFiles

    @contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        # A damaged pickle can raise any exception.
        with suppress(Exception):
            yield


_cache_of: Callable[[Callable[..., Any]], FunctionCache] = _OptionalCache


def dispatcher(function: Callable[..., Any]) -> Any:
    """Return what compiles ``function`` for the types that it is called with."""
    if "numba" in function.__code__.co_names:
        function.__globals__["numba"] = numba
    # The GIL is released so that the window keeps responding while a worker loops.
    machine_code: Any = numba.njit(nogil=True)(function)
    # In a read-only installation without a home, as in many containers, numba knows
    # no place for a cache, and would refuse to compile with one.
    with suppress(RuntimeError, OSError):
        machine_code._cache = _cache_of(function)
    return machine_code


def _multiply_add(_: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), generate


multiply_add: Any = intrinsic(_multiply_add)
"""``a * b + c`` of floats of one type, rounded once; in compiled functions only.

Without it, numba's compiler rounds twice on every processor. Other compilers make one
operation of both where the processor has it, and the last bit of their result differs.
"""


class _Listener(event.Listener):
    def on_start(self, _: event.Event) -> None:
        tell(True)

    def on_end(self, _: event.Event) -> None:
        tell(False)


event.register("numba:compile", _Listener())  # type: ignore[no-untyped-call]
