"""The view follows the window until the user moves it; planes are counted from 1."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt


def area_in_view(user) -> tuple[float, float]:
    """Return height and width of the image on the screen, as parts of the surface."""
    canvas = user.window.canvas
    height, width = canvas.image.shape[3:]
    corners = canvas.camera.on_screen([(-0.5, -0.5), (height - 0.5, width - 0.5)])
    (x0, y0), (x1, y1) = corners
    surface = canvas.surface
    return (y1 - y0) / surface.height(), (x1 - x0) / surface.width()


def resize(user, qtbot, width: int, height: int) -> None:
    before = user.window.canvas.surface.size()
    user.window.resize(width, height)
    user.wait_for(lambda: user.window.canvas.surface.size() != before)
    qtbot.wait(100)
    user.window.canvas.widget.screenshot(flash=False)


@pytest.mark.slow
def test_an_image_fills_a_window_of_another_size_until_the_user_zooms(
    user, cells, qtbot
):
    window, camera = user.window, user.window.canvas.camera
    user.open(cells("a.tif", (300, 300), "YX"))
    for size in ((1340, 700), (1100, 600), (1340, 720)):
        resize(user, qtbot, *size)
        assert 0.9 < max(area_in_view(user)) <= 1
    window.canvas.model.scene.camera.zoom *= 2
    zoom = camera.zoom
    resize(user, qtbot, 1150, 620)
    assert camera.zoom == zoom
    window.menus.actions["home"].trigger()
    resize(user, qtbot, 1340, 720)
    assert 0.9 < max(area_in_view(user)) <= 1
    # A view that was moved is no longer fitted, either.
    scene = window.canvas.model.scene.camera
    scene.center = (*scene.center[:-1], scene.center[-1] + 40)
    centre, zoom = camera.center, camera.zoom
    resize(user, qtbot, 1150, 620)
    np.testing.assert_allclose((camera.zoom, *camera.center), (zoom, *centre))


@pytest.mark.slow
def test_planes_are_counted_from_1_on_sliders_and_in_the_status_bar(
    user, cells, mouse, qtbot
):
    window = user.window
    user.open(cells("stack.tif", (12, 64, 64), "ZYX"))
    number = window.canvas.widget.dims.slider_widgets[0].curslice_label
    assert window.canvas.planes == {"Z": 6}
    assert number.text() == "7"
    for typed, shown in (("12", 11), ("1", 0), ("99", 11), ("0", 0)):
        number.setFocus()
        number.setText(typed)
        qtbot.keyClick(number, Qt.Key.Key_Return)
        assert window.canvas.planes == {"Z": shown}
        assert number.text() == str(shown + 1)
    digits = number.fontMetrics().boundingRect("12").width()
    assert number.width() > digits
    mouse.move((10, 20))

    def position():
        return window.status.position.text().replace("\N{NO-BREAK SPACE}", " ")

    user.wait_for(lambda: position().startswith("x 20  y 10  Z 1 of 12"))
