"""Images are removed from the project after a question, and put back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt


@pytest.mark.slow
def test_an_image_that_was_corrected_is_removed_only_when_the_user_agrees(
    user, cells, qtbot
):
    window = user.window
    image, other = user.open(cells("a.tif"), cells("b.tif"))
    user.run()
    window.session.set_cell_status(image, [1], "accepted")
    asked, answers = [], iter([False, True])

    def confirm(images, _):
        asked.append([image.source.name for image in images])
        return next(answers)

    window.image_actions.confirm = confirm
    window.menus.actions["closeImage"].trigger()
    assert (asked, list(window.session.images)) == ([["a.tif"]], [image, other])
    window.menus.actions["closeImage"].trigger()
    assert list(window.session.images) == [other]
    assert user.message == "Removed a.tif from the project."
    before = image.label_sets["cells"].array.copy()
    qtbot.mouseClick(window.services.messages.action, Qt.MouseButton.LeftButton)
    assert list(window.session.images) == [image, other]
    assert window.session.shown is image
    np.testing.assert_array_equal(image.masks.array, before)
    window.menus.actions["undo"].trigger()
    assert image.statuses["cells"] == {}
    window.menus.actions["undo"].trigger()
    assert image.masks is None


@pytest.mark.slow
def test_images_are_put_back_from_the_menu(user, cells):
    window = user.window
    put_back = window.menus.actions["putBack"]
    a, b, c = user.open(cells("a.tif"), cells("b.tif"), cells("c.tif"))
    assert not put_back.isEnabled()
    window.image_actions.remove([a, c])
    assert list(window.session.images) == [b]
    assert put_back.isEnabled()
    put_back.trigger()
    assert list(window.session.images) == [a, b, c]
    assert not put_back.isEnabled()
    for image in (a, b):
        window.image_actions.remove([image])
    put_back.trigger()
    assert list(window.session.images) == [b, c]
    put_back.trigger()
    assert list(window.session.images) == [a, b, c]
    assert not put_back.isEnabled()


@pytest.mark.slow
def test_undo_leaves_the_result_of_a_batch_on_another_image(user, cells):
    window = user.window
    a, b = user.open(cells("a.tif"), cells("b.tif"))
    window.session.show(a.source.key)
    user.run()
    window.session.show(b.source.key)
    user.run()
    window.session.show(a.source.key)
    window.menus.actions["undo"].trigger()
    assert (a.masks, b.masks.cells) == (None, 12)
    assert window.session.shown is a
    assert not window.menus.actions["undo"].isEnabled()
    assert "on this image" in window.menus.actions["undo"].toolTip()


@pytest.mark.slow
def test_where_no_file_manager_is_the_folder_is_named(
    user, cells, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    (image,) = user.open(cells("a.tif"))
    user.window.image_actions.show_folder(image)
    folder = image.source.path.parent
    assert user.message == f"No program opens folders here. It is {folder}."
