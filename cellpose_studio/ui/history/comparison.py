"""Shows the comparison of two revisions on the canvas."""

from __future__ import annotations

from qtpy.QtCore import QObject

from cellpose_studio.app.history.comparison import Compared, Side, compared
from cellpose_studio.app.jobs import Job
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.ui.canvas import Canvas
from cellpose_studio.ui.history.comparison_bar import ComparisonBar
from cellpose_studio.ui.services import Services


class ComparisonView(QObject):
    """Compares two revisions of the current image, and shows the result.

    It closes when another image is shown, or the masks change.
    """

    def __init__(self, services: Services, canvas: Canvas) -> None:
        super().__init__()
        self._services = services
        self._session = services.session
        self._canvas = canvas
        self._job: Job | None = None
        self._result: Compared | None = None
        self.bar = ComparisonBar()
        self.bar.close_requested.connect(self.close)
        self._session.shown_changed.connect(self._on_other)
        self._session.masks_changed.connect(self._on_masks)

    @property
    def shown(self) -> bool:
        """Whether a comparison is on the canvas."""
        return self._result is not None

    def start(self, before: Side, after: Side) -> None:
        """Compare in a job, and show the result."""
        image, project = self._session.shown, self._session.project
        if image is None:
            return
        self._drop()
        job = Job("Comparing", lambda _: compared(project, before, after))
        job.finished.connect(lambda result: self._finish(job, result))
        job.failed.connect(lambda error: self._fail(job, error))
        self._job = self._services.io_jobs.start(job)

    def close(self) -> bool:
        """Show the masks again; return False if no comparison was shown."""
        was_shown = self.shown
        self._drop()
        image = self._session.shown
        if was_shown and image is not None:
            self._canvas.masks.show_comparison(None)
            self._canvas.masks.activate(image.active)
        return was_shown

    def _drop(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self._result = None
        self.bar.hide()

    def _finish(self, job: Job, result: Compared) -> None:
        # A cancelled job may still finish, after another one was started.
        if self._job is job:
            self._job, self._result = None, result
            self._canvas.masks.show_comparison(result.picture)
            self.bar.show_result(result)

    def _fail(self, job: Job, error: Exception) -> None:
        if self._job is job:
            self._job = None
            self._services.show_error(error)

    def _on_other(self, _: ProjectImage | None) -> None:
        if self.shown:
            self._canvas.masks.show_comparison(None)
        self._drop()

    def _on_masks(self, change: MasksChange) -> None:
        if change.image is not self._session.shown:
            return
        if change.kind in ("replaced", "previewed", "edited"):
            self.close()
        elif change.kind != "drafted" and self._result is not None:
            # The masks are the same, but the change has shown them on top.
            self._canvas.masks.show_comparison(self._result.picture)
