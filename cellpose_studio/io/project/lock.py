"""The lock of a project, a file next to it: only one window may write."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import cannot_save


def lock(path: Path) -> tuple[FileLock | None, str]:
    """Acquire the lock for writing; return it, or why it cannot be acquired."""
    taken = FileLock(_lock_file(path), thread_local=False)
    try:
        taken.acquire(timeout=0)
    except Timeout:
        return None, (
            f"{path.name} is open in another window. Changes made here are not saved, "
            "unless you save the project under another name (Ctrl+S)."
        )
    except OSError:
        return None, (
            f"The folder {path.parent} is read-only. Changes are not saved, unless you "
            "save the project elsewhere (Ctrl+S)."
        )
    if not _writable(path):
        unlock(taken)
        return None, (
            f"{path.name} is read-only. Changes are not saved, unless you save the "
            "project under another name (Ctrl+S)."
        )
    return taken, ""


def lock_to_replace(path: Path) -> FileLock:
    """Acquire the lock of a project that will be replaced, or does not exist yet.

    Raises
    ------
    CannotSave
        If it is open in a window, or nothing can be written there.
    """
    taken = FileLock(_lock_file(path), thread_local=False)
    try:
        # A missing folder must be an error: acquiring the lock would create it.
        path.parent.stat()
        taken.acquire(timeout=0)
    except Timeout as error:
        raise CannotSave(
            f"{path.name} is open in another window.", "Choose another name."
        ) from error
    except OSError as error:
        raise cannot_save(path, error) from error
    return taken


def unlock(taken: FileLock) -> None:
    """Release the lock, and remove its file."""
    # After the release, this could remove the file of a lock acquired in between.
    with suppress(OSError):
        Path(taken.lock_file).unlink()
    taken.release()


def locked_by_another(path: Path) -> bool:
    """Return whether a project at ``path`` is open for writing."""
    if not path.exists():
        return False
    probe = FileLock(_lock_file(path), thread_local=False)
    try:
        probe.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    unlock(probe)
    return False


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _writable(path: Path) -> bool:
    try:
        with path.open("rb+"):
            return True
    except OSError:
        return False
