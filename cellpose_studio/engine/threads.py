"""Number of CPU threads, and work that is shared out among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")

_PATIENCE = 0.05
"""Seconds between two checks while threads are at work."""


def use_threads(threads: int | None) -> None:
    """Set the number of threads of networks; None keeps torch's default."""
    if threads is not None:
        torch.set_num_threads(max(1, threads))


def torch_threads() -> int:
    """Return the number of threads of networks."""
    return torch.get_num_threads()


def leave_a_core_free() -> None:
    """Reserve one core for the window, which would not respond if all were busy."""
    use_threads((os.cpu_count() or 2) - 1)


def run_parts(
    work: Callable[[T], object],
    parts: Sequence[T],
    check: Callable[[], None],
    after: Callable[[], None] = lambda: None,
    by_torch: bool = False,
) -> None:
    """Call ``work`` with each part, by as many threads as torch uses.

    Threads take the next part when they are done with one. So one that the system puts
    aside, since other programs need the core, holds up nothing but its own part.

    Parameters
    ----------
    work
        Releases the GIL, and takes a few tenths of a second at most. Its exceptions
        propagate, once the other threads are done with their parts.
    check
        Called several times a second, in this thread; its exceptions propagate, too.
    after
        Called in this thread after each part; its exceptions propagate, too.
    by_torch
        Whether torch does the work. It is done by one thread then even where torch may
        use several, so that the result does not depend on their number.
    """
    threads = min(torch_threads(), len(parts))
    if threads < 2 and not by_torch:
        for part in parts:
            check()
            work(part)
            after()
        return
    with (
        _restored_threads(),
        ThreadPoolExecutor(
            threads, "cellpose-part", _use_one_thread if by_torch else None
        ) as pool,
    ):
        waiting = {pool.submit(work, part) for part in parts}
        try:
            while waiting:
                check()
                done, waiting = wait(waiting, _PATIENCE, FIRST_COMPLETED)
                for future in done:
                    future.result()
                    after()
        finally:
            for future in waiting:
                future.cancel()


def _use_one_thread() -> None:
    torch.set_num_threads(1)


@contextmanager
def _restored_threads() -> Iterator[None]:
    # What a thread sets holds for those that start later as well.
    before = torch_threads()
    try:
        yield
    finally:
        use_threads(before)
