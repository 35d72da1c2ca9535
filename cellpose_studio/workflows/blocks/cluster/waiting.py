"""Work that has no limit of its own, and is waited for so long only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what ``work`` returns; raises `TimeoutError` if it takes longer.

    Dask's own limits do not hold everywhere. What takes longer is left to its thread,
    which ends with the process.
    """
    found: SimpleQueue[tuple[T, None] | tuple[None, Exception]] = SimpleQueue()

    def run() -> None:
        try:
            found.put((work(), None))
        except Exception as error:
            found.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = found.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return cast("T", result)


def close_within(seconds: float, part: Any) -> None:
    """Close a client or a cluster, which must not hold up the end of a run."""
    with suppress(Exception):
        within(seconds, part.close)
