"""Label sets are renamed and deleted, and their steps go along."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.session.label_sets import (
    NameRefused,
    delete_masks,
    rename_masks,
)
from cellpose_studio.core.edits.whole import delete_cells
from cellpose_studio.io.images.reader import open_images
from tests.app.drawing import draw


@pytest.fixture
def image(session, cells):
    """Return an image, which is shown, with two label sets; cells is the active one."""
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    for name in ("nuclei", "cells"):
        session.replace_masks(image, masks(name), f"Run {name}")
    return image


def masks(name: str) -> LabelSet:
    labels = np.zeros((32, 32), np.uint32)
    labels[2:9, 2:9], labels[12:19, 12:19] = 1, 2
    return LabelSet(name=name, pixels=LabelImage(labels), origin="run", cells=2)


def undo_all(session):
    while session.can_undo:
        session.undo()


def test_deleted_masks_come_back_with_their_edits_and_statuses(session, image):
    draw(session, image, 7, 22)
    session.set_cell_status(image, [1], "accepted")
    before = image.masks.array.copy()
    delete_masks(session, image, "cells")
    assert image.active == "nuclei"
    assert list(image.label_sets) == ["nuclei"]
    assert image.statuses["cells"] == {}
    assert session.undo_text == "Delete masks “cells”"
    session.undo()
    assert image.active == "cells"
    assert image.statuses["cells"] == {1: "accepted"}
    np.testing.assert_array_equal(image.masks.array, before)
    session.redo()
    assert (image.active, list(image.label_sets)) == ("nuclei", ["nuclei"])


def test_a_deletion_can_be_undone_after_a_restart(session, image, reopened):
    session.set_cell_status(image, [2], "rejected")
    delete_masks(session, image, "cells")
    again = reopened()
    [image] = again.images
    again.show(image.source.key)
    assert (image.active, list(image.label_sets)) == ("nuclei", ["nuclei"])
    assert again.undo_text == "Delete masks “cells”"
    again.undo()
    assert image.masks.cells == 2
    assert image.statuses["cells"] == {2: "rejected"}
    again.redo()
    assert list(image.label_sets) == ["nuclei"]
    undo_all(again)
    assert image.label_sets == {}


def test_the_only_masks_can_be_deleted(session, image):
    delete_masks(session, image, "nuclei")
    delete_masks(session, image, "cells")
    assert (image.masks, image.active) == (None, "cells")
    session.undo()
    session.undo()
    assert sorted(image.label_sets) == ["cells", "nuclei"]


def test_a_new_run_after_a_deletion_has_no_statuses_of_the_old_cells(session, image):
    session.set_cell_status(image, [1], "rejected")
    delete_masks(session, image, "cells")
    session.replace_masks(image, masks("cells"), "Run again")
    assert image.statuses["cells"] == {}


def test_renamed_masks_keep_their_history_and_undo(session, image, reopened):
    draw(session, image, 7, 22)
    session.set_cell_status(image, [1], "accepted")
    edited = image.masks.array.copy()
    rename_masks(session, image, "cells", " cytoplasm ")
    assert image.active == image.masks.name == "cytoplasm"
    assert image.statuses["cytoplasm"] == {1: "accepted"}
    # The rename is a step as well.
    for _ in range(3):
        session.undo()
    assert 7 not in image.masks.array
    for _ in range(3):
        session.redo()
    again = reopened()
    [image] = again.images
    again.show(image.source.key)
    assert (image.active, sorted(image.label_sets)) == (
        "cytoplasm",
        ["cytoplasm", "nuclei"],
    )
    np.testing.assert_array_equal(image.masks.array, edited)
    undo_all(again)
    assert image.label_sets == {}


def test_undo_of_what_came_after_a_rename_finds_the_masks(session, image):
    delete_masks(session, image, "cells")
    rename_masks(session, image, "nuclei", "dots")
    session.undo()
    session.undo()
    assert (image.active, sorted(image.label_sets)) == ("cells", ["cells", "nuclei"])
    session.redo()
    session.redo()
    assert (image.active, list(image.label_sets)) == ("dots", ["dots"])


@pytest.mark.parametrize("name", ["", "  ", "nuclei", "NUCLEI"])
def test_a_name_that_cannot_be_is_refused(session, image, name):
    with pytest.raises(NameRefused):
        rename_masks(session, image, "cells", name)
    assert sorted(image.label_sets) == ["cells", "nuclei"]


def test_the_case_of_a_name_can_be_changed(session, image):
    rename_masks(session, image, "cells", "Cells")
    assert image.active == "Cells"


def test_a_rename_is_undone_and_redone_in_its_place_among_edits(session, image):
    before = image.label_sets["cells"].array.copy()
    table = image.label_sets["cells"].pixels.cell_table()
    [first, second, *_] = table.ids().tolist()
    session.choose_label_set(image, "cells")
    session.edit(image, delete_cells(image.masks.array, table, [first]))
    rename_masks(session, image, "cells", "cytoplasm")
    session.edit(image, delete_cells(image.masks.array, table, [second]))
    assert image.active == "cytoplasm"
    session.undo()
    assert session.undo_text == "Rename masks to “cytoplasm”"
    session.undo()
    assert (image.active, "cytoplasm" in image.label_set_ids) == ("cells", False)
    session.undo()
    np.testing.assert_array_equal(image.label_sets["cells"].array, before)
    for _ in range(3):
        session.redo()
    after = np.where(np.isin(before, (first, second)), 0, before)
    np.testing.assert_array_equal(image.label_sets["cytoplasm"].array, after)


def test_a_rename_is_not_undone_into_a_name_that_is_taken(session, image):
    heard = []
    session.failed.connect(heard.append)
    session.choose_label_set(image, "cells")
    rename_masks(session, image, "cells", "cytoplasm")
    image.label_set_ids["cells"] = 99
    session.undo()
    assert "cannot be called “cells” any more" in heard[0].message
    assert session.undo_text == "Rename masks to “cytoplasm”"
    assert "cytoplasm" in image.label_sets
