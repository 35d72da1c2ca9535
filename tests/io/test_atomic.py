from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing, replacing_folder
from cellpose_studio.io.temporary import remove_leftovers


def fail_in_the_middle(path: Path, failure: Exception) -> None:
    with replacing(path) as part:
        part.write_bytes(b"ne")
        raise failure


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path):
    """A file that was saved earlier."""
    path = tmp_path / "cells_seg.npy"
    path.write_bytes(b"earlier")
    return path


def test_the_new_file_takes_the_place_of_the_old_one(old):
    with replacing(old) as part:
        part.write_bytes(b"new")
        assert old.read_bytes() == b"earlier"
    assert old.read_bytes() == b"new"
    assert names_in(old.parent) == [old.name]


def test_the_temporary_file_lies_beside_it_under_the_same_suffix(tmp_path):
    with replacing(tmp_path / "a.tif") as part:
        part.write_bytes(b"")
        assert (part.parent, part.suffix) == (tmp_path, ".tif")
        assert part.name.startswith(".")


def test_another_failure_passes_through_and_leaves_the_old_file(old):
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(old, ZeroDivisionError())
    assert old.read_bytes() == b"earlier"
    assert names_in(old.parent) == [old.name]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "your disk quota is used up"),
        (errno.EROFS, "the folder is read-only"),
        (errno.EFBIG, "the disk takes no file as large as this"),
        (
            errno.EACCES,
            "the folder is read-only, or the file is open in another program",
        ),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_failure_of_the_disk_leaves_the_old_file_and_says_why(old, number, reason):
    with pytest.raises(CannotSave) as raised:
        fail_in_the_middle(old, OSError(number, os.strerror(number)))
    assert raised.value.message == f"cells_seg.npy could not be saved: {reason}."
    assert old.read_bytes() == b"earlier"
    assert names_in(old.parent) == [old.name]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (Path("gone") / "a.tif", "there is no such folder"),
        (Path("file") / "a.tif", "there is no such folder"),
        (Path("folder.tif"), "there is a folder of that name"),
        (Path("a" * 300 + ".tif"), "its name is too long"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="Windows has other names for failures")
def test_a_place_where_nothing_can_be_written_is_named(tmp_path, place, reason):
    (tmp_path / "folder.tif").mkdir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotSave) as raised, replacing(tmp_path / place) as part:
        part.write_bytes(b"new")
    assert raised.value.message == f"{place.name} could not be saved: {reason}."
    assert raised.value.hint
    assert names_in(tmp_path) == ["file", "folder.tif"]


def test_a_read_only_folder_is_named(old):
    old.parent.chmod(0o500)
    try:
        if os.access(old.parent, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(CannotSave, match="read-only"), replacing(old) as part:
            part.write_bytes(b"new")
        assert old.read_bytes() == b"earlier"
    finally:
        old.parent.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    target = tmp_path / "share" / "masks.tif"
    target.parent.mkdir()
    target.write_bytes(b"earlier")
    link = tmp_path / "masks.tif"
    link.symlink_to(target)
    with replacing(link) as part:
        part.write_bytes(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names_in(target.parent) == [target.name]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_in_the_middle_leaves_the_old_file(old):
    program = f"""
import os, signal
from pathlib import Path
from cellpose_studio.io.atomic import replacing
with replacing(Path({str(old)!r})) as part:
    part.write_bytes(b"ne")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert old.read_bytes() == b"earlier"


@pytest.fixture
def old_folder(tmp_path):
    """A folder that was saved earlier."""
    folder = tmp_path / "01_GT"
    folder.mkdir()
    (folder / "track.txt").write_text("earlier")
    return folder


def save_folder(folder: Path) -> None:
    with replacing_folder(folder) as part:
        (part / "track.txt").write_text("new")


@pytest.fixture
def fail_at(monkeypatch):
    """Return a function that lets renames of folders fail, by their number."""

    def fail_at(error: BaseException, *numbers: int) -> None:
        counted = iter(range(1, 100))

        def patched(rename):
            def failing(self, target):
                if next(counted) in numbers:
                    raise error
                return rename(self, target)

            return failing

        for name in ("rename", "replace"):
            monkeypatch.setattr(Path, name, patched(getattr(Path, name)))

    return fail_at


LOCKED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_new_folder_takes_the_place_of_the_old_one(old_folder):
    save_folder(old_folder)
    assert (old_folder / "track.txt").read_text() == "new"
    assert names_in(old_folder.parent) == [old_folder.name]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("failure", "raised"),
    [(LOCKED, CannotSave), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_a_failure_between_renames_leaves_the_old_folder(
    old_folder, fail_at, failure, raised, number
):
    fail_at(failure, number)
    with pytest.raises(raised):
        save_folder(old_folder)
    assert (old_folder / "track.txt").read_text() == "earlier"
    assert names_in(old_folder.parent) == [old_folder.name]


def test_a_folder_that_cannot_be_moved_back_is_kept_and_named(old_folder, fail_at):
    fail_at(LOCKED, 2, 3)
    with pytest.raises(CannotSave, match="could not be moved back") as raised:
        save_folder(old_folder)
    (kept,) = old_folder.parent.iterdir()
    assert str(kept) in raised.value.hint
    assert (kept / old_folder.name / "track.txt").read_text() == "earlier"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_kill_between_renames_loses_no_folder(old_folder):
    program = f"""
import os, signal
from pathlib import Path
from cellpose_studio.io.atomic import replacing_folder
folder = Path({str(old_folder)!r})
rename = Path.replace
def replace(self, target):
    if target == folder:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
with replacing_folder(folder) as part:
    pass
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not old_folder.exists()
    remove_leftovers(old_folder.parent)
    assert (old_folder / "track.txt").read_text() == "earlier"
    assert names_in(old_folder.parent) == [old_folder.name]
