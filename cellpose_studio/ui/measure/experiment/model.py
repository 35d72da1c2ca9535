"""Qt model of the table of images with the columns of the experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QFont

from cellpose_studio.core.measure.experiment.columns import ExperimentColumns

_ROLES = Qt.ItemDataRole


class ExperimentModel(QAbstractTableModel):
    """Lists images with their values, which can be typed; a preview is in italics.

    Parameters
    ----------
    images
        Id and name of each image.
    earlier
        The columns before each of the last changes, which `undo` brings back.
    """

    def __init__(
        self,
        images: Sequence[tuple[int, str]],
        columns: ExperimentColumns,
        earlier: Sequence[ExperimentColumns] = (),
    ) -> None:
        super().__init__()
        self.images = images
        self._columns = columns
        self.earlier = [*earlier]
        self._preview: Mapping[int, Mapping[str, str]] = {}
        self._italic = QFont()
        self._italic.setItalic(True)

    @property
    def columns(self) -> ExperimentColumns:
        """The columns, without the preview."""
        return self._columns

    def set_columns(self, columns: ExperimentColumns) -> None:
        """Show other columns; `undo` brings back those until now."""
        if columns != self._columns:
            self.earlier.append(self._columns)
        self._reset(columns)

    def undo(self) -> None:
        """Show the columns before the last change."""
        if self.earlier:
            self._reset(self.earlier.pop())

    def _reset(self, columns: ExperimentColumns) -> None:
        self.beginResetModel()
        self._columns = columns
        self.endResetModel()

    def set_preview(self, rows: Mapping[int, Mapping[str, str]]) -> None:
        """Show what values would be set, by the ids of images."""
        self.beginResetModel()
        self._preview = rows
        self.endResetModel()

    @property
    def shown(self) -> ExperimentColumns:
        """The columns with the preview."""
        return self._columns.merged(self._preview) if self._preview else self._columns

    # Methods that Qt calls

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return len(self.images)

    def columnCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of columns, with that of the images."""
        return 1 + len(self.shown.names)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = _ROLES.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if orientation == Qt.Orientation.Horizontal and role == _ROLES.DisplayRole:
            return "Image" if section == 0 else self.shown.names[section - 1]
        return None

    def flags(self, index: QModelIndex) -> Any:
        """Return whether a value can be typed."""
        flags = super().flags(index)
        editable = index.column() > 0 and not self._preview
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return a name or a value."""
        number, name = self.images[index.row()]
        if index.column() == 0:
            return name if role in (_ROLES.DisplayRole, _ROLES.ToolTipRole) else None
        column = self.shown.names[index.column() - 1]
        is_new = column in self._preview.get(number, {})
        if role == _ROLES.FontRole and is_new:
            return self._italic
        if role not in (_ROLES.DisplayRole, _ROLES.EditRole):
            return None
        known = self._preview if is_new else self._columns.values
        return known.get(number, {}).get(column, "")

    def setData(
        self, index: QModelIndex, value: Any, role: int = _ROLES.EditRole
    ) -> bool:
        """Set a value that was typed."""
        if role != _ROLES.EditRole or index.column() == 0:
            return False
        self.fill([index], str(value).strip())
        return True

    def fill(self, places: Sequence[QModelIndex], value: str) -> None:
        """Give several places one value."""
        rows: dict[int, dict[str, str]] = {}
        for index in places:
            if index.column() > 0:
                number = self.images[index.row()][0]
                name = self._columns.names[index.column() - 1]
                rows.setdefault(number, {})[name] = value
        columns = self._columns.merged(rows)
        if columns != self._columns:
            self.earlier.append(self._columns)
        self._columns = columns
        for index in places:
            self.dataChanged.emit(index, index)

    def paste(self, start: QModelIndex, text: str) -> int:
        """Set values from lines with tabs between them, from a place on.

        Return how many values had no place, because the table ends before.
        """
        beyond = 0
        rows: dict[int, dict[str, str]] = {}
        for down, line in enumerate(text.splitlines()):
            for right, value in enumerate(line.split("\t")):
                row, column = start.row() + down, start.column() + right
                # Columns of a preview are not there yet.
                if row < len(self.images) and 0 < column <= len(self._columns.names):
                    name = self._columns.names[column - 1]
                    known = rows.setdefault(self.images[row][0], {})
                    known[name] = value.strip()
                else:
                    beyond += bool(value.strip())
        self.set_columns(self._columns.merged(rows))
        return beyond
