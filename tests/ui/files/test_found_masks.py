"""Masks that lie beside an image never hide those that it has in the project."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.ui.widgets.message_bar import MessageBar


@pytest.fixture
def edited(user, cells, tmp_path):
    """Return an image with masks that were exported, then edited."""
    [image] = user.open(cells("work/a.tif"))
    user.run()
    compact = np.unique(image.masks.array, return_inverse=True)[1]
    path = tmp_path / "work" / "a_cp_masks.tif"
    tifffile.imwrite(path, compact.reshape(image.masks.array.shape).astype(np.uint16))
    user.window.selection.select(int(image.masks.array.max()))
    user.window.menus.actions["deleteCell"].trigger()
    return image


@pytest.mark.slow
def test_an_export_of_its_own_is_passed_over(user, edited, tmp_path):
    before = edited.masks.array.copy()
    user.open(tmp_path / "work")
    assert (edited.active, list(edited.label_sets)) == ("cells", ["cells"])
    np.testing.assert_array_equal(edited.masks.array, before)
    assert user.message == ""


@pytest.mark.slow
def test_other_masks_are_offered_and_added_beside(user, edited, tmp_path, qtbot):
    theirs = np.zeros(edited.masks.array.shape, np.uint16)
    theirs[5:20, 5:20] = 1
    tifffile.imwrite(tmp_path / "work" / "a_masks.tif", theirs)
    user.open(tmp_path / "work")
    bar: MessageBar = user.window.services.messages
    assert "kept its own masks of 1 image" in user.message
    assert "a_masks.tif" in user.message
    assert list(edited.label_sets) == ["cells"]
    qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    user.wait_idle()
    assert (edited.active, sorted(edited.label_sets)) == ("cells", ["cells", "masks"])
    np.testing.assert_array_equal(edited.label_sets["masks"].array, theirs)
    user.open(tmp_path / "work")
    assert sorted(edited.label_sets) == ["cells", "masks"]
    assert "Other masks" not in user.message


@pytest.mark.slow
def test_masks_are_chosen_renamed_and_deleted_in_the_panel(
    user, edited, tmp_path, qtbot, monkeypatch
):
    window, row = user.window, user.window.curate.masks
    theirs = np.zeros(edited.masks.array.shape, np.uint16)
    theirs[5:20, 5:20] = 1
    tifffile.imwrite(tmp_path / "work" / "a_masks.tif", theirs)
    user.open(tmp_path / "work")
    window.tabs.setCurrentWidget(window.curate)
    assert not row.isVisible()
    qtbot.mouseClick(window.services.messages.action, Qt.MouseButton.LeftButton)
    user.wait_idle()
    assert row.isVisible()
    assert row.choice.itemText(1) == "masks (1)"
    row.choice.setCurrentIndex(1)
    row.choice.activated.emit(1)
    assert edited.active == "masks"
    monkeypatch.setattr(
        "cellpose_studio.ui.curate.masks_row.QInputDialog.getText",
        lambda *_, **__: ("by eye", True),
    )
    window.menus.actions["renameMasks"].trigger()
    assert row.names() == ["cells", "by eye"]
    assert row.choice.currentText().startswith("by eye")
    window.menus.actions["deleteMasks"].trigger()
    assert (edited.active, list(edited.label_sets)) == ("cells", ["cells"])
    assert not row.isVisible()
    qtbot.mouseClick(window.services.messages.action, Qt.MouseButton.LeftButton)
    assert edited.active == "by eye"
    np.testing.assert_array_equal(edited.masks.array, theirs)
