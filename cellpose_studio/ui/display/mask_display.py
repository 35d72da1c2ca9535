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
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.commands.command import QAction
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.display.cell_text.menu import KIND_COMMANDS
from cellpose_studio.ui.display.cell_text.provider import CellTextProvider
from cellpose_studio.ui.display.following import check_box, follow

_IN_3D = "In a 3D rendering the surfaces of cells are opaque."
_UNCERTAIN, _MEASURED = 1, 2
"""Places of choices for the colours; the first one is each cell's own."""
_OPACITY_TIP = "How much the fill of cells hides of the image"


class MasksShown(Protocol):
    """Interface of the canvas for the opacity of masks."""

    def set_opacity(self, opacity: float) -> None:
        """Fill the cells with an opacity from 0 to 1."""
        ...


class MaskDisplay(QWidget):
    """Switches of the masks, their opacity, and the meaning of their colours.

    They begin as the settings say, and follow them.
    """

    def __init__(
        self,
        masks: MasksShown,
        texts: CellTextProvider,
        colouring: CellColouring,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._masks = masks
        self._settings = settings
        self._actions: Mapping[str, QAction] = {}
        self._colouring = colouring
        self._texts = texts
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

    @property
    def controls(self) -> list[QWidget]:
        """What takes the keyboard, from top to bottom."""
        switches = [self.filled, self.outlines, self.labels, self.kind]
        return [*switches, self.opacity, self.percent, self.colours]

    def follow(self, actions: Mapping[str, QAction]) -> None:
        """Act as the commands of the menus, and show their state."""
        names = ("masks", "outlines")
        follow({name: self.buttons[name] for name in names}, actions)
        self.labels.clicked.connect(lambda _: actions["words"].trigger())
        menu = QMenu(self)
        menu.addActions([actions[name] for name in KIND_COMMANDS.values()])
        self.kind.setMenu(menu)
        self._actions = actions
        actions["uncertainty"].toggled.connect(self._on_uncertainty)
        self.colours.activated.connect(self._on_chosen)
        self._take_filled()
        self._take_outlined()
        self._take_colours()
        self._show_colours()

    def state(self) -> dict[str, object]:
        """Return what is stored in the project."""
        return {
            "opacity": self.opacity.value(),
            "uncertainty": self._by_uncertainty,
        }

    def load(self, state: object) -> None:
        """Take what was stored, the settings where nothing was.

        A damaged project may hold any value.
        """
        known = state if isinstance(state, dict) else {}
        opacity, uncertainty = known.get("opacity"), known.get("uncertainty")
        # The exact type is compared, because True is an instance of int as well.
        if type(opacity) is int and 0 <= opacity <= self.opacity.maximum():
            self._on_opacity(opacity)
        else:
            self._take_opacity()
        if type(uncertainty) is bool and self._actions:
            self._actions["uncertainty"].setChecked(uncertainty)
        else:
            self._take_colours()

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
        for widget, name in (
            (self.kind, "What the cell labels tell"),
            (self.opacity, "Opacity of the masks"),
            (self.percent, "Opacity of the masks"),
            (self.colours, "What the colours of cells tell"),
        ):
            widget.setAccessibleName(name)
        self.kind.setToolTip("Choose what the cell labels tell")
        self.kind.setArrowType(Qt.ArrowType.DownArrow)
        self.kind.setFixedWidth(18)
        self.percent.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.percent.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.opacity.setToolTip(_OPACITY_TIP)
        self.colours.addItems(["Each cell its own", "Uncertainty"])
        # A narrow column would not hold the longest text.
        self.colours.setMinimumContentsLength(4)
        self.colours.setToolTip(
            "Choose what the colours of cells tell. The Measure tab has more to choose "
            "from."
        )
        for widget in (self.kind, self.colours):
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._take_opacity()

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
        self._colouring.changed.connect(self._show_colours)
        self._texts.changed.connect(lambda: self.labels.setChecked(self._texts.on))
        events = self._settings.events
        events.mask_opacity.connect(self._take_opacity)
        events.masks_filled.connect(self._take_filled)
        events.masks_outlined.connect(self._take_outlined)
        events.mask_colours.connect(self._take_colours)

    def _take_opacity(self) -> None:
        self._on_opacity(self._settings.mask_opacity)

    def _take_filled(self) -> None:
        self._set("masks", self._settings.masks_filled)

    def _take_outlined(self) -> None:
        self._set("outlines", self._settings.masks_outlined)

    def _take_colours(self) -> None:
        self._set("uncertainty", self._settings.mask_colours == "uncertainty")

    def _set(self, command: str, on: bool) -> None:
        # The commands come after this widget.
        if self._actions:
            self._actions[command].setChecked(on)

    def _on_opacity(self, percent: int) -> None:
        for box in (self.opacity, self.percent):
            with QSignalBlocker(box):
                box.setValue(percent)
        self._masks.set_opacity(percent / 100)

    @property
    def _by_uncertainty(self) -> bool:
        return bool(self._actions) and self._actions["uncertainty"].isChecked()

    def _on_chosen(self, at: int) -> None:
        """Colour the cells as the user has chosen."""
        if at < _MEASURED:
            self._colouring.choose(None)
            self._set("uncertainty", at == _UNCERTAIN)

    def _on_uncertainty(self, on: bool) -> None:
        if on:
            self._colouring.choose(None)
        self._show_colours()

    def _show_colours(self) -> None:
        """Show what the colours tell; a measurement is an entry of its own."""
        is_measured = self._colouring.measure is not None
        if self.colours.count() > _MEASURED:
            self.colours.removeItem(_MEASURED)
        if is_measured:
            self.colours.addItem(self._colouring.title)
            self.colours.setCurrentIndex(_MEASURED)
        else:
            self.colours.setCurrentIndex(_UNCERTAIN if self._by_uncertainty else 0)
