"""Synchronizes the canvas with the session."""

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
from cellpose_studio.core.masks.cell_table import Box
from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.matching.divisions import describe_family, family_of
from cellpose_studio.ui.canvas.canvas import Canvas

_FEW = 50
"""Most regions that are redrawn one by one; for more, their common box is."""


class SessionView(QObject):
    """Shows the current image of the session and its masks on the canvas."""

    cell_described = Signal(str)  # text about the cell under the mouse

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__()
        self._session = session
        self._canvas = canvas
        session.masks_changed.connect(self._on_masks)
        session.statuses_changed.connect(self._on_statuses)
        canvas.cell_pointed_at.connect(self._on_cell)

    def show(self, image: ProjectImage | None) -> None:
        """Show an image and its masks, or nothing.

        Raises
        ------
        ImageUnreadable
            If the file is missing, or damaged in a part that was not read before.
        """
        try:
            self._canvas.show_image(image.source if image else None)
        finally:
            # Masks are also shown if the image cannot be read.
            if image is not None:
                for labels in image.label_sets.values():
                    self._draw(labels)
                self._canvas.masks.activate(image.active)

    def _draw(self, labels: LabelSet) -> None:
        """Show masks that are in memory; others follow when they are loaded."""
        image = self._session.shown
        if labels.pixels.loaded and image is not None:
            # The marks come first, so that the masks are drawn once, with them.
            marks = marks_of(image.statuses.get(labels.name, {}))
            self._canvas.masks.set_marks(labels.name, marks)
            self._canvas.masks.show(
                labels.name,
                labels.array,
                labels.confidence,
                image.decided(labels.name),
                labels.pixels.take_drawn() if labels.name == image.active else None,
            )

    def _on_masks(self, change: MasksChange) -> None:
        if change.image is not self._session.shown:
            return
        self._redraw(change)
        # A cell may have come or gone below a pointer that rests. Drafts are drawn
        # where it moves.
        if change.kind != "drafted":
            self._canvas.point_again()

    def _redraw(self, change: MasksChange) -> None:
        image, name, edit = change.image, change.name, change.edit
        if edit is not None:
            shape = image.source.label_shape
            if change.kind == "drafted":
                self._canvas.masks.redraw_soon(name, edit.region(shape))
                return
            # The drafts of a stroke have drawn all of it.
            regions = [] if change.was_drafted else _regions(edit, shape)
            self._set_certain(image, name)
            regions += self._recoloured(image.label_sets[name], edit)
            if regions:
                self._canvas.masks.redraw(name, regions)
            return
        labels = image.label_sets.get(name)
        if labels is None:
            self._canvas.masks.remove(name)
        else:
            self._draw(labels)
        # A new layer is visible at first, even if its label set is not the active one.
        self._canvas.masks.activate(image.active)

    def _on_statuses(
        self, image: ProjectImage, name: str, cells: Sequence[int]
    ) -> None:
        labels = image.label_sets.get(name)
        if image is not self._session.shown or not labels or not labels.pixels.loaded:
            return
        marks = marks_of(image.statuses.get(name, {}))
        regions = None
        # Thousands of boxes would take longer than to draw everything.
        if len(cells) <= _FEW:
            table = labels.pixels.cell_table()
            regions = [table.box(cell) for cell in cells if table.size_of(cell)]
        self._set_certain(image, name)
        self._canvas.masks.set_marks(name, marks, regions)

    def _set_certain(self, image: ProjectImage, name: str) -> None:
        labels = image.label_sets[name]
        self._canvas.masks.set_certain(name, labels.confidence, image.decided(name))

    def _recoloured(self, labels: LabelSet, edit: LabelEdit) -> list[Box]:
        """Return boxes of cells that an edit made certain, beyond its own pixels."""
        masks = self._canvas.masks
        if not masks.by_uncertainty or not masks.uncertainty_known:
            return []
        table = labels.pixels.cell_table()
        cells = [cell for cell in edit.touched_cells() if table.size_of(cell)]
        if len(cells) > _FEW:
            return [tuple(slice(0, size) for size in labels.array.shape)]
        return [table.box(cell) for cell in cells]

    def _on_cell(self, cell: int) -> None:
        image = self._session.shown
        self.cell_described.emit(_describe_cell(cell, image) if image else "")


def _regions(edit: LabelEdit, shape: tuple[int, ...]) -> list[Box]:
    """Return boxes that contain all pixels of an edit, whose cells may be far apart."""
    if len(edit.parts) > _FEW:
        return [edit.region(shape)]
    return [replace(edit, parts=(part,)).region(shape) for part in edit.parts]


def _describe_cell(cell: int, image: ProjectImage) -> str:
    """Return the text of the status bar about a cell; "" for none."""
    labels = image.masks
    if not cell or labels is None:
        return ""
    mothers = image.mothers.get(image.active)
    parts = [_describe_shape(cell, labels)]
    if mothers and labels.pixels.loaded:
        family = family_of(mothers, labels.pixels.cell_table(), cell)
        parts.append(describe_family(*family))
    text = ", ".join(filter(None, parts))
    return f"cell {cell}: {text}" if text else f"cell {cell}"


def _describe_shape(cell: int, labels: LabelSet) -> str:
    """Return what is known of the pixels of a cell; "" if that is nothing."""
    confidence = labels.confidence.of(cell) if labels.confidence else None
    if cell in labels.hand_edits.shaped:
        return "made by hand"
    if confidence is None:
        return ""
    error = (
        ""
        if isnan(confidence.flow_error)
        else f", flow error {confidence.flow_error:.2f}"
    )
    return f"{confidence.pixels} px, probability {confidence.probability:.0%}{error}"
