"""Copies the table of measurements, and writes it to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from qtpy.QtWidgets import QApplication, QDialog

from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.wording import cell_count, counted
from cellpose_studio.ui.files.dialogs import may_replace_tables
from cellpose_studio.ui.measure.all_images import MeasuredImage
from cellpose_studio.ui.measure.export_dialog import TableExportDialog
from cellpose_studio.ui.measure.table.clipboard import table_text
from cellpose_studio.ui.measure.table.model import decimal_point
from cellpose_studio.ui.measure.table.view import MeasurementTable
from cellpose_studio.ui.measure.tracks.rows import NO_FILMS
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.measure.columns import WhatToMeasure, table_columns
from cellpose_studio.workflows.measure.items import names_of
from cellpose_studio.workflows.measure.measure import computed_by
from cellpose_studio.workflows.measure.tables import (
    KINDS,
    MeasurementTables,
    TableKind,
    table_files,
)
from cellpose_studio.workflows.measure.tracks import (
    track_files,
    tracks_of,
    write_tracks,
)

_NOT_MEASURED = "The cells are still being measured: export them when that is done."
_NO_CELLS = "No cells to export yet: run a model, or draw some cells."

Indices = npt.NDArray[np.intp]


class TableActions:
    """What can be done with the table.

    Parameters
    ----------
    measured
        Returns the images that are exported; None while they are measured.
    of_tracks
        Returns whether the table lists tracks, not cells.
    """

    def __init__(
        self,
        services: Services,
        experiment: Experiment,
        table: MeasurementTable,
        measured: Callable[[], list[MeasuredImage] | None],
        of_tracks: Callable[[], bool],
    ) -> None:
        self._services = services
        self._experiment = experiment
        self._table = table
        self._measured = measured
        self._of_tracks = of_tracks

    def copy(self) -> None:
        """Copy the selected rows, or all listed ones, to the clipboard."""
        model = self._table.model
        rows, fields, which = model.rows, model.fields, self.to_copy()
        of_tracks = self._of_tracks()
        decimal = decimal_point()

        def done(text: str) -> None:
            QApplication.clipboard().setText(text)
            what = cell_count(len(which)) if rows.cells.any() else f"{len(which)} rows"
            what = counted(len(which), "track") if of_tracks else what
            self._services.messages.note(f"Copied {what} with the titles of columns.")

        # Ten thousand rows take longer than the window may be held.
        self._services.run(
            "Copying cells",
            lambda _: table_text(rows, fields, which, decimal),
            done,
            quiet=True,
        )

    def to_copy(self) -> Indices:
        """Return the rows to copy: selected ones, marked ones, or all listed ones."""
        selected, model = self._table.selected(), self._table.model
        if len(selected) > 1:
            return np.array(selected, np.intp)
        if len(model.marked):
            return model.listed[np.isin(model.listed, model.marked)]
        return model.listed

    def ask_and_export(self) -> None:
        """Ask for a folder, and write the table there: of cells, or of tracks."""
        images = self._measured()
        if not images:
            reason = _NOT_MEASURED if images is None else _NO_CELLS
            self._services.messages.note(reason)
            return
        tracks = self._of_tracks()
        images = [one for one in images if one.table.in_time or not tracks]
        if not images:
            self._services.messages.note(NO_FILMS)
            return
        settings = self._services.settings
        folder = Path(settings.table_folder or images[0].item.image.path.parent)
        dialog = TableExportDialog(
            images=len(images),
            folder=folder,
            kinds=settings.table_kinds,
            tracks=tracks,
            parent=self._services.parent,
        )
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return
        settings.table_folder = str(dialog.folder)
        settings.table_kinds = list(dialog.kinds)
        files_of = track_files if tracks else table_files
        existing = [p for p in files_of(dialog.folder, KINDS) if p.exists()]
        if not existing or may_replace_tables(self._services.parent, existing):
            export = self.export_tracks if tracks else self.export
            export(images, dialog.folder, dialog.kinds)

    def export_tracks(
        self, images: Sequence[MeasuredImage], folder: Path, kinds: Sequence[TableKind]
    ) -> None:
        """Write the tracks of images, and what the columns mean."""
        names = names_of([one.item for one in images])
        columns = self._experiment.columns
        style = self._services.settings.csv_style
        given = [columns.of(one.id) for one in images]

        def work(_: Checkpoint) -> tuple[list[Path], tuple[str, ...]]:
            found = [
                tracks_of(one.item, name, one.table, one.mothers, experiment=row)
                for one, name, row in zip(images, names, given, strict=True)
            ]
            tracks = [one for one in found if one is not None]
            return write_tracks(folder, kinds, tracks, computed_by(), style), ()

        self._services.run("Exporting tracks", work, self._on_exported)

    def export(
        self, images: Sequence[MeasuredImage], folder: Path, kinds: Sequence[TableKind]
    ) -> None:
        """Write the cells of images, their summary, and what the columns mean."""
        columns = self._experiment.columns
        style = self._services.settings.csv_style
        rows = [columns.of(one.id) for one in images]
        items = [one.item for one in images]

        def work(checkpoint: Checkpoint) -> tuple[list[Path], tuple[str, ...]]:
            found = table_columns(items, WhatToMeasure(), rows)
            tables = MeasurementTables(folder, kinds, found, computed_by(), style)
            with tables:
                names = names_of(items)
                for n, (one, name, row) in enumerate(
                    zip(images, names, rows, strict=True)
                ):
                    checkpoint.reached(n, len(images), "image")
                    tables.add(tables.rows_of(one.item, name, row, one.table))
            return tables.files, found.notes

        self._services.run("Exporting measurements", work, self._on_exported)

    def _on_exported(self, done: tuple[list[Path], tuple[str, ...]]) -> None:
        files, notes = done
        names = ", ".join(path.name for path in files)
        self._services.messages.note(
            " ".join([f"Saved {names} in {files[0].parent}.", *notes])
        )
