"""Keeps what the canvas shows in step with the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isnan

from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.label_marks import marks_of
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.ui.canvas.canvas import Canvas

_FEW = 50
"""Regions that are drawn again one by one; for more, all that lies between is."""


class SessionView(QObject):
    """The image of the session that is shown, with its masks, on the canvas."""

    cell_described = Signal(str)  # the cell under the pointer

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        session.masks_changed.connect(self._on_masks)
        session.statuses_changed.connect(self._on_statuses)
        canvas.cell_pointed_at.connect(self._on_cell)
        canvas.labels_chosen.connect(self._on_labels_chosen)

    def show(self, image: ProjectImage | None) -> None:
        """Show an image and its masks, or nothing.

        Raises
        ------
        ImageUnreadable
            If the file has gone, or is damaged where it was not looked at before.
        """
        try:
            self._canvas.show_image(image.source if image else None)
        finally:
            # Also over an image that cannot be read.
            if image is not None:
                for labels in image.label_sets.values():
                    self._draw(labels)
                self._canvas.masks.activate(image.active)

    def _draw(self, labels: LabelSet) -> None:
        """Show masks that are in memory; others come as soon as they are read."""
        image = self._session.shown
        if labels.pixels.loaded and image is not None:
            marks = marks_of(image.statuses.get(labels.name, {}))
            self._canvas.masks.set_marks(labels.name, marks)
            self._canvas.masks.show(labels.name, labels.array, labels.confidence)

    def _on_masks(self, change: MasksChange) -> None:
        image, name, edit = change.image, change.name, change.edit
        if image is not self._session.shown:
            return
        if edit is not None:
            # The drafts of a stroke have drawn all of it.
            if not change.was_drafted:
                regions = _regions(edit, image.source.label_shape)
                self._canvas.masks.redraw(name, regions)
            return
        labels = image.label_sets.get(name)
        if labels is None:
            self._canvas.masks.remove(name)
        else:
            self._draw(labels)
        self._canvas.masks.activate(image.active)

    def _on_statuses(
        self, image: ProjectImage, name: str, cells: Sequence[int]
    ) -> None:
        labels = image.label_sets.get(name)
        if image is not self._session.shown or not labels or not labels.pixels.loaded:
            return
        marks, table = (
            marks_of(image.statuses.get(name, {})),
            labels.pixels.cell_table(),
        )
        there = [table.box(cell) for cell in cells if table.size_of(cell)]
        regions = there if len(there) <= _FEW else None
        self._canvas.masks.set_marks(name, marks, regions)

    def _on_labels_chosen(self, name: str) -> None:
        image = self._session.shown
        if image is not None and name != image.active:
            self._session.choose_label_set(image, name)

    def _on_cell(self, cell: int) -> None:
        image = self._session.shown
        self.cell_described.emit(_about_cell(cell, image.masks if image else None))


def _regions(edit: LabelEdit, shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Return boxes that hold all pixels of an edit; its cells may lie far apart."""
    if len(edit.parts) > _FEW:
        return [edit.region(shape)]
    return [replace(edit, parts=(part,)).region(shape) for part in edit.parts]


def _about_cell(cell: int, labels: LabelSet | None) -> str:
    """Return what the status bar says of the cell under the pointer."""
    if not cell or labels is None:
        return ""
    sure = labels.confidence.of(cell) if labels.confidence else None
    if sure is None:
        return f"cell {cell}"
    error = "" if isnan(sure.flow_error) else f", flow error {sure.flow_error:.2f}"
    return f"cell {cell}: {sure.pixels} px, probability {sure.probability:.0%}{error}"
