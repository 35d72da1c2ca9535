"""Buttons of the tools, the size of the brush, and the protection of cells."""

from __future__ import annotations

from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.tools.toolbox import TOOLS, ToolInfo
from cellpose_studio.ui.widgets.button_grid import ButtonGrid
from cellpose_studio.ui.widgets.number_slider import NumberSlider

_LARGEST = 100  # px, of the slider; the keys and the number allow larger brushes


_PROTECT_TIP = (
    "<qt>Keep the pixels of other cells when painting. Turn it off to paint over "
    "cells.</qt>"
)


class ToolPanel(QWidget):
    """Shows the active tool and the settings of tools, and changes them."""

    def __init__(self, tools: ToolManager) -> None:
        super().__init__()
        self._tools = tools
        self.buttons = {
            mode: self._button(tool) for mode, tool in TOOLS.items() if tool.curates
        }
        sizes = tools.sizes
        box = QSpinBox(minimum=sizes[0], maximum=sizes[-1], value=tools.settings.size)
        box.setSuffix(" px")
        self.size = NumberSlider(box, _LARGEST)
        self.size.setObjectName("brushSize")
        self.size.set_name("Diameter of the brush")
        self.size.set_tip("Diameter of the brush in pixels (keys , and .).")
        self.protect = QCheckBox("Protect cells", objectName="protectCells")
        self.protect.setToolTip(_PROTECT_TIP)
        row = QHBoxLayout()
        row.addWidget(self.protect)
        # Without its name it would look like a distance to the cells protected.
        row.addWidget(QLabel("Brush"))
        row.addWidget(self.size, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(ButtonGrid([*self.buttons.values()]))
        column.addLayout(row)
        self.size.changed.connect(lambda size: tools.set_size(int(size)))
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
        self.size.set_value(settings.size)
        self.protect.setChecked(settings.protect)
