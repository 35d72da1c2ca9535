"""What the user has decided about cells: accepted, rejected, or to be fixed later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from psygnal import Signal

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.masks.revision_writer import RevisionWriter
from cellpose_studio.app.session.image_collection import ImageCollection
from cellpose_studio.app.undo.stack import StatusStep, UndoStack
from cellpose_studio.core.provenance.revision import (
    CellStatus,
    LabelRevision,
    StatusChanges,
)


class CellStatuses(ImageCollection):
    """The status of cells, by label set and id; `Session` adds the masks.

    A status belongs to an id: edits keep it, and so does a cell that was deleted, for
    the day when it comes back.
    """

    statuses_changed = Signal(object, str, tuple)  # Entry, label set, cells
    undo_stack: UndoStack
    _heads: RevisionWriter

    def set_cell_status(
        self, image: ProjectImage, cells: Iterable[int], status: CellStatus | None
    ) -> None:
        """Give cells of the active masks a status, as one step; None takes it away."""
        known = image.statuses.get(image.active, {})
        changes = {
            cell: (known.get(cell), status)
            for cell in cells
            if known.get(cell) != status
        }
        if changes and image.masks is not None:
            text = _words(len(changes), status)
            step = StatusStep(self, image, image.active, changes, text)
            self.undo_stack.push(step)

    def apply_statuses(
        self,
        image: ProjectImage,
        name: str,
        text: str,
        changes: StatusChanges,
        undoes: int | None,
    ) -> int:
        """Write the status of cells; for the undo stack. Returns the entry's id."""
        number = self._heads.set_statuses(
            image.label_set_ids[name], _revision(image, name), text, changes, undoes
        )
        self._put_statuses(image, name, changes)
        return number

    def _put_statuses(
        self, image: ProjectImage, name: str, changes: StatusChanges
    ) -> None:
        """Give cells the status after a change that the project knows of."""
        if not changes:
            return
        known = image.statuses.setdefault(name, {})
        for cell, (_, status) in changes.items():
            if status is None:
                known.pop(cell, None)
            else:
                known[cell] = status
        self.statuses_changed.emit(image, name, tuple(changes))


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


def _revision(image: ProjectImage, name: str) -> LabelRevision | None:
    """Return the revision that masks are at; those of a preview have none yet."""
    labels = image.label_sets.get(name)
    preview = image.preview_of
    if preview is not None and preview.name == name:
        labels = preview
    return labels.revision if labels is not None else None


def _words(cells: int, status: CellStatus | None) -> str:
    """Return what the menu calls a step: "Accept cell", "Reject 12 cells"."""
    verbs = {"accepted": "Accept", "rejected": "Reject", "later": "Keep for later"}
    verb = verbs[status] if status else "Forget status of"
    what = "cell" if cells == 1 else f"{cells:,} cells"
    return f"{verb}: {what}" if status == "later" else f"{verb} {what}"
