"""The tables of classes, and projects that were made before there were any."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from cellpose_studio.core.provenance.classes.assigned import Assigned
from cellpose_studio.io.project.file import create_project, open_project, read_project
from cellpose_studio.io.project.row_counts import content_counts
from cellpose_studio.io.project.save_as import save_as
from cellpose_studio.io.project.schema import VERSION, migrate
from cellpose_studio.io.project.tables.cells.cell_classes import (
    StoredClasses,
    read_classes,
    write_assigned,
)
from tests.io.project.conftest import ASSIGNED, CLASSES, CLASSIFIER

STORED = StoredClasses(
    classes=CLASSES, assigned={1: ASSIGNED}, classifiers={1: CLASSIFIER}
)


def test_classes_are_read_as_they_were_written(filled, tmp_path):
    with closing(open_project(filled.path)) as original:
        assert read_classes(original.db) == STORED
        copy = save_as(original, tmp_path / "copy.cpstudio")
    with closing(copy) as file:
        assert read_classes(file.db) == STORED
        file.db.execute("BEGIN")
        write_assigned(file.db, 1, {3: None, 5: Assigned(number=1), 8: None})
        file.db.execute("COMMIT")
        assert read_classes(file.db).assigned == {
            1: {5: Assigned(number=1), 7: ASSIGNED[7]}
        }


def test_a_project_of_version_2_gets_the_tables_when_it_is_opened(tmp_path):
    path = tmp_path / "old.cpstudio"
    create_project(path).close()
    version_2 = path.with_name("2.cpstudio")
    with (
        closing(sqlite3.connect(path)) as new,
        closing(sqlite3.connect(version_2)) as old,
    ):
        (application,) = new.execute("PRAGMA application_id").fetchone()
        old.execute(f"PRAGMA application_id = {application}")
        migrate(old, 0, 2)
        old.executemany(
            "INSERT INTO meta VALUES (?, ?)", new.execute("SELECT * FROM meta")
        )
        old.commit()
    with closing(read_project(version_2)) as view:
        assert read_classes(view.db) == StoredClasses()
        last, _ = content_counts(view.db)
        assert last["cell_class"] == 0
    with closing(open_project(version_2)) as file:
        assert file.db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert read_classes(file.db) == StoredClasses()
        assert not file.read_only
