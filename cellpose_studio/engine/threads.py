"""How many processor threads networks use."""

from __future__ import annotations

import os

import torch


def use_threads(threads: int | None) -> None:
    """Let networks use that many threads; None leaves torch its own choice."""
    if threads is not None:
        torch.set_num_threads(max(1, threads))


def torch_threads() -> int:
    """Return how many threads networks use."""
    return torch.get_num_threads()


def leave_a_core_free() -> None:
    """Keep one core for the window: with all of them busy it could not answer."""
    use_threads((os.cpu_count() or 2) - 1)
