"""Words at the cells on the real canvas."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.display.cell_text.overlay import MOST

KEY = Qt.Key


@pytest.fixture
def masks(user, tmp_path):
    """Return how to open an image with masks beside it."""

    def opened(labels, pixel_um=None):
        path = tmp_path / "a.tif"
        about = {}
        if pixel_um:
            about = {
                "resolution": (1 / pixel_um, 1 / pixel_um),
                "imagej": True,
                "metadata": {"unit": "um"},
            }
        elif labels.ndim == 3:
            about = {"imagej": True, "metadata": {"axes": "ZYX"}}
        tifffile.imwrite(path, np.zeros(labels.shape, np.uint8), **about)
        kept = {key: about[key] for key in about if key != "resolution"}
        tifffile.imwrite(tmp_path / "a_masks.tif", labels.astype(np.uint16), **kept)
        user.open(path)
        user.wait_for(lambda: user.window.session.shown.masks is not None)
        user.wait_idle()
        return user.window.session.shown

    return opened


@pytest.fixture
def two():
    """Two squares of 20 × 20 pixels, 3 and 7."""
    labels = np.zeros((80, 100), int)
    labels[10:30, 10:30] = 3
    labels[40:60, 60:80] = 7
    return labels


def texts(user):
    # What edits change is looked at together.
    measurer = user.window.background.measurer
    user.wait_idle()
    user.wait_for(lambda: not (measurer._looking and measurer._timer.isActive()))
    user.wait_idle()
    user.window.cell_text_overlay.refresh()
    return [word.text for word in user.window.cell_text_overlay.shown]


def choose(user, name):
    user.window.menus.actions[name].trigger()


def press(user, key):
    user.qtbot.keyClick(user.window.canvas.widget.canvas.native, key)


@pytest.mark.slow
def test_w_shows_numbers_inside_their_cells(user, masks, two):
    masks(two)
    shown = user.window.cell_text_overlay
    assert not shown.isVisible()
    press(user, KEY.Key_W)
    assert texts(user) == ["3", "7"]
    assert shown.isVisible()
    for word in shown.shown:
        assert two[int(word.y), int(word.x)] == int(word.text)
    # White letters with a dark rim where the cell is on the screen.
    word = shown.shown[1]
    (place,) = user.window.canvas.camera.on_screen([(word.y, word.x)])
    assert 50 < place[0] < shown.width()
    assert abs(word.y - 50) < 1
    picture = shown.grab().toImage()
    around = [
        picture.pixelColor(int(place[0]) + x, int(place[1]) + y).lightness()
        for x in range(-6, 7)
        for y in range(-6, 7)
    ]
    assert max(around) > 240
    press(user, KEY.Key_W)
    assert texts(user) == []
    assert not shown.isVisible()


@pytest.mark.slow
def test_measurements_have_the_units_of_the_table(user, masks, two):
    masks(two, pixel_um=0.5)
    assert not user.window.curate.isVisible()
    choose(user, "wordsArea")
    assert texts(user) == ["100 µm²", "100 µm²"]
    choose(user, "wordsShape")
    assert [float(text) > 0.7 for text in texts(user)] == [True, True]
    choose(user, "wordsFlowError")
    assert texts(user) == []  # not known of imported masks
    assert user.window.menus.actions["wordsFlowError"].isChecked()
    choose(user, "wordsNone")
    press(user, KEY.Key_W)
    assert user.window.menus.actions["wordsFlowError"].isChecked()


@pytest.mark.slow
def test_words_follow_edits_undo_and_what_is_decided(user, masks, two):
    image = masks(two)
    session = user.window.session
    choose(user, "wordsArea")
    assert texts(user) == ["400 px", "400 px"]
    user.window.tools.edits.delete([3])
    assert texts(user) == ["400 px"]
    session.undo()
    assert texts(user) == ["400 px", "400 px"]
    choose(user, "wordsStatus")
    assert texts(user) == []
    session.set_cell_status(image, [7], "accepted")
    assert texts(user) == ["Accepted"]
    session.undo()
    assert texts(user) == []


@pytest.mark.slow
def test_words_belong_to_the_plane_and_are_not_in_3d(user, masks):
    labels = np.zeros((3, 60, 60), int)
    labels[0, 5:25, 5:25] = 1
    labels[1:, 30:50, 30:50] = 2
    masks(labels)
    canvas = user.window.canvas
    choose(user, "wordsCell")
    axis = next(axis for axis in "TZ" if axis in canvas.planes)
    canvas.set_planes({axis: 0})
    assert texts(user) == ["1"]
    canvas.set_planes({axis: 2})
    assert texts(user) == ["2"]
    canvas.model.dims.ndisplay = 3
    assert texts(user) == []
    canvas.model.dims.ndisplay = 2


@pytest.mark.slow
def test_no_label_lies_over_the_scale_bar(user, masks):
    labels = np.zeros((80, 80), int)
    labels[20:60, 20:60] = 5
    masks(labels)
    choose(user, "wordsCell")
    assert texts(user) == ["5"]
    canvas, overlay = user.window.canvas, user.window.cell_text_overlay
    bar = canvas.scale_bar.box()
    assert canvas.surface.rect().contains(bar)
    assert bar.width() > 30
    white = painted(overlay)
    assert white > 10
    # The cell is moved to where the bar is.
    camera = canvas.model.scene.camera
    word = overlay.shown[0]
    ((x, y),) = canvas.camera.on_screen([(word.y, word.x)])
    off = np.array([y - bar.center().y(), x - bar.center().x()]) / camera.zoom
    camera.center = (*camera.center[:-2], *(np.array(camera.center[-2:]) + off))
    assert texts(user) == ["5"]
    assert painted(overlay) == 0


def painted(overlay) -> int:
    """Return how many white pixels an overlay paints."""
    picture = QImage(overlay.size(), QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    overlay.render(picture, flags=QWidget.RenderFlag(0))
    colours = np.frombuffer(picture.constBits().asstring(picture.sizeInBytes()), "u1")
    return int((colours.reshape(-1, 4) == 255).all(1).sum())


@pytest.mark.slow
def test_too_many_cells_have_a_hint_until_they_are_few(user, masks):
    side = 20
    ids = np.arange(1, side * side + 1).reshape(side, side)
    labels = np.kron(ids, np.ones((6, 6), int))
    labels[::6], labels[:, ::6] = 0, 0
    masks(labels)
    assert ids.size > MOST
    choose(user, "wordsCell")
    assert texts(user) == []
    assert user.window.cell_text_overlay.hint == (
        "Zoom in to read the cell labels: 400 cells in view"
    )
    user.window.canvas.model.scene.camera.zoom *= 4
    few = texts(user)
    assert 0 < len(few) < MOST
    assert not user.window.cell_text_overlay.hint


@pytest.mark.slow
def test_another_image_has_its_own_words(user, masks, two, cells):
    masks(two)
    choose(user, "wordsCell")
    assert texts(user) == ["3", "7"]
    user.open(cells("b.tif"))
    assert texts(user) == []
