"""Shows in small how a figure is going to look."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QLabel, QWidget

from cellpose_studio.app.failures import failure_of
from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.figure import FigureOptions
from cellpose_studio.ui.figure.making import Scene, figure_size, make_figure
from cellpose_studio.ui.figure.painting import as_image

SIDE = 380
"""Pixels that there are for it."""

_REST = 150
"""ms without another choice, after which it is drawn."""


class FigurePreview(QLabel):
    """The figure as it is chosen, drawn off the GUI thread.

    Only the newest choice counts: drawing of an earlier one is stopped.
    """

    def __init__(
        self, scene: Scene, queue: JobQueue, parent: QWidget | None = None
    ) -> None:
        super().__init__("Drawing…", parent, objectName="figurePreview", wordWrap=True)
        self.setFixedSize(QSize(SIDE, SIDE))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scene, self._queue = scene, queue
        self._options = FigureOptions()
        self._job: Job | None = None
        self._resting = QTimer(self, singleShot=True, interval=_REST)
        self._resting.timeout.connect(self._draw)

    def show_figure(self, options: FigureOptions) -> None:
        """Draw the figure of ``options``, as soon as the user rests."""
        self._options = options
        self._resting.start()

    def stop(self) -> None:
        """Draw nothing any more."""
        self._resting.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _draw(self) -> None:
        self.stop()
        scene, ratio = self._scene, self.devicePixelRatioF()
        longest = max(figure_size(scene, self._options))
        options = self._options.scaled(round(SIDE * ratio) / max(longest, 1))

        def work(checkpoint: Checkpoint) -> QImage:
            return as_image(make_figure(scene, options, checkpoint))

        job = self._job = Job("Preview of a figure", work, quiet=True)
        job.finished.connect(lambda image: self._show(job, image))
        job.failed.connect(lambda error: self._fail(job, error))
        self._queue.start(job)

    def _show(self, job: Job, image: QImage) -> None:
        if job is self._job:
            picture = QPixmap.fromImage(image)
            picture.setDevicePixelRatio(self.devicePixelRatioF())
            self.setPixmap(picture)

    def _fail(self, job: Job, error: Exception) -> None:
        if job is self._job:
            self.setText(failure_of(error).message)
