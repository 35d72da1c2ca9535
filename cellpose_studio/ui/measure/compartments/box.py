"""Chooses the masks of the nuclei, and shows how nuclei and cells fit together."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.nuclei_ids import give_nuclei_ids
from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.core.measure.compartments.wording import (
    match_text,
    nucleus_count,
)
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.measure.compartments.findings import FindingsModel
from cellpose_studio.ui.measure.compartments.options import CompartmentOptions
from cellpose_studio.ui.measure.compartments.outlines import NucleiOutlines
from cellpose_studio.ui.measure.links.cell_link import CellLink
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.form import keep_narrow

_LIST_HEIGHT = 72
_FIRST_COLUMNS = (
    "nuclei",
    "nucleus_area",
    "nucleus_mean",
    "cytoplasm_mean",
    "ring_mean",
    "nucleus_cytoplasm_ratio",
)
"""Columns that are shown when compartments are first measured."""
_TIP = (
    "<qt>Measure nucleus and cytoplasm of each cell: choose the masks of the nuclei. "
    "An image has several masks after a run into new ones (“Masks” in the Segment "
    "tab).</qt>"
)
_SAME_IDS = "All nuclei have the ids of their cells already."
_LENGTH = 10
"""Letters that names of masks have room for: a long one must not widen the panel."""


class CompartmentsBox(QWidget):
    """Compartments of the cells shown; only a line as long as none are measured."""

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        measurer: TableMeasurer,
        edits: BackgroundEdits,
        link: CellLink,
    ) -> None:
        super().__init__(objectName="compartments")
        self._services = services
        self._session = services.session
        self._measurer = measurer
        self._compartments = measurer.compartments
        self._edits = edits
        self._link = link
        self.outlines = NucleiOutlines(services, canvas, self._compartments)
        self.options = CompartmentOptions()
        self.findings = FindingsModel()
        self._active = False
        self._lay_out()
        self._connect()
        self._refresh()

    def set_active(self, on: bool) -> None:
        """Outline nuclei while the tab is visible."""
        self._active = on
        self._outline()

    def give_ids(self) -> None:
        """Give nuclei the ids of their cells."""
        image, choice = self._session.shown, self._compartments.choice
        if image is None or image.masks is None or choice is None:
            return
        nuclei = self._compartments.nuclei_of(image, image.active)
        if nuclei is None or not (nuclei.pixels.loaded and image.masks.pixels.loaded):
            return
        give_nuclei_ids(
            self._edits, image, image.masks, nuclei, choice.least, self._on_ids
        )

    # Building

    def _lay_out(self) -> None:
        self.nuclei = QComboBox(objectName="nucleiMasks", toolTip=_TIP)
        self.nuclei.setAccessibleName("Masks of the nuclei")
        self.nuclei.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        keep_narrow(self.nuclei, _LENGTH)
        self.options_button = _fold("Options", "compartmentsOptions")
        self.options_button.setToolTip(
            "Choose the compartments, the width of the ring, and how much of a nucleus "
            "has to lie in its cell."
        )
        self.text = QLabel(objectName="nucleiFound", wordWrap=True)
        self.list_button = _fold("List", "nucleiList")
        self.list_button.setToolTip(
            "List nuclei in no cell, and cells without or with several nuclei; a click "
            "shows them on the image."
        )
        self.ids_button = QPushButton("Match ids", objectName="nucleiIds")
        self.ids_button.setToolTip(
            "<qt>Give nuclei the ids of their cells. Nuclei in no cell, and smaller "
            "ones of a cell with several, get ids that no cell has. Undo takes it back."
            "</qt>"
        )
        self.list = QListView(objectName="nucleiFindings", uniformItemSizes=True)
        self.list.setAccessibleName("Nuclei and cells that do not fit together")
        self.list.setToolTip("Click a line to see the nucleus or the cell.")
        self.list.setModel(self.findings)
        self.list.setFixedHeight(_LIST_HEIGHT)
        self.list.hide()
        self.options.hide()
        first, self.second = QHBoxLayout(), QWidget()
        label = QLabel("Nuclei", toolTip=_TIP)
        label.setBuddy(self.nuclei)
        first.addWidget(label)
        first.addWidget(self.nuclei, 1)
        first.addWidget(self.options_button)
        row = QHBoxLayout(self.second)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.list_button)
        row.addWidget(self.ids_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(first)
        for widget in (self.options, self.second, self.list):
            column.addWidget(widget)

    def _connect(self) -> None:
        self.nuclei.activated.connect(lambda _: self._choose())
        self.options.changed.connect(self._choose)
        self.options.outline.toggled.connect(lambda _: self._outline())
        # One of both at a time: the table of cells needs the room.
        for button, widget, other in (
            (self.options_button, self.options, self.list_button),
            (self.list_button, self.list, self.options_button),
        ):
            button.toggled.connect(widget.setVisible)
            button.clicked.connect(partial(_unfold_only, other))
        self.ids_button.clicked.connect(lambda: self.give_ids())
        self.list.selectionModel().currentChanged.connect(
            lambda index, _: self._go_to(index)
        )
        self.list.clicked.connect(self._go_to)
        self._measurer.changed.connect(self._on_measured)
        self._compartments.changed.connect(self._refresh)
        self._session.shown_changed.connect(lambda _: self._refresh())
        self._session.masks_changed.connect(self._on_masks)

    # Signals

    def _on_masks(self, change: MasksChange) -> None:
        # Edits change neither the names nor the number of masks.
        if change.edit is None:
            self._refresh()

    def _on_measured(self, _: Measurements | None) -> None:
        self._refresh()

    def _choose(self) -> None:
        """Measure with the masks and options that are chosen."""
        name, image = self.nuclei.currentData(), self._session.shown
        if not name:
            self._compartments.set(None)
            return
        before = self._compartments.choice
        cells = before.cells if before is not None else ""
        if image is not None and image.active != name:
            cells = image.active
        settings = self._services.settings
        if before is None and not {*_FIRST_COLUMNS} & {*settings.measure_columns}:
            settings.measure_columns = [*settings.measure_columns, *_FIRST_COLUMNS]
        self._compartments.set(self.options.choice(cells, name))

    def _outline(self) -> None:
        self.outlines.set_on(self._active and self.options.outline.isChecked())

    def _go_to(self, index: QModelIndex) -> None:
        """Show the nucleus or the cell of a line."""
        image = self._session.shown
        if not index.isValid() or image is None:
            return
        one = self.findings.finding(index.row())
        nuclei = self._compartments.nuclei_of(image, image.active)
        self.outlines.choose(one.id if one.is_nucleus else 0)
        if not one.is_nucleus:
            self._link.show((image.id, one.id, one.time))
        elif nuclei is not None and nuclei.pixels.loaded:
            self._services.selection.select(0)
            self._link.center_on(image, nuclei, one.id, one.time)

    def _on_ids(self, number: int) -> None:
        if not number:
            self._services.messages.note(_SAME_IDS)
            return
        self._services.messages.offer(
            f"Gave {nucleus_count(number)} other ids: those in cells have the id of "
            "their cell.",
            "Undo",
            self._session.undo,
        )

    def _refresh(self) -> None:
        image, choice = self._session.shown, self._compartments.choice
        self._fill()
        table = self._measurer.table
        found = table.nuclei if table is not None else None
        self.options_button.setVisible(choice is not None)
        self.options.setVisible(choice is not None and self.options_button.isChecked())
        if choice is not None and choice != self.options.choice(
            choice.cells, choice.nuclei
        ):
            self.options.show_choice(choice)
        self.second.setVisible(choice is not None and image is not None)
        self.findings.show(found, table is not None and table.in_time)
        lines = self.findings.rowCount()
        self.list_button.setEnabled(lines > 0)
        self.list.setVisible(lines > 0 and self.list_button.isChecked())
        self.ids_button.setEnabled(found is not None)
        if image is None or choice is None:
            return
        if found is not None:
            self.text.setText(match_text([found]))
        elif image.active == choice.nuclei:
            self.text.setText(
                "The nuclei are shown themselves: choose the masks of the cells in the "
                "Curate tab."
            )
        elif choice.nuclei not in image.label_sets:
            self.text.setText(f"This image has no masks “{choice.nuclei}”.")
        else:
            self.text.setText("Measuring…" if self._measurer.busy else "")

    def _fill(self) -> None:
        """List the masks of the image."""
        image, choice = self._session.shown, self._compartments.choice
        names = list(image.label_sets) if image is not None else []
        now = choice.nuclei if choice is not None else ""
        if now and now not in names:
            names.append(now)
        items = [("not measured", ""), *((name, name) for name in names)]
        shown = range(self.nuclei.count())
        if items != [(self.nuclei.itemText(n), self.nuclei.itemData(n)) for n in shown]:
            self.nuclei.clear()
            for text, name in items:
                self.nuclei.addItem(text, name)
        self.nuclei.setCurrentIndex(self.nuclei.findData(now))
        self.nuclei.setEnabled(bool(now) or len(names) > 1)


def _unfold_only(other: QToolButton, on: bool) -> None:
    if on:
        other.setChecked(False)


def _fold(text: str, name: str) -> QToolButton:
    """Return a button that shows and hides what is below."""
    button = QToolButton(objectName=name, text=text, checkable=True)
    button.setArrowType(Qt.ArrowType.DownArrow)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
