"""Runs on a part of the image shown: the view, a drawn region, one cell."""

from __future__ import annotations

import numpy as np

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import RUN_RESULT
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.runs.runner import Runs
from cellpose_studio.core.edits.changes import pad_box
from cellpose_studio.core.masks.cell_table import Box, CellTable
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.core.runs.region import Region
from cellpose_studio.ui.segment.panel import SegmentPanel
from cellpose_studio.ui.services import Services
from cellpose_studio.ui.tools.context import ToolContext

NO_CELL = "Select a cell first, or delete one."
_FEWEST = 3
"""Cells at a place whose median tells the diameter better than one of them does."""
_SMALLEST = 5.0
"""Diameter below which cells are not measured, px, as by the engine."""
_DELETES = "Delete cell"
"""The operation of an edit that deletes one cell."""


class RegionRuns:
    """Starts runs on a part of the image shown, with the settings of the panel."""

    def __init__(
        self, services: Services, panel: SegmentPanel, runs: Runs, context: ToolContext
    ) -> None:
        self._session = services.session
        self._selection = services.selection
        self._messages = services.messages
        self._panel = panel
        self._runs = runs
        self._context = context
        self._deleted: tuple[ProjectImage, Box] | None = None
        context.region_drawn.connect(self.run_on)
        self._session.masks_changed.connect(self._on_masks)

    def run_on_view(self) -> Job | None:
        """Run on what is in view of the plane shown."""
        canvas = self._context.canvas
        part = canvas.camera.part_in_view()
        if part is None:
            self._messages.note("Nothing of a plane is in view.")
            return None
        rows, columns = part
        corners = ((columns.start, rows.start), (columns.stop, rows.stop))
        return self.run_on(corners, canvas.plane)

    def run_on(
        self, points: tuple[tuple[float, float], ...], plane: tuple[int, ...]
    ) -> Job | None:
        """Run on the region with these points, in a plane of the masks."""
        image, request = self._session.shown, self._panel.run_request()
        if image is None or request is None:
            return None
        model, parameters = request
        frame, number = _numbers(image, parameters, plane)
        region = Region(
            points=points, frame=frame, plane=number, contrast=self._panel.contrast
        )
        diameter = _diameter_before(image, model)
        # The cells seen there are replaced, unless new masks were asked for.
        asked = self._panel.parameters.masks.name
        is_new = asked != RUN_RESULT and asked not in image.label_sets
        name = asked if is_new or image.masks is None else image.masks.name
        limited = parameters.model_copy(update={"region": region})
        return self._runs.start(image, model, limited, masks=name, diameter=diameter)

    def find_cell(self) -> Job | None:
        """Find the chosen cell again, or the one that was deleted last."""
        image, request = self._session.shown, self._panel.run_request()
        found = self._place()
        if found is None:
            self._messages.note(NO_CELL)
        if image is None or image.masks is None or request is None or found is None:
            return None
        box, cell = found
        model, parameters = request
        plane = self._plane_of(box)
        frame, number = _numbers(image, parameters, plane)
        table, diameter = image.masks.pixels.cell_table(), parameters.diameter
        measured = _diameter_around(box, table, image)
        size = image.source.label_shape[-2:]
        rows, columns = pad_box(box[-2:], round(diameter or measured), size)
        y, x = self._centre(box, cell, plane)
        several = number is None and image.source.planes > 1
        region = Region(
            points=((columns.start, rows.start), (columns.stop, rows.stop)),
            frame=frame,
            plane=number,
            contrast=self._panel.contrast,
            cell_at=(x, y),
            cell_plane=plane[-1] + 1 if several else None,
            cell=cell or None,
        )
        scales = model.architecture_info.scales_images
        known = measured if scales else None
        limited = parameters.model_copy(update={"region": region})
        # The cell is one of the masks shown, wherever whole runs go.
        name = image.masks.name
        return self._runs.start(image, model, limited, masks=name, diameter=known)

    def _place(self) -> tuple[Box, int] | None:
        """Return the box of the cell to find, and its id; 0 for a deleted one."""
        image, cell = self._session.shown, self._selection.cell
        if image is None or image.masks is None or not image.masks.pixels.loaded:
            return None
        table = image.masks.pixels.cell_table()
        if cell and table.size_of(cell):
            return table.box(cell), cell
        if self._deleted is not None and self._deleted[0] is image:
            return self._deleted[1], 0
        return None

    def _plane_of(self, box: Box) -> tuple[int, ...]:
        """Return the plane shown if the box has a part in it, else its middle one."""
        shown = self._context.canvas.plane
        return tuple(
            at if part.start <= at < part.stop else (part.start + part.stop - 1) // 2
            for at, part in zip(shown, box[:-2], strict=True)
        )

    def _centre(
        self, box: Box, cell: int, plane: tuple[int, ...]
    ) -> tuple[float, float]:
        """Return y and x of a pixel in the middle of the cell, or of its box."""
        labels = self._context.labels
        middle = np.array([(part.start + part.stop - 1) / 2 for part in box[-2:]])
        if not cell or labels is None:
            return float(middle[0]), float(middle[1])
        start = [part.start for part in box[-2:]]
        pixels = np.argwhere(labels[plane][box[-2:]] == cell) + start
        if len(pixels):
            # The middle of a bent cell may lie outside of it.
            mean = pixels.mean(axis=0)
            middle = pixels[np.argmin(((pixels - mean) ** 2).sum(axis=1))]
        return float(middle[0]), float(middle[1])

    def _on_masks(self, change: MasksChange) -> None:
        """Keep where a cell was deleted last, as long as nothing else happens to it."""
        image, edit = change.image, change.edit
        if change.kind in ("drafted", "loaded") or image is not self._session.shown:
            return
        self._deleted = None
        if edit is None or edit.operation != _DELETES or len(edit.cells) != 1:
            return
        labels = image.label_sets[change.name].pixels
        # An undo of a deletion has the same name.
        if not labels.cell_table().size_of(edit.cells[0]):
            self._deleted = (image, edit.region(image.source.label_shape))


def _numbers(
    image: ProjectImage, parameters: SegmentationParameters, plane: tuple[int, ...]
) -> tuple[int | None, int | None]:
    """Return the time point and the plane of a region in a plane of the masks.

    Cells of several planes are found in all planes of the stack.
    """
    source = image.source
    frame = plane[0] + 1 if source.frames > 1 else None
    together = parameters.do_3D or parameters.stitch_threshold > 0
    flat = source.planes > 1 and not together
    return frame, plane[-1] + 1 if flat else None


def _diameter_before(image: ProjectImage, model: ModelSpec) -> float | None:
    """Return the diameter that the last run of a model on an image has measured."""
    record = image.masks.record if image.masks else None
    if record is None or record.model.sha256 != model.sha256:
        return None
    # That of a run for one cell is the diameter of this cell.
    region = record.parameters.region
    return None if region and region.cell_at else record.parameters.diameter


def _diameter_around(box: Box, table: CellTable, image: ProjectImage) -> float:
    """Return the diameter of the cells at a box, px: the median of several if flat."""
    sides = [part.stop - part.start for part in box[-2:]]
    found = float(np.mean(sides))
    if len(box) == 2:
        around = pad_box(box, 2 * max(sides), image.source.label_shape)
        cells = table.within(around).tolist()
        if len(cells) >= _FEWEST:
            found = float(np.median(2 * np.sqrt(table.sizes_of(cells) / np.pi)))
    return round(max(found, _SMALLEST), 1)
