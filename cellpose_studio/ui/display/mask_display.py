"""How masks are shown: fill, outlines, cell labels, opacity and colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import QAction
from cellpose_studio.ui.display.cell_text.menu import KIND_COMMANDS
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.display.following import check_box, follow

_IN_3D = "In a 3D rendering the surfaces of cells are opaque."
_OPACITY_TIP = "How much the fill of cells hides of the image"


class MasksShown(Protocol):
    """Interface of the canvas for the opacity of masks."""

    @property
    def opacity(self) -> float:
        """Opacity of the fill of cells, 0 to 1."""
        ...

    def set_opacity(self, opacity: float) -> None:
        """Fill the cells with an opacity from 0 to 1."""
        ...


class MaskDisplay(QWidget):
    """Switches of the masks, their opacity, and the meaning of their colours."""

    def __init__(self, masks: MasksShown, texts: CellTextProvider) -> None:
        super().__init__()
        self._masks = masks
        self._texts = texts
        self._uncertainty: QAction | None = None
        self._grid = QGridLayout()
        self.filled, self.outlines = check_box("Masks"), check_box("Outlines")
        self.labels = check_box("Labels")
        self.kind = QToolButton(autoRaise=True, objectName="labelKind")
        self.opacity = QSlider(Qt.Orientation.Horizontal, maximum=100)
        self.percent = QSpinBox(maximum=100, suffix=" %", toolTip=_OPACITY_TIP)
        self.colours = QComboBox(objectName="maskColours")
        self._set_up()
        self._lay_out()
        self._connect()

    @property
    def buttons(self) -> Mapping[str, QAbstractButton]:
        """The switches by the names of their commands."""
        return {"masks": self.filled, "outlines": self.outlines, "words": self.labels}

    def follow(self, actions: Mapping[str, QAction]) -> None:
        """Act as the commands of the menus, and show their state."""
        names = ("masks", "outlines")
        follow({name: self.buttons[name] for name in names}, actions)
        self.labels.clicked.connect(lambda _: actions["words"].trigger())
        menu = QMenu(self)
        menu.addActions([actions[name] for name in KIND_COMMANDS.values()])
        self.kind.setMenu(menu)
        uncertainty = self._uncertainty = actions["uncertainty"]
        uncertainty.toggled.connect(self._on_colours)
        self.colours.activated.connect(lambda at: uncertainty.setChecked(at == 1))
        self._on_colours(uncertainty.isChecked())

    def state(self) -> dict[str, object]:
        """Return what is stored in the project."""
        return {
            "opacity": self.opacity.value(),
            "uncertainty": self.colours.currentIndex() == 1,
        }

    def load(self, state: object) -> None:
        """Take what was stored; a damaged project may hold any value."""
        known = state if isinstance(state, dict) else {}
        opacity, uncertainty = known.get("opacity"), known.get("uncertainty")
        # The exact type is compared, because True is an instance of int as well.
        if type(opacity) is int and 0 <= opacity <= self.opacity.maximum():
            self._on_opacity(opacity)
        if type(uncertainty) is bool and self._uncertainty is not None:
            self._uncertainty.setChecked(uncertainty)

    def add_row(self, title: str, widget: QWidget) -> None:
        """Add another choice below those of the masks."""
        row = self._grid.rowCount()
        self._grid.addWidget(QLabel(title), row, 0)
        self._grid.addWidget(widget, row, 1, 1, 2)

    def set_in_3d(self, in_3d: bool) -> None:
        """Disable what has no effect in a 3D rendering."""
        for widget in (self.opacity, self.percent):
            widget.setEnabled(not in_3d)
            widget.setToolTip(_IN_3D if in_3d else _OPACITY_TIP)

    def _set_up(self) -> None:
        self.kind.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.kind.setToolTip("Choose what the cell labels tell")
        self.kind.setArrowType(Qt.ArrowType.DownArrow)
        self.kind.setFixedWidth(18)
        self.percent.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.percent.setFixedWidth(50)
        self.opacity.setToolTip(_OPACITY_TIP)
        self.colours.addItems(["Each cell its own", "Uncertainty"])
        # A narrow column would not hold the longest text.
        self.colours.setMinimumContentsLength(4)
        self.colours.setToolTip("Choose what the colours of cells tell")
        for widget in (self.kind, self.colours):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for box in (self.opacity, self.percent):
            box.setValue(round(100 * self._masks.opacity))

    def _lay_out(self) -> None:
        switches, grid = QHBoxLayout(), self._grid
        for part in (self.filled, self.outlines, self.labels, self.kind):
            switches.addWidget(part)
        switches.addStretch(1)
        grid.addWidget(QLabel("Opacity"), 0, 0)
        grid.addWidget(self.opacity, 0, 1)
        grid.addWidget(self.percent, 0, 2)
        grid.addWidget(QLabel("Colours"), 1, 0)
        grid.addWidget(self.colours, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)
        switches.setSpacing(2)
        grid.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(switches)
        column.addLayout(grid)

    def _connect(self) -> None:
        self.opacity.valueChanged.connect(self._on_opacity)
        self.percent.valueChanged.connect(self._on_opacity)
        self._texts.changed.connect(lambda: self.labels.setChecked(self._texts.on))

    def _on_opacity(self, percent: int) -> None:
        for box in (self.opacity, self.percent):
            with QSignalBlocker(box):
                box.setValue(percent)
        self._masks.set_opacity(percent / 100)

    def _on_colours(self, by_uncertainty: bool) -> None:
        self.colours.setCurrentIndex(int(by_uncertainty))
