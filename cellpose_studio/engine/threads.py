"""Number of CPU threads of networks."""

from __future__ import annotations

import os

import torch


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
