"""Settings that earlier versions wrote are taken over from their INI file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellpose_studio.app.settings import Settings

WRITTEN = r"""[General]
figure="{\"fill\": true, \"dpi\": 600, \"line_colour\": \"#ff0000\"}"
figure_ending=.svg
folder=/images
model_files=@Variant(\0\0\0\t\0\0\0\x1\0\0\0\n\0\0\0\x1a\0/\0m\0o\0\x64\0\x65\0l\0s\0/\0\x63\0y\0t\0o\0\x33)
recent="/images/a, b; c.tif", /images/Gr\xf6\xdf\x65 \xb5 \x7d30\x80de.tif, /x/100%.tif
save_kinds=tif, rois
theme=light

[keys]
brush=@Variant(\0\0\0\t\0\0\0\x1\0\0\0\n\0\0\0\x2\0G)
redo=@Invalid()
undo=Ctrl+Z, U

[window]
geometry=@ByteArray(\0\x1\xff geometry)
state="@ByteArray(\0\xff, \"state\"\n)"
"""


@pytest.fixture
def ini(tmp_path, qapp):
    return tmp_path / "settings.ini"


def test_everything_is_taken_over(ini):
    ini.write_text(WRITTEN)
    settings = Settings.load(ini.with_suffix(".json"))
    names = ["a, b; c.tif", "Größe µ 細胞.tif"]
    assert settings.recent == [
        *(Path("/images") / n for n in names),
        Path("/x/100%.tif"),
    ]
    assert settings.model_files == [Path("/models/cyto3")]
    assert settings.save_kinds == ["tif", "rois"]
    assert settings.figure == {"fill": True, "dpi": 600, "line_colour": "#ff0000"}
    assert settings.figure_ending == ".svg"
    assert settings.folder == "/images"
    assert settings.theme == "light"
    assert settings.keys == {"brush": ["G"], "redo": [], "undo": ["Ctrl+Z", "U"]}
    assert settings.window_geometry == b"\x00\x01\xff geometry"
    assert settings.window_layout == b'\x00\xff, "state"\n'


def test_all_of_it_is_written_with_the_first_change(ini):
    ini.write_text(WRITTEN)
    json = ini.with_suffix(".json")
    settings = Settings.load(json)
    assert not json.exists()
    settings.theme = "dark"
    ini.unlink()
    assert Settings.load(json) == settings


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
def test_what_cannot_be_read_counts_as_never_set(ini, content):
    ini.write_bytes(content)
    assert Settings.load(ini.with_suffix(".json")) == Settings()
