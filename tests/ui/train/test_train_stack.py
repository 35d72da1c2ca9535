"""A model is trained on slices of a stack, and run on the next stack, in the window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from cellpose_studio.engine.networks.catalogue import from_file
from tests.ui.train.test_train_tab import click, from_scratch

SHAPE, SPACING = (16, 96, 96), 3


@pytest.fixture
def stacks(user, tmp_path):
    """Return two open stacks of nine round cells; the first has masks."""
    z, y, x = np.indices(SHAPE)
    masks = np.zeros(SHAPE, np.uint16)
    for n in range(9):
        row, column = divmod(n, 3)
        places = (y - 16 - 32 * row) ** 2 + (x - 16 - 32 * column) ** 2
        masks[places + (SPACING * (z - 8)) ** 2 < 11**2] = n + 1
    rng = np.random.default_rng(0)
    for name in "ab":
        noise = rng.normal(0, 10, SHAPE)
        tifffile.imwrite(
            tmp_path / f"{name}.tif",
            np.clip(40 + 120 * (masks > 0) + noise, 0, 255).astype(np.uint8),
            imagej=True,
            resolution=(1, 1),
            metadata={"axes": "ZYX", "spacing": SPACING, "unit": "um"},
        )
    tifffile.imwrite(
        tmp_path / "a_masks.tif", masks, imagej=True, metadata={"axes": "ZYX"}
    )
    images = user.open(tmp_path / "a.tif", tmp_path / "b.tif")
    user.window.session.show(images[0].source.key)
    user.wait_idle()
    return images


@pytest.mark.slow
def test_a_model_learns_from_slices_in_three_directions(user, stacks):
    window, panel = user.window, user.window.train
    window.menus.actions["showTraining"].trigger()
    user.wait_for(panel.set.isVisible)
    user.qtbot.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    form = panel.set.image
    form.axes["ZY"].setChecked(True)
    form.axes["ZX"].setChecked(True)
    form.every.setValue(32)
    panel.set.left_out.fewest.setValue(1)
    parts = panel.set.list.pairs
    user.wait_for(lambda: len(parts.parts) == 5)
    names = [part.name for part in parts.parts]
    assert names[0].startswith("a.tif, plane")
    assert ["ZY" in name for name in names] == [False, True, True, False, False]
    # Cuts along Z have rows added, so that pixels are square.
    sides = [part.pair.read().labels.shape for part in parts.parts]
    assert sides == [(96, 96), *[(SPACING * 16, 96)] * 4]

    panel.pages.setCurrentIndex(1)
    user.wait_for(lambda: panel.content is not None)
    from_scratch(panel, "slices", 1)
    click(user, panel, "start")
    user.wait_for(lambda: panel.trainings.request is None)
    user.wait_idle()
    model = from_file(panel.trainings.folder / "slices")
    assert [image.name for image in model.card.images] == names

    content = panel.content
    assert [image.source.name for image in content.after.images] == ["b.tif"]
    user.qtbot.mouseClick(content.after.run, Qt.MouseButton.LeftButton)
    user.wait_for(lambda: stacks[1].masks is not None)
    user.wait_idle()
    assert stacks[1].masks.model.sha256 == model.sha256
