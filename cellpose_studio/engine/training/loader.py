"""Prepares the next crops while the network trains on the present ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

_AHEAD = 2
"""Batches that wait: one that takes longer must not hold up the next step."""


class Loader:
    """Calls functions in a thread of its own, a little ahead of who uses the results.

    To be used in `loading`.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def results(
        self, calls: Iterable[Callable[[], Item]], check: Callable[[], None]
    ) -> Iterator[Item]:
        """Yield the result of each call, in order; exceptions propagate.

        ``check`` is called several times a second while a result is waited for.
        """
        waiting: deque[Future[Item]] = deque()
        rest = iter(calls)
        try:
            while True:
                while len(waiting) < _AHEAD and (call := next(rest, None)) is not None:
                    waiting.append(self._pool.submit(call))
                if not waiting:
                    return
                first = waiting.popleft()
                while True:
                    check()
                    try:
                        result = first.result(0.1)
                    except TimeoutError:
                        if not first.done():
                            continue
                        raise
                    break
                yield result
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def loading() -> Iterator[Loader]:
    """Yield a loader; its thread has ended afterwards."""
    with ThreadPoolExecutor(1, "cellpose-loader") as pool:
        yield Loader(pool)
