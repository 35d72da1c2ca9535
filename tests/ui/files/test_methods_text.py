"""One methods paragraph about the masks of several images."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QApplication

from cellpose_studio.core.edits.whole import delete_cells


@pytest.mark.slow
def test_it_tells_of_all_images_with_edits_that_are_no_revision_yet(user, cells):
    user.open(*(cells(name) for name in ("a.tif", "b.tif", "c.tif")))
    session, listed = user.window.session, user.window.images
    for image in list(session.images)[:2]:
        session.show(image.source.key)
        user.wait_idle()
        user.run()
    image = session.shown
    session.edit(
        image, delete_cells(image.masks.array, image.masks.pixels.cell_table(), [2])
    )
    listed.view.selectAll()
    menu = user.window.image_actions.menu(listed.selected_images())
    (copy,) = (one for one in menu.actions() if one.objectName() == "methodsOfThese")
    copy.trigger()
    user.wait_idle()
    text = QApplication.clipboard().text()
    assert text.startswith("Cells in 2 images (a.tif and b.tif) were segmented with")
    assert "24 cells were found, 12 in an image." in text
    assert "corrected by hand in 1 step: Delete cell (in b.tif)." in text
    assert "23 cells were there after that." in text
    assert user.message == (
        "Copied the methods paragraph of 2 images. 1 image without masks was left out."
    )
    history = user.window.history
    history.methods.aboutToShow.emit()
    selected, every = history.methods.actions()
    assert selected.text() == "3 images selected in the list"
    QApplication.clipboard().clear()
    every.trigger()
    user.wait_idle()
    assert QApplication.clipboard().text() == text
    assert image.masks.edited
    menu.deleteLater()
