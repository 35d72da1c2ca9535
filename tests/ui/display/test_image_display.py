"""The image display box in the real window."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from cellpose_studio.core.display.channel_display import COLOURS, ChannelDisplay

CYAN, MAGENTA, YELLOW = (COLOURS[name] for name in ("Cyan", "Magenta", "Yellow"))


@pytest.fixture
def three(user, tmp_path):
    """An image of three channels, opened: a ramp from 0 to 999 in each."""
    pixels = np.tile(np.arange(1000, dtype=np.uint16), (3, 40, 1))
    path = tmp_path / "three.ome.tif"
    tifffile.imwrite(
        path, pixels, metadata={"axes": "CYX", "Channel": {"Name": ["a", "b", "c"]}}
    )
    return user.open(path)[-1]


def colour_at(user, x):
    """Return the colour on the screen at a pixel of the middle row."""
    user.window.canvas.surface.update()
    canvas = user.window.canvas
    shot = canvas.widget.screenshot(flash=False)[..., :3].astype(int)
    at = canvas.camera.on_screen([[20, x]])[0]
    ratio = shot.shape[1] / canvas.surface.width()
    return shot[int(at[1] * ratio), int(at[0] * ratio)].tolist()


@pytest.mark.slow
def test_the_box_changes_what_is_on_the_screen(user, three):
    display, channels = user.window.display, user.window.canvas.channels
    assert [row.name.text() for row in display.list.rows] == ["a", "b", "c"]
    assert [d.colour for d in channels.displays()] == [CYAN, MAGENTA, YELLOW]
    assert colour_at(user, 995) == [255] * 3
    display.list.rows[1].check.click()
    display.list.rows[2].check.click()
    assert colour_at(user, 995) == pytest.approx([0, 255, 255], abs=3)
    display.contrast.slider.setValue((0, 500))
    assert channels.display(0).limits == (0, 500)
    assert colour_at(user, 250) == pytest.approx([0, 128, 128], abs=4)
    display.contrast.gamma_box.setValue(2)
    assert colour_at(user, 250) == pytest.approx([0, 64, 64], abs=4)
    display.list.rows[0].colour.chosen.emit((1.0, 0.0, 0.0))
    assert colour_at(user, 250) == pytest.approx([64, 0, 0], abs=4)
    display.contrast.reset.click()
    assert channels.display(0) == ChannelDisplay(colour=(1, 0, 0), limits=(0, 999))
    display.contrast.auto.click()
    assert channels.display(0).limits == pytest.approx((1, 998), abs=1)


@pytest.mark.slow
def test_a_click_chooses_the_channel_whose_contrast_is_edited(user, three):
    display, channels = user.window.display, user.window.canvas.channels
    QTest.mouseClick(display.list.rows[2].name, Qt.MouseButton.LeftButton)
    display.contrast.low.setValue(100)
    display.contrast.high.setValue(50)
    low, high = channels.display(2).limits
    assert (high, round(low)) == (50, 49)
    assert channels.display(0).limits != channels.display(2).limits


def test_an_rgb_image_can_only_be_hidden(user, tmp_path):
    path = tmp_path / "colours.png"
    tifffile.imwrite(
        path.with_suffix(".tif"),
        np.full((40, 50, 3), (200, 100, 50), np.uint8),
        photometric="rgb",
    )
    user.open(path.with_suffix(".tif"))
    display = user.window.display
    assert len(display.list.rows) == 1
    assert not display.contrast.isVisible()
    reason = "The image has its own colours, which are shown as they are."
    assert user.window.menus.actions["autoContrast"].toolTip() == reason
    assert colour_at(user, 25) == [200, 100, 50]
    display.list.rows[0].check.click()
    assert colour_at(user, 25) == [0, 0, 0]


@pytest.mark.slow
def test_keys_of_napari_do_nothing(user, three):
    model = user.window.canvas.model
    layers, order = list(model.layers), model.dims.order
    user.window.canvas.surface.setFocus()
    control = Qt.KeyboardModifier.ControlModifier
    for key in (Qt.Key.Key_T, Qt.Key.Key_G, Qt.Key.Key_Y):
        QTest.keyClick(user.window.canvas.surface, key, control)
    QTest.keyClick(user.window.canvas.surface, Qt.Key.Key_V)
    QTest.keyClick(user.window.canvas.surface, Qt.Key.Key_Delete)
    assert list(model.layers) == layers
    assert all(layer.visible for layer in layers)
    assert (model.dims.order, model.dims.ndisplay) == (order, 2)
    assert not model.canvas.grid.enabled


@pytest.mark.slow
def test_masks_are_switched_in_the_box_as_in_the_menu(user, cells):
    user.open(cells("a.tif"))
    box, actions = user.window.display, user.window.menus.actions
    assert not box.picture.box.isEnabled()
    assert "no masks yet" in box.picture.box.toolTip()
    user.run()
    table = user.window.canvas.model.layers["cells"].colormap
    assert table.colors[[1, 129], 3].tolist() == pytest.approx([0.4, 1])
    box.masks.percent.setValue(70)
    box.masks.outlines.click()
    table = user.window.canvas.model.layers["cells"].colormap
    assert table.colors[[1, 129], 3].tolist() == pytest.approx([0.7, 0.7])
    assert not actions["outlines"].isChecked()
    actions["masks"].trigger()
    assert not box.masks.filled.isChecked()
    actions["uncertainty"].trigger()
    assert box.masks.colours.currentText() == "Uncertainty"
    user.wait_for(user.window.legend.isVisible)
    box.masks.labels.click()
    assert user.window.cell_text.on
    actions["wordsNone"].trigger()
    assert not box.masks.labels.isChecked()
    # Flows and cell probability take the place of the image.
    before = colour_at(user, 2)
    box.picture.box.setCurrentText("Cell probability")
    layers = [layer.name for layer in user.window.canvas.model.layers]
    assert layers == ["a.tif", "Picture of the network", "cells"]
    probability = user.window.session.shown.masks.flows.cellprob[0, 20, 2]
    expected = 255 / (1 + np.exp(-probability))
    assert colour_at(user, 2) == pytest.approx([expected] * 3, abs=3)
    box.picture.box.setCurrentText("Image")
    assert colour_at(user, 2) == before


@pytest.mark.slow
def test_keys_switch_channels_and_settings_are_remembered(user, three, cells, tmp_path):
    channels, actions = user.window.canvas.channels, user.window.menus.actions
    shift = Qt.KeyboardModifier.ShiftModifier
    assert actions["channel2"].text() == "Channel &2 b"
    assert not actions["channel4"].isEnabled()
    QTest.keyClick(user.window, Qt.Key.Key_2, shift)
    assert not channels.display(1).visible
    assert not user.window.display.list.rows[1].check.isChecked()
    assert not actions["channel2"].isChecked()
    user.window.display.contrast.slider.setValue((10, 20))
    QTest.keyClick(user.window, Qt.Key.Key_C, shift)
    assert channels.display(0).limits == pytest.approx((1, 998), abs=1)
    user.window.display.contrast.low.setValue(30)
    before = channels.displays()
    other = user.open(cells("a.tif"))[-1]
    user.window.session.show(other.source.key)
    assert len(channels) == 1
    assert not actions["channel2"].isEnabled()
    user.window.session.show(three.source.key)
    assert channels.displays() == before
    # Another start of the program finds them in the project.
    user.window.projects.save_as(tmp_path / "p.cpstudio")
    user.wait_idle()
    user.window.projects.new()
    user.wait_idle()
    assert user.window.display.memory.state() == {}
    user.window.projects.open(tmp_path / "p.cpstudio")
    user.wait_for(lambda: user.window.session.shown is not None)
    user.wait_idle()
    assert user.window.session.shown.source.name == "three.ome.tif"
    assert channels.displays() == before


@pytest.mark.slow
def test_a_renamed_axis_still_has_its_keys(user, tmp_path):
    path = tmp_path / "stack.ome.tif"
    stack = np.zeros((5, 40, 50), np.uint8)
    tifffile.imwrite(path, stack, metadata={"axes": "ZYX"})
    user.open(path)
    canvas = user.window.canvas
    canvas.model.dims.axis_labels = ["depth", "Y", "X"]
    QTest.keyClick(user.window, Qt.Key.Key_PageUp)
    assert canvas.planes == {"Z": 3}
