"""The Curate tab: tools, and the review of cells one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.cell_measurer import CellMeasurer
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.provenance.revision import CellStatus
from cellpose_studio.core.review.queue import Review
from cellpose_studio.ui.commands.command import Command, push_button
from cellpose_studio.ui.curate.cell_highlight import CellHighlight
from cellpose_studio.ui.curate.cell_table import ReviewTable
from cellpose_studio.ui.curate.kept_row import KeptRow
from cellpose_studio.ui.curate.masks_row import MasksRow
from cellpose_studio.ui.curate.tool_palette import ToolPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.manager import ToolManager
from cellpose_studio.ui.widgets.units import pixel_area

_NO_IMAGE = "Open an image to review its cells."
_NO_MASKS = "No cells yet. Run a model, or draw some, to review them here."

_DECISIONS: tuple[tuple[CellStatus, str, str, str, str, str], ...] = (
    (
        "accepted",
        "accept",
        "&Accept cell",
        "Return; Enter",
        "✓",
        "Mark the cell as correct, and show the next one.",
    ),
    (
        "rejected",
        "reject",
        "Re&ject cell",
        "Backspace",
        "✗",
        "Mark the cell as wrong. “Delete rejected cells” removes it.",
    ),
    (
        "later",
        "later",
        "&Fix cell later",
        "Q",
        "…",
        "Mark the cell to be fixed later, and show the next one.",
    ),
)
"""Of each decision: status, and name, text, key, icon and tooltip of its command."""


class CuratePanel(QWidget):
    """The queue of cells, the most uncertain first, with commands to review them.

    Parameters
    ----------
    tools
        The tools for the tool buttons.
    measurer
        Measures the cells of the masks shown.
    highlight
        Centres the view on a cell.
    kept
        The row on what a new run keeps.
    """

    state_changed = Signal()  # other commands are enabled than before

    def __init__(
        self,
        services: Services,
        tools: ToolManager,
        measurer: CellMeasurer,
        highlight: CellHighlight,
        kept: KeptRow,
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._selection = services.selection
        self._edits = tools.edits
        self._measurer = measurer
        self._highlight = highlight
        self.kept = kept
        kept.selected = self._chosen
        self._stepping = 0
        self._deciding = False
        self.table = ReviewTable()
        self.masks = MasksRow(services)
        self.tools = ToolPanel(tools)
        self._lay_out()
        self._connect()
        self._on_review(None)

    def commands(self) -> list[Command | None]:
        """Return the commands for the window's menu."""
        return [
            Command(
                "nextCell",
                "Ne&xt cell",
                lambda: self.step(1),
                key="N",
                button="Next",
                tip="Show the next cell to review.",
                reason_disabled=self._reason_none_left,
            ),
            Command(
                "previousCell",
                "&Previous cell",
                lambda: self.step(-1),
                key="Shift+N",
                button="Previous",
                tip="Show the previous cell to review.",
                reason_disabled=self._reason_none_left,
            ),
            *(self._decision(*decision) for decision in _DECISIONS),
            Command(
                "mergeCells",
                "Mer&ge selected cells",
                self.merge_selected,
                button="Merge selected",
                tip="Merge the cells that are selected in the table into one; it keeps "
                "the number of the chosen one.",
                reason_disabled=self._reason_not_several,
            ),
            Command(
                "deleteRejected",
                "&Delete rejected cells",
                self.delete_rejected,
                tip="Delete all rejected cells, as one undo step.",
                reason_disabled=self._reason_none_rejected,
            ),
        ]

    def step(self, by: int) -> None:
        """Choose the next cell to review with 1, the previous one with -1."""
        self._services.show_tab(self)
        if self._measurer.review is None:
            # The step is made once the cells are measured.
            self._stepping = by
            return
        model = self.table.model
        row = model.row_of(self._selection.cell)
        # Without a row, the search starts above the first one or below the last.
        start = row if row >= 0 or by > 0 else model.rowCount()
        self._show_cell(model.undecided(start, by))

    def decide(self, status: CellStatus) -> None:
        """Set the status of the chosen cells; here, choose the next one to review.

        In another tab, the user looks at these cells, not at the queue: they stay
        chosen.
        """
        image = self._session.shown
        if image is None or image.masks is None or not image.masks.pixels.loaded:
            return
        # The table may still list cells that were just deleted.
        sizes = image.masks.pixels.cell_table()
        chosen = self._chosen()
        cells = list(compress(chosen, sizes.sizes_of(chosen)))
        if not cells:
            return
        if not self.isVisible():
            self._session.set_cell_status(image, cells, status)
            return
        model = self.table.model
        # The next cell is found first: a filter by status changes the rows with the
        # decision.
        row = max(model.row_of(cell) for cell in cells)
        following = model.undecided(row, 1, cells)
        # A decision moves on to the next cell, whereas an undo shows the cell.
        self._deciding = True
        self._session.set_cell_status(image, cells, status)
        self._deciding = False
        if following:
            self._selection.select(following)
            # Who decides on neighbours keeps their place on the screen in mind.
            self._highlight.show(following)

    def delete_rejected(self) -> None:
        """Delete all rejected cells, as one undo step."""
        self._edits.delete(self.table.model.rejected())

    def merge_selected(self) -> None:
        """Merge the cells of the selected rows, as one undo step."""
        self._edits.merge(self.table.selected())

    def showEvent(self, event: QShowEvent) -> None:
        """Measure the cells while the panel is visible; Qt calls this."""
        super().showEvent(event)
        self._measurer.set_active(True, "table")
        self.state_changed.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop measuring the cells; Qt calls this."""
        super().hideEvent(event)
        self._measurer.set_active(False, "table")
        self.state_changed.emit()

    # Building

    def _decision(self, status: CellStatus, *texts: str) -> Command:
        """Return the command that gives the chosen cells a status."""
        name, text, key, icon, tip = texts
        return Command(
            name,
            text,
            lambda: self.decide(status),
            key=key,
            icon=icon,
            button=name.capitalize(),
            tip=tip,
            reason_disabled=self._reason_none_chosen,
        )

    def _lay_out(self) -> None:
        self.empty = QLabel(objectName="curateEmpty", wordWrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._page())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.masks)
        column.addWidget(self.tools)
        column.addWidget(self._pages, 1)

    def _page(self) -> QWidget:
        self.progress = QLabel(objectName="reviewProgress")
        self.bar = QProgressBar(objectName="reviewBar", textVisible=False)
        self.bar.setFixedHeight(6)
        self.buttons = {
            command.name: push_button(command) for command in self.commands() if command
        }
        for button in self.buttons.values():
            # A click would give it the focus, and with it the keys Enter and Space.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.progress)
        column.addWidget(self.bar)
        column.addWidget(self.kept)
        column.addLayout(self._grid())
        return page

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        cells = {
            "accept": (0, 0, 1, 2),
            "reject": (0, 2, 1, 2),
            "later": (0, 4, 1, 2),
            "previousCell": (1, 0, 1, 3),
            "nextCell": (1, 3, 1, 3),
            "mergeCells": (2, 0, 1, 3),
            "deleteRejected": (2, 3, 1, 3),
        }
        for name, cell in cells.items():
            grid.addWidget(self.buttons[name], *cell)
        return grid

    def _connect(self) -> None:
        self.table.chosen.connect(self._show_cell)
        self.table.model.modelReset.connect(self._on_rows)
        self.table.selection_changed.connect(self.state_changed)
        self._selection.changed.connect(self._on_selected)
        self._selection.several_changed.connect(self._refresh)
        self._measurer.changed.connect(self._on_review)
        self._session.statuses_changed.connect(self._on_statuses)
        self._session.masks_changed.connect(self._on_masks)

    # Signals

    def _chosen(self) -> list[int]:
        """Return the selected cells, or the chosen one if it is not among them."""
        if self._selection.several:
            return sorted(self._selection.several)
        cell, selected = self._selection.cell, self.table.selected()
        if cell in selected:
            return selected
        return [cell] if cell else []

    def _show_cell(self, cell: int) -> None:
        """Choose a cell and centre the view on it; 0 does nothing."""
        if cell:
            self._selection.select(cell)
            self._highlight.center_on(cell)

    def _on_selected(self, cell: int) -> None:
        self.table.follow(cell)
        self._refresh()

    def _on_rows(self) -> None:
        """Select the row of the chosen cell after the rows have changed."""
        self.table.follow(self._selection.cell)

    def _on_review(self, review: Review | None) -> None:
        image = self._session.shown
        statuses = image.statuses.get(image.active, {}) if image else {}
        area, unit = pixel_area(image.source) if image else (1.0, "pixels")
        self.table.show(review, statuses, area, unit)
        if review is not None and review.row(self._selection.cell) < 0:
            self._selection.select(0)
        self._refresh()
        by, self._stepping = self._stepping, 0
        if by and review is not None:
            self.step(by)

    def _on_masks(self, change: MasksChange) -> None:
        # After an edit, the measurer reports a new review.
        if change.edit is None and change.image is self._session.shown:
            self._refresh()

    def _on_statuses(
        self, image: ProjectImage, name: str, cells: Sequence[int]
    ) -> None:
        if image is not self._session.shown or name != image.active:
            return
        known = image.statuses.get(name, {})
        statuses = {cell: known.get(cell) for cell in cells}
        self.table.set_statuses(statuses, self._measurer.review)
        self._refresh()
        # This shows the effect of an undo.
        if not self._deciding and len(cells) == 1:
            self._show_cell(cells[0])

    def _refresh(self) -> None:
        """Update the progress and the buttons."""
        image = self._session.shown
        done, total, later = self.table.model.progress()
        self._pages.setCurrentIndex(1 if total else 0)
        if image is None:
            self.empty.setText(_NO_IMAGE)
        elif image.masks is None or not image.masks.cells:
            self.empty.setText(_NO_MASKS)
        else:
            self.empty.setText("")
        text = f"{done:,} of {total:,} reviewed"
        self.progress.setText(f"{text}, {later:,} for later" if later else text)
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        count = len(self.table.model.rejected())
        noun = f"{count:,} rejected cells" if count > 1 else "rejected cell"
        self.buttons["deleteRejected"].setText(
            f"Delete {noun}" if count else "Delete rejected cells"
        )
        self.state_changed.emit()

    def _reason_none_chosen(self) -> str:
        return "" if self._chosen() else "Choose a cell first: click on it."

    def _reason_not_several(self) -> str:
        several = len(self.table.selected()) > 1
        return "" if several else "Select several cells in the table first."

    def _reason_none_left(self) -> str:
        """Return the reason why there is no next cell; "" if there may be one.

        While the panel is hidden, its cells are not measured after edits. The command
        remains enabled then: it shows the panel, which measures them.
        """
        done, total, _ = self.table.model.progress()
        known = self.isVisible() and self._measurer.review is not None
        return "All cells are reviewed." if known and done >= total else ""

    def _reason_none_rejected(self) -> str:
        return "" if self.table.model.rejected() else "No cell is rejected."
