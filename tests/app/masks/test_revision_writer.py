"""What a project file holds after masks changed: revisions, heads, the journal."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.revision_writer import THUMBNAIL, RevisionWriter
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.core.masks.chunks import ChunkIndex
from cellpose_studio.core.provenance.hand_edits import HandEdits
from cellpose_studio.core.provenance.revision import FLOW_KEY, CellChanges
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.io.cache.thumbnails import from_png
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.project.tables.cells.cell_status import read_all_statuses
from cellpose_studio.io.project.tables.confidence import read_confidence
from cellpose_studio.io.project.tables.journal import read_journal, read_open_edits
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revisions import (
    read_label_sets,
    read_revisions,
    read_thumbnails,
)
from cellpose_studio.io.project.tables.runs import read_runs
from tests.records import run_record

SIDE = 600  # two chunks by two
"""px"""
FAR = (slice(520, 560), slice(520, 560))
PARAMETERS = SegmentationParameters(diameter=40.0)


class Written:
    """A label set of a real project, and what its file says of it."""

    def __init__(self, project, session, cells) -> None:
        self.project = project
        [image] = session.add(open_images(cells("a.tif", (SIDE, SIDE))))
        self.image = image.id
        self.writer = RevisionWriter(project)
        self.label_set = self.writer.add_label_set(image.id, "cells")

    def record(self, labels, kind="run", before=None, **more):
        return self.writer.record(
            self.label_set, self.image, labels, kind, "Run", before, **more
        )

    def edit(self, labels, edit, undoes=None, **more):
        """Edit the pixels, and write it down as the session does."""
        labels.pixels.apply(edit)
        cells = len(labels.pixels.cell_table())
        entry = self.writer.edit(
            self.label_set,
            labels.revision,
            edit,
            cells=cells,
            undoes=undoes,
            highest=labels.pixels.highest,
            **more,
        )
        return replace(labels, cells=cells, edited=True), entry

    def delete(self, labels, cell):
        pixels = labels.pixels
        return self.edit(
            labels, delete_cells(pixels.array(), pixels.cell_table(), [cell])
        )

    # What the file says

    @property
    def stored(self):
        [found] = self.project.read(read_label_sets)
        return found

    @property
    def revisions(self):
        return self.project.read(lambda db: read_revisions(db, self.label_set))

    @property
    def journal(self):
        return self.project.read(lambda db: read_journal(db, self.label_set))

    @property
    def statuses(self):
        return self.project.read(read_all_statuses).get(self.label_set, {})

    def pixels(self, revision):
        return self.project.read(
            lambda db: read_labels(db, revision.id, revision.shape)
        )

    def own_chunks(self, revision):
        """Return where a revision has pixels that its parent does not have."""
        question = """
            SELECT plane, "row", "column" FROM revision_chunk AS own
            WHERE revision = ? AND chunk NOT IN (
                SELECT chunk FROM revision_chunk WHERE revision = ?
                AND (plane, "row", "column") = (own.plane, own."row", own."column"))"""
        numbers = (revision.id, revision.parent)
        return self.project.read(lambda db: db.execute(question, numbers).fetchall())


@pytest.fixture
def written(project, session, cells):
    return Written(project, session, cells)


def cells_of(*ids) -> LabelSet:
    """Return masks of square cells, the last one in a chunk of its own."""
    pixels = np.zeros((SIDE, SIDE), np.uint32)
    for n, cell in enumerate(ids[:-1]):
        pixels[10:50, 60 * n : 60 * n + 40] = cell
    pixels[FAR] = ids[-1]
    return LabelSet(
        name="cells",
        pixels=LabelImage(pixels),
        origin="Nuclei, CPU",
        cells=len(ids),
        parameters=PARAMETERS,
    )


# New masks


def test_a_label_set_has_no_masks_at_first(written):
    stored = written.stored
    assert (stored.id, stored.image) == (written.label_set, written.image)
    assert (stored.name, stored.head, stored.cells) == ("cells", None, 0)
    assert written.journal == []


def test_masks_become_a_revision_and_the_head(written):
    given = cells_of(1, 4, 9)
    labels, entry = written.record(given, details={"source": "a"})
    revision = labels.revision
    assert written.revisions == [revision]
    assert written.stored.head == revision
    assert (written.stored.cells, written.stored.highest) == (3, 9)
    assert (revision.parent, revision.kind, revision.run) == (None, "run", None)
    assert (revision.origin, revision.shape) == ("Nuclei, CPU", (SIDE, SIDE))
    assert (revision.parameters, revision.details) == (PARAMETERS, {"source": "a"})
    assert revision.author == written.project.author
    np.testing.assert_array_equal(written.pixels(revision), given.array)
    [noted] = written.journal
    assert (noted.id, noted.head, noted.base) == (entry, revision.id, None)
    assert (noted.operation, noted.undoes, noted.cells) == ("Run", None, ())
    assert not labels.edited
    assert labels.pixels is given.pixels


def test_a_revision_has_a_picture(written):
    labels, _ = written.record(cells_of(1, 2))
    number = labels.revision.id
    found = written.project.read(lambda db: read_thumbnails(db, [number]))
    assert max(from_png(found[number]).shape[:2]) == THUMBNAIL


def test_masks_are_written_as_they_were_when_they_were_given(written):
    gate = threading.Event()
    written.project.submit(lambda _: gate.wait(60))
    labels, _ = written.record(cells_of(1, 2, 3))
    before = labels.array.copy()
    pixels = labels.pixels
    pixels.apply(delete_cells(pixels.array(), pixels.cell_table(), [3]))
    gate.set()
    np.testing.assert_array_equal(written.pixels(labels.revision), before)
    assert written.stored.highest == 3


def test_a_run_is_recorded_once_with_its_first_masks(written):
    record = run_record(parameters=PARAMETERS)
    first, _ = written.record(replace(cells_of(1, 2), record=record))
    second, _ = written.record(first, "threshold", first.revision)
    runs = written.project.read(lambda db: read_runs(db, written.image))
    assert runs == [(first.run, record)]
    assert {r.run for r in written.revisions} == {first.run}
    assert second.revision.parent == first.revision.id
    other = written.writer.record_run(written.image, record)
    runs = written.project.read(lambda db: read_runs(db, written.image))
    assert [number for number, _ in runs] == [first.run, other]


def test_statuses_change_with_masks(written):
    first, _ = written.record(
        cells_of(1, 2), changes=CellChanges(statuses={1: (None, "accepted")})
    )
    assert written.statuses == {1: "accepted"}
    changes = CellChanges(statuses={1: ("accepted", None), 2: (None, "later")})
    written.record(cells_of(2, 3), before=first.revision, changes=changes)
    assert written.statuses == {2: "later"}
    assert [entry.changes for entry in written.journal][1] == changes


def test_ids_of_cells_that_are_gone_are_remembered(written):
    labels, _ = written.record(cells_of(1, 12))
    written.record(cells_of(1, 5), before=labels.revision)
    assert written.stored.highest == 12


# Where parameters and flows come from


def test_an_import_has_the_parameters_that_its_file_says(written):
    silent, _ = written.record(cells_of(1, 2), "import", details={"diameter": 3})
    assert silent.revision.parameters is None
    told, _ = written.record(cells_of(1, 2), "import", details={"min_size": 3})
    assert told.revision.parameters == PARAMETERS


def test_restored_masks_have_the_parameters_of_their_revision(written):
    first, _ = written.record(cells_of(1, 2))
    other = replace(first, parameters=SegmentationParameters(diameter=9.0))
    restored, _ = written.record(other, "restore", first.revision)
    assert restored.revision.parameters == PARAMETERS


def test_the_flows_of_an_import_are_found_from_what_follows_it(written):
    first, _ = written.record(cells_of(1, 2), "import", details={"min_size": 3})
    key = first.revision.flow_key
    assert key
    changed, _ = written.record(cells_of(1, 2), "threshold", first.revision)
    assert changed.revision.details == {FLOW_KEY: key}
    edited, _ = written.delete(changed, 1)
    sealed = written.writer.seal(written.label_set, edited)
    assert sealed.revision.flow_key == key
    # A run has flows of its own.
    run, _ = written.record(cells_of(1, 2), "run", sealed.revision)
    assert run.revision.flow_key is None


def test_what_was_kept_of_the_users_decisions_is_a_detail(written):
    kept = HandEdits(edited=frozenset([1]))
    labels = replace(cells_of(1, 2), kept=kept, kept_cells=2)
    labels, _ = written.record(labels, details={"note": 1})
    assert written.revisions[0].details == {"note": 1, "locked": [1], "kept": 2}


# Edits


def test_an_edit_is_in_the_journal_at_once(written):
    labels, _ = written.record(cells_of(1, 2, 3))
    pixels = labels.pixels
    edit = delete_cells(pixels.array(), pixels.cell_table(), [2])
    changes = CellChanges(statuses={2: (None, "rejected")})
    _, entry = written.edit(labels, edit, changes=changes)
    [_, noted] = written.journal
    assert (noted.id, noted.base, noted.head) == (entry, labels.revision.id, None)
    assert (noted.operation, noted.cells, noted.pixels) == ("Delete cell", (2,), True)
    assert (noted.sealed, noted.changes) == (None, changes)
    assert written.statuses == {2: "rejected"}
    stored = written.stored
    assert (stored.cells, stored.highest, stored.edited) == (2, 3, True)
    assert stored.head == labels.revision
    [found] = written.project.read(
        lambda db: read_open_edits(db, written.label_set, labels.revision.id)
    )
    again = written.pixels(labels.revision)
    found.apply(again)
    np.testing.assert_array_equal(again, labels.array)


def test_an_edit_that_is_undone_says_which(written):
    labels, _ = written.record(cells_of(1, 2, 3))
    pixels = labels.pixels
    edit = delete_cells(pixels.array(), pixels.cell_table(), [2])
    labels, done = written.edit(labels, edit)
    written.edit(labels, edit.inverse(), undoes=done)
    assert [entry.undoes for entry in written.journal] == [None, None, done]
    assert written.stored.cells == 3


def test_edits_are_sealed_into_a_revision_that_writes_only_what_changed(written):
    labels, _ = written.record(cells_of(1, 2, 3))
    before = labels.revision
    labels, first = written.delete(labels, 2)
    sealed = written.writer.seal(written.label_set, labels, "Checked")
    revision = sealed.revision
    assert (revision.parent, revision.kind, revision.note) == (
        before.id,
        "edit",
        "Checked",
    )
    assert (revision.cells, revision.parameters) == (2, before.parameters)
    assert written.stored.head == revision
    assert not written.stored.edited
    assert not sealed.edited
    assert not sealed.pixels.changed
    np.testing.assert_array_equal(written.pixels(revision), labels.array)
    assert written.own_chunks(revision) == [(0, 0, 0)]
    assert 2 in written.pixels(before)
    sealed_in = {entry.id: entry.sealed for entry in written.journal}
    assert sealed_in[first] == revision.id


def test_what_is_drawn_after_sealing_is_not_in_the_revision(written):
    labels, _ = written.record(cells_of(1, 2, 3))
    labels, _ = written.delete(labels, 3)
    gate = threading.Event()
    written.project.submit(lambda _: gate.wait(60))
    sealed = written.writer.seal(written.label_set, labels)
    drawn, after = written.delete(sealed, 1)
    gate.set()
    found = written.pixels(sealed.revision)
    assert set(np.unique(found)) == {0, 1, 2}
    assert drawn.pixels.changed == {ChunkIndex(0, 0, 0)}
    entry = written.journal[-1]
    assert (entry.id, entry.base, entry.sealed) == (after, sealed.revision.id, None)


# Back and forth


def test_the_head_goes_back_and_forth(written):
    first, _ = written.record(
        cells_of(1, 2, 3), changes=CellChanges(statuses={1: (None, "accepted")})
    )
    second, done = written.record(cells_of(4, 5), before=first.revision)
    switch = written.writer.switch
    changes = CellChanges(statuses={1: ("accepted", "later")})
    undone = switch(
        written.label_set, "Undo Run", second.revision, first, done, changes
    )
    assert (written.stored.head, written.stored.cells) == (first.revision, 3)
    assert written.statuses == {1: "later"}
    last = written.journal[-1]
    assert (last.id, last.base, last.head) == (
        undone,
        second.revision.id,
        first.revision.id,
    )
    assert (last.undoes, last.operation) == (done, "Undo Run")
    switch(written.label_set, "Undo Run", first.revision, None, undone)
    assert (written.stored.head, written.stored.cells) == (None, 0)
    # An id is never given twice, whatever was undone.
    assert written.stored.highest == 5
    assert written.revisions == [first.revision, second.revision]


def test_statuses_alone_are_an_entry_of_the_journal(written):
    labels, _ = written.record(cells_of(1, 2))
    change_cells = written.writer.change_cells
    changes = CellChanges(statuses={1: (None, "accepted"), 2: (None, "rejected")})
    done = change_cells(written.label_set, labels.revision, "Accept", changes, None)
    assert written.statuses == {1: "accepted", 2: "rejected"}
    back = CellChanges(statuses={2: ("rejected", None)})
    change_cells(written.label_set, labels.revision, "Undo Accept", back, done)
    assert written.statuses == {1: "accepted"}
    _, first, second = written.journal
    assert (first.cells, first.changes, first.undoes) == ((1, 2), changes, None)
    assert (second.cells, second.changes, second.undoes) == ((2,), back, done)
    assert first.of_cells
    assert written.stored.head == labels.revision


def test_the_confidence_of_cells_goes_with_their_masks(written):
    confidence = Confidence(
        ids=np.array([1, 2], "u4"),
        pixels=np.array([1600, 1600]),
        flow_errors=np.array([0.1, 0.2]),
        probabilities=np.array([0.9, 0.8]),
        candidates=2,
        misfits=0,
    )
    labels, _ = written.record(replace(cells_of(1, 2), confidence=confidence))
    number = labels.revision.id
    found = written.project.read(lambda db: read_confidence(db, number))
    np.testing.assert_array_equal(found.ids, confidence.ids)
    np.testing.assert_array_equal(
        found.probabilities, confidence.probabilities.astype(np.float32)
    )
