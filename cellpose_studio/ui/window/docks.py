"""The canvas with the bars around it, and the docks beside it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLayout, QMainWindow, QVBoxLayout, QWidget

_LEFT, _RIGHT = 270, 350
_IMAGES, _DISPLAY = 280, 400
_AREAS = Qt.DockWidgetArea


def lay_out_docks(
    window: QMainWindow, images: QWidget, display: QWidget, tabs: QWidget
) -> list[QDockWidget]:
    """Put the list of images and the display on the left, and the tabs on the right."""
    left, right = _AREAS.LeftDockWidgetArea, _AREAS.RightDockWidgetArea
    docks = [
        _dock(window, "Images", images, left),
        _dock(window, "Image display", display, left),
        _dock(window, "Panels", tabs, right),
    ]
    # An empty title bar, because the tabs have their own titles.
    docks[2].setTitleBarWidget(QWidget())
    beside, above = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    window.resizeDocks([docks[0], docks[2]], [_LEFT, _RIGHT], beside)
    window.resizeDocks(docks[:2], [_IMAGES, _DISPLAY], above)
    return docks


def lay_out_centre(bar: QWidget, canvas: QLayout, *below: QWidget) -> QWidget:
    """Return the canvas with a bar above it, and others below."""
    centre = QWidget()
    column = QVBoxLayout(centre)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(bar)
    column.addLayout(canvas, 1)
    for widget in below:
        column.addWidget(widget)
    return centre


def _dock(
    window: QMainWindow, title: str, widget: QWidget, area: Qt.DockWidgetArea
) -> QDockWidget:
    dock = QDockWidget(title, window)
    # Qt finds the dock of a saved layout by its object name.
    dock.setObjectName(title)
    dock.setWidget(widget)
    window.addDockWidget(area, dock)
    return dock
