"""``cellpose-studio rescue``."""

from __future__ import annotations

import pytest

from cellpose_studio.cli.main import run
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.project.file import create_project, open_project
from cellpose_studio.io.project.tables.presets import Preset, read_presets, write_preset


@pytest.fixture
def project(tmp_path):
    file = create_project(tmp_path / "a.cpstudio")
    for name in ("one", "two"):
        write_preset(file.db, Preset(name, "cyto", SegmentationParameters()))
    file.close()
    return file.path


def presets_in(path):
    file = open_project(path)
    try:
        return [preset.name for preset in read_presets(file.db)]
    finally:
        file.close()


def test_the_new_project_lies_beside_the_old_one(project, capsys):
    assert run(["rescue", str(project)]) == 0
    assert presets_in(project.with_name("a-rescued.cpstudio")) == ["one", "two"]
    assert capsys.readouterr().out.splitlines() == [
        "Saved in a-rescued.cpstudio: 2 other settings.",
        "Nothing was lost.",
    ]


def test_a_name_can_be_given(project, tmp_path):
    assert run(["rescue", str(project), "--out", str(tmp_path / "b.cpstudio")]) == 0
    assert presets_in(tmp_path / "b.cpstudio") == ["one", "two"]


def test_a_part_that_was_lost_is_told(project, capsys):
    data = bytearray(project.read_bytes())
    data[5 * 4096 : 6 * 4096] = bytes(4096)
    project.write_bytes(data)
    assert run(["rescue", str(project)]) == 1
    assert "so more may have been lost" in capsys.readouterr().out


def test_nothing_to_save_is_a_failure(tmp_path, capsys):
    path = tmp_path / "a.cpstudio"
    path.write_bytes(b"no project")
    assert run(["rescue", str(path)]) == 2
    assert "Nothing in a.cpstudio can be read." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]
