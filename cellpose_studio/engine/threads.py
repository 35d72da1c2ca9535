"""Number of CPU threads, and work that is shared out among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
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
    work: Callable[[T], object], parts: Sequence[T], check: Callable[[], None]
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
    """
    threads = min(torch_threads(), len(parts))
    if threads < 2:
        for part in parts:
            check()
            work(part)
        return
    with ThreadPoolExecutor(threads, "cellpose-part") as pool:
        waiting = {pool.submit(work, part) for part in parts}
        try:
            while waiting:
                check()
                done, waiting = wait(waiting, _PATIENCE)
                for future in done:
                    future.result()
        finally:
            for future in waiting:
                future.cancel()
