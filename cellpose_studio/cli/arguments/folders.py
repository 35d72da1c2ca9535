"""Folders that commands are given: their names, and whether they stay."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def shown_name(path: Path) -> str:
    """Return the name of a file or folder, also of one that is given as a dot."""
    return os.path.basename(os.path.abspath(path))  # noqa: PTH100, PTH119


@contextmanager
def removed_if_empty(folder: Path | None) -> Iterator[None]:
    """Remove a folder at the end if it was made meanwhile, and nothing was written."""
    if folder is None or folder.exists():
        yield
        return
    try:
        yield
    finally:
        # One that holds something stays, and so does one that cannot be removed.
        with suppress(OSError):
            folder.rmdir()
