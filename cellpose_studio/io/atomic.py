"""Atomic file writing: a file is either complete or unchanged."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.temporary import (
    put_back,
    remove_leftovers_sometimes,
    temporary_name,
)

_REASONS = {
    errno.ENOSPC: ("the disk is full", "Free some space, or choose another folder."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space."),
    errno.ENOENT: ("there is no such folder", "Choose another folder."),
    errno.ENOTDIR: ("there is no such folder", "Choose another folder."),
    errno.EISDIR: ("there is a folder of that name", "Choose another name."),
    errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter name."),
    errno.EFBIG: ("the disk takes no file as large as this", "Choose another disk."),
    errno.EROFS: ("the folder is read-only", "Choose another folder."),
}
_NOT_ALLOWED = (
    "the folder is read-only, or the file is open in another program",
    "Close it there, or choose another folder.",
)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, and move it to ``path`` after the block.

    The temporary path lies in the same folder and has the same suffix. If the block
    raises, the temporary file is removed and ``path`` is unchanged. A symbolic link is
    kept; the file that it points to is replaced. What programs that were killed had
    begun in the folder is removed.

    Raises
    ------
    CannotSave
        For every `OSError`, including those of the block.
    """
    target = Path(os.path.realpath(path))
    # A rename is atomic only within one file system, hence the same folder. The dot of
    # the name hides an unfinished file from the list of images.
    part = target.with_name(temporary_name("saving") + target.suffix)
    remove_leftovers_sometimes(target.parent)
    try:
        yield part
        move_into_place(part, target)
    except OSError as error:
        raise cannot_save(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def move_into_place(part: Path, target: Path) -> None:
    """Give a complete file its name, in the same folder; it may replace another.

    Raises
    ------
    OSError
    """
    # The content must be on the disk before the rename is: after a power failure the
    # new name could otherwise refer to an empty file.
    _flush(part)
    part.replace(target)
    _flush_folder(target.parent)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder, and move it to ``path`` after the block.

    A folder that was there is removed at the end. If the block raises, it is unchanged.

    Raises
    ------
    CannotSave
        For every `OSError`, including those of the block, and if ``path`` is no folder.
        If the old folder cannot be moved back after a failure, it says where it is.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(temporary_name("saving"))
    # Under its own name in a folder: if this program is killed between the renames,
    # `remove_leftovers` knows where to move it.
    old = target.with_name(temporary_name("replaced"))
    remove_leftovers_sometimes(target.parent)
    try:
        if target.exists() and not target.is_dir():
            raise CannotSave(
                f"{path.name} could not be saved: there is a file of that name.",
                "Choose another name.",
            )
        part.mkdir()
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                _flush(file)
        # No system can replace a folder that has content in one step.
        if target.exists():
            old.mkdir()
            target.replace(old / target.name)
        part.replace(target)
        _flush_folder(target.parent)
    except OSError as error:
        _put_back(path, old)
        raise cannot_save(path, error) from error
    except BaseException:
        _put_back(path, old)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _put_back(path: Path, old: Path) -> None:
    """Move a folder that was to be replaced back from within ``old``, if it is there.

    Raises
    ------
    CannotSave
        If that fails: it says where the folder is.
    """
    if not old.exists():
        return
    try:
        put_back(old)
    except OSError as error:
        raise CannotSave(
            f"{path.name} could not be saved, and the folder that was there could not "
            f"be moved back: {error.strerror or error}.",
            f"It is complete in {old}: move it back yourself.",
        ) from error


def _flush(part: Path) -> None:
    # Windows flushes only files that are open for writing.
    with part.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable; Windows has no such call, and needs none."""
    if os.name == "nt":
        return
    # Not every file system can flush a folder, and the file is complete in any case.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cannot_save(path: Path, error: OSError) -> CannotSave:
    """Return the error that explains why ``path`` cannot be written."""
    known = _NOT_ALLOWED if isinstance(error, PermissionError) else None
    reason, hint = known or _REASONS.get(
        error.errno or 0, (error.strerror or str(error), "")
    )
    return CannotSave(f"{path.name} could not be saved: {reason}.", hint)
