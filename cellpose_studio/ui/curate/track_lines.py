"""The track of the chosen cell on the canvas, with its mother and its daughters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.label_set import LabelImage
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.core.matching.divisions import family_of
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.services import Services

TRACK, DIVISION = "track", "division"
_TRACK_COLOUR, _DIVISION_COLOUR = "#00d8ff", "#ff7ad9"

Boxes = dict[int, tuple[slice, ...]]
Path = npt.NDArray[np.float64]


class _Asked(NamedTuple):
    """A track of masks after a number of edits, with the cells beside it."""

    pixels: LabelImage
    edits: int
    cell: int
    mother: int | None
    daughters: tuple[int, ...]


class TrackLines(QObject):
    """Draws a line through the centroids of a track over time, and its divisions.

    They are measured off the GUI thread.
    """

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__()
        self._session = services.session
        self._selection = services.selection
        self._queue = services.stack_jobs
        self._canvas = canvas
        self._job: Job | None = None
        self._drawn: _Asked | None = None
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._refresh)
        self._selection.changed.connect(lambda *_: self._timer.start())
        self._session.divisions_changed.connect(lambda *_: self._timer.start())
        self._session.shown_changed.connect(lambda *_: self._timer.start())
        self._session.masks_changed.connect(self._on_masks)

    def _on_masks(self, change: MasksChange) -> None:
        if change.kind != "drafted":
            self._timer.start()

    def _refresh(self) -> None:
        asked = self._asked()
        if asked is None:
            if self._drawn is not None:
                self._show(None, [], [])
        # While a job runs, another one follows it.
        elif self._job is None and asked != self._drawn:
            self._measure(asked)

    def _asked(self) -> _Asked | None:
        """Return what is to be drawn now; None if nothing is."""
        image, cell = self._session.shown, self._selection.cell
        masks = image.masks if image is not None else None
        if image is None or masks is None or not cell or image.source.frames < 2:
            return None
        pixels = masks.pixels
        if not pixels.loaded or not pixels.cell_table().size_of(cell):
            return None
        mothers = image.mothers.get(image.active, {})
        mother, daughters = family_of(mothers, pixels.cell_table(), cell)
        return _Asked(pixels, pixels.edits, cell, mother, daughters)

    def _measure(self, asked: _Asked) -> None:
        table, taken = asked.pixels.cell_table(), [asked.pixels.snapshot()]
        family = (asked.cell, asked.mother, *asked.daughters)
        boxes = {cell: table.box(cell) for cell in family if cell is not None}

        def work(_: object) -> tuple[list[Path], list[Path]]:
            return _lines(taken.pop(), boxes, asked)

        job = self._job = Job("Following a track", work, quiet=True)
        job.finished.connect(lambda lines: self._finish(asked, *lines))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, asked: _Asked, track: list[Path], divisions: list[Path]) -> None:
        if asked == self._asked():
            self._show(asked, track, divisions)

    def _on_end(self) -> None:
        self._job = None
        self._timer.start()

    def _show(
        self, asked: _Asked | None, track: list[Path], divisions: list[Path]
    ) -> None:
        self._drawn = asked
        show = self._canvas.show_line
        show(TRACK, track, _TRACK_COLOUR, "Track of the chosen cell")
        show(DIVISION, divisions, _DIVISION_COLOUR, "Division")


def _lines(
    snapshot: Snapshot, boxes: Boxes, asked: _Asked
) -> tuple[list[Path], list[Path]]:
    """Return the line of a track, and lines from and to the cells beside it."""
    paths = {cell: _centroids(snapshot, box, cell) for cell, box in boxes.items()}
    own = paths[asked.cell]
    # A division is drawn from the last place of the mother to the first of a daughter.
    divisions = [
        np.concatenate([own[-1:], paths[daughter][:1]]) for daughter in asked.daughters
    ]
    if asked.mother is not None:
        divisions.append(np.concatenate([paths[asked.mother][-1:], own[:1]]))
    return [own] if len(own) > 1 else [], divisions


def _centroids(snapshot: Snapshot, box: tuple[slice, ...], cell: int) -> Path:
    """Return Y and X of a cell in each time point that has it, pixels."""
    start = [part.start for part in box[-2:]]
    found = []
    for time in range(box[0].start, box[0].stop):
        mask = snapshot[(slice(time, time + 1), *box[1:])] == cell
        if mask.any():
            found.append(np.argwhere(mask)[:, -2:].mean(axis=0) + start)
    return np.array(found, float).reshape(-1, 2)
