"""How a project can be looked at by somebody who does not hold its lock."""

from __future__ import annotations

import time
from pathlib import Path

from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.io.project.database import ALONE
from cellpose_studio.io.project.lock import locked_by_another
from cellpose_studio.io.project.recovery.belonging import examine
from cellpose_studio.io.project.recovery.settle import lost_changes

_TRIES = 5
_PAUSE = 0.05


def usable_mode(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the mode to connect with, and sentences for the user.

    What does not belong to the file is passed over, and stays where it is.

    Raises
    ------
    ProjectUnusable
        If somebody has another file open than the one that is there.
    ValueError, sqlite3.Error
        If the file is damaged.
    """
    for _ in range(_TRIES):
        in_use = locked_by_another(path)
        found = examine(path, in_use)
        if not found.foreign:
            told = found.lost or found.cut_off
            return "ro", (lost_changes(found),) if told and not in_use else ()
        if not in_use:
            return ALONE, tuple(
                f"{file.name} does not belong to this {path.name}, so it was not used."
                for file in found.foreign
                if not file.name.endswith("-shm")
            )
        # Whoever writes to it may have been in the middle of it.
        time.sleep(_PAUSE)
    raise ProjectUnusable(
        f"{path.name} is open in another window, which has another file of that name.",
        "Close it there.",
    )
