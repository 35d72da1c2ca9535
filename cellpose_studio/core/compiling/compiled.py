"""Loops over pixels that are compiled when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from threading import RLock
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

_lock = RLock()


class Compiled:
    """A function that numba compiles at its first call.

    numba itself, which takes a tenth of the start, is imported then, too. It provides
    the name ``numba`` to a module whose function refers to it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self._function = function
        self._machine_code: Any = None

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the compiled function."""
        return (self._machine_code or self.machine_code)(*args, **options)

    @property
    def machine_code(self) -> Any:
        """The dispatcher of numba."""
        with _lock:
            if self._machine_code is None:
                from cellpose_studio.core.compiling.machine_code import dispatcher

                self._machine_code = dispatcher(self._function)
        return self._machine_code

    @property
    def _numba_type_(self) -> Any:
        """What numba takes this for in another compiled function that calls it."""
        from numba import typeof

        return typeof(self.machine_code)  # type: ignore[no-untyped-call]


def compiled(function: F) -> F:
    """Compile ``function`` at its first call; the compiled code releases the GIL.

    Compiling takes about a second. A cache on disk spares later starts this time, where
    one can be written: beside the module, in the user's cache folder, or in the one
    that ``NUMBA_CACHE_DIR`` names.
    """
    return cast("F", Compiled(function))
