"""Strokes on a busy window, and what is shown below the pointer."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest

from tests.ui.mouse import LEFT, NONE, RIGHT
from tests.ui.tools.test_tools import cell_at, centre, ring

PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def image(user, cells):
    """Return an image of 96 by 128 px with masks of a run, the pointer outside."""
    [image] = user.open(cells("a.tif"))
    user.window.segment.parameters.main.set_values({"diameter": 20.0})
    user.run()
    return image


def moves_that_waited(mouse, places, button):
    """Deliver moves at once, as a window that was busy gets them."""
    for place in places:
        at = mouse.on_screen(place)
        there = QPointF(mouse.native.mapToGlobal(at))
        event = QMouseEvent(
            QEvent.Type.MouseMove, QPointF(at), there, NONE, button, PLAIN
        )
        QCoreApplication.postEvent(mouse.native, event)
    QCoreApplication.processEvents()


@pytest.mark.slow
@pytest.mark.parametrize("held", [True, False], ids=["drag", "click and move"])
def test_an_outline_keeps_all_points_of_a_busy_window(user, image, mouse, held):
    mouse.click(centre(1, 1), Qt.KeyboardModifier.ControlModifier)
    # Clicks that follow one another at once would be a double click.
    path = ring(centre(1, 1), 10, 60)
    QTest.mousePress(mouse.native, RIGHT, PLAIN, mouse.on_screen(path[0]))
    if not held:
        QTest.mouseRelease(mouse.native, RIGHT, PLAIN, mouse.on_screen(path[0]))
    moves_that_waited(mouse, path[1:], RIGHT if held else NONE)
    if held:
        QTest.mouseRelease(mouse.native, RIGHT, PLAIN, mouse.on_screen(path[-1]))
    user.wait_for(lambda: cell_at(image, centre(1, 1)) > 0)
    new = cell_at(image, centre(1, 1))
    area = np.count_nonzero(image.masks.array == new)
    assert area == pytest.approx(np.pi * 10**2, rel=0.15)
    attribute = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
    assert not QCoreApplication.testAttribute(attribute)


@pytest.mark.slow
def test_a_line_is_no_cell_and_says_so(user, image, mouse):
    before = image.masks.cells
    mouse.drag([(30, 4), (30, 60), (30, 110)], RIGHT)
    assert image.masks.cells == before
    assert "No cell was drawn: the outline, 1 × 107 px, is hardly" in user.message


@pytest.mark.slow
def test_the_ring_of_the_brush_follows_the_pointer_while_it_paints(user, image, mouse):
    user.window.tools.take("brush")
    user.window.tools.set_size(9)
    QTest.mousePress(mouse.native, LEFT, PLAIN, mouse.on_screen((30, 20)))
    moves_that_waited(mouse, [(30, 30), (31, 60), (32, 90)], LEFT)
    scale = image.source.label_scale

    def middle():
        drawn = user.window.canvas._lines._shown["drawn"].pos[:, ::-1] / scale[-1]
        return (drawn.min(axis=0) + drawn.max(axis=0)) / 2

    user.wait_for(lambda: np.allclose(middle(), (32, 90), atol=1))
    QTest.mouseRelease(mouse.native, LEFT, PLAIN, mouse.on_screen((32, 90)))


@pytest.mark.slow
def test_the_status_bar_forgets_a_cell_that_is_gone(user, image, mouse, qtbot):
    place = centre(1, 1)
    mouse.move(place)
    text = user.window.status.cell.text
    qtbot.waitUntil(lambda: text().startswith("cell "))
    shown = text()
    mouse.click(place)
    qtbot.keyClick(user.window, Qt.Key.Key_Delete)
    assert text() == ""
    user.window.session.undo()
    assert text() == shown
