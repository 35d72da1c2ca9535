"""``cellpose-studio thumbnail``: a picture that leaves the project alone."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cellpose_studio.cli.main import run
from cellpose_studio.core.display.small_picture import with_masks
from cellpose_studio.core.display.thumbnail import image_thumbnail
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.io.preview import preview
from cellpose_studio.io.project.file import create_project, open_project, read_project
from cellpose_studio.io.project.tables.images import read_image_table


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "picture.png"


def state_of(folder):
    """Return names, contents and times of all files beside a project."""
    return {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
        if file.is_file()
    }


def test_it_writes_a_picture_of_the_masks_in_the_size_asked_for(earlier_project, out):
    before = state_of(earlier_project.parent)
    assert run(["thumbnail", str(earlier_project), str(out), "--size", "128"]) == 0
    picture = Image.open(out)
    assert (picture.format, picture.mode, max(picture.size)) == ("PNG", "RGB", 128)
    assert len(np.unique(np.array(picture).reshape(-1, 3), axis=0)) > 10
    assert state_of(earlier_project.parent) == before


def test_it_needs_neither_torch_nor_qt(earlier_project, out):
    code = (
        "import sys\n"
        "from cellpose_studio.__main__ import main\n"
        "code = main(sys.argv[1:])\n"
        "loaded = {'torch', 'cellpose', 'qtpy', 'PyQt5', 'napari'} & set(sys.modules)\n"
        "print(code, sorted(loaded))\n"
    )
    command = [sys.executable, "-c", code, "thumbnail", earlier_project, out]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "0 []\n"


def test_masks_are_drawn_over_the_image_that_is_in_the_cache(earlier_project, tmp_path):
    cache = ThumbnailCache(tmp_path / "cache")
    on_black = preview(earlier_project, cache)
    file = read_project(earlier_project)
    for stored in read_image_table(file.db, earlier_project.parent):
        cache.put(stored.image, image_thumbnail(stored.image))
    file.close()
    over = preview(earlier_project, cache)
    without = ~on_black.any(axis=-1)
    assert over.shape == on_black.shape
    assert not on_black[without].any()
    assert over[without].any()
    assert (over != on_black)[~without].any()


def test_half_transparent_masks_keep_the_image_between_them():
    image = np.full((2, 2, 3), 100, np.uint8)
    masks = np.zeros((2, 2, 3), np.uint8)
    masks[0, 0] = 0, 200, 50
    assert with_masks(image, masks).tolist() == [
        [[40, 160, 70], [100, 100, 100]],
        [[100, 100, 100], [100, 100, 100]],
    ]


def test_a_project_that_is_open_is_shown_and_stays_open(earlier_project, out):
    file = open_project(earlier_project)
    try:
        assert not file.read_only
        beside = sorted(each.name for each in earlier_project.parent.iterdir())
        assert run(["thumbnail", str(earlier_project), str(out)]) == 0
        assert sorted(e.name for e in earlier_project.parent.iterdir()) == beside
        file.db.execute("BEGIN IMMEDIATE")
        assert run(["thumbnail", str(earlier_project), str(out)]) == 0
        file.db.execute("ROLLBACK")
    finally:
        file.close()


def test_a_project_without_images_has_no_picture(tmp_path, out, capsys):
    create_project(tmp_path / "a.cpstudio").close()
    assert run(["thumbnail", str(tmp_path / "a.cpstudio"), str(out)]) == 2
    assert "contains no picture" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("size", ["0", "15", "99999", "many"])
def test_a_size_that_is_no_thumbnails_is_refused(earlier_project, out, size):
    with pytest.raises(SystemExit) as end:
        run(["thumbnail", str(earlier_project), str(out), "--size", size])
    assert end.value.code == 2
    assert not out.exists()


def test_damaged_files_give_a_picture_or_one_line(earlier_project, out, capsys):
    whole = earlier_project.read_bytes()
    chance = random.Random(0)
    codes = set()
    for trial in range(60):
        data = bytearray(whole)
        for _ in range(1 + trial):
            at = chance.randrange(len(data))
            data[at : at + 40] = chance.randbytes(len(data[at : at + 40]))
        if trial % 5 == 4:
            del data[chance.randrange(len(data)) :]
        earlier_project.write_bytes(data)
        code = run(["thumbnail", str(earlier_project), str(out)])
        said = capsys.readouterr().err
        assert (code, said.count("\n")) in {(0, 0), (2, 1)}, said
        assert "unexpected" not in said
        assert earlier_project.read_bytes() == data
        codes.add(code)
    assert codes == {0, 2}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path, out, capsys):
    os.mkfifo(tmp_path / "a.cpstudio")
    assert run(["thumbnail", str(tmp_path / "a.cpstudio"), str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_picture_is_not_replaced(earlier_project, tmp_path):
    other = tmp_path / "b.cpstudio"
    shutil.copy(earlier_project, other)
    link = tmp_path / "link.png"
    link.symlink_to(other)
    os.mkfifo(tmp_path / "pipe.png")
    before = other.read_bytes(), earlier_project.read_bytes()
    for out in (earlier_project, other, link, tmp_path / "pipe.png"):
        assert run(["thumbnail", str(earlier_project), str(out)]) == 2
    assert (other.read_bytes(), earlier_project.read_bytes()) == before
    assert link.is_symlink()
    assert (tmp_path / "pipe.png").is_fifo()


def test_an_older_picture_and_an_empty_file_are_replaced(earlier_project, tmp_path):
    out = tmp_path / "a.png"
    out.touch()
    assert run(["thumbnail", str(earlier_project), str(out), "--size", "64"]) == 0
    first = out.read_bytes()
    assert run(["thumbnail", str(earlier_project), str(out), "--size", "32"]) == 0
    assert out.read_bytes() not in (b"", first)
