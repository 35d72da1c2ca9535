"""What a kill left of work that was not done: ours go, all others stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from cellpose_studio.io.atomic import replacing
from cellpose_studio.io.project.file import create_project, open_project
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.temporary import KINDS, remove_leftovers, temporary_name


@pytest.fixture
def killed(tmp_path):
    """Make what a killed process leaves; return the paths."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cellpose_studio.io.temporary import temporary_name\n"
        "folder = Path(sys.argv[1])\n"
        "part = folder / (temporary_name('saving') + '.cpstudio')\n"
        "part.write_bytes(b'part')\n"
        "Path(f'{part}-wal').write_bytes(b'log')\n"
        "rescued = folder / temporary_name('rescue')\n"
        "rescued.mkdir()\n"
        "(rescued / 'copy.cpstudio').write_bytes(b'copy')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    return [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_a_killed_process_left_is_removed_at_once(killed, tmp_path):
    assert len(killed) == 3
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opened", ["open", "rescue"])
def test_opening_and_rescuing_remove_it(opened, killed, tmp_path):
    path = tmp_path / "a.cpstudio"
    create_project(path).close()
    if opened == "open":
        open_project(path).close()
    else:
        with pytest.raises(Exception, match="Nothing in"):
            rescue(path, tmp_path / "b.cpstudio")
    assert list(tmp_path.iterdir()) == [path]


def test_what_somebody_works_on_stays(tmp_path):
    with replacing(tmp_path / "a.tif") as part:
        part.write_bytes(b"a")
        remove_leftovers(tmp_path)
        assert part.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_computer_works_on_stays_for_a_day(kind, tmp_path):
    name = temporary_name(kind).split("-")
    path = tmp_path / "-".join([name[0], "00000000", *name[2:]])
    path.write_bytes(b"")
    remove_leftovers(tmp_path)
    assert path.exists()
    old = time.time() - 2 * 24 * 60 * 60
    os.utime(path, (old, old))
    remove_leftovers(tmp_path)
    assert not path.exists()


def test_files_of_others_stay(tmp_path):
    names = (
        ".saving-game.dat",
        ".rescue",
        ".saving",
        "saving-0123456789ab",
        ".saving-x-1",
    )
    for name in names:
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, 0))
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_the_next_export_to_the_folder_removes_it(killed, tmp_path):
    for name in ("a_cp_masks.tif", "b_cp_masks.tif"):
        with replacing(tmp_path / name) as part:
            part.write_bytes(b"masks")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["a_cp_masks.tif", "b_cp_masks.tif"]


def test_a_large_folder_is_not_looked_through_for_each_file(tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(
        "cellpose_studio.io.temporary.remove_leftovers",
        lambda path: looked.append(path),
    )
    for n in range(5):
        with replacing(tmp_path / f"{n}.tif") as part:
            part.write_bytes(b"masks")
    assert looked == [tmp_path]
    monkeypatch.setattr("cellpose_studio.io.temporary._PAUSE", 0.0)
    with replacing(tmp_path / "later.tif") as part:
        part.write_bytes(b"masks")
    assert looked == [tmp_path, tmp_path]
