"""Which cell the user has chosen, wherever that was done."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

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
        session.labels_changed.connect(self._on_labels)
        session.labels_edited.connect(self._on_edited)

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

    def _on_labels(self, image: ProjectImage, _: str) -> None:
        if image is self._session.shown and self._masks != self._shown_masks():
            self._masks = self._shown_masks()
            self.select(0)

    def _on_edited(self, image: ProjectImage, name: str, _: object) -> None:
        """Choose no cell that is there no longer."""
        if not self._cell or (image, name) != self._masks:
            return
        if not image.label_sets[name].pixels.cell_table().size_of(self._cell):
            self.select(0)

    def _shown_masks(self) -> tuple[ProjectImage, str] | None:
        """Return the image and the label set that ids belong to."""
        shown = self._session.shown
        return (shown, shown.active) if shown else None
