"""What the user has decided about cells: accepted, rejected, or to be fixed later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psygnal import Signal

from cellpose_studio.app.masks.project_image import Entry
from cellpose_studio.app.masks.revision_writer import Heads
from cellpose_studio.app.session.image_collection import ProjectImages
from cellpose_studio.app.undo.stack import History, StatusStep
from cellpose_studio.core.provenance.revision import (
    CellStatus,
    LabelRevision,
    StatusChanges,
)


class CellStatuses(ProjectImages):
    """The status of cells, by label set and id; `Session` adds the masks.

    A status belongs to an id: edits keep it, and so does a cell that was deleted, for
    the day when it comes back.
    """

    statuses_changed = Signal(object, str, tuple)  # Entry, label set, cells
    undo_stack: History
    _heads: Heads

    def set_cell_status(
        self, entry: Entry, cells: Iterable[int], status: CellStatus | None
    ) -> None:
        """Give cells of the active masks a status, as one step; None takes it away."""
        known = entry.statuses.get(entry.active, {})
        changes = {
            cell: (known.get(cell), status)
            for cell in cells
            if known.get(cell) != status
        }
        if changes and entry.labels is not None:
            text = _words(len(changes), status)
            step = StatusStep(self, entry, entry.active, changes, text)
            self.undo_stack.push(step)

    def apply_statuses(
        self,
        entry: Entry,
        name: str,
        text: str,
        changes: StatusChanges,
        undoes: int | None,
    ) -> int:
        """Write the status of cells; for the undo stack. Returns the entry's id."""
        number = self._heads.set_statuses(
            entry.label_set_ids[name], _revision(entry, name), text, changes, undoes
        )
        self._put_statuses(entry, name, changes)
        return number

    def _put_statuses(self, entry: Entry, name: str, changes: StatusChanges) -> None:
        """Give cells the status after a change that the project knows of."""
        if not changes:
            return
        known = entry.statuses.setdefault(name, {})
        for cell, (_, status) in changes.items():
            if status is None:
                known.pop(cell, None)
            else:
                known[cell] = status
        self.statuses_changed.emit(entry, name, tuple(changes))


def renamed(
    statuses: Mapping[int, CellStatus], names: Mapping[int, int]
) -> StatusChanges:
    """Return what becomes of statuses when all cells get other ids.

    ``names`` has the new id of each cell; those of cells that are not there stay,
    unless another one gets their id.
    """
    moved = {new: statuses.get(old) for old, new in names.items()}
    gone = dict.fromkeys(names.keys() & statuses.keys() - moved.keys())
    return {
        cell: (statuses.get(cell), status)
        for cell, status in {**moved, **gone}.items()
        if statuses.get(cell) != status
    }


def _revision(entry: Entry, name: str) -> LabelRevision | None:
    """Return the revision that masks are at; those of a preview have none yet."""
    labels = entry.label_sets.get(name)
    preview = entry.preview_of
    if preview is not None and preview.name == name:
        labels = preview
    return labels.revision if labels is not None else None


def _words(cells: int, status: CellStatus | None) -> str:
    """Return what the menu calls a step: "Accept cell", "Reject 12 cells"."""
    verbs = {"accepted": "Accept", "rejected": "Reject", "later": "Keep for later"}
    verb = verbs[status] if status else "Forget status of"
    what = "cell" if cells == 1 else f"{cells:,} cells"
    return f"{verb}: {what}" if status == "later" else f"{verb} {what}"
