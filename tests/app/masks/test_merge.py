"""What stays of masks when new ones come: ids, and what the user has decided."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.background.flow_store import KeptFlows
from cellpose_studio.app.history.restore import read_masks
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merge import Before, kept_over
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.io.images.reader import open_images

PLACES = [0, 8, 16, 24]
"""Left edges of cells of 6 x 8 pixels."""


def masks(cells: dict[int, int], width: int = 6) -> LabelSet:
    """Return masks with cells by id and left edge."""
    labels = np.zeros((32, 32), np.uint32)
    for cell, left in cells.items():
        labels[4:12, left : left + width] = cell
    return LabelSet("cells", LabelImage(labels), "run", len(cells))


@pytest.fixture
def entry(session, cells):
    """Return an image with cells 1 to 4 of a run."""
    [entry] = session.add(open_images(cells("a.tif", (32, 32))))
    run(session, entry, masks(dict(enumerate(PLACES, start=1))))
    return entry


def run(session, entry, new: LabelSet) -> None:
    """Do what the end of a run does."""
    before = Before.of(entry, new.name)
    kept = kept_over(session.project, before, new, Checkpoint())
    session.replace_labels(entry, kept, "Run")


def paint(session, entry, left: int, value: int) -> None:
    region = slice(4, 12), slice(left, left + 6)
    after = np.full((8, 6), value, np.uint32)
    labels = entry.labels.labels
    session.edit(entry, edit_between("Brush", [value], labels, region, after))


def ids(entry) -> list[int]:
    """Return the id in the middle of each place."""
    return [int(entry.labels.labels[8, left + 2]) for left in PLACES]


def test_cells_keep_their_ids_and_new_ones_get_new_ones(session, entry):
    run(session, entry, masks({1: 24, 2: 16}))
    assert ids(entry) == [0, 0, 3, 4]
    run(session, entry, masks({9: 0, 7: 24}))
    assert ids(entry) == [5, 0, 0, 4]


def test_accepted_cells_survive_a_run_that_does_not_find_them(session, entry):
    session.set_cell_status(entry, [2], "accepted")
    session.set_cell_status(entry, [3], "rejected")
    run(session, entry, masks({1: 0}))
    assert ids(entry) == [1, 2, 0, 0]
    assert entry.labels.cells == 2
    run(session, entry, masks({1: 0}))
    assert ids(entry) == [1, 2, 0, 0]


def test_accepted_cells_keep_their_shape(session, entry):
    session.set_cell_status(entry, [1], "accepted")
    before = entry.labels.labels == 1
    run(session, entry, masks(dict(enumerate(PLACES, start=1)), width=7))
    np.testing.assert_array_equal(entry.labels.labels == 1, before)
    assert (entry.labels.labels == 2).sum() == 7 * 8


def test_cells_drawn_by_hand_survive_run_after_run(session, entry, reopened):
    paint(session, entry, 0, 0)
    paint(session, entry, 0, 50)
    run(session, entry, masks({1: 24}))
    assert ids(entry) == [50, 0, 0, 4]
    run(session, entry, masks({1: 24}))
    assert ids(entry) == [50, 0, 0, 4]
    again = reopened()
    [entry] = again.entries
    again.show(entry.image.key)
    run(again, entry, masks({1: 24}))
    assert ids(entry) == [50, 0, 0, 4]


def test_cells_that_were_deleted_do_not_come_back(session, entry):
    paint(session, entry, 8, 0)
    found = dict(enumerate(PLACES, start=1))
    for _ in range(2):
        run(session, entry, masks(found))
        assert ids(entry) == [1, 0, 3, 4]


def test_what_was_undone_was_not_decided(session, entry):
    paint(session, entry, 8, 0)
    paint(session, entry, 0, 50)
    session.undo()
    session.undo()
    run(session, entry, masks({1: 8}))
    assert ids(entry) == [0, 2, 0, 0]


def test_a_run_can_be_undone_with_all_it_kept(session, entry):
    session.set_cell_status(entry, [1], "accepted")
    run(session, entry, masks({1: 8}))
    session.undo()
    assert ids(entry) == [1, 2, 3, 4]
    session.redo()
    assert ids(entry) == [1, 2, 0, 0]
    assert entry.statuses["cells"] == {1: "accepted"}


def test_masks_that_were_begun_by_hand_are_all_kept(session, cells):
    [entry] = session.add(open_images(cells("b.tif", (32, 32))))
    session.replace_labels(entry, masks({}), "Begin masks", "edit")
    paint(session, entry, 16, 1)
    run(session, entry, masks({1: 0, 2: 16}))
    assert ids(entry) == [2, 0, 1, 0]


def test_the_masks_before_a_preview_count(session, entry):
    session.set_cell_status(entry, [4], "accepted")
    session.preview(entry, masks({1: 0}))
    run(session, entry, masks({1: 0}))
    assert ids(entry) == [1, 0, 0, 4]


def test_cells_drawn_by_hand_are_still_so_after_restoring(session, entry, tmp_path):
    paint(session, entry, 8, 0)
    paint(session, entry, 0, 50)
    session.seal(entry)
    edited = entry.labels.revision
    run(session, entry, masks({9: 24}))
    flows = KeptFlows(tmp_path / "flows")
    labels = read_masks(session.project, session.stored, flows, entry, "cells", edited)
    session.replace_labels(entry, labels, "Restore", "restore")
    assert ids(entry) == [50, 0, 3, 4]
    run(session, entry, masks({1: 8, 2: 24}))
    assert ids(entry) == [50, 0, 0, 4]


def test_ids_of_cells_that_are_gone_are_not_given_again(session, entry, reopened):
    paint(session, entry, 0, 50)
    paint(session, entry, 0, 0)
    session.seal(entry)
    again = reopened()
    [entry] = again.entries
    assert entry.labels.pixels.sizes().next_id() == 51
    run(again, entry, masks({1: 8}, width=2))
    assert entry.labels.pixels.sizes().ids().tolist() == [51]
    again.undo()
    assert entry.labels.pixels.sizes().next_id() == 52
