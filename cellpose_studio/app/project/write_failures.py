"""What it means that a change could not be written, and how to say it."""

from __future__ import annotations

import sqlite3
import traceback

from cellpose_studio.app.failures import Failure
from cellpose_studio.core.errors import StudioError
from cellpose_studio.io.project.database import is_newer
from cellpose_studio.io.project.file import ProjectFile
from cellpose_studio.io.project.recovery.watch import ContentReplaced, ProjectReplaced

# These are faults of the change itself, which another attempt would raise again.
_NEVER = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    sqlite3.NotSupportedError,
)
_DAMAGE = ("malformed", "not a database", "corrupt")


def can_pass(error: Exception) -> bool:
    """Tell whether the fault is the file's, so that the change is to be kept.

    Anything else the change does again each time.
    """
    if isinstance(error, sqlite3.Error):
        return not isinstance(error, _NEVER)
    return isinstance(error, (OSError, MemoryError))


def not_yet(error: Exception, file: ProjectFile) -> Failure:
    """Say that changes wait, and what keeps them from being saved."""
    if file.read_only and not is_newer(file.db):
        # Whatever the error: it was said from the start, and stays so.
        return Failure(
            file.read_only_reason, "Save what is open here as a new project (Ctrl+S)."
        )
    reason, hint = _reason(error, file)
    return Failure(
        f"{file.path.name} cannot be saved: {reason}. Your work is kept here, and is "
        "saved as soon as it can be.",
        hint,
    )


def never(error: Exception, file: ProjectFile) -> Failure:
    """Say that a change was left out for good."""
    known = isinstance(error, StudioError)
    return Failure(
        f"A change could not be saved in {file.path.name}, and what builds on it may "
        f"not be either: {error}",
        "Save the masks that you see as files before you close the project."
        + ("" if known else " Please report it with the details."),
        "" if known else "".join(traceback.format_exception(error)),
    )


def _reason(error: Exception, file: ProjectFile) -> tuple[str, str]:
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return f"it is not in {file.path.parent} any more", _or_elsewhere("Put it back")
    if isinstance(error, ContentReplaced):
        return "another program replaced its content", (
            "Nothing is written into it. Save what is open here as a new project "
            "(Ctrl+S)."
        )
    if isinstance(error, ProjectReplaced):
        return "another file was put in its place", (
            "Save the project elsewhere (Ctrl+S), or put the right file back."
        )
    if isinstance(error, MemoryError):
        return "the computer's memory is full", _or_elsewhere("Close other programs")
    if file.read_only and is_newer(file.db):
        return "a newer version of Cellpose Studio made it", (
            "Save your masks as files, or install that version."
        )
    if any(word in text for word in _DAMAGE):
        return "the file was damaged", (
            "Save the masks of your images as files. Then close the project, and save "
            "what can be read of it with File > Rescue."
        )
    return _usual_reason(text)


def _usual_reason(text: str) -> tuple[str, str]:
    if "full" in text:
        return "the disk is full", _or_elsewhere("Free some space")
    if "readonly" in text or "read-only" in text:
        return "it is read-only", _or_elsewhere("Make it writable")
    if "locked" in text:
        return "another program holds it", _or_elsewhere("Close that")
    return "its disk cannot be reached", _or_elsewhere("Connect the drive again")


def _or_elsewhere(hint: str) -> str:
    return f"{hint}, or save the project elsewhere (Ctrl+S)."
