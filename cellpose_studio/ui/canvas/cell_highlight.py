"""Outlines the cell that is chosen, and takes the view to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject

from cellpose_studio.app.selection import Selection
from cellpose_studio.app.session.session import Entry, Session
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.masks.labels import polygons
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.canvas.camera import fly_to, show_region

LINE = "chosen"
BRIGHT = "#ffd400"

Box = tuple[slice, ...]


class Spotlight(QObject):
    """Keeps a bright line around the chosen cell, in the plane that is shown."""

    def __init__(self, session: Session, canvas: Canvas, selection: Selection) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        self._selection = selection
        selection.changed.connect(self.refresh)
        session.labels_changed.connect(self.refresh)
        session.labels_edited.connect(self.refresh)
        session.gone_back.connect(self._on_gone_back)
        canvas.model.dims.events.current_step.connect(self.refresh)

    def refresh(self, *_: object) -> None:
        """Draw the line anew."""
        self._canvas.show_line(LINE, self._lines(), BRIGHT)

    def fly(self, cell: int) -> None:
        """Bring a cell into view, in the plane where most of it is."""
        entry, box = self._session.shown, self._box(cell)
        if entry is None or entry.labels is None or box is None:
            return
        plane, middle = _where(entry.labels.labels[box] == cell)
        start = [part.start for part in box]
        centre = np.array([*plane, *middle], float) + start
        size = max(part.stop - part.start for part in box[-2:])
        fly_to(self._canvas, centre.tolist(), size, entry.image.label_scale)

    def _on_gone_back(self, entry: Entry, edit: LabelEdit) -> None:
        """Show what an undo has changed, which may be on another plane."""
        if self._canvas.model.dims.ndisplay == 2:
            region = edit.region(entry.image.label_shape)
            show_region(self._canvas, region, entry.image.label_scale)

    def _lines(self) -> list[npt.NDArray[np.float64]]:
        entry, box = self._session.shown, self._box(self._selection.cell)
        if entry is None or entry.labels is None or box is None:
            return []
        planes = self._canvas.plane
        # The canvas forgets its axes when it is cleared, at the end for one.
        if len(planes) != len(box) - 2:
            return []
        inside = zip(box[:-2], planes, strict=True)
        if not all(part.start <= at < part.stop for part, at in inside):
            return []
        where: Any = (*planes, *box[-2:])
        mask = entry.labels.labels[where] == self._selection.cell
        # Corners of pixels; the middle of the first pixel is 0.
        corner = np.array([part.start for part in box[-2:]]) - 0.5
        lines = polygons(mask.astype(np.uint32)).get(1, [])
        return [np.concatenate([line, line[:1]])[:, ::-1] + corner for line in lines]

    def _box(self, cell: int) -> Box | None:
        """Return the box of a cell of the masks that are shown, if it is there."""
        entry = self._session.shown
        if not cell or entry is None or entry.labels is None:
            return None
        pixels = entry.labels.pixels
        if not pixels.loaded or not pixels.sizes().of_cell(cell):
            return None
        return pixels.sizes().box(cell)


def _where(mask: npt.NDArray[np.bool_]) -> tuple[list[int], list[float]]:
    """Return the plane that has most of a cell, and its middle there."""
    counts = mask.sum(axis=(-2, -1))
    plane = [int(n) for n in np.unravel_index(np.argmax(counts), counts.shape or (1,))]
    plane = plane[: mask.ndim - 2]
    return plane, np.argwhere(mask[tuple(plane)]).mean(axis=0).tolist()
