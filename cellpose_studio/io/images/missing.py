"""Detection of missing files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cellpose_studio.core.checkpoint import Checkpoint


def missing_files(paths: Iterable[Path], checkpoint: Checkpoint) -> frozenset[Path]:
    """Return the files that do not exist; for any thread.

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
        # File systems may ignore case, or normalise accents differently.
        if path.name not in listed[folder] and not os.path.exists(path):  # noqa: PTH110
            missing.add(path)
    return frozenset(missing)


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208
    except OSError:
        # A folder that cannot be listed may still contain the file: with no names, each
        # path is asked for by itself.
        return frozenset()
