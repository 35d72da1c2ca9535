"""Loops over pixels, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile ``function`` when it is first called; other threads run meanwhile.

    The cache on disk spares every start but the first the second that this takes.
    """
    machine_code: Any = numba.njit(nogil=True, cache=True)(function)
    return machine_code
