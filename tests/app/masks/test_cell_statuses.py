"""Cells that were accepted, rejected or kept for later, and what becomes of that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.app.history.lineage import Present, read_lineages
from cellpose_studio.app.history.restore import renaming_to
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.core.edits.whole import delete_cells, relabel_sequential
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.masks.map_ids import map_ids
from cellpose_studio.core.matching.renaming import Renaming
from cellpose_studio.core.provenance.revision import CellChanges
from cellpose_studio.io.images.reader import open_images


@pytest.fixture
def image(session, cells):
    """Return an image with cells 1 to 4, which is shown."""
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    session.replace_masks(image, four_cells(), "Run")
    return image


def four_cells(name: str = "cells") -> LabelSet:
    labels = np.zeros((32, 32), np.uint32)
    for n in range(4):
        labels[4:12, 8 * n : 8 * n + 6] = n + 1
    return LabelSet(name=name, pixels=LabelImage(labels), origin="run", cells=4)


def lineage_of(session, image):
    session.project.writer.flush()
    number = image.label_set_ids["cells"]
    present = [Present("cells", number, image.masks.revision.id)]
    [known] = session.project.read(
        lambda db: read_lineages(db, image.id, present, "cells")
    )
    return known


def test_cells_keep_their_status_when_the_project_is_opened_again(
    session, image, reopened
):
    session.set_cell_status(image, [1, 2], "accepted")
    session.set_cell_status(image, [3], "rejected")
    session.set_cell_status(image, [2], "later")
    [again] = reopened().images
    assert again.statuses == {"cells": {1: "accepted", 2: "later", 3: "rejected"}}


def test_a_status_is_a_step_that_can_be_undone_and_redone(session, image, reopened):
    session.set_cell_status(image, [1], "accepted")
    session.set_cell_status(image, [1, 2], "rejected")
    assert session.undo_text == "Reject 2 cells"
    session.undo()
    assert image.statuses["cells"] == {1: "accepted"}
    assert session.undo_text == "Accept cell"
    session.undo()
    assert image.statuses["cells"] == {}
    session.redo()
    session.redo()
    assert image.statuses["cells"] == {1: "rejected", 2: "rejected"}
    session.undo()
    [again] = reopened().images
    assert again.statuses["cells"] == {1: "accepted"}


def test_statuses_can_be_undone_after_a_restart(session, image, reopened):
    session.set_cell_status(image, [1, 2], "accepted")
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [4]))
    session.set_cell_status(image, [1], "rejected")
    session.set_cell_status(image, [3], "later")
    session.undo()
    again = reopened()
    [image] = again.images
    again.show(image.source.key)
    assert again.redo_text == "Keep for later: cell"
    again.undo()
    assert image.statuses["cells"] == {1: "accepted", 2: "accepted"}
    again.undo()
    assert 4 in image.masks.array
    again.undo()
    assert image.statuses["cells"] == {}
    for _ in range(4):
        again.redo()
    assert image.statuses["cells"] == {1: "rejected", 2: "accepted", 3: "later"}
    assert 4 not in image.masks.array


def test_statuses_are_no_edits_of_the_masks(session, image):
    session.set_cell_status(image, [1], "accepted")
    known = lineage_of(session, image)
    assert known.open_edits == ()
    assert not image.edited


def test_statuses_go_with_cells_that_get_other_ids(session, image, reopened):
    session.set_cell_status(image, [1], "rejected")
    session.set_cell_status(image, [2, 4], "accepted")
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [1]))
    names = relabel_sequential(pixels.cell_table())
    changes = Renaming.of(names).changes(image.cell_knowledge("cells"))
    labels = pixels.array()
    box = tuple(slice(0, size) for size in labels.shape)
    edit = edit_between("Relabel", [*names], labels, box, map_ids(labels, names))
    session.edit(image, edit, changes)
    after = {1: "accepted", 3: "accepted"}
    before = {1: "rejected", 2: "accepted", 4: "accepted"}
    assert image.statuses["cells"] == after
    session.undo()
    assert image.statuses["cells"] == before
    session.redo()
    again = reopened()
    [image] = again.images
    again.show(image.source.key)
    assert image.statuses["cells"] == after
    again.undo()
    assert image.statuses["cells"] == before
    assert np.unique(image.masks.array).tolist() == [0, 2, 3, 4]
    again.redo()
    assert image.statuses["cells"] == after


@given(
    st.dictionaries(st.integers(1, 9), st.sampled_from(["accepted", "later"])),
    st.sets(st.integers(1, 9)),
    st.permutations(range(1, 10)),
)
def test_other_ids_have_the_status_of_the_cell_that_they_go_to(known, there, ids):
    names = dict(zip(sorted(there), ids, strict=False))
    after = dict(known)
    for cell, (before, status) in Renaming.of(names).statuses(known).items():
        assert after.pop(cell, None) == before
        if status:
            after[cell] = status
    for old, new in names.items():
        assert after.get(new) == known.get(old)
    for cell in known.keys() - names.keys() - set(names.values()):
        assert after[cell] == known[cell]
    assert not after.keys() & names.keys() - set(names.values())


def test_a_status_can_be_taken_away(session, image):
    session.set_cell_status(image, [4], "later")
    session.set_cell_status(image, [4], None)
    assert image.statuses["cells"] == {}
    session.undo()
    assert image.statuses["cells"] == {4: "later"}


def test_what_changes_is_told(session, image):
    heard = []
    session.statuses_changed.connect(lambda *what: heard.append(what))
    session.set_cell_status(image, [2, 3], "accepted")
    session.set_cell_status(image, [3, 4], "accepted")
    session.undo()
    assert heard == [
        (image, "cells", (2, 3)),
        (image, "cells", (4,)),
        (image, "cells", (4,)),
    ]


def test_nothing_new_is_no_step(session, image):
    session.set_cell_status(image, [1], "accepted")
    count = len(session.undo_stack)
    session.set_cell_status(image, [1], "accepted")
    session.set_cell_status(image, [2], None)
    session.set_cell_status(image, [], "rejected")
    assert len(session.undo_stack) == count


def test_without_masks_there_is_nothing_to_decide(session, cells):
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.set_cell_status(image, [1], "accepted")
    assert image.statuses == {}
    assert not session.can_undo


def test_edits_keep_the_status_and_so_do_cells_that_come_back(session, image):
    session.set_cell_status(image, [1, 2], "rejected")
    pixels = image.masks.pixels
    session.edit(image, delete_cells(pixels.array(), pixels.cell_table(), [1]))
    assert image.statuses["cells"] == {1: "rejected", 2: "rejected"}
    session.undo()
    assert image.statuses["cells"] == {1: "rejected", 2: "rejected"}


def test_label_sets_have_statuses_of_their_own(session, image, reopened):
    session.set_cell_status(image, [1], "accepted")
    session.replace_masks(image, four_cells("nuclei"), "Run")
    session.set_cell_status(image, [1], "rejected")
    assert image.statuses == {"cells": {1: "accepted"}, "nuclei": {1: "rejected"}}
    [again] = reopened().images
    assert again.statuses == image.statuses


def test_undo_shows_the_masks_whose_status_it_changes(session, image):
    session.set_cell_status(image, [1], "accepted")
    session.replace_masks(image, four_cells("nuclei"), "Run")
    session.set_cell_status(image, [1], "rejected")
    session.choose_label_set(image, "cells")
    session.undo()
    assert image.active == "nuclei"
    assert image.statuses["nuclei"] == {}


def test_a_decision_on_another_image_stays(session, image, cells):
    session.set_cell_status(image, [1], "accepted")
    [other] = session.add(open_images(cells("b.tif", (32, 32))))
    session.show(other.source.key)
    session.undo()
    assert session.shown is other
    assert image.statuses["cells"] == {1: "accepted"}


def test_restored_masks_get_the_statuses_that_come_with_them(session, image, reopened):
    session.set_cell_status(image, [1, 4], "accepted")
    earlier = replace(four_cells(), origin="earlier")
    changes = CellChanges(statuses={1: ("accepted", None), 2: (None, "rejected")})
    session.replace_masks(image, earlier, "Restore", "restore", changes=changes)
    assert image.statuses["cells"] == {2: "rejected", 4: "accepted"}
    session.undo()
    assert image.statuses["cells"] == {1: "accepted", 4: "accepted"}
    session.redo()
    again = reopened()
    [restored] = again.images
    again.show(restored.source.key)
    assert restored.statuses["cells"] == {2: "rejected", 4: "accepted"}
    assert restored.masks.origin == "earlier"
    again.undo()
    assert restored.statuses["cells"] == {1: "accepted", 4: "accepted"}
    assert restored.masks.origin == "run"


def test_a_restoration_with_statuses_is_a_revision_in_the_history(session, image):
    changes = CellChanges(statuses={1: (None, "accepted")})
    session.replace_masks(
        image, four_cells(), "Restore revision 1", "restore", changes=changes
    )
    restored, run = lineage_of(session, image).line
    assert (restored.revision.kind, run.revision.kind) == ("restore", "run")
    assert restored.changes == ("from revision 1",)


def test_cells_are_found_again_where_they_are_whatever_their_ids():
    restored, present = four_cells(), four_cells()
    present.array[:] = np.choose(present.array, [0, 9, 1, 4, 0])
    present.array[4, 0] = 0
    same = renaming_to(restored, present.pixels.snapshot()).before
    # The first has lost a pixel, so it is another shape than the one decided on.
    assert same == {1: set(), 2: {1}, 3: {4}, 4: set()}


def test_masks_of_another_shape_have_no_cells_in_common():
    other = LabelImage(np.ones((4, 4), np.uint32))
    same = renaming_to(four_cells(), other.snapshot())
    assert same.statuses({1: "accepted", 9: "later"}) == {1: ("accepted", None)}
