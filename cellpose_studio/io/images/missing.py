"""Which files are missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint


def missing_among(paths: Iterable[Path], checkpoint: Checkpoint) -> frozenset[Path]:
    """Return the files that are not there; for any thread.

    Each folder is listed once, because a network drive is slow to ask.

    Raises
    ------
    Cancelled
        After a stop.
    """
    listed: dict[Path, frozenset[str]] = {}
    missing = set()
    for path in paths:
        checkpoint.check()
        folder = path.parent
        if folder not in listed:
            listed[folder] = _names(folder)
        # A disk may not care about capitals, or spell accents in another way.
        if path.name not in listed[folder] and not os.path.exists(path):  # noqa: PTH110
            missing.add(path)
    return frozenset(missing)


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return frozenset()
