"""Dialog for the columns of the experiment: condition, well, replicate, day."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QShortcut,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.images.experiment import Experiment
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.errors import StudioError
from cellpose_studio.core.measure.experiment.columns import ExperimentColumns
from cellpose_studio.core.measure.experiment.values import (
    NamePattern,
    checked_name,
    columns_in,
    pasted,
    spelt_alike,
)
from cellpose_studio.core.wording import counted, image_count
from cellpose_studio.io.masks.folders import bare_stem
from cellpose_studio.ui.files.dialogs import ok_cancel
from cellpose_studio.ui.measure.experiment.model import ExperimentModel
from cellpose_studio.ui.measure.experiment.value_editor import ValueDelegate
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.widgets.tables.whole_names import (
    NamesShortenedInside,
    can_be_told_apart,
    room_for,
)
from cellpose_studio.workflows.measure.experiment_rows import (
    ambiguity_text,
    table_rows,
)
from cellpose_studio.workflows.measure.items import source_names

_NAME = 200
"""Width of the column of names, if that is enough to tell them apart, px."""
_HELP = (
    "Type what belongs to each image, or paste it from a spreadsheet: a block of "
    "values, or a table whose first column is “image” with the names of the files."
)
_PATTERN_TIP = (
    "<qt>Take columns from the names of the files, without their suffix: "
    "<b>{condition}_{well}_*</b> reads “drug” and “A1” from drug_A1_003. <b>*</b> is "
    "anything, <b>?</b> is one sign. The table shows in italics what would be set.</qt>"
)

Rows = Mapping[int, Mapping[str, str]]


def change_columns(services: Services, experiment: Experiment, parent: QWidget) -> None:
    """Show the dialog; offer to take back what was changed in it."""
    session, before = services.session, experiment.columns
    project = session.project
    ExperimentDialog(session, experiment, parent).exec()

    def undo() -> None:
        # The message may outlive the project.
        if session.project is project:
            experiment.set(before)

    if experiment.columns != before:
        text = "The columns of the experiment were changed."
        services.messages.offer(text, "Undo", undo)


class ExperimentDialog(QDialog):
    """Edits a copy of the columns, which replaces them when it is accepted."""

    def __init__(
        self, session: Session, experiment: Experiment, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Columns of the experiment")
        self._experiment = experiment
        sources = {image.id: image.source for image in session.images}
        names = source_names([*sources.values()])
        self._sources, self._names = [*sources.values()], names
        images = [*zip(sources, names, strict=True)]
        self._stems = {
            image.id: bare_stem(image.source.path.stem) for image in session.images
        }
        self.model = ExperimentModel(images, experiment.columns, experiment.earlier)
        self.view = QTableView(objectName="experimentTable")
        self.view.setModel(self.model)
        self.view.setAccessibleName("Images and their columns")
        self.view.setToolTip(
            "One row for each image: type or paste what belongs to it."
        )
        self.view.setItemDelegate(ValueDelegate(self.view, self.paste))
        self.view.setItemDelegateForColumn(0, NamesShortenedInside(self.view))
        self.view.verticalHeader().hide()
        letters = self.view.fontMetrics()
        whole = max((room_for(letters, name) for name in names), default=0)
        # What is left out of a name may be all that tells it from others.
        alike = not can_be_told_apart(letters, names, _NAME)
        self.view.setColumnWidth(0, whole if alike else _NAME)
        self.pattern = QLineEdit(objectName="experimentPattern")
        self.pattern.setPlaceholderText("{condition}_{well}_*")
        self.pattern.setAccessibleName("Pattern of the names of files")
        self.pattern.setToolTip(_PATTERN_TIP)
        self.fits = QLabel(objectName="experimentFits", wordWrap=True)
        self.take = QPushButton("Take", objectName="experimentTake")
        # The Return key takes what the pattern finds; the result is seen before it is
        # used.
        self.take.setDefault(True)
        self.take.setToolTip("Set the values that the table shows in italics.")
        self._lay_out()
        self._connect()
        self._on_pattern("")
        self.resize(640, 480)

    def accept(self) -> None:
        """Replace the columns of the project."""
        self._experiment.set(self.model.columns, self.model.earlier)
        super().accept()

    def add_column(self, name: str) -> bool:
        """Add a column without values; return whether its name can be used."""
        try:
            checked = checked_name(name, self.model.columns.names)
        except StudioError as error:
            self.fits.setText(str(error))
            return False
        now = self.model.columns
        names = (*now.names, checked)
        self.model.set_columns(ExperimentColumns(names=names, values=now.values))
        # What was wrong with another name is so no longer.
        self._on_pattern("")
        return True

    def paste(self) -> None:
        """Set values from the clipboard: a table of images, or a block of values."""
        text = QApplication.clipboard().text()
        if not text.strip():
            return
        head = text.lstrip("\ufeff").lstrip().casefold()
        if head.startswith("image"):
            self._paste_table(text)
            return
        start = self.view.currentIndex()
        if not start.isValid() or start.column() == 0 or not self.model.columns.names:
            self.fits.setText(
                "Choose the first value to paste over; add a column first."
            )
            return
        beyond = self.model.paste(start, text)
        self._on_pattern("")
        if beyond:
            left = counted(beyond, "value")
            self.fits.setText(
                f"{left} had no place: the table has no row or column there. Add a "
                "column, or choose another first value, and paste again."
            )

    def take_pattern(self) -> None:
        """Set the values that the pattern finds in the names of files."""
        try:
            found = self._found()
        except StudioError:
            # What is wrong is said beside the pattern already.
            return
        self.pattern.clear()
        if found:
            self.model.set_columns(self.model.columns.merged(found))

    def delete_column(self) -> None:
        """Delete the column of the current value."""
        at = self.view.currentIndex().column() - 1
        if 0 <= at < len(self.model.columns.names):
            columns = self.model.columns
            self.model.set_columns(columns.without(columns.names[at]))

    def undo(self) -> None:
        """Show the columns before the last change, also one of an earlier dialog."""
        self.model.undo()
        self._on_pattern("")

    # Within

    def _lay_out(self) -> None:
        add, delete = QPushButton("Add column…"), QPushButton("Delete column")
        paste, back = QPushButton("Paste"), QPushButton("Undo")
        back.setToolTip(
            "Take back the last change of these columns, also one that you made before "
            "you opened this dialog (Ctrl+Z in the table)."
        )
        self.undo_button = back
        add.setToolTip("Add a column, such as condition, well, replicate or day.")
        delete.setToolTip("Delete the column of the chosen value.")
        paste.setToolTip("Paste values from a spreadsheet (Ctrl+V in the table).")
        calls = (
            (add, self._ask_column),
            (delete, self.delete_column),
            (paste, self.paste),
            (back, self.undo),
        )
        row = QHBoxLayout()
        for button, call in calls:
            button.setAutoDefault(False)
            button.clicked.connect(lambda _=False, call=call: call())
            row.addWidget(button)
        row.addStretch(1)
        grid = QGridLayout()
        grid.addWidget(QLabel("From file names"), 0, 0)
        grid.addWidget(self.pattern, 0, 1)
        grid.addWidget(self.take, 0, 2)
        grid.addWidget(self.fits, 1, 1, 1, 2)
        column = QVBoxLayout(self)
        column.addWidget(QLabel(_HELP, wordWrap=True))
        column.addLayout(row)
        column.addWidget(self.view, 1)
        column.addLayout(grid)
        tip = "Take these columns into the project, for tables and plots."
        column.addWidget(ok_cancel(self, "Use", tip))

    def _connect(self) -> None:
        self.pattern.textChanged.connect(self._on_pattern)
        self.take.clicked.connect(lambda: self.take_pattern())
        paste = QShortcut(QKeySequence(QKeySequence.StandardKey.Paste), self.view)
        paste.activated.connect(self.paste)
        undo = QShortcut(QKeySequence(QKeySequence.StandardKey.Undo), self.view)
        undo.activated.connect(self.undo)
        for signal in (self.model.modelReset, self.model.dataChanged):
            signal.connect(
                lambda *_: self.undo_button.setEnabled(bool(self.model.earlier))
            )

    def _ask_column(self) -> None:
        text = "Name of the column: condition, well, replicate, day …"
        name, chosen = QInputDialog.getText(self, "Add column", text)
        if chosen and name.strip():
            self.add_column(name.strip())

    def _paste_table(self, text: str) -> None:
        try:
            found = pasted(text)
        except StudioError as error:
            self.fits.setText(str(error))
            return
        places = table_rows(found, self._sources, self._names)
        rows = {self.model.images[n][0]: row for n, row in places.rows.items()}
        alike = self._spelt_otherwise(rows)
        self.model.set_columns(self.model.columns.merged(rows))
        unknown = len(places.unknown)
        said = [
            f"Values for {image_count(len(rows))}.",
            f"{counted(unknown, 'row')} named no image." if unknown else "",
            ambiguity_text(places, self._names),
            alike,
        ]
        self.fits.setText(" ".join(filter(None, said)))

    def _spelt_otherwise(self, rows: Rows) -> str:
        """Return a sentence about names that differ only by case from columns."""
        known = self.model.columns.names
        others = [name for name in columns_in(rows.values()) if name not in known]
        (spelt,) = spelt_alike([dict.fromkeys(others, "")], known)
        same = [
            (new, old) for new, old in zip(others, spelt, strict=True) if new != old
        ]
        return " ".join(
            f"Values of {new} go into the column {old}." for new, old in same
        )

    def _found(self) -> Rows:
        """Return what the pattern finds, by the ids of images.

        Raises
        ------
        ExperimentUnfit
        """
        text = self.pattern.text().strip()
        if not text:
            return {}
        pattern = NamePattern(text)
        found = {number: pattern.values(stem) for number, stem in self._stems.items()}
        return {number: row for number, row in found.items() if row is not None}

    def _on_pattern(self, _: str) -> None:
        """Show what the pattern finds, or what is wrong with it."""
        try:
            rows = self._found()
        except StudioError as error:
            self.model.set_preview({})
            self.take.setEnabled(False)
            # While it is being typed, a pattern is often incomplete.
            self.fits.setText(str(error))
            return
        alike = spelt_alike(rows.values(), self.model.columns.names)
        self.model.set_preview(dict(zip(rows, alike, strict=True)))
        self.take.setEnabled(bool(rows))
        if self.pattern.text().strip():
            total = image_count(len(self._stems))
            fits = f"Fits the names of {len(rows):,} of {total}."
            self.fits.setText(f"{fits} {self._spelt_otherwise(rows)}".strip())
        else:
            self.fits.setText("")
