"""Highlights the chosen cell on the canvas, and centres the view on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.labels import place_of, polygons
from cellpose_studio.ui.canvas.canvas import Canvas

LINE = "chosen"
BRIGHT = "#ffd400"

Box = tuple[slice, ...]


class CellHighlight(QObject):
    """Draws a bright outline around the chosen cell, in the plane that is shown."""

    def __init__(self, session: Session, canvas: Canvas, selection: Selection) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        self._selection = selection
        selection.changed.connect(self.refresh)
        session.masks_changed.connect(self._on_masks)
        session.undone.connect(self._on_undone)
        canvas.plane_changed.connect(self.refresh)

    def refresh(self, *_: object) -> None:
        """Update the outline."""
        self._canvas.show_line(LINE, self._lines(), BRIGHT)

    def show(self, cell: int) -> None:
        """Centre the view on a cell, unless it is well in view already."""
        image, box = self._session.shown, self._box(cell)
        if image is None or image.masks is None or box is None:
            return
        plane = self._canvas.plane
        inside = zip(box[:-2], plane, strict=False)
        shown = len(plane) == len(box) - 2 and all(
            part.start <= at < part.stop for part, at in inside
        )
        where: Any = (*plane, *box[-2:])
        if not (
            shown
            and self._canvas.camera.shows_well(box[-2:])
            and (image.masks.array[where] == cell).any()
        ):
            self.center_on(cell)

    def center_on(self, cell: int) -> None:
        """Centre the view on a cell, in the plane with its largest cross-section."""
        image, box = self._session.shown, self._box(cell)
        if image is None or image.masks is None or box is None:
            return
        centre, size = place_of(image.masks.array[box] == cell, box)
        self._canvas.camera.center_on(centre, size)

    def _on_masks(self, change: MasksChange) -> None:
        # The outline is traced at the end of a stroke, not with each move of the brush.
        if change.kind != "drafted":
            self.refresh()

    def _on_undone(self, image: ProjectImage, edit: LabelEdit) -> None:
        """Show the region that an undo has changed, which may be on another plane."""
        self._canvas.camera.show_region(edit.region(image.source.label_shape))

    def _lines(self) -> list[npt.NDArray[np.float64]]:
        image, box = self._session.shown, self._box(self._selection.cell)
        if image is None or image.masks is None or box is None:
            return []
        planes = self._canvas.plane
        # A canvas without layers has no axes: while it is cleared, and on closing.
        if len(planes) != len(box) - 2:
            return []
        inside = zip(box[:-2], planes, strict=True)
        if not all(part.start <= at < part.stop for part, at in inside):
            return []
        where: Any = (*planes, *box[-2:])
        mask = image.masks.array[where] == self._selection.cell
        # Polygons run along pixel corners, but 0 is the centre of the first pixel.
        corner = np.array([part.start for part in box[-2:]]) - 0.5
        lines = polygons(mask.astype(np.uint32)).get(1, [])
        return [np.concatenate([line, line[:1]])[:, ::-1] + corner for line in lines]

    def _box(self, cell: int) -> Box | None:
        """Return the bounding box of a cell of the masks shown; None without it."""
        image = self._session.shown
        if not cell or image is None or image.masks is None:
            return None
        pixels = image.masks.pixels
        # Masks are not read here, because that would block the GUI thread.
        if not pixels.loaded or not pixels.cell_table().size_of(cell):
            return None
        return pixels.cell_table().box(cell)
