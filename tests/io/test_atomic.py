from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellpose_studio.core.errors import CannotSave
from cellpose_studio.io.atomic import replacing


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
