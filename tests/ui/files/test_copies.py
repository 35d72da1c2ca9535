"""Copies of a project: nothing that a table can hold is left behind."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.io.project.rescue.rescue import rescue
from cellpose_studio.io.project.schema import VERSION, tables
from cellpose_studio.io.project.tables.confidence import write_confidence
from cellpose_studio.io.project.tables.revisions import read_revision, set_cells
from cellpose_studio.io.project.tables.training.marks import write_marks
from cellpose_studio.io.project.tables.training.members import (
    TRAINING_SET,
    TrainingMember,
    write_member,
)
from cellpose_studio.io.project.tables.window_state import write_state
from tests.io.project.conftest import MARKS, fill

OWN = {"identity"}
"""Tables that say which file it is."""
OF_THE_PAST = {"run", "revision", "revision_chunk", "chunk", "confidence", "journal"}
"""Tables of which a copy of what is in memory has the rows of the masks as they are."""
SAID_OF_MASKS = {
    "cell": "id status",
    "division": "daughter mother",
    "classified": "id class probability classifier",
    "training": "name role",
    "training_marks": "marks",
}
"""Columns of the tables whose rows belong to masks, which may have another number."""


@pytest.fixture
def full(tmp_path):
    """Return a project with rows in all tables."""
    path = tmp_path / "full.cpstudio"
    maker = fill(path)
    db = maker.db
    [first] = db.execute("SELECT head FROM label_set WHERE id = 1").fetchone()
    # A note is on masks as they are, without edits since.
    noted = maker.seal(1, read_revision(db, first))
    db.execute("UPDATE revision SET note = 'mine' WHERE id = ?", (noted.id,))
    heads = db.execute("SELECT id, head FROM label_set ORDER BY id").fetchall()
    one = np.array([1], np.int64)
    confidence = Confidence(
        ids=one.astype(np.uint32),
        pixels=400 * one,
        flow_errors=0.25 * one,
        probabilities=0.5 * one,
        candidates=3,
        misfits=1,
    )
    for number, head in heads:
        write_confidence(db, head, confidence)
        write_member(db, TrainingMember(TRAINING_SET, number, None, "train"))
        write_marks(db, number, MARKS)
    for number, pixels in maker.filled.present.items():
        cells, highest = np.unique(pixels[pixels > 0]).size, int(pixels.max())
        set_cells(db, number, cells, highest)
    for name in ("window", "segment", "experiment", "training", "compartments"):
        write_state(db, name, {"said of": name})
    write_state(db, "experiment", {"columns": ["day"], "images": {"3": {"day": "2"}}})
    write_state(db, "batch_masks", {"1": "nuclei"})
    write_state(db, "parameter_search", {"trials": 4})
    # Another set than the one of the window can come from a version to come only.
    db.execute("DELETE FROM training WHERE name <> ?", (TRAINING_SET,))
    maker.file.close()
    assert all(rows_of(path).values()), "a table is empty"
    return path


def rows_of(path):
    """Return all rows by table, but what changes with each opening of the file."""
    names = {name for kind, name, *_ in tables(VERSION) if kind == "table"}
    with closing(sqlite3.connect(path)) as db:
        found = {n: db.execute(f"SELECT * FROM {n}").fetchall() for n in names - OWN}
    found["meta"] = [row for row in found["meta"] if row[0].startswith("state/")]
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def said_of_masks(path):
    """Return the rows of the tables about masks, by image and name of the masks."""
    found = {}
    with closing(sqlite3.connect(path)) as db:
        for table, names in SAID_OF_MASKS.items():
            columns = ", ".join(f"t.{name}" for name in names.split())
            query = f"SELECT s.image, s.name, {columns} FROM label_set s JOIN {table} t"
            rows = db.execute(f"{query} ON t.label_set = s.id").fetchall()
            found[table] = sorted(rows, key=repr)
    return found


def test_a_rescue_has_all_rows(full, tmp_path):
    report = rescue(full, tmp_path / "rescued.cpstudio")
    assert report.lost == ()
    assert rows_of(report.target) == rows_of(full)


@pytest.mark.slow
def test_a_project_saved_under_another_name_has_all_rows(user, full, tmp_path):
    user.open(full)
    user.window.projects.save_as(tmp_path / "copy.cpstudio")
    user.wait_idle()
    user.window.projects.new()
    user.wait_idle()
    # The window has said of both what it shows, and masks shown have become revisions.
    assert rows_of(tmp_path / "copy.cpstudio") == rows_of(full)


@pytest.mark.slow
def test_a_lost_project_saved_elsewhere_has_all_that_is_not_history(
    user, full, tmp_path
):
    before, said = rows_of(full), said_of_masks(full)
    lost = shutil.copy(full, tmp_path / "lost.cpstudio")
    user.open(lost)
    session = user.window.session
    for image in session.images:
        session.show(image.source.key)
        user.wait_for(lambda image=image: image.masks.pixels.loaded)
    for image in session.images:
        for labels in image.label_sets.values():
            user.wait_idle()
            assert labels.pixels.array().any()
    pixels = {
        (image.id, name): labels.array.copy()
        for image in session.images
        for name, labels in image.label_sets.items()
    }
    lost.write_bytes(b"another program's " * 3000)
    copy = tmp_path / "elsewhere.cpstudio"
    user.window.projects.save_as(copy)
    user.wait_idle()
    assert session.project.path == copy
    for image in session.images:
        session.show(image.source.key)
        user.wait_idle()
        for name, labels in image.label_sets.items():
            np.testing.assert_array_equal(
                labels.pixels.array(), pixels.pop((image.id, name))
            )
            assert labels.confidence.pixels.tolist() == [400]
            assert labels.record is not None
    assert not pixels
    user.window.projects.new()
    user.wait_idle()
    after = rows_of(copy)
    assert said_of_masks(copy) == said
    both = after, before
    states = [dict(rows["meta"]) for rows in both]
    for rows in states:
        # The window says what it shows now.
        del rows["state/window"], rows["state/segment"]
    assert states[0] == states[1]
    for table in before.keys() - OF_THE_PAST - SAID_OF_MASKS.keys() - {"meta"}:
        if table == "label_set":
            kept = [[row[1:3] + row[4:6] for row in rows[table]] for rows in both]
            assert kept[0] == kept[1]
        else:
            assert after[table] == before[table], table
    assert sorted({row[12] for row in after["revision"]}) == ["", "mine"]
