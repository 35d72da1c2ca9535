"""Just-in-time compilation of loops over pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile ``function`` at its first call; the compiled code releases the GIL.

    Compiling takes about a second. A cache on disk spares later starts this time.
    """
    # The GIL is released so that the window keeps responding while a worker loops.
    machine_code: Any = numba.njit(nogil=True, cache=True)(function)
    return machine_code
