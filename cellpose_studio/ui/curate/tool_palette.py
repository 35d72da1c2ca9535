"""Buttons of the tools, the size of the brush, and the protection of cells."""

from __future__ import annotations

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

from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.toolbox import TOOLS, ToolInfo

_LARGEST = 100  # px, of the slider; the keys allow larger brushes


_PROTECT_TIP = (
    "<qt>Keep the pixels of other cells when painting. Turn it off to paint over "
    "cells.</qt>"
)


class ToolPanel(QWidget):
    """Shows the active tool and the settings of tools, and changes them."""

    def __init__(self, tools: ToolManager) -> None:
        super().__init__()
        self._tools = tools
        self.buttons = {mode: self._button(tool) for mode, tool in TOOLS.items()}
        self.size = QLabeledSlider(Qt.Orientation.Horizontal, objectName="brushSize")
        self.size.setRange(1, _LARGEST)
        self.size.setToolTip("<qt>Diameter of the brush in pixels (keys , and .).</qt>")
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

    def _button(self, tool: ToolInfo) -> QPushButton:
        text = tool.text.replace("&", "")
        button = QPushButton(text, objectName=f"tool_{tool.mode}")
        button.setCheckable(True)
        button.clicked.connect(lambda: self._tools.take(tool.mode))
        return button

    def _on_tools(self) -> None:
        for mode, button in self.buttons.items():
            button.setChecked(mode == self._tools.mode)
        settings = self._tools.settings
        # The keys allow larger brushes: the clipped value must not be sent back.
        self.size.blockSignals(True)
        self.size.setValue(min(settings.size, _LARGEST))
        self.size.blockSignals(False)
        self.protect.setChecked(settings.protect)
