"""An area that scrolls up and down only."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.widgets.vertical_scroll import VerticalScroll


@pytest.fixture
def area(qtbot):
    area, inside = VerticalScroll(), QWidget()
    column = QVBoxLayout(inside)
    number, slider, choice = QSpinBox(), QSlider(Qt.Orientation.Horizontal), QComboBox()
    choice.addItems(["a", "b", "c"])
    choice.setCurrentIndex(1)
    for control in (number, slider):
        control.setValue(1)
    for control in (number, slider, choice):
        column.addWidget(control)
    # So high that it scrolls.
    column.addSpacing(2000)
    area.setWidget(inside)
    qtbot.addWidget(area)
    area.show()
    return area


def wheel(control) -> bool:
    """Turn the wheel over a control; return whether it has taken that."""
    at = QPointF(control.rect().center())
    event = QWheelEvent(
        at,
        QPointF(control.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(control, event)
    return bool(event.isAccepted())


def test_the_wheel_passes_over_settings(area):
    number, slider, choice = (
        area.findChild(kind) for kind in (QSpinBox, QSlider, QComboBox)
    )
    for control in (number, slider, choice):
        assert not wheel(control)
        # Qt gives the keyboard to what has this policy before it asks anybody.
        assert control.focusPolicy() != Qt.FocusPolicy.WheelFocus
    assert (number.value(), slider.value(), choice.currentIndex()) == (1, 1, 1)
    assert wheel(area.verticalScrollBar())
    assert area.verticalScrollBar().value() > 0


def test_a_number_that_has_the_keyboard_takes_the_wheel(area, qtbot):
    number = area.findChild(QSpinBox)
    area.activateWindow()
    qtbot.waitActive(area)
    number.setFocus()
    qtbot.waitUntil(number.hasFocus)
    assert wheel(number)
    assert number.value() == 0
