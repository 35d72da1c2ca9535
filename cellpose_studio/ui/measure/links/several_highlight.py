"""Outlines of cells that are chosen together, in the plane that is shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.core.masks.labels import polygons
from cellpose_studio.core.masks.map_ids import only
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.canvas.lines import JoinedPaths, join_paths
from cellpose_studio.ui.services import Services

LINE = "several"
_BRIGHT = "#ffd400"

Line = npt.NDArray[np.floating]


class _Asked(NamedTuple):
    """The cells to outline, in a plane of masks after a number of edits."""

    pixels: LabelImage
    edits: int
    number: int
    cells: frozenset[int]


_MOST_POINTS = 60_000
"""Points of all outlines up to which every corner is drawn."""

_FEWEST_POINTS = 10
"""Points that are left of an outline at least."""


class SeveralHighlight(QObject):
    """Draws the outlines, which are traced off the GUI thread."""

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__()
        self._session = services.session
        self._selection = services.selection
        self._queue = services.stack_jobs
        self._canvas = canvas
        self._job: Job | None = None
        self._drawn: _Asked | None = None
        self._shown = False
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._refresh)
        self._selection.several_changed.connect(self._timer.start)
        canvas.plane_changed.connect(self._timer.start)
        # The first outlines would wait for it, with the rest of what a brush does.
        self._ahead = QTimer(self, singleShot=True, interval=0)
        self._ahead.timeout.connect(lambda: canvas.prepare_line(LINE, _BRIGHT))
        self._ahead.start()
        self._session.masks_changed.connect(self._on_masks)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted" and self._selection.several:
            self._timer.start()

    def _refresh(self) -> None:
        asked = self._asked()
        if asked is None:
            self._drawn = None
            if self._shown:
                self._show(join_paths([]))
        # While a job runs, another one follows it.
        elif self._job is None and asked != self._drawn:
            self._trace(asked)

    def _trace(self, asked: _Asked) -> None:
        taken = [asked.pixels.snapshot()]

        def work(_: object) -> JoinedPaths:
            return _outlines(taken.pop(), asked.number, asked.cells)

        job = self._job = Job("Outlining cells", work, quiet=True)
        job.finished.connect(lambda paths: self._finish(asked, paths))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _asked(self) -> _Asked | None:
        """Return what is to be outlined now; None if nothing is."""
        image, cells = self._session.shown, self._selection.several
        masks = image.masks if image is not None else None
        if not cells or masks is None or not masks.pixels.loaded:
            return None
        shape, plane = masks.array.shape, self._canvas.plane
        if len(plane) != len(shape) - 2:
            return None
        number = int(np.ravel_multi_index(plane, shape[:-2])) if plane else 0
        return _Asked(masks.pixels, masks.pixels.edits, number, cells)

    def _finish(self, asked: _Asked, paths: JoinedPaths) -> None:
        if asked == self._asked():
            self._drawn = asked
            self._show(paths)

    def _on_end(self) -> None:
        self._job = None
        self._timer.start()

    def _show(self, paths: JoinedPaths) -> None:
        self._canvas.show_line(LINE, paths, _BRIGHT)
        self._shown = bool(paths)


def _outlines(snapshot: Snapshot, number: int, cells: frozenset[int]) -> JoinedPaths:
    """Return closed lines, Y and X in pixels, around cells of a plane."""
    labels = snapshot.plane(number)
    every = polygons(only(labels, [*cells])).values()
    # Polygons run along pixel corners, but 0 is the centre of the first pixel.
    lines = [line[:, ::-1] - 0.5 for several in every for line in several]
    # Of thousands of cells, each corner would cost more to draw than it shows.
    step = -(-sum(map(len, lines)) // _MOST_POINTS)
    return join_paths(
        [_closed(line if step < 2 else _simpler(line, step)) for line in lines]
    )


def _closed(line: Line) -> Line:
    return np.concatenate([line, line[:1]])


def _simpler(line: Line, step: int) -> Line:
    """Return each ``step``-th middle between two corners, but as many as show a cell.

    They lie less than a pixel off the line around a cell of usual size.
    """
    middles = (line + np.roll(line, -1, axis=0)) / 2
    return middles[:: max(1, min(step, len(middles) // _FEWEST_POINTS))]
