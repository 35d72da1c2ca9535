"""Whether the folders of the user can be written to, and have room."""

from __future__ import annotations

import shutil
from pathlib import Path

from cellpose_studio.paths import can_write_in
from cellpose_studio.workflows.self_test.check import CheckFailed, Found, Place

_LEAST_FREE = 1_000_000_000
"""Bytes; flows of one large image take as much."""


def check_folders(place: Place) -> Found:
    """Try to write where projects, settings, logs and results go."""
    closed = [
        f"{kind} ({folder})"
        for kind, folder in place.user_folders.items()
        if not can_write_in(_existing(folder))
    ]
    if closed:
        raise CheckFailed(f"Cannot be written to: {', '.join(closed)}.")
    folders = [_existing(folder) for folder in place.user_folders.values()]
    free = min(shutil.disk_usage(folder).free for folder in [*folders, place.folder])
    text = f"{len(folders)} folders can be written to; {free / 1e9:,.1f} GB are free"
    if free < _LEAST_FREE:
        return Found(text, "Free some space: flows and projects need a few GB.")
    return Found(text)


def _existing(folder: Path) -> Path:
    """Return the folder that exists, of those that ``folder`` lies in.

    A check makes no folders in the user's home: to remove them again would be unsafe.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
