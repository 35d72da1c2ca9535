"""The journal: edits in order, heads, and what of it went into revisions."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.io.project.file import open_project
from cellpose_studio.io.project.tables.journal import read_journal, read_open_edits
from cellpose_studio.io.project.tables.revisions import (
    read_label_sets,
    read_revisions,
    set_head,
    set_note,
)


@pytest.fixture
def label_set(maker):
    return maker.label_set(maker.image("a.tif", (600, 530)))


@pytest.fixture
def base(maker, label_set, reader):
    return maker.result(label_set, reader.blobs((600, 530), 1))


def test_a_label_set_without_masks_has_no_head(maker, label_set):
    (stored,) = read_label_sets(maker.db)
    assert (stored.head, stored.cells, stored.edited) == (None, 0, False)
    assert read_journal(maker.db, label_set) == []


def test_edits_are_read_in_order_and_give_the_present_masks(
    maker, label_set, base, reader
):
    for _ in range(5):
        maker.edit(label_set)
    edits = read_open_edits(maker.db, label_set, base.id)
    assert [edit.operation for edit in edits] == ["Draw cell"] * 5
    found = reader.all_of(maker.file)
    np.testing.assert_array_equal(
        found.present[label_set], maker.filled.present[label_set]
    )
    assert found.label_sets[0].edited
    assert found.label_sets[0].cells == 9


def test_an_undo_appends_and_erases_nothing(maker, label_set, base, reader):
    number = maker.edit(label_set)
    (edit,) = read_open_edits(maker.db, label_set, base.id)
    maker.commit(label_set, edit.inverse(), undoes=number)
    entries = read_journal(maker.db, label_set)
    assert [entry.undoes for entry in entries] == [None, None, number]
    np.testing.assert_array_equal(
        reader.all_of(maker.file).present[label_set], maker.filled.masks[base.id]
    )


def test_edits_go_into_a_revision(maker, label_set, base):
    maker.edit(label_set)
    sealed = maker.seal(label_set, base)
    assert read_open_edits(maker.db, label_set, base.id) == []
    assert [e.sealed for e in read_journal(maker.db, label_set)] == [None, sealed.id]
    (stored,) = read_label_sets(maker.db)
    assert stored.head == sealed
    assert not stored.edited
    assert read_revisions(maker.db, label_set) == [base, sealed]


def test_edits_after_an_earlier_head_are_kept_with_it(maker, label_set, base, reader):
    maker.edit(label_set)
    set_head(maker.db, label_set, None, 0)
    assert read_label_sets(maker.db)[0].head is None
    set_head(maker.db, label_set, base.id, base.cells)
    np.testing.assert_array_equal(
        reader.all_of(maker.file).present[label_set], maker.filled.present[label_set]
    )


def test_label_sets_do_not_mix(maker, label_set, base, reader):
    other = maker.label_set(maker.image("b.tif", (600, 530)))
    maker.result(other, reader.blobs((600, 530), 2))
    for n in (label_set, other, label_set):
        maker.edit(n)
    found = reader.all_of(maker.file)
    for n in (label_set, other):
        np.testing.assert_array_equal(found.present[n], maker.filled.present[n])


def test_a_note_can_be_changed(maker, label_set, base):
    set_note(maker.db, base.id, "better than before")
    (revision,) = read_revisions(maker.db, label_set)
    assert revision.note == "better than before"


def test_all_is_there_after_closing(maker, label_set, base, reader):
    maker.edit(label_set)
    maker.file.close()
    maker.file = open_project(maker.file.path)
    np.testing.assert_array_equal(
        reader.all_of(maker.file).present[label_set], maker.filled.present[label_set]
    )


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE id = 3",
        "DELETE FROM journal WHERE id = 4",
        "UPDATE journal SET sealed = 1 WHERE id = 3",
        "UPDATE journal SET base = NULL WHERE id = 3",
        "UPDATE journal SET delta = NULL WHERE id = 3",
        "UPDATE journal SET delta = (SELECT delta FROM journal WHERE id = 2) "
        "WHERE id = 3",
        "UPDATE journal SET operation = 'x' WHERE id = 3",
        "UPDATE journal SET id = 9 WHERE id = 3",
        "UPDATE label_set SET sha256 = zeroblob(32)",
    ],
)
def test_a_changed_or_missing_edit_is_noticed(damage, maker, label_set, base):
    for _ in range(3):
        maker.edit(label_set)
    maker.db.execute("PRAGMA foreign_keys = OFF")
    maker.db.execute(damage)
    with pytest.raises(ProjectDamaged, match="the latest edits cannot be read"):
        read_open_edits(maker.db, label_set, base.id)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE label_set SET head = 2",
        "UPDATE label_set SET image = 2 WHERE name = 'cells'",
        "UPDATE label_set SET name = name || 's'",
        "UPDATE revision SET origin = 'other'",
        "UPDATE revision SET parameters = replace(parameters, '17.5', '18.5')",
        "DELETE FROM revision",
        "DELETE FROM image",
    ],
)
def test_a_changed_head_is_noticed(damage, maker, label_set, base, reader):
    maker.image("b.tif", (5, 5))
    other = maker.label_set(2, "nuclei")
    maker.result(other, reader.blobs((5, 5), 1))
    maker.db.execute("PRAGMA foreign_keys = OFF")
    maker.db.execute(damage)
    with pytest.raises(ProjectDamaged, match="the list of masks cannot be read"):
        read_label_sets(maker.db)
