"""Which cells the user has chosen, wherever that was done."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session


class Selection(QObject):
    """The chosen cell of the masks that are shown, or several of them.

    Whoever lets the user choose cells says it here, and hears of it from here.
    """

    changed = Signal(object)  # id of the cell, 0 for none
    several_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._cell = 0
        self._several: frozenset[int] = frozenset()
        self._masks = self._shown_masks()
        session.shown_changed.connect(self._on_shown)
        session.masks_changed.connect(self._on_masks)

    @property
    def cell(self) -> int:
        """Its id; 0 if none is chosen."""
        return self._cell

    @property
    def several(self) -> frozenset[int]:
        """The cells that are chosen together; empty while it is one, or none."""
        return self._several

    def select(self, cell: int, several: Iterable[int] = ()) -> None:
        """Choose a cell, 0 for none, and the cells that are chosen with it.

        Fewer than two are not several.
        """
        together = frozenset(several)
        if len(together) < 2:
            together = frozenset()
        is_other, before = cell != self._cell, self._several
        self._cell, self._several = cell, together
        if together != before:
            self.several_changed.emit()
        if is_other:
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
        elif change.name != image.active:
            return
        elif change.edit is not None:
            self._on_edit(image.label_sets[change.name])
        elif change.before is not None and image.masks is not None:
            self._on_others(change.before, image.masks)

    def _on_edit(self, labels: LabelSet) -> None:
        """Choose no cell that is there no longer."""
        if not self._cell and not self._several:
            return
        table = labels.pixels.cell_table()
        cell = self._cell if table.size_of(self._cell) else 0
        self.select(cell, filter(table.size_of, self._several))

    def _on_others(self, before: LabelSet, now: LabelSet) -> None:
        """Choose the cell of new masks that has most pixels of the chosen one.

        Where none has half of them, it stays chosen as long as it is there.
        """
        old, new = before.pixels, now.pixels
        if old is not new:
            # Their ids may be those of other cells now.
            self.select(self._cell)
        if not self._cell or not old.loaded or not new.loaded or old is new:
            return
        table = old.cell_table()
        size = table.size_of(self._cell)
        if size and old.array().shape == new.array().shape:
            box = table.box(self._cell)
            inside = new.array()[box][old.array()[box] == self._cell]
            cells, counts = np.unique(inside, return_counts=True)
            at = int(np.argmax(counts))
            if cells[at] and 2 * counts[at] >= size:
                self.select(int(cells[at]))
                return
        self._on_edit(now)

    def _shown_masks(self) -> tuple[ProjectImage, str] | None:
        """Return the image and the label set that ids belong to."""
        shown = self._session.shown
        return (shown, shown.active) if shown else None
