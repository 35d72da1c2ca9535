"""The folders of the application: their room, and what can be cleared."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellpose_studio import paths
from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.io.cache.thumbnails import ThumbnailCache
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.storage import (
    Cleared,
    clear,
    room_text,
    size_of,
    storages,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def fill(folder: Path, **sizes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in sizes.items():
        (folder / name.replace("__", ".")).write_bytes(bytes(size))


def named(title: str):
    return next(each for each in storages() if each.title == title)


FLOWS, THUMBNAILS = "Cache of flows", "Cache of thumbnails"
COPIES, NETWORKS = "Copies of large images", "Networks for OpenVINO"


def test_every_kind_of_folder_is_listed():
    listed = [each.path for each in storages()]
    code = Path(paths.__file__).parent.rglob("*.py")
    caches = {
        name
        for file in code
        for name in re.findall(r'cache_dir\(\) / "(\w+)"', file.read_text("utf-8"))
    }
    assert {paths.cache_dir() / name for name in caches} <= {*listed}
    kinds = (paths.data_dir, paths.cache_dir, paths.config_dir, paths.log_dir)
    for kind in kinds:
        assert any(kind() == path or kind() in path.parents for path in listed)
    assert len(set(listed)) == len(listed)


def test_only_what_lies_in_the_cache_can_be_cleared():
    clearable = [each for each in storages() if each.ending]
    assert [each.title for each in clearable] == [
        FLOWS,
        THUMBNAILS,
        COPIES,
        NETWORKS,
    ]
    assert all(paths.cache_dir() in each.path.parents for each in clearable)
    assert all(each.afterwards for each in clearable)


@pytest.mark.parametrize("title", [s.title for s in storages() if not s.ending])
def test_nothing_else_is_cleared(title):
    storage = named(title)
    with pytest.raises(ValueError, match="no cache"):
        clear(storage)


def test_no_ending_makes_a_folder_of_the_users_work_a_cache():
    storage = replace(named("Projects without a name"), ending=".cpstudio")
    fill(storage.path, a__cpstudio=1)
    with pytest.raises(ValueError, match="no cache"):
        clear(storage)
    assert (storage.path / "a.cpstudio").exists()


def test_the_room_is_that_of_all_files_below():
    fill(paths.data_dir() / "projects", a__cpstudio=1000)
    fill(paths.data_dir() / "projects" / "deeper", b=24)
    assert size_of(named("Projects without a name")) == 1024
    assert size_of(named("Sample image")) == 0


def test_clearing_removes_what_the_application_put_there_and_no_more():
    storage = named(FLOWS)
    fill(storage.path, a__flows=10, b__flows=20, notes__txt=5)
    (storage.path / ".saving.flows").write_bytes(b"half")
    assert clear(storage) == Cleared(files=2, size=30, kept=0)
    left = sorted(file.name for file in storage.path.iterdir())
    assert left == [".saving.flows", "notes.txt"]


def test_clearing_removes_folders_of_copies():
    storage = named(COPIES)
    fill(storage.path / "a.zarr" / "2" / "c", x=10)
    fill(storage.path / "a.zarr", done=5)
    fill(storage.path / "notes", x=1)
    assert clear(storage) == Cleared(files=2, size=15, kept=0)
    assert [each.name for each in storage.path.iterdir()] == ["notes"]


def test_clearing_leaves_projects_settings_and_logs(home):
    for kind in (paths.data_dir, paths.config_dir, paths.log_dir):
        fill(kind(), a__flows=1, b__png=1, c__cpstudio=1)
    fill(named(FLOWS).path, a__flows=1)
    before = {file for file in home.rglob("*") if file.is_file()}
    for each in storages():
        if each.ending:
            clear(each)
    gone = before - {file for file in home.rglob("*") if file.is_file()}
    assert gone == {named(FLOWS).path / "a.flows"}


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_links_lead_nowhere(tmp_path):
    fill(tmp_path / "elsewhere", work__flows=100)
    storage = named(FLOWS)
    storage.path.mkdir(parents=True)
    (storage.path / "folder").symlink_to(tmp_path / "elsewhere")
    (storage.path / "link.flows").symlink_to(tmp_path / "elsewhere" / "work.flows")
    assert size_of(storage) < 200
    clear(storage)
    assert (tmp_path / "elsewhere" / "work.flows").stat().st_size == 100


def test_a_folder_that_is_not_there_takes_no_room():
    assert size_of(named(THUMBNAILS)) == 0
    assert clear(named(THUMBNAILS)) == Cleared()


def test_thumbnails_are_made_again_after_they_were_cleared(cells):
    cache = ThumbnailCache(named(THUMBNAILS).path)
    (image,) = open_images(cells("a.tif"))
    before = cache.of(image)
    assert clear(named(THUMBNAILS)).files == 1
    assert cache.get(image) is None
    np.testing.assert_array_equal(cache.of(image), before)
    assert cache.get(image) is not None


def test_measuring_can_be_stopped():
    fill(named(FLOWS).path, a__flows=1)
    checkpoint = Checkpoint()
    checkpoint.stop()
    with pytest.raises(Cancelled):
        size_of(named(FLOWS), checkpoint)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (1_250_000, "1.2 MB"),
        (8 * 10**9, "8.0 GB"),
    ],
)
def test_room_is_given_in_the_units_of_file_managers(size, text):
    assert room_text(size) == text
