"""Work beside a network that a GPU runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Beside:
    """Cuts and joins tiles in a thread of its own while a GPU computes.

    On a CPU all threads run the network, so the work is done in turns with it, and
    nothing of it is in memory earlier or longer than needed.

    Parameters
    ----------
    in_thread
        Whether there is such a thread.
    """

    def __init__(self, in_thread: bool) -> None:
        self._pool = ThreadPoolExecutor(1, "cellpose-beside") if in_thread else None

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def ahead(self, work: Callable[..., T], *given: Any) -> Callable[[], T]:
        """Begin ``work``, or leave it to what is returned, which gives the result."""
        if self._pool is None:
            return partial(work, *given)
        future: Future[T] = self._pool.submit(work, *given)
        return future.result

    def after(self, work: Callable[..., None], *given: Any) -> Callable[[], None]:
        """Begin ``work``, or do it at once; what is returned waits for its end."""
        if self._pool is None:
            work(*given)
            return lambda: None
        return self._pool.submit(work, *given).result
