"""What is done with the files beside a project before SQLite sees them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cellpose_studio.core.errors import ProjectUnusable
from cellpose_studio.io.project.recovery.belonging import (
    ENDS,
    SideFiles,
    examine,
    side_file,
)
from cellpose_studio.io.project.recovery.sidecar_files import free_name, sidecar_files
from cellpose_studio.io.temporary import temporary_name
from cellpose_studio.paths import real_path


@dataclass(frozen=True)
class Settled:
    """What was found and done.

    Attributes
    ----------
    notes
        Sentences for the user.
    recovers
        A crash left changes, which SQLite is going to put into the file.
    copies
        Of the file and what is beside it, to be removed when that has gone well.
    """

    notes: tuple[str, ...] = ()
    recovers: bool = False
    copies: tuple[Path, ...] = ()

    def remove_copies(self) -> None:
        """Remove the copies: all is in the file."""
        for copy in self.copies:
            with suppress(OSError):
                copy.unlink()


def settle(path: Path) -> Settled:
    """Set aside what does not belong to a project, and copy what is to be recovered.

    For whoever holds the lock of the project.

    Raises
    ------
    ValueError, sqlite3.Error
        If the file is damaged.
    ProjectUnusable
        If something is in the way that cannot be moved or copied.
    """
    found = examine(path)
    if not (found.foreign or found.to_recover or found.lost or found.cut_off):
        return Settled()
    try:
        notes = list(set_aside(path, found.foreign))
        if found.lost or found.cut_off:
            kept = _copied(path, found, free_name(path, "before recovery"))
            return Settled((*notes, _told(found, kept)), bool(found.to_recover))
        if not found.to_recover:
            return Settled(tuple(notes))
        hidden = path.with_name(temporary_name("saving") + path.suffix)
        copies = _copied(path, found, hidden)
    except OSError as error:
        raise ProjectUnusable(
            f"{path.name} was not closed the last time, and cannot be copied before "
            f"its last changes are put into it: {error.strerror or error}.",
            "Free some space, or make the folder writable.",
        ) from error
    return Settled(tuple(notes), True, copies)


def set_foreign_aside(path: Path) -> None:
    """Take away from a file what lies beside it and does not belong to it.

    It was put where a project was open, whose log stayed.

    Raises
    ------
    ValueError, sqlite3.Error, OSError
    """
    set_aside(path, examine(path).foreign)


def set_orphans_aside(path: Path) -> None:
    """Keep what lies where a project is going to be, and belongs to none there."""
    if path.exists():
        with suppress(ValueError, sqlite3.Error):
            set_foreign_aside(path)
    else:
        set_aside(path, tuple(sidecar_files(path)))


def set_aside(path: Path, files: tuple[Path, ...]) -> list[str]:
    """Rename files beside a project; return a sentence for each that has changes."""
    if not files:
        return []
    free = free_name(real_path(path), "set aside")
    notes = []
    for file in files:
        end = file.name.rpartition("-")[2]
        away = free.with_name(f"{free.name}-{end}")
        file.rename(away)
        if end != "shm":
            notes.append(
                f"{file.name} does not belong to this {path.name}, so it was not "
                f"used. It is kept as {away.name}."
            )
    return notes


def _copied(path: Path, found: SideFiles, target: Path) -> tuple[Path, ...]:
    """Copy a project with what belongs to it; return the copies."""
    beside = [side_file(path, end) for end in ENDS if end != "-shm"]
    pairs = [(path, target)] + [
        (
            side,
            target.with_name(
                target.name + side.name.removeprefix(real_path(path).name)
            ),
        )
        for side in beside
        if side.exists() and side not in found.foreign
    ]
    done: list[Path] = []
    try:
        for source, copy in pairs:
            done.append(copy)
            shutil.copyfile(source, copy)
    except OSError:
        for copy in done:
            with suppress(OSError):
                copy.unlink(missing_ok=True)
        raise
    return tuple(done)


def _told(found: SideFiles, copies: tuple[Path, ...]) -> str:
    return (
        f"{lost_changes(found)} The files as they were are kept as {copies[0].name}: "
        "File > Rescue may get more out of them."
    )


def lost_changes(found: SideFiles) -> str:
    """Return how many changes cannot be read, as a sentence."""
    if not found.lost:
        return "Later changes cannot be read: the end of the log is missing."
    changes = "change" if found.lost == 1 else "changes"
    least = "At least " if found.cut_off else ""
    return f"{least}{found.lost} later {changes} cannot be read."
