"""What is remembered from one start to the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import QByteArray

from cellpose_studio.app.settings import Settings


@pytest.fixture
def file(tmp_path, qapp):
    return tmp_path / "settings.ini"


def written(file, change) -> Settings:
    """Change the settings as one start would, and return those of the next."""
    settings = Settings(file)
    change(settings)
    del settings
    assert file.is_file()
    return Settings(file)


def test_nothing_is_remembered_at_first(file):
    settings = Settings(file)
    assert settings.recent == []
    assert settings.model_files == []
    assert settings.save_kinds == []
    assert settings.folder == ""
    assert settings.theme == "dark"
    assert settings.window("geometry") is None
    del settings
    assert not file.exists()


def test_everything_survives_a_restart(file):
    def change(settings):
        settings.add_recent([Path("/a/b.tif"), Path("/a/c.tif")])
        settings.add_model_file(Path("/models/cyto3"))
        settings.save_kinds = ["tif", "rois"]
        settings.folder = "/a"
        settings.theme = "light"
        settings.set_window("geometry", QByteArray(b"\x00\x01\xff geometry"))

    settings = written(file, change)
    assert settings.recent == [Path("/a/b.tif"), Path("/a/c.tif")]
    assert settings.model_files == [Path("/models/cyto3")]
    assert settings.save_kinds == ["tif", "rois"]
    assert settings.folder == "/a"
    assert settings.theme == "light"
    assert settings.window("geometry") == QByteArray(b"\x00\x01\xff geometry")
    assert settings.window("state") is None


ODD_NAMES = [
    "a, b; c.tif",
    "@Invalid()",
    "@file",
    "100%.tif",
    "Größe µ 細胞.tif",
    "a=b",
]
ODD_NAMES += ['a "quoted".tif', "back\\slash", " spaces ", "[section]", "#", "é" * 200]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_list_of_one_comes_back_whatever_its_name(file, name):
    path = Path("/images") / name

    def change(settings):
        settings.add_recent([path])
        settings.folder = name

    settings = written(file, change)
    assert settings.recent == [path]
    assert settings.folder == name


@given(
    names=st.lists(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\0/"),
            min_size=1,
        ),
        min_size=1,
        max_size=12,
        unique=True,
    )
)
def test_any_files_come_back(tmp_path_factory, qapp, names):
    file = tmp_path_factory.mktemp("settings") / "settings.ini"
    paths = list(dict.fromkeys(Path("/x") / name for name in names))
    assert written(file, lambda s: s.add_recent(paths)).recent == paths


def test_the_last_opened_comes_first_and_once(file):
    settings = Settings(file)
    heard = []
    settings.recent_changed.connect(lambda: heard.append(settings.recent))
    settings.add_recent([Path("a"), Path("b")])
    settings.add_recent([Path("c"), Path("a")])
    assert heard == [[Path("a"), Path("b")], [Path("c"), Path("a"), Path("b")]]


def test_only_so_many_are_remembered(file):
    settings = Settings(file)
    settings.add_recent([Path(str(n)) for n in range(20)])
    assert settings.recent == [Path(str(n)) for n in range(12)]


def test_recent_files_can_be_forgotten(file):
    settings = written(file, lambda s: s.add_recent([Path("a")]))
    heard = []
    settings.recent_changed.connect(lambda: heard.append(settings.recent))
    settings.clear_recent()
    assert heard == [[]]
    assert settings.recent == []


def test_a_model_file_is_remembered_once(file):
    settings = Settings(file)
    for name in ("a", "b", "a"):
        settings.add_model_file(Path(name))
    assert settings.model_files == [Path("a"), Path("b")]


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe not an INI file at all \x80",
        b"[General]\nrecent=@ByteArray(abc)\nfolder=@Invalid()\ntheme=pink\n",
        b"[General]\nrecent=\nmodel_files=@Invalid()\nfolder=\ntheme=\n",
        b"[General]\nrecent=@Variant(\\0\\0\\0\\x2)\nfolder=a, b\ntheme=a, b\n"
        b"save_kinds=@Variant(\\0)\nmodel_files=@Size(1 2)\n"
        b"[window]\ngeometry=big\nstate=a, b\n",
    ],
)
def test_what_cannot_be_read_counts_as_never_set(file, content):
    file.write_bytes(content)
    settings = Settings(file)
    assert settings.recent == []
    assert settings.model_files == []
    assert settings.save_kinds == []
    assert settings.folder == ""
    assert settings.theme == "dark"
    assert settings.window("geometry") is None
    assert settings.window("state") is None
    settings.theme = "light"
    del settings
    assert Settings(file).theme == "light"


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path, qapp):
    (tmp_path / "file").write_text("in the way")
    settings = Settings(tmp_path / "file" / "settings.ini")
    settings.theme = "light"
    assert settings.theme == "light"
