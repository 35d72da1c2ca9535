"""List of what needs a look: nuclei in no cell, cells with none or several."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from cellpose_studio.core.measure.compartments.matching import NucleiInCells

_ROLES = Qt.ItemDataRole
_ORPHAN, _EMPTY, _SEVERAL = range(3)


class Finding(NamedTuple):
    """One line of the list: a nucleus or a cell, at a time point from 0."""

    is_nucleus: bool
    id: int
    time: int


class FindingsModel(QAbstractListModel):
    """Lists the orphans first, then cells without a nucleus, then those with several.

    It holds arrays, not items: ten thousand lines cost nothing until they are shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self._found: NucleiInCells | None = None
        self._in_time = False
        self._kinds = self._times = self._ids = np.zeros(0, np.int64)

    def show(self, found: NucleiInCells | None, in_time: bool) -> None:
        """List what was found; None for nothing."""
        if found is self._found:
            return
        self.beginResetModel()
        self._found, self._in_time = found, in_time
        parts = found.remarkable if found is not None else ()
        self._kinds = np.repeat(np.arange(len(parts)), [len(p.ids) for p in parts])
        nothing = np.zeros(0, np.int64)
        self._times = np.concatenate([nothing, *(part.times for part in parts)])
        self._ids = np.concatenate([nothing, *(part.ids for part in parts)])
        self.endResetModel()

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of lines."""
        return len(self._ids)

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the text of a line."""
        if role != _ROLES.DisplayRole:
            return None
        one = self.finding(index.row())
        when = f"Time {one.time + 1}: " if self._in_time else ""
        return when + self._text(int(self._kinds[index.row()]), one)

    def finding(self, row: int) -> Finding:
        """Return what a line is about."""
        is_nucleus = self._kinds[row] == _ORPHAN
        return Finding(bool(is_nucleus), int(self._ids[row]), int(self._times[row]))

    def _text(self, kind: int, one: Finding) -> str:
        if kind == _ORPHAN:
            return f"Nucleus {one.id}: in no cell"
        if kind == _EMPTY:
            return f"Cell {one.id}: no nucleus"
        assert self._found is not None
        times, ids = self._found.cells
        row = np.flatnonzero((times == one.time) & (ids == one.id))[0]
        nuclei = str(self._found.texts[row]).split()
        return f"Cell {one.id}: {len(nuclei)} nuclei ({', '.join(nuclei)})"
