"""Shows the cells of rows on the canvas, also those of other images."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.labels import place_of
from cellpose_studio.ui.canvas.canvas import Canvas

Target = tuple[int, int, int]
"""Id of an image of the project, cell, and time point."""


class CellLink(QObject):
    """Chooses a cell and centres the view on it, once its masks are in memory."""

    def __init__(self, session: Session, canvas: Canvas, selection: Selection) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        self._selection = selection
        self._waiting: Target | None = None
        session.masks_changed.connect(self._on_masks)
        session.shown_changed.connect(self._on_shown)

    def show(self, target: Target, masks: str = "") -> None:
        """Show the image of a cell, and choose the cell there.

        ``masks`` is the name of those that the cell is of; "" for those shown.
        """
        image = self._session.image_of(target[0])
        if image is None:
            return
        if image is not self._session.shown:
            self._session.show(image.source.key)
        if masks in image.label_sets and masks != image.active:
            self._session.choose_label_set(image, masks)
        # Set after the image is shown, which forgets what was to be shown before.
        self._waiting = target
        self._go_on()

    def _on_shown(self, _: ProjectImage | None) -> None:
        self._waiting = None

    def _on_masks(self, change: MasksChange) -> None:
        if self._waiting is not None and change.kind == "loaded":
            self._go_on()

    def _go_on(self) -> None:
        """Choose the cell if its masks are in memory by now."""
        image, target = self._session.shown, self._waiting
        if image is None or target is None or image.id != target[0]:
            return
        masks = image.masks
        if masks is None or not masks.pixels.loaded:
            return
        self._waiting = None
        _, cell, time = target
        if masks.pixels.cell_table().size_of(cell):
            self._selection.select(cell)
            self.center_on(image, masks, cell, time)

    def center_on(
        self, image: ProjectImage, masks: LabelSet, cell: int, time: int
    ) -> None:
        """Centre the view on a cell at a time point, in its largest cross-section.

        The masks are of the image shown, and in memory.
        """
        table = masks.pixels.cell_table()
        if not table.size_of(cell):
            return
        box = table.box(cell)
        if image.source.frames > 1:
            box = (slice(time, time + 1), *box[1:])
        where: Any = box
        mask = masks.array[where] == cell
        if mask.any():
            self._canvas.camera.center_on(*place_of(mask, box))
