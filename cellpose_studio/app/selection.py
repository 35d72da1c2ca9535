"""Which cell the user has chosen, wherever that was done."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session


class Selection(QObject):
    """The chosen cell of the masks that are shown.

    Whoever lets the user choose a cell says it here, and hears of it from here.
    """

    changed = Signal(object)  # id of the cell, 0 for none

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._cell = 0
        self._masks = self._shown_masks()
        session.shown_changed.connect(self._on_shown)
        session.masks_changed.connect(self._on_masks)

    @property
    def cell(self) -> int:
        """Its id; 0 if none is chosen."""
        return self._cell

    def select(self, cell: int) -> None:
        """Choose a cell; 0 for none."""
        if cell != self._cell:
            self._cell = cell
            self.changed.emit(cell)

    def _on_shown(self, _: ProjectImage | None) -> None:
        self._masks = self._shown_masks()
        self.select(0)

    def _on_masks(self, change: MasksChange) -> None:
        image = change.image
        if image is not self._session.shown or change.kind == "drafted":
            return
        if self._masks != self._shown_masks():
            # New masks may become the active ones as they are put in place.
            self._on_shown(image)
        elif change.edit is not None and change.name == image.active:
            self._on_edit(image.label_sets[change.name])

    def _on_edit(self, labels: LabelSet) -> None:
        """Choose no cell that is there no longer."""
        if self._cell and not labels.pixels.cell_table().size_of(self._cell):
            self.select(0)

    def _shown_masks(self) -> tuple[ProjectImage, str] | None:
        """Return the image and the label set that ids belong to."""
        shown = self._session.shown
        return (shown, shown.active) if shown else None
