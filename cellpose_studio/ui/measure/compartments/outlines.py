"""Outlines of the nuclei in the plane that is shown, over the cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer

from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.app.session.compartments import Compartments
from cellpose_studio.core.masks.labels import polygons
from cellpose_studio.core.masks.snapshot import Snapshot
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.canvas.lines import JoinedPaths, join_paths
from cellpose_studio.ui.services import Services

NUCLEI, NUCLEUS = "nuclei", "nucleus"
_CYAN, _BRIGHT = "#00d0ff", "#ffd400"

Path = npt.NDArray[np.float64]
Paths = dict[int, list[Path]]


class _Asked(NamedTuple):
    """The nuclei of a plane of masks after a number of edits."""

    pixels: LabelImage
    edits: int
    number: int


class _Outlines(NamedTuple):
    """Closed lines around each nucleus of a plane, and all of them as one."""

    of: Paths
    joined: JoinedPaths


_NONE = _Outlines({}, join_paths([]))


class NucleiOutlines(QObject):
    """Draws the outlines, which are traced off the GUI thread; off at first."""

    def __init__(
        self, services: Services, canvas: Canvas, compartments: Compartments
    ) -> None:
        super().__init__()
        self._session = services.session
        self._queue = services.stack_jobs
        self._canvas = canvas
        self._compartments = compartments
        self._on = False
        self._chosen = 0
        self._job: Job | None = None
        self._drawn: _Asked | None = None
        self._outlines = _NONE
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._refresh)
        canvas.plane_changed.connect(self._timer.start)
        compartments.changed.connect(lambda: self._timer.start())
        self._session.masks_changed.connect(self._on_masks)
        self._session.shown_changed.connect(lambda _: self._on_shown())

    def set_on(self, on: bool) -> None:
        """Draw the outlines, or none."""
        self._on = on
        self._timer.start()

    def choose(self, nucleus: int) -> None:
        """Draw one nucleus in another colour; 0 for none."""
        self._chosen = nucleus
        self._show()

    def _on_shown(self) -> None:
        # The canvas forgets its lines with the image.
        self._chosen, self._drawn, self._outlines = 0, None, _NONE
        self._timer.start()

    def _on_masks(self, _: object) -> None:
        if self._on:
            self._timer.start()

    def _nuclei(self) -> LabelSet | None:
        image = self._session.shown
        if image is None or not self._on:
            return None
        return self._compartments.nuclei_of(image, image.active)

    def _refresh(self) -> None:
        asked = self._asked()
        if asked is None:
            if self._drawn is not None:
                self._drawn, self._outlines = None, _NONE
                self._show()
        # While a job runs, another one follows it.
        elif self._job is None and asked != self._drawn:
            self._trace(asked)

    def _asked(self) -> _Asked | None:
        nuclei = self._nuclei()
        if nuclei is None or not nuclei.pixels.loaded:
            return None
        shape, plane = nuclei.array.shape, self._canvas.plane
        if len(plane) != len(shape) - 2:
            return None
        number = int(np.ravel_multi_index(plane, shape[:-2])) if plane else 0
        return _Asked(nuclei.pixels, nuclei.pixels.edits, number)

    def _trace(self, asked: _Asked) -> None:
        taken = [asked.pixels.snapshot()]

        def work(_: object) -> _Outlines:
            return _outlines(taken.pop(), asked.number)

        job = self._job = Job("Outlining nuclei", work, quiet=True)
        job.finished.connect(lambda outlines: self._finish(asked, outlines))
        job.ended.connect(self._on_end)
        self._queue.start(job)

    def _finish(self, asked: _Asked, outlines: _Outlines) -> None:
        if asked == self._asked():
            self._drawn, self._outlines = asked, outlines
            self._show()

    def _on_end(self) -> None:
        self._job = None
        self._timer.start()

    def _show(self) -> None:
        outlines = self._outlines
        self._canvas.show_line(NUCLEI, outlines.joined, _CYAN, "Nuclei")
        self._canvas.show_line(NUCLEUS, outlines.of.get(self._chosen, []), _BRIGHT)


def _outlines(snapshot: Snapshot, number: int) -> _Outlines:
    """Return closed lines, Y and X in pixels, around each nucleus of a plane."""
    # Polygons run along pixel corners, but 0 is the centre of the first pixel.
    of = {
        nucleus: [np.concatenate([line, line[:1]])[:, ::-1] - 0.5 for line in lines]
        for nucleus, lines in polygons(snapshot.plane(number)).items()
    }
    return _Outlines(of, join_paths([line for lines in of.values() for line in lines]))
