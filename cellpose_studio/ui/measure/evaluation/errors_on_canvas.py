"""Shows wrong cells on the canvas: coloured, and one of them in the centre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, Signal

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.label_picture import OUTLINE, draw_labels
from cellpose_studio.core.matching.evaluation.errors import CellError
from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    draw_evaluation,
)
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.measure.evaluation.sides import items_of_session
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.evaluation.choice import Sides

_SMALLEST = 24.0
"""Cells are shown no larger than ones of this size, px: one sees what lies around."""

Picture = npt.NDArray[np.uint8]


class ErrorsOnCanvas(QObject):
    """Colours the cells of the image shown by what is wrong with them; off at first.

    The colours go when the masks change, and follow when another image is shown.
    """

    closed = Signal()

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._canvas = canvas
        self._wanted: tuple[Sides, EvaluationOptions] | None = None
        self._job: Job | None = None
        self._picture: Picture | None = None
        self._waiting: tuple[int, CellError, str] | None = None
        self._session.shown_changed.connect(self._on_shown)
        self._session.masks_changed.connect(self._on_masks)

    def show(self, sides: Sides, options: EvaluationOptions) -> None:
        """Colour the cells of the image shown, and of those shown later."""
        self._wanted = sides, options
        self._draw()

    def close(self) -> None:
        """Show the masks again."""
        was_shown = self._picture is not None
        self._drop()
        self._wanted = None
        image = self._session.shown
        if was_shown and image is not None:
            self._canvas.masks.show_comparison(None)
            self._canvas.masks.activate(image.active)

    def go_to(self, image: int, error: CellError, name: str) -> None:
        """Show a wrong cell in the centre of the view, and choose it.

        ``name`` is that of the masks in which it is; cells of masks that are not shown,
        or not as they are now, cannot be chosen.
        """
        target = self._session.image_of(image)
        if target is None:
            return
        if target is not self._session.shown:
            self._session.show(target.source.key)
        self._waiting = image, error, name
        self._go_on()

    def _go_on(self) -> None:
        image, waiting = self._session.shown, self._waiting
        if image is None or waiting is None or image.id != waiting[0]:
            return
        masks = image.masks
        if masks is None or not masks.pixels.loaded:
            return
        self._waiting = None
        _, error, name = waiting
        cells = error.found if error.is_found else error.true
        if name == image.active and masks.pixels.cell_table().size_of(cells[0]):
            self._services.selection.select(cells[0])
        frame = [error.frame] if image.source.frames > 1 else []
        size = max(error.size, _SMALLEST)
        self._canvas.camera.center_on([*frame, *error.centre], size)

    def _draw(self) -> None:
        self._drop()
        image = self._session.shown
        if image is None or self._wanted is None:
            return
        sides, options = self._wanted
        items = items_of_session(self._session, [image], sides)
        if not items:
            return
        read = items[0].read

        def work(_: Checkpoint) -> Picture:
            masks = read()
            drawn = draw_evaluation(
                masks.found, masks.true, options, masks.in_frames, masks.ignore
            )
            found, true = (
                one.astype(np.uint32, copy=False) for one in (masks.found, masks.true)
            )
            edges = np.where(found > 0, draw_labels(found), draw_labels(true))
            # Cells that do not count are not drawn, so neither is their outline.
            return np.where(drawn > 0, drawn | (edges & np.uint8(OUTLINE)), 0)

        job = self._services.run(
            "Colouring wrong cells",
            work,
            lambda drawn: self._finish(job, drawn),
            once_left="is dropped",
        )
        self._job = job

    def _finish(self, job: Job, picture: Picture) -> None:
        # A cancelled job may still finish, after another one was started.
        if self._job is job:
            self._job, self._picture = None, picture
            self._canvas.masks.show_comparison(picture)

    def _drop(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self._picture = None

    def _on_shown(self, _: ProjectImage | None) -> None:
        self._waiting = None
        if self._picture is not None:
            self._canvas.masks.show_comparison(None)
        self._draw()

    def _on_masks(self, change: MasksChange) -> None:
        if change.image is not self._session.shown:
            return
        if change.kind == "loaded":
            self._go_on()
        if self._wanted is None:
            return
        if change.kind in ("replaced", "previewed", "edited"):
            self.close()
            self.closed.emit()
        elif change.kind != "drafted" and self._picture is not None:
            # The masks are the same, but the change has shown them on top.
            self._canvas.masks.show_comparison(self._picture)
