"""Projects that the first version made: closed, and as its crashes left them."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from cellpose_studio.io.project.file import open_project, read_project
from cellpose_studio.io.project.identity import identity_of
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.schema import VERSION

FILES = zipfile.ZipFile(Path(__file__).with_name("version_1.zip"))
"""Made by the program of the first version; "young" was never put into its file."""
STATES = {"closed": 1, "young": 1, "crashed": 3}


@pytest.fixture
def old(tmp_path):
    """Return a function that writes one of the files, with its log if it has one."""

    def write(name: str, target: str = "a", ends: tuple[str, ...] = ("", "-wal")):
        for end in ends:
            if f"{name}.cpstudio{end}" in FILES.namelist():
                content = FILES.read(f"{name}.cpstudio{end}")
                (tmp_path / f"{target}.cpstudio{end}").write_bytes(content)
        return tmp_path / f"{target}.cpstudio"

    return write


@pytest.mark.parametrize("name", STATES)
def test_all_of_it_is_read_and_brought_up_to_date(name, old, reader):
    path = old(name)
    with closing(read_project(path)) as view:
        project = identity_of(view.db).project
    for _ in range(2):
        with closing(open_project(path)) as file:
            found = reader.all_of(file)
            assert file.notes == ()
            assert file.identity.project == project
            assert file.db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert found.state == {"image": STATES[name]}
    assert found.statuses == {1: {3: "accepted"}}
    assert [preset.name for preset in found.presets] == ["mine"]
    assert [(member.name, member.role) for member in found.members] == [
        ("set", "train")
    ]
    assert [item.model for item in found.batch] == ["nuclei-small"]
    assert list(path.parent.glob("*.cpstudio*")) == [path]


@pytest.mark.parametrize("name", STATES)
def test_all_of_it_is_read_where_it_cannot_be_brought_up_to_date(name, old, reader):
    path = old(name)
    before = path.read_bytes()
    with closing(read_project(path)) as view:
        assert view.read_only
        found = reader.all_of(view)
        assert view.db.execute("PRAGMA user_version").fetchone() == (1,)
    assert found.statuses == {1: {3: "accepted"}}
    assert [preset.name for preset in found.presets] == ["mine"]
    assert [(member.name, member.role) for member in found.members] == [
        ("set", "train")
    ]
    assert [item.model for item in found.batch] == ["nuclei-small"]
    assert path.read_bytes() == before


def test_its_log_stays_out_of_another_state(old):
    path = old("crashed")
    other = old("closed", "b")
    with closing(open_project(other)):
        pass
    shutil.copyfile(other, path)
    with closing(open_project(path)) as file:
        assert "a.cpstudio-wal does not belong" in " ".join(file.notes)


@pytest.mark.parametrize("start", [True, False], ids=["whole", "without a start"])
def test_rescue_saves_what_had_no_checksum(start, old, reader):
    path = old("closed")
    if not start:
        data = path.read_bytes()
        path.write_bytes(bytes(4096) + data[4096:])
    report = rescue(path, path.with_name("new.cpstudio"))
    with closing(open_project(report.target)) as file:
        found = reader.all_of(file)
    assert found.statuses == {1: {3: "accepted"}}
    assert [preset.name for preset in found.presets] == ["mine"]
    assert len(found.members) == len(found.batch) == 1


def test_a_failed_update_leaves_the_first_version(old, monkeypatch):
    path = old("closed")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("cellpose_studio.io.project.schema._write_identity", fail)
    with pytest.raises(Exception, match=r"a\.cpstudio"):
        open_project(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    open_project(path).close()
