"""Where the application's own files are, and where a user's are kept."""

from __future__ import annotations

import os
import sys

import pytest

from cellpose_studio import paths

DIRS = {
    "data": paths.data_dir,
    "cache": paths.cache_dir,
    "config": paths.config_dir,
    "log": paths.log_dir,
}


def test_what_ships_is_found():
    assert (paths.resource("models") / "nuclei-small").is_file()
    assert paths.resource("models/nuclei-small").is_file()


def test_what_does_not_ship_is_said():
    with pytest.raises(FileNotFoundError, match="does not ship 'models/cyto9'"):
        paths.resource("models/cyto9")


def test_a_package_that_holds_its_resources_comes_before_a_checkout(
    tmp_path, monkeypatch
):
    package = tmp_path / "cellpose_studio"
    for folder in (package / "resources", tmp_path / "resources"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(paths, "__file__", str(package / "paths.py"))
    (tmp_path / "resources" / "a").touch()
    assert paths.resource("a") == tmp_path / "resources" / "a"
    (package / "resources" / "a").touch()
    assert paths.resource("a") == package / "resources" / "a"


@pytest.mark.parametrize("kind", DIRS)
def test_one_folder_can_hold_everything(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "stick" / "studio"))
    assert DIRS[kind]() == tmp_path / "stick" / "studio" / kind
    assert DIRS[kind]().is_dir()


@pytest.mark.skipif(sys.platform != "linux", reason="folders of the XDG standard")
def test_otherwise_the_platform_decides(tmp_path, monkeypatch):
    monkeypatch.delenv("CELLPOSE_STUDIO_HOME")
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    found = {kind: folder() for kind, folder in DIRS.items()}
    assert found == {
        "data": tmp_path / "DATA" / "cellpose-studio",
        "cache": tmp_path / "CACHE" / "cellpose-studio",
        "config": tmp_path / "CONFIG" / "cellpose-studio",
        "log": tmp_path / "STATE" / "cellpose-studio" / "log",
    }
    assert all(folder.is_dir() for folder in found.values())


def test_a_folder_takes_files_or_does_not_whoever_asks(tmp_path):
    assert paths.can_write_in(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    assert not paths.can_write_in(tmp_path / "file")
    assert not paths.can_write_in(tmp_path / "file" / "folder")
    if sys.platform == "linux":
        assert not paths.can_write_in(paths.Path("/proc/none"))


def test_libraries_get_our_cache_folder_only_where_theirs_takes_no_files(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "ours"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "theirs"))
    paths.share_cache_dir()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "theirs")
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "theirs"))
    paths.share_cache_dir()
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "ours" / "cache")
