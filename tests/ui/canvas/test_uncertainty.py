"""How sure the network is: what a user sees of it."""

from __future__ import annotations

from itertools import cycle, islice

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, Qt

from cellpose_studio.core.display.label_picture import COLOURS
from cellpose_studio.core.masks.edit import edit_between


@pytest.fixture
def segmented(user, cells):
    """The entry of a picture of 12 cells after a run."""
    user.open(cells("a.tif"))
    return user.run()


def result(user):
    return user.window.segment.result


def point_at(user, qtbot, y: int, x: int) -> None:
    """Move the mouse to a pixel of the image, as napari's own camera sees it."""
    canvas = user.window.canvas
    view = canvas.widget.canvas
    camera = canvas.model.scene.camera
    scale = canvas.model.layers[0].scale
    off = (np.array([y, x]) * scale - camera.center[-2:]) * camera.zoom
    middle = view.native.rect().center()
    for step in (3, 0):
        spot = middle + QPoint(int(off[1]) + step, int(off[0]))
        qtbot.mouseMove(view.native, spot)
        qtbot.wait(50)


@pytest.mark.slow
def test_the_panel_says_how_sure_the_network_is(user, segmented):
    error, probability = segmented.masks.confidence.medians()
    text = result(user).uncertainty.text()
    assert f"Probability {probability:.0%}, flow error {error:.2f}" in text
    assert result(user).uncertainty.isVisible()
    assert not result(user).hint.isVisible()


@pytest.mark.slow
def test_the_status_bar_tells_of_the_cell_under_the_pointer(user, segmented, qtbot):
    labels = segmented.masks
    cell = int(labels.array[48, 48])
    sure = labels.confidence.of(cell)
    point_at(user, qtbot, 48, 48)
    user.wait_for(lambda: user.window.status.cell.text() != "")
    assert user.window.status.cell.text() == (
        f"cell {cell}: {sure.pixels} px, probability {sure.probability:.0%}, "
        f"flow error {sure.flow_error:.2f}"
    )
    value = int(segmented.source.plane(0, 0, 0)[48, 48])
    position = user.window.status.position.text().replace("\N{NO-BREAK SPACE}", " ")
    assert position == f"x 48  y 48  ·  12.0, 12.0 µm  ·  Channel 1: {value}"
    point_at(user, qtbot, 1, 1)
    user.wait_for(lambda: user.window.status.cell.text() == "")


@pytest.mark.slow
def test_k_colours_the_cells_by_uncertainty_and_back(user, segmented, qtbot):
    layer = user.window.canvas.model.layers["cells"]
    before = layer.picture.copy()
    qtbot.keyClick(user.window, Qt.Key.Key_K)
    by_uncertainty = layer.picture
    sure = segmented.masks.confidence
    for cell, score in zip(sure.ids, sure.scores, strict=True):
        (colour,) = np.unique(by_uncertainty[segmented.masks.array == cell] & 0x7F)
        assert colour == 1 + round(score * (COLOURS - 1))
    np.testing.assert_array_equal(by_uncertainty & 0x80, before & 0x80)
    # All of a cell is certain once a part of it was edited, and no longer after undo.
    cell, session = int(sure.ids[np.argmin(sure.scores)]), user.window.session
    labels, seen = segmented.masks.array, by_uncertainty.copy()
    y, x = np.argwhere(labels == cell)[0]
    pixel = (slice(y, y + 1), slice(x, x + 1))
    gone = np.zeros((1, 1), np.uint32)
    session.edit(segmented, edit_between("Erase", [cell], labels, pixel, gone))
    assert np.unique(layer.picture[labels == cell] & 0x7F).tolist() == [COLOURS]
    session.undo()
    user.wait_idle()
    np.testing.assert_array_equal(layer.picture, seen)
    qtbot.keyClick(user.window, Qt.Key.Key_K)
    np.testing.assert_array_equal(layer.picture, before)


