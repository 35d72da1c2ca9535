"""The pen of a tablet: its tip uses the tool, its other end erases."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QTabletEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tests.ui.mouse import LEFT, NONE
from tests.ui.tools.test_tools import cell_at, centre, image

__all__ = ["image"]

PLAIN = Qt.KeyboardModifier.NoModifier
KINDS = QEvent.Type


class Pen:
    """Sends events of a tablet to the canvas, and the mouse events that follow them.

    Qt makes these of each event that no widget accepts.
    """

    def __init__(self, mouse, erases=False):
        self.mouse = mouse
        self.erases = erases

    def draw(self, places, pressures=None):
        """Press at the first place, move through all, and lift at the last."""
        pressures = pressures or [0.5] * len(places)
        self._send(KINDS.TabletPress, places[0], pressures[0], LEFT)
        QTest.mousePress(
            self.mouse.native, LEFT, PLAIN, self.mouse.on_screen(places[0])
        )
        for place, pressure in zip(places[1:], pressures[1:], strict=True):
            self._send(KINDS.TabletMove, place, pressure, NONE)
            self.mouse.move(place, LEFT)
        self._send(KINDS.TabletRelease, places[-1], 0.0, LEFT)
        QTest.mouseRelease(
            self.mouse.native, LEFT, PLAIN, self.mouse.on_screen(places[-1])
        )
        QApplication.processEvents()

    def _send(self, kind, place, pressure, button):
        at = QPointF(self.mouse.on_screen(place))
        far = QPointF(self.mouse.native.mapToGlobal(at.toPoint()))
        event = tablet_event(kind, at, far, pressure, button, self.erases)
        QApplication.sendEvent(self.mouse.native, event)
        # Otherwise, Qt would make no event of the mouse of it.
        assert not event.isAccepted()


def tablet_event(kind, at, far, pressure, button, erases):
    """Return an event of a tablet; Qt 5 and 6 make it differently."""
    held = LEFT if kind != KINDS.TabletRelease else NONE
    if hasattr(QTabletEvent, "PointerType"):
        ends, stylus = QTabletEvent.PointerType, QTabletEvent.TabletDevice.Stylus
        end = ends.Eraser if erases else ends.Pen
        place = (kind, at, far, stylus, end, pressure, 0, 0, 0.0, 0.0, 0)
        return QTabletEvent(*place, PLAIN, 1, button, held)
    place = (kind, pointing_device(erases), at, far, pressure, 0.0, 0.0, 0.0, 0.0, 0.0)
    return QTabletEvent(*place, PLAIN, button, held)


@cache
def pointing_device(erases):
    """Return a pen of Qt 6; it has to outlive the events that name it."""
    from qtpy.QtGui import QInputDevice, QPointingDevice

    ends = QPointingDevice.PointerType
    return QPointingDevice(
        "pen",
        1,
        QInputDevice.DeviceType.Stylus,
        ends.Eraser if erases else ends.Pen,
        QInputDevice.Capability.Pressure,
        1,
        2,
    )


@pytest.mark.slow
def test_the_other_end_erases_with_any_tool(user, image, mouse):
    window = user.window
    pen, eraser = Pen(mouse), Pen(mouse, erases=True)
    cell, before = cell_at(image, centre(1, 1)), image.masks.array.copy()
    window.tools.take("select")
    window.tools.set_size(5)
    y, x = centre(1, 1)
    eraser.draw([(y, x - 4), (y, x), (y, x + 4)])
    assert cell_at(image, (y, x)) == 0
    gone = (before > 0) & (image.masks.array == 0)
    assert set(np.unique(before[gone])) == {cell}
    # No ring of a brush stays behind with a tool that has none.
    assert not window.canvas.lines().get("drawn")
    assert window.tools.mode == "select"
    window.session.undo()
    np.testing.assert_array_equal(image.masks.array, before)
    # The tip uses the tool again, and the mouse after the other end as well.
    pen.draw([centre(1, 2), centre(1, 2)])
    assert window.selection.cell == cell_at(image, centre(1, 2)) > 0
    eraser.draw([centre(2, 0), centre(2, 0)])
    left = image.masks.array.copy()
    mouse.click(centre(0, 0))
    assert window.selection.cell == cell_at(image, centre(0, 0))
    np.testing.assert_array_equal(image.masks.array, left)


@pytest.mark.slow
def test_pressure_sets_the_size_of_the_brush_if_that_is_wanted(user, image, mouse):
    window, pen = user.window, Pen(mouse)
    window.tools.take("brush")
    window.tools.set_size(12)
    places = [(0.0, 40.0 + step) for step in range(0, 40, 4)]

    def drawn(pressures):
        before = np.count_nonzero(image.masks.array)
        pen.draw(places, pressures)
        area = np.count_nonzero(image.masks.array) - before
        window.session.undo()
        return area

    light, heavy = [0.1] * len(places), [1.0] * len(places)
    same = drawn(light)
    assert same == drawn(heavy) > 0
    action = window.menus.actions["penPressure"]
    assert not action.isChecked()
    action.trigger()
    assert window.services.settings.pen_pressure
    assert drawn(heavy) == same
    assert drawn(light) < same / 3
    # A mouse has no pressure.
    before = np.count_nonzero(image.masks.array)
    mouse.drag(places)
    assert np.count_nonzero(image.masks.array) - before == same
