"""When commands show whether they can be called."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from cellpose_studio.app.masks.label_set import LabelImage, LabelSet

DELETE = Qt.Key.Key_Delete


@pytest.fixture
def image(user, cells):
    """An image with two cells."""
    [image] = user.open(cells("a.tif"))
    pixels = np.zeros(image.source.label_shape, np.uint32)
    pixels[4:12, 4:12], pixels[20:28, 20:28] = 1, 2
    masks = LabelSet(name="masks", pixels=LabelImage(pixels), origin="run", cells=2)
    user.window.session.replace_masks(image, masks, "Run")
    return image


def test_the_commands_are_refreshed_after_a_cell_was_chosen(user, image):
    window = user.window
    window.tabs.setCurrentWidget(window.curate)
    user.wait_for(lambda: window.curate.table.model.rowCount() == 2)
    button = window.curate.buttons["reject"]
    user.wait_for(lambda: not button.isEnabled())
    asked = []
    window.menus.actions["reject"].changed.connect(lambda: asked.append(True))
    window.selection.select(2)
    assert not asked
    user.wait_for(button.isEnabled)
    # Qt says it for each property that has changed: enabled, and the tooltip.
    assert len(asked) <= 2


def test_a_key_that_comes_before_the_refresh_finds_its_command(user, image, qtbot):
    window = user.window
    window.selection.select(2)
    qtbot.keyClick(window.canvas.surface, DELETE)
    assert not (image.masks.array == 2).any()


def test_no_command_is_called_that_cannot_be_called_any_more(user, image):
    window = user.window
    window.selection.select(2)
    user.wait_for(window.curate.buttons["reject"].isEnabled)
    reject = window.menus.actions["reject"]
    window.selection.select(0)
    # The button and the menu have not followed yet.
    assert reject.isEnabled()
    reject.trigger()
    window.curate.buttons["reject"].click()
    assert not image.statuses.get("masks")
