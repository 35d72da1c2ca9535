"""What stays of masks when new ones come: ids, and what the user has decided."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellpose_studio.app.flow_store import FlowStore
from cellpose_studio.app.history.restore import read_masks
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.masks.merging.merge import MasksState, merge_into
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.edit import edit_between
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.io.images.reader import open_images

PLACES = [0, 8, 16, 24]
"""Left edges of cells of 6 x 8 pixels."""


def masks(cells: dict[int, int], width: int = 6) -> LabelSet:
    """Return masks with cells by id and left edge."""
    labels = np.zeros((32, 32), np.uint32)
    for cell, left in cells.items():
        labels[4:12, left : left + width] = cell
    return LabelSet(
        name="cells", pixels=LabelImage(labels), origin="run", cells=len(cells)
    )


@pytest.fixture
def image(session, cells):
    """Return an image with cells 1 to 4 of a run."""
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    run(session, image, masks(dict(enumerate(PLACES, start=1))))
    return image


def run(session, image, new: LabelSet) -> None:
    """Do what the end of a run does."""
    before = MasksState.of(image, new.name)
    kept = merge_into(session.project, before, new, Checkpoint())
    session.replace_masks(image, kept, "Run")


def paint(session, image, left: int, value: int) -> None:
    region = slice(4, 12), slice(left, left + 6)
    after = np.full((8, 6), value, np.uint32)
    labels = image.masks.array
    session.edit(image, edit_between("Brush", [value], labels, region, after))


def ids(image) -> list[int]:
    """Return the id in the middle of each place."""
    return [int(image.masks.array[8, left + 2]) for left in PLACES]


def test_cells_keep_their_ids_and_new_ones_get_new_ones(session, image):
    run(session, image, masks({1: 24, 2: 16}))
    assert ids(image) == [0, 0, 3, 4]
    run(session, image, masks({9: 0, 7: 24}))
    assert ids(image) == [5, 0, 0, 4]


def test_accepted_cells_survive_a_run_that_does_not_find_them(session, image):
    session.set_cell_status(image, [2], "accepted")
    session.set_cell_status(image, [3], "rejected")
    run(session, image, masks({1: 0}))
    assert ids(image) == [1, 2, 0, 0]
    assert image.masks.cells == 2
    run(session, image, masks({1: 0}))
    assert ids(image) == [1, 2, 0, 0]


def test_masks_of_which_cells_were_only_accepted_are_not_edited(
    session, image, reopened
):
    session.set_cell_status(image, [2], "accepted")
    run(session, image, masks({1: 0}))
    assert not image.edited
    assert not reopened().images[0].edited


def test_the_confidence_of_a_run_in_blocks_goes_with_its_cells(session, image):
    def confidence(ids, probability):
        count = len(ids)
        return Confidence(
            ids=np.array(ids, np.uint32),
            pixels=np.full(count, 48),
            flow_errors=np.full(count, 0.1),
            probabilities=np.full(count, probability),
            candidates=count,
            misfits=0,
        )

    found = masks(dict(enumerate(PLACES, start=1)))
    run(session, image, replace(found, confidence=confidence([1, 2, 3, 4], 0.5)))
    session.set_cell_status(image, [3], "accepted")
    found = masks({1: 24, 2: 16, 3: 0})
    run(session, image, replace(found, confidence=confidence([1, 2, 3], 0.9)))
    assert ids(image) == [1, 0, 3, 4]
    known = image.masks.confidence
    assert known.ids.tolist() == [1, 3, 4]
    assert known.probabilities.tolist() == [0.9, 0.5, 0.9]


def test_accepted_cells_keep_their_shape(session, image):
    session.set_cell_status(image, [1], "accepted")
    before = image.masks.array == 1
    run(session, image, masks(dict(enumerate(PLACES, start=1)), width=7))
    np.testing.assert_array_equal(image.masks.array == 1, before)
    assert (image.masks.array == 2).sum() == 7 * 8


def test_cells_drawn_by_hand_survive_run_after_run(session, image, reopened):
    paint(session, image, 0, 0)
    paint(session, image, 0, 50)
    run(session, image, masks({1: 24}))
    assert ids(image) == [50, 0, 0, 4]
    run(session, image, masks({1: 24}))
    assert ids(image) == [50, 0, 0, 4]
    again = reopened()
    [image] = again.images
    again.show(image.source.key)
    run(again, image, masks({1: 24}))
    assert ids(image) == [50, 0, 0, 4]


def test_cells_that_were_deleted_do_not_come_back(session, image):
    paint(session, image, 8, 0)
    found = dict(enumerate(PLACES, start=1))
    for _ in range(2):
        run(session, image, masks(found))
        assert ids(image) == [1, 0, 3, 4]


def test_what_was_undone_was_not_decided(session, image):
    paint(session, image, 8, 0)
    paint(session, image, 0, 50)
    session.undo()
    session.undo()
    run(session, image, masks({1: 8}))
    assert ids(image) == [0, 2, 0, 0]


def test_a_run_can_be_undone_with_all_it_kept(session, image):
    session.set_cell_status(image, [1], "accepted")
    run(session, image, masks({1: 8}))
    session.undo()
    assert ids(image) == [1, 2, 3, 4]
    session.redo()
    assert ids(image) == [1, 2, 0, 0]
    assert image.statuses["cells"] == {1: "accepted"}


def test_masks_that_were_begun_by_hand_are_all_kept(session, cells):
    [image] = session.add(open_images(cells("b.tif", (32, 32))))
    session.replace_masks(image, masks({}), "Begin masks", "edit")
    paint(session, image, 16, 1)
    run(session, image, masks({1: 0, 2: 16}))
    assert ids(image) == [2, 0, 1, 0]


def test_the_masks_before_a_preview_count(session, image):
    session.set_cell_status(image, [4], "accepted")
    session.preview(image, masks({1: 0}))
    run(session, image, masks({1: 0}))
    assert ids(image) == [1, 0, 0, 4]


def test_cells_drawn_by_hand_are_still_so_after_restoring(session, image, tmp_path):
    paint(session, image, 8, 0)
    paint(session, image, 0, 50)
    session.seal(image)
    edited = image.masks.revision
    run(session, image, masks({9: 24}))
    flows = FlowStore(tmp_path / "flows")
    labels = read_masks(
        session.project, session.masks.stored, flows, image, "cells", edited
    )
    session.replace_masks(image, labels, "Restore", "restore")
    assert ids(image) == [50, 0, 3, 4]
    run(session, image, masks({1: 8, 2: 24}))
    assert ids(image) == [50, 0, 0, 4]


def test_ids_of_cells_that_are_gone_are_not_given_again(session, image, reopened):
    paint(session, image, 0, 50)
    paint(session, image, 0, 0)
    session.seal(image)
    again = reopened()
    [image] = again.images
    assert image.masks.pixels.cell_table().next_id() == 51
    run(again, image, masks({1: 8}, width=2))
    assert image.masks.pixels.cell_table().ids().tolist() == [51]
    again.undo()
    assert image.masks.pixels.cell_table().next_id() == 52
