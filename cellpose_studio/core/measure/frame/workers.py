"""Bands of an image that threads take in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self, TypeVar

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint

R = TypeVar("R")
T = TypeVar("T")


class Workers:
    """Some threads that share work which releases the GIL.

    Parameters
    ----------
    checkpoint
        Is asked before each item of the work.
    """

    def __init__(self, threads: int, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._failed = False
        self.count = max(1, threads)
        self._pool = ThreadPoolExecutor(self.count, "measure")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._failed = error is not None
        self._pool.shutdown(cancel_futures=True)

    def share(
        self, items: Sequence[T], work: Callable[[int, Sequence[T]], R]
    ) -> list[R]:
        """Call ``work`` with the number of each thread and its items.

        The same items always go to the same threads. Results are in their order.

        Raises
        ------
        Cancelled
        """
        self._checkpoint.check()
        shares = [items[n :: self.count] for n in range(self.count)]
        futures = [
            self._pool.submit(work, n, share) for n, share in enumerate(shares) if share
        ]
        # The others need not end their shares once one has failed.
        for future in as_completed(futures):
            future.result()
        return [future.result() for future in futures]

    def each(self, items: Sequence[T]) -> Iterator[T]:
        """Yield the items; raise `Cancelled` before the next one after a stop.

        An error in the block of the workers, Ctrl+C included, is such a stop.
        """
        for item in items:
            self._checkpoint.check()
            if self._failed:
                raise Cancelled
            yield item
