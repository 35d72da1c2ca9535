"""Projects of version 2, which knew no divisions and no classes."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest

from cellpose_studio.io.project.file import open_project, read_project
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.save_as import save_as
from cellpose_studio.io.project.schema import VERSION, tables, tables_in
from cellpose_studio.io.project.tables.cells.cell_classes import (
    StoredClasses,
    read_classes,
)
from cellpose_studio.io.project.tables.cells.divisions import read_all_mothers
from cellpose_studio.io.project.tables.training.members import read_members


@pytest.fixture
def project(filled, tmp_path):
    """A project with the tables of version 2 only."""
    path = shutil.copyfile(filled.path, tmp_path / "a.cpstudio")
    with closing(sqlite3.connect(path)) as db:
        for _, name, *_ in tables(VERSION) - tables(2):
            if not name.startswith("sqlite_"):
                db.execute(f"DROP TABLE {name}")
        db.execute("PRAGMA user_version = 2")
        db.commit()
        assert tables_in(db) == tables(2)
    return path


def test_it_is_migrated_when_it_is_opened(project):
    with closing(open_project(project)) as file:
        assert file.db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert tables_in(file.db) == tables(VERSION)
        assert read_all_mothers(file.db) == {}


def test_images_for_test_are_those_for_validation(project):
    with closing(sqlite3.connect(project)) as db:
        stored = db.execute("SELECT role FROM training ORDER BY label_set").fetchall()
    assert stored == [("train",), ("test",)]
    with closing(open_project(project)) as file:
        roles = [member.role for member in read_members(file.db)]
    assert roles == ["train", "validation"]


def test_nothing_of_it_is_lost_in_a_rescue(project, tmp_path):
    assert rescue(project, tmp_path / "new.cpstudio").lost == ()


def test_it_is_read_and_saved_elsewhere_where_it_cannot_be_written(project, tmp_path):
    with closing(read_project(project)) as file:
        assert read_all_mothers(file.db) == {}
        assert read_classes(file.db) == StoredClasses()
        copy = save_as(file, tmp_path / "copy.cpstudio")
    with closing(copy):
        assert copy.db.execute("PRAGMA user_version").fetchone() == (VERSION,)
