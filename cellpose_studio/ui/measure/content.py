"""What the Measure tab shows: the table of cells, and what can be done with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.background.edits import BackgroundEdits
from cellpose_studio.app.background.table_measurer import TableMeasurer
from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.wording import counted, image_count
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.display.cell_colouring import CellColouring
from cellpose_studio.ui.measure.all_images import (
    AllImages,
    MeasuredImage,
    measured_image,
)
from cellpose_studio.ui.measure.classes.actions import ClassActions
from cellpose_studio.ui.measure.compartments.box import CompartmentsBox
from cellpose_studio.ui.measure.experiment.dialog import change_columns
from cellpose_studio.ui.measure.links.cell_link import CellLink
from cellpose_studio.ui.measure.links.several_highlight import SeveralHighlight
from cellpose_studio.ui.measure.lower_tabs import LowerTabs
from cellpose_studio.ui.measure.plots.panel import PlotPanel
from cellpose_studio.ui.measure.scope_box import (
    ALL_CELLS,
    ALL_TRACKS,
    SUMMARY,
    THIS_IMAGE,
    TRACKS,
    ScopeBox,
)
from cellpose_studio.ui.measure.table.buttons import TableButtons
from cellpose_studio.ui.measure.table.colour_choice import ColourChoice
from cellpose_studio.ui.measure.table.column_chooser import ColumnChooser
from cellpose_studio.ui.measure.table.rows import IMAGE, TIME, Rows, rows_of, with_texts
from cellpose_studio.ui.measure.table.view import MeasurementTable
from cellpose_studio.ui.measure.table_actions import TableActions
from cellpose_studio.ui.measure.tracks.rows import NO_FILM, NO_FILMS, track_rows
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.measure.items import names_of

_NO_IMAGE = "Open an image to measure its cells."
_NO_MASKS = "No cells to measure yet: run a model, or draw some cells."
_MEASURING = "Measuring…"
_PREPARING = "Compiling measurements, once after an installation: up to 20 s…"
Indices = npt.NDArray[np.intp]


class MeasureContent(QWidget):
    """Lists the cells that were measured, linked with those on the canvas.

    Parameters
    ----------
    measurer
        Measures the cells of the masks shown.
    colouring
        Colours them on the canvas.
    experiment
        Columns of the experiment.
    actions
        Commands on classes of cells.
    plots
        Made before, as a part of the work.
    """

    def __init__(
        self,
        services: Services,
        canvas: Canvas,
        measurer: TableMeasurer,
        colouring: CellColouring,
        experiment: Experiment,
        edits: BackgroundEdits,
        actions: ClassActions,
        plots: PlotPanel | None = None,
    ) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._selection = services.selection
        self._canvas = canvas
        self._measurer = measurer
        self.colouring = ColourChoice(colouring)
        self.colour = self.colouring.box
        self._experiment = experiment
        self.all = AllImages(services, measurer.compartments)
        self.link = CellLink(services.session, canvas, services.selection)
        self.compartments = CompartmentsBox(
            services, canvas, measurer, edits, self.link
        )
        self.highlight = SeveralHighlight(services, canvas)
        self.table = MeasurementTable()
        self.lower = LowerTabs(services, actions, self.all, plots or PlotPanel())
        self.plots, self.classes = self.lower.plots, self.lower.classes
        self.tables = TableActions(
            services,
            experiment,
            self.table,
            self._measured_images,
            lambda: self.scope.of_tracks,
        )
        self.rows = Rows()
        self._choosing = False
        self._lay_out()
        self._connect()
        self._on_measured(measurer.table)

    def set_active(self, on: bool) -> None:
        """Measure while the tab is visible."""
        self._measurer.set_active(on, "table")
        self.compartments.set_active(on)
        self.all.set_active(on and self.scope.of_all)

    # Commands

    def ask_experiment(self) -> None:
        """Show the dialog for the columns of the experiment."""
        change_columns(self._services, self._experiment, self.window())

    def choose_columns(self) -> None:
        """Show the list of columns to choose from."""
        chooser = ColumnChooser(self.rows.fields, self._keys(), self)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.changed.connect(self._set_columns)
        chooser.show()

    # Building

    def _lay_out(self) -> None:
        self.empty = QLabel(objectName="measureEmpty", wordWrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.below = TableButtons()
        self.count, self.copy_button = self.below.number, self.below.copy
        self.experiment_button = QPushButton("Experiment…", objectName="experiment")
        self.experiment_button.setToolTip(
            "Say what belongs to which image: condition, well, replicate, day. The "
            "table and the plots have it as columns."
        )
        self.scope = ScopeBox()
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.below)
        column.addWidget(self.colouring)
        self.parts = QSplitter(Qt.Orientation.Vertical)
        self.parts.setChildrenCollapsible(False)
        self.parts.addWidget(page)
        self.parts.addWidget(self.lower)
        self.parts.setStretchFactor(0, 3)
        self.parts.setStretchFactor(1, 2)
        self._share()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.parts)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 8, 8, 8)
        first = QHBoxLayout()
        first.addWidget(self.scope, 1)
        first.addWidget(self.experiment_button)
        whole.addLayout(first)
        whole.addWidget(self.compartments)
        whole.addWidget(self.pages, 1)

    def _share(self) -> None:
        """Give the table half of the room, or all of it without plots and classes."""
        # The size hints would leave the table less than half.
        self.parts.setSizes([1000, 0 if self.lower.folded else 1000])

    def _connect(self) -> None:
        self._measurer.changed.connect(self._on_measured)
        self.all.changed.connect(self._on_all)
        self.all.cancelled.connect(self._on_cancelled)
        self._experiment.changed.connect(self._update)
        self._session.divisions_changed.connect(lambda *_: self._on_divisions())
        self.lower.folded_changed.connect(lambda _: self._share())
        self.scope.activated.connect(lambda _: self._on_scope())
        self._measurer.busy_changed.connect(lambda _: self._refresh())
        self._selection.changed.connect(self._follow)
        self._selection.several_changed.connect(self._on_several)
        self._canvas.plane_changed.connect(self._follow)
        self.table.chosen.connect(self._on_chosen)
        self.table.several_chosen.connect(self._on_several_chosen)
        self.table.rows_changed.connect(self._on_rows)
        self.table.copy_requested.connect(self.tables.copy)
        self.plots.brushed.connect(self._on_brushed)
        self.copy_button.clicked.connect(lambda: self.tables.copy())
        self.below.export.clicked.connect(lambda: self.tables.ask_and_export())
        self.experiment_button.clicked.connect(lambda: self.ask_experiment())
        self.below.columns.clicked.connect(lambda: self.choose_columns())

    # Signals

    def _measured_images(self) -> list[MeasuredImage] | None:
        """Return what is exported; None while it is not measured."""
        image, measured = self._session.shown, self._measurer.table
        if self.scope.of_all:
            return None if self.all.busy else [*self.all.result.images]
        if image is None or measured is None or self._measurer.busy:
            return None
        compartments = self._measurer.compartments
        return [measured_image(self._session, image, measured, compartments)]

    def _on_measured(self, _: Measurements | None) -> None:
        if not self.scope.of_all:
            self._update()

    def _on_all(self) -> None:
        if self.scope.of_all:
            self._update()
            self.colouring.rescale()

    def _on_scope(self) -> None:
        self.all.set_active(self.scope.of_all)
        self._update()
        self.colouring.rescale()

    def _on_cancelled(self) -> None:
        self.scope.setCurrentIndex(self.scope.findData(THIS_IMAGE))
        self._on_scope()

    def _update(self) -> None:
        """List the cells of the images that are chosen."""
        scope, image = self.scope.currentData(), self._session.shown
        if not self.scope.of_all:
            measured = self._measurer.table
            if measured is None or image is None:
                self._show(Rows())
                return
            if scope == TRACKS:
                mothers = image.mothers.get(image.active, {})
                rows = track_rows(measured, image.source, mothers, image.id)
            else:
                rows = rows_of(measured, image.id)
            known = self._experiment.columns.of(image.id)
            self._show(with_texts(rows, {image.id: known}))
            return
        found = self.all.result
        by_scope = {ALL_CELLS: found.cells, ALL_TRACKS: found.tracks}
        rows = by_scope.get(scope, found.summary)
        names = names_of([one.item for one in found.images])
        texts = {
            one.id: {IMAGE: name, **self._experiment.columns.of(one.id)}
            for one, name in zip(found.images, names, strict=True)
        }
        self._show(with_texts(rows, texts))

    def _show(self, rows: Rows) -> None:
        self.rows = rows
        of_all = self.scope.currentData() == ALL_CELLS
        self.colouring.set_rows(rows, self.scope.of_cells, of_all)
        self.table.show(rows, self._keys())
        self._refresh()

    def _keys(self) -> list[str]:
        """Return the keys of the columns that the user has chosen."""
        settings = self._services.settings
        tracks = self.scope.of_tracks
        return settings.track_columns if tracks else settings.measure_columns

    def _set_columns(self, keys: list[str]) -> None:
        if self.scope.of_tracks:
            self._services.settings.track_columns = keys
        else:
            self._services.settings.measure_columns = keys
        self.table.show(self.rows, keys)

    def _on_divisions(self) -> None:
        if self.scope.currentData() == TRACKS:
            self._update()

    def _on_rows(self) -> None:
        self.plots.show_rows(self.rows, self.table.model.listed)
        if self.isVisible():
            self._leave_hidden()
        self._on_several()
        self._refresh()

    def _leave_hidden(self) -> None:
        """Choose no longer what the filter hides: commands would act on it unseen."""
        image, several = self._session.shown, self._selection.several
        if image is None or not several:
            return
        here = np.flatnonzero(self.rows.images == image.id)
        listed = np.isin(here, self.table.model.listed)
        hidden = np.setdiff1d(self.rows.cells[here], self.rows.cells[here[listed]])
        left = several.difference(hidden.tolist())
        if left != several:
            self._selection.select(next(iter(left)) if len(left) == 1 else 0, left)

    def _on_chosen(self, row: int) -> None:
        rows = self.rows
        image, cell, time = rows.images[row], rows.cells[row], rows.times[row]
        target = int(image), int(cell), int(time)
        self.link.show(target, self.all.masks_of(int(image)))

    def _on_several_chosen(self, selected: list[int]) -> None:
        self._choose(np.array(selected, np.intp))

    def _on_brushed(self, chosen: Indices) -> None:
        self.table.view.clearSelection()
        self._choose(chosen)

    def _choose(self, chosen: Indices) -> None:
        """Choose the cells of rows; those of other images are marked only here."""
        image = self._session.shown
        here = chosen[self.rows.images[chosen] == (image.id if image else -1)]
        cells = self.rows.cells[here].tolist()
        self._choosing = True
        self._selection.select(cells[0] if len(set(cells)) == 1 else 0, cells)
        self._choosing = False
        self._mark(chosen)
        is_of_cells = self.scope.currentData() in (ALL_CELLS, ALL_TRACKS)
        if len(here) < len(chosen) and is_of_cells:
            self._services.messages.note(
                f"{len(here):,} of the {len(chosen):,} chosen cells are in this image: "
                "commands such as Accept and Delete act only on these."
            )

    def _mark(self, chosen: Indices) -> None:
        self.table.mark(chosen)
        self.plots.show_chosen(chosen)
        self._refresh()

    def _follow(self, *_: object) -> None:
        """Show which cell is chosen, at the time point that is shown."""
        if self._choosing or self._selection.several:
            return
        image, cell = self._session.shown, self._selection.cell
        row = -1
        if image is not None and (cell or self.scope.currentData() == SUMMARY):
            cell = 0 if self.scope.currentData() == SUMMARY else cell
            time = self._canvas.planes.get("T", 0)
            row = self.rows.row(cell, image.id, time)
        self.table.follow(row)
        self._mark(np.array([row] if row >= 0 else [], np.intp))

    def _on_several(self) -> None:
        """Show which cells are chosen together."""
        if self._choosing:
            return
        image, several = self._session.shown, self._selection.several
        if image is None or not several:
            self._follow()
            return
        cells = np.array(sorted(several), np.uint32)
        here = (self.rows.images == image.id) & np.isin(self.rows.cells, cells)
        self._mark(np.flatnonzero(here))

    def _counted(self, number: int) -> str:
        """Return how many images, cells or, in time series, rows there are."""
        if self.scope.currentData() == SUMMARY:
            images = len(np.unique(self.rows.images))
            rows = "" if number == images else f"{counted(number, 'row')} of "
            return f"{rows}{image_count(images)}"
        noun = "row" if TIME in self.rows.by_name else "cell"
        return counted(number, "track" if self.scope.of_tracks else noun)

    def _refresh(self) -> None:
        """Update the number of cells, or the reason why there are none."""
        scope, image = self.scope.currentData(), self._session.shown
        busy = self.all.busy if self.scope.of_all else self._measurer.busy
        self.pages.setCurrentIndex(1 if len(self.rows) else 0)
        if busy:
            self.empty.setText(_MEASURING if self._measurer.prepared else _PREPARING)
        elif image is None:
            self.empty.setText(_NO_IMAGE)
        elif scope == ALL_TRACKS and len(self.all.result.cells):
            self.empty.setText(NO_FILMS)
        elif self.scope.of_all or image.masks is None or not image.masks.cells:
            self.empty.setText(_NO_MASKS)
        else:
            self.empty.setText(NO_FILM if scope == TRACKS else "")
        listed, every = len(self.table.model.listed), len(self.rows)
        text = self._counted(every)
        if listed != every:
            text = f"{listed:,} of {text}"
        if chosen := len(self.table.model.marked):
            text = f"{text} · {chosen:,} chosen"
        text = f"{text} · measuring…" if busy and every else text
        self.count.setText(text)
