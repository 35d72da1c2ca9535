"""Preview of a figure."""

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
"""Width and height of the preview, px."""

_DEBOUNCE = 150
"""ms without a change of the options, after which the preview is drawn."""


class FigurePreview(QLabel):
    """Shows a figure with the chosen options, drawn on a worker thread.

    Drawing with earlier options is cancelled.
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
        self._timer = QTimer(self, singleShot=True, interval=_DEBOUNCE)
        self._timer.timeout.connect(self._draw)

    def show_figure(self, options: FigureOptions) -> None:
        """Draw the figure with ``options`` after a pause without changes."""
        self._options = options
        self._timer.start()

    def stop(self) -> None:
        """Cancel drawing."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _draw(self) -> None:
        self.stop()
        scene, ratio = self._scene, self.devicePixelRatioF()
        # Scaled for the preview: a figure may have a billion pixels.
        longest = max(figure_size(scene, self._options))
        options = self._options.scaled(round(SIDE * ratio) / max(longest, 1))

        def work(checkpoint: Checkpoint) -> QImage:
            # The job returns a QImage, because a QPixmap belongs to the GUI thread.
            return as_image(make_figure(scene, options, checkpoint))

        job = self._job = Job("Preview of a figure", work, quiet=True)
        job.finished.connect(lambda image: self._show(job, image))
        job.failed.connect(lambda error: self._fail(job, error))
        self._queue.start(job)

    def _show(self, job: Job, image: QImage) -> None:
        # A cancelled job may have finished before it was cancelled.
        if job is self._job:
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            self.setPixmap(pixmap)

    def _fail(self, job: Job, error: Exception) -> None:
        if job is self._job:
            self.setText(failure_of(error).message)
