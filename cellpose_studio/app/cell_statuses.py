"""What the user has decided about cells: accepted, rejected, or to be fixed later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psygnal import Signal

from cellpose_studio.app.entry import Entry
from cellpose_studio.app.history import History, StatusStep
from cellpose_studio.app.project_images import ProjectImages
from cellpose_studio.io.project.extras import CellStatus, write_statuses

Statuses = Mapping[int, CellStatus | None]


class CellStatuses(ProjectImages):
    """The status of cells, by label set and id; `Session` adds the masks.

    A status belongs to an id: edits keep it, and so does a cell that was deleted, for
    the day when it comes back.
    """

    statuses_changed = Signal(object, str, tuple)  # Entry, label set, cells
    undo_stack: History

    def set_cell_status(
        self, entry: Entry, cells: Iterable[int], status: CellStatus | None
    ) -> None:
        """Give cells of the active masks a status, as one step; None takes it away."""
        known = entry.statuses.get(entry.active, {})
        changed = {cell: status for cell in cells if known.get(cell) != status}
        if changed and entry.labels is not None:
            step = StatusStep(self, entry, entry.active, changed, _words(changed))
            self.undo_stack.push(step)

    def apply_statuses(self, entry: Entry, name: str, statuses: Statuses) -> Statuses:
        """Write the status of cells; for the undo stack. Returns those before."""
        known = entry.statuses.setdefault(name, {})
        before = {cell: known.get(cell) for cell in statuses}
        for cell, status in statuses.items():
            if status is None:
                known.pop(cell, None)
            else:
                known[cell] = status
        label_set, written = entry.label_set_ids[name], dict(statuses)
        self.project.submit(lambda db: write_statuses(db, label_set, written))
        self.statuses_changed.emit(entry, name, tuple(statuses))
        return before


def _words(statuses: Statuses) -> str:
    """Return what the menu calls a step: "Accept cell", "Reject 12 cells"."""
    status = next(iter(statuses.values()))
    verbs = {"accepted": "Accept", "rejected": "Reject", "later": "Keep for later"}
    verb = verbs[status] if status else "Forget status of"
    what = "cell" if len(statuses) == 1 else f"{len(statuses):,} cells"
    return f"{verb}: {what}" if status == "later" else f"{verb} {what}"
