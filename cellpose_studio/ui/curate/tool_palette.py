"""The tools as buttons, with the size of the brush and what protects cells."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledSlider

from cellpose_studio.ui.tools.manager import Mode, ToolManager

_LARGEST = 100  # px that the slider goes to; the keys go further


@dataclass(frozen=True)
class _Button:
    """A tool, its words and what it does."""

    mode: Mode
    text: str
    tip: str


_BUTTONS = (
    _Button(
        "select",
        "Select",
        "A click chooses a cell, Ctrl+click deletes it, Alt+click merges it with the "
        "chosen one. Ctrl+drag draws a lasso around cells to delete, Alt+drag a line "
        "over cells to merge.",
    ),
    _Button(
        "outline",
        "Outline",
        "Draws a new cell: drag around it, or click the corners of a polygon. A click "
        "on the first corner or a double click closes it. The right button draws "
        "around a cell with any tool.",
    ),
    _Button(
        "brush",
        "Brush",
        "A stroke that begins on a cell adds to it; elsewhere it draws a new cell.",
    ),
    _Button(
        "eraser",
        "Eraser",
        "Takes pixels from the chosen cell, or from all if none is chosen.",
    ),
    _Button(
        "split",
        "Split",
        "A line cuts the cells it crosses. Two double clicks in a cell split it by a "
        "watershed from both places.",
    ),
    _Button(
        "handles",
        "Handles",
        "Drag the vertices of the chosen cell's outline. Ctrl+click removes one, a "
        "double click on the line adds one. H again changes the cell, Esc leaves it.",
    ),
)
_PROTECT_TIP = (
    "<qt>Other cells keep their pixels, whatever is painted over them. Turn it off to "
    "paint over cells.</qt>"
)


class ToolPanel(QWidget):
    """Shows which tool is in use, and lets the user take another."""

    def __init__(self, tools: ToolManager) -> None:
        super().__init__()
        self._tools = tools
        self.buttons = {button.mode: self._button(button) for button in _BUTTONS}
        self.tips: dict[str, tuple[QWidget, str]] = {
            about.mode: (self.buttons[about.mode], about.tip) for about in _BUTTONS
        }
        self.size = QLabeledSlider(Qt.Orientation.Horizontal, objectName="brushSize")
        self.size.setRange(1, _LARGEST)
        self.size.setToolTip("<qt>Width of the brush in pixels (, and .).</qt>")
        self.protect = QCheckBox("Protect other cells", objectName="protectCells")
        self.protect.setToolTip(_PROTECT_TIP)
        grid = QGridLayout()
        grid.setSpacing(4)
        for n, button in enumerate(self.buttons.values()):
            grid.addWidget(button, 0, n)
        row = QHBoxLayout()
        row.addWidget(self.protect)
        row.addWidget(self.size, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addLayout(row)
        self.size.valueChanged.connect(tools.set_size)
        self.protect.toggled.connect(tools.set_protect)
        tools.changed.connect(self._on_tools)
        self._on_tools()

    def _button(self, about: _Button) -> QPushButton:
        button = QPushButton(about.text, objectName=f"tool_{about.mode}")
        button.setCheckable(True)
        button.clicked.connect(lambda: self._tools.take(about.mode))
        return button

    def _on_tools(self) -> None:
        for mode, button in self.buttons.items():
            button.setChecked(mode == self._tools.mode)
        settings = self._tools.settings
        self.size.blockSignals(True)
        self.size.setValue(min(settings.size, _LARGEST))
        self.size.blockSignals(False)
        self.protect.setChecked(settings.protect)