@pytest.mark.slow
def test_a_legend_says_which_colour_is_certain(user, segmented, qtbot):
    window = user.window
    assert not window.legend.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_K)
    user.wait_for(window.legend.isVisible)
    assert window.legend.text == "uncertain to certain"
    assert window.canvas.surface.rect().contains(window.legend.geometry())
    assert not window.legend.geometry().intersects(window.canvas.scale_bar.box())
    # The scale runs from orange on the left to blue on the right.
    picture = window.legend.grab().toImage()
    row = [picture.pixelColor(x, picture.height() // 2) for x in range(picture.width())]
    orange = [x for x, c in enumerate(row) if c.red() > c.blue() + 100]
    blue = [x for x, c in enumerate(row) if c.blue() > c.red() + 100]
    assert max(orange) < min(blue)
    qtbot.keyClick(window, Qt.Key.Key_K)
    user.wait_for(window.legend.isHidden)


@pytest.mark.slow
def test_cells_beyond_uncertainty_are_blue_on_the_screen(user, segmented, qtbot):
    qtbot.keyClick(user.window, Qt.Key.Key_K)
    seen = user.window.canvas.widget.screenshot(flash=False)[..., :3].astype(int)
    blue = (seen[..., 2] > seen[..., 0] + 60).mean()
    orange = (seen[..., 0] > seen[..., 2] + 60).mean()
    assert blue > 0.02 > orange


@pytest.mark.slow
def test_the_colours_follow_the_thresholds(user, segmented, qtbot):
    qtbot.keyClick(user.window, Qt.Key.Key_K)
    before = segmented.masks
    result(user).sliders["cellprob_threshold"].set_value(2.0)
    user.wait_for(lambda: segmented.masks is not before)
    user.wait_idle()
    after = segmented.masks
    assert after.confidence.pixels.sum() < before.confidence.pixels.sum()
    layer = user.window.canvas.model.layers["cells"]
    np.testing.assert_array_equal(layer.picture > 0, after.array > 0)


@pytest.mark.slow
def test_masks_of_a_file_keep_their_own_colours(user, cells, qtbot):
    path = cells("a.tif")
    masks = np.zeros((96, 128), np.uint16)
    masks[10:20, 10:20] = 1
    tifffile.imwrite(path.with_name("a_masks.tif"), masks)
    user.open(path)
    layer = user.window.canvas.model.layers["masks"]
    before = layer.picture.copy()
    qtbot.keyClick(user.window, Qt.Key.Key_K)
    np.testing.assert_array_equal(layer.picture, before)
    assert not result(user).uncertainty.isVisible()


@pytest.mark.slow
def test_an_image_without_cells_gets_a_hint_and_loses_it_with_them(
    user, cells, tmp_path
):
    black = tmp_path / "black.tif"
    tifffile.imwrite(black, np.zeros((64, 64), np.uint8))
    user.open(black)
    user.run()
    hint = result(user).hint
    assert hint.isVisible()
    assert hint.text().startswith("No cells were found.")
    assert not result(user).uncertainty.isVisible()
    user.open(cells("a.tif"))
    user.window.session.step(1)
    assert not hint.isVisible()
    user.run()
    assert not hint.isVisible()


@pytest.mark.slow
def test_a_threshold_that_leaves_no_cells_says_so(user, segmented):
    before = segmented.masks
    result(user).sliders["min_size"].set_value(500)
    user.wait_for(lambda: segmented.masks is not before)
    user.wait_idle()
    assert segmented.masks.cells == 0
    assert result(user).hint.text().startswith("No cells were found.")


@pytest.mark.slow
def test_moving_a_slider_changes_the_masks_while_it_is_moved(user, segmented, qtbot):
    changes = []
    user.window.segment.thresholds_changed.connect(lambda: changes.append(True))
    slider = result(user).sliders["flow_threshold"]
    # A hand that does not rest until it sees something.
    for value in islice(cycle(np.arange(0.4, 1.4, 0.05)), 5000):
        slider.set_value(float(value))
        qtbot.wait(1)
        if len(changes) == 3:
            break
    assert len(changes) == 3
    user.wait_idle()
