"""What is remembered from one start to the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cellpose_studio.app.settings import Settings


@pytest.fixture
def file(tmp_path, qapp):
    return tmp_path / "settings.json"


def written(file, change) -> Settings:
    """Change the settings as one start would, and return those of the next."""
    settings = Settings.load(file)
    change(settings)
    del settings
    assert file.is_file()
    return Settings.load(file)


def test_nothing_is_remembered_at_first(file):
    settings = Settings.load(file)
    assert settings.recent == []
    assert settings.model_files == []
    assert settings.save_kinds == []
    assert settings.folder == ""
    assert settings.theme == "system"
    assert settings.window_geometry is None
    del settings
    assert not file.exists()


def test_everything_survives_a_restart(file):
    def change(settings):
        settings.add_recent([Path("/a/b.tif"), Path("/a/c.tif")])
        settings.add_model_file(Path("/models/cyto3"))
        settings.save_kinds = ["tif", "rois"]
        settings.folder = "/a"
        settings.theme = "light"
        settings.window_geometry = b"\x00\x01\xff geometry"
        settings.set_keys("brush", ["G"])
        settings.set_keys("redo", [])
        settings.figure = {"fill": True, "dpi": 600}
        settings.figure_ending = ".svg"

    settings = written(file, change)
    assert settings.recent == [Path("/a/b.tif"), Path("/a/c.tif")]
    assert settings.model_files == [Path("/models/cyto3")]
    assert settings.save_kinds == ["tif", "rois"]
    assert settings.folder == "/a"
    assert settings.theme == "light"
    assert settings.window_geometry == b"\x00\x01\xff geometry"
    assert settings.keys == {"brush": ["G"], "redo": []}
    assert settings.figure == {"fill": True, "dpi": 600}
    assert settings.figure_ending == ".svg"
    assert settings.window_layout is None


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
    file = tmp_path_factory.mktemp("settings") / "settings.json"
    paths = list(dict.fromkeys(Path("/x") / name for name in names))
    assert written(file, lambda s: s.add_recent(paths)).recent == paths


def test_the_last_opened_comes_first_and_once(file):
    settings = Settings.load(file)
    heard = []
    settings.events.recent.connect(lambda: heard.append(settings.recent))
    settings.add_recent([Path("a"), Path("b")])
    settings.add_recent([Path("c"), Path("a")])
    assert heard == [[Path("a"), Path("b")], [Path("c"), Path("a"), Path("b")]]


def test_only_so_many_are_remembered(file):
    settings = Settings.load(file)
    settings.add_recent([Path(str(n)) for n in range(20)])
    assert settings.recent == [Path(str(n)) for n in range(12)]


def test_images_do_not_push_projects_out(file):
    project = Path("/a/plate.cpstudio")
    settings = written(file, lambda s: s.add_project(project))
    assert (settings.recent, settings.projects) == ([project], [project])
    settings.add_recent([Path(str(n)) for n in range(20)])
    assert project not in settings.recent
    for n in range(40):
        settings.add_project(Path(f"{n}.cpstudio"))
    settings.add_project(Path("20.cpstudio"))
    assert Settings.load(file).projects == settings.projects
    assert [p.stem for p in settings.projects[:3]] == ["20", "39", "38"]
    assert len(settings.projects) == len(set(settings.projects)) == 30


def test_recent_files_can_be_forgotten(file):
    settings = written(file, lambda s: s.add_recent([Path("a")]))
    heard = []
    settings.events.recent.connect(lambda: heard.append(settings.recent))
    settings.recent = []
    assert heard == [[]]
    assert settings.recent == []


def test_a_model_file_is_remembered_once(file):
    settings = Settings.load(file)
    for name in ("a", "b", "a"):
        settings.add_model_file(Path(name))
    assert settings.model_files == [Path("a"), Path("b")]


NOTHING = Settings()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe no JSON at all \x80",
        b'{"theme": "light"',
        b'["theme", "light"]',
        b"[" * 100_000,
        b'{"recent": "a", "folder": null, "theme": "pink", "figure_ending": ".exe"}',
        b'{"recent": [], "model_files": [1], "save_kinds": {}, "figure": [1]}',
        b'{"window_geometry": "big!", "window_layout": 5, "keys": {"a": 1, "b": "c"}}',
    ],
)
def test_what_cannot_be_read_counts_as_never_set(file, content):
    file.write_bytes(content)
    settings = Settings.load(file)
    assert settings == NOTHING
    settings.theme = "light"
    assert Settings.load(file).theme == "light"


def test_only_the_wrong_values_of_a_file_are_lost(file):
    known = {
        "recent": ["/a", 3, None, "/b"],
        "keys": {"brush": ["G", 1], "redo": "R", "undo": ["U"]},
        "theme": "pink",
        "folder": "/a",
    }
    file.write_text(json.dumps(known))
    settings = Settings.load(file)
    assert settings.recent == [Path("/a"), Path("/b")]
    assert settings.keys == {"brush": ["G"], "undo": ["U"]}
    assert settings.theme == "system"
    assert settings.folder == "/a"


@given(
    known=st.dictionaries(
        st.sampled_from([*Settings.model_fields, "unknown"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(), inner, max_size=4)
            ),
            max_leaves=10,
        ),
    )
)
def test_any_values_can_be_read(tmp_path_factory, qapp, known):
    file = tmp_path_factory.mktemp("settings") / "settings.json"
    file.write_text(json.dumps(known))
    settings = Settings.load(file)
    settings.folder = "/elsewhere"
    assert Settings.load(file) == settings


def test_a_wrong_value_cannot_be_set(file):
    settings = Settings.load(file)
    with pytest.raises(ValidationError):
        settings.theme = "pink"
    assert settings.theme == "system"
    assert not file.exists()


def test_what_later_versions_and_other_windows_write_survives(file):
    first, second = Settings.load(file), Settings.load(file)
    first.theme = "light"
    second.folder = "/a"
    known = json.loads(file.read_text())
    file.write_text(json.dumps({**known, "of_a_later_version": [1, {"a": None}]}))
    first.save_kinds = ["tif"]
    assert json.loads(file.read_text()) == {
        "theme": "light",
        "folder": "/a",
        "of_a_later_version": [1, {"a": None}],
        "save_kinds": ["tif"],
    }


def test_a_name_that_is_no_text_comes_back(file):
    path = Path("/images/\udc80.tif")
    assert written(file, lambda s: s.add_recent([path])).recent == [path]


def test_a_file_that_cannot_be_read_is_not_written_over(file):
    file.mkdir()
    settings = Settings.load(file)
    settings.theme = "light"
    assert settings.theme == "light"
    assert list(file.parent.iterdir()) == [file]


def test_keys_of_a_command_can_be_forgotten(file):
    settings = Settings.load(file)
    settings.set_keys("brush", ["G"])
    settings.set_keys("redo", [])
    settings.set_keys("brush", None)
    settings.set_keys("undo", None)
    assert settings.keys == {"redo": []}


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path, qapp):
    (tmp_path / "file").write_text("in the way")
    settings = Settings.load(tmp_path / "file" / "settings.json")
    settings.theme = "light"
    assert settings.theme == "light"


def test_a_setting_goes_back_to_its_default(file):
    settings = Settings.load(file)
    settings.mask_opacity, settings.theme, settings.measure_columns = 70, "dark", []
    settings.reset("mask_opacity", "measure_columns")
    assert (settings.mask_opacity, settings.theme) == (40, "dark")
    assert settings.measure_columns == NOTHING.measure_columns
    assert Settings.load(file) == settings


def test_what_was_used_is_not_remembered_unless_wanted(file):
    settings = written(file, lambda s: s.add_project(Path("/a.cpstudio")))
    settings.folder = "/a"
    settings.keep_recent = False
    settings.forget_recent()
    settings.add_recent([Path("/b.tif")])
    settings.add_project(Path("/b.cpstudio"))
    settings.set_folder(Path("/b"))
    kept = Settings.load(file)
    assert (kept.recent, kept.projects, kept.folder) == ([], [], "")
