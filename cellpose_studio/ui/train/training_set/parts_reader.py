"""Reads the training set again after each change, while somebody sees it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget

from cellpose_studio.app.jobs import Job
from cellpose_studio.ui.services import Services
from cellpose_studio.workflows.training.project_set import SetPart

_DELAY = 200  # ms


class PartsReader(QObject):
    """Tells what the training set of the open project consists of.

    Attributes
    ----------
    parts
        As they were last read; None before.
    """

    changed = Signal()  # the parts

    def __init__(self, services: Services, parent: QObject) -> None:
        # It reads nothing for widgets that are gone.
        super().__init__(parent)
        self._services = services
        self.parts: list[SetPart] | None = None
        self._watched: list[QWidget] = []
        self._job: Job | None = None
        self._is_dirty = True
        self._timer = QTimer(self, singleShot=True, interval=_DELAY)
        self._timer.timeout.connect(self._read)
        session, training = services.session, services.training
        for signal in (
            training.changed,
            training.image_changed,
            training.masks_edited,
            session.images_changed,
            session.statuses_changed,
            session.masks_renamed,
        ):
            signal.connect(lambda *_: self._on_changed())

    def serve(self, widget: QWidget) -> None:
        """Read while ``widget`` is visible, too."""
        self._watched.append(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Read what has changed since a widget was visible; Qt calls this."""
        if event.type() == QEvent.Type.Show and self._is_dirty:
            self._timer.start()
        return super().eventFilter(watched, event)

    def _on_changed(self) -> None:
        self._is_dirty = True
        if self._is_seen:
            self._timer.start()

    @property
    def _is_seen(self) -> bool:
        return any(widget.isVisible() for widget in self._watched)

    def _read(self) -> None:
        if self._job is not None or not self._is_seen:
            return
        self._is_dirty = False
        services = self._services
        self._job = services.training.read_parts(services.stack_jobs, self._on_parts)
        self._job.ended.connect(self._on_ended)

    def _on_parts(self, parts: list[SetPart]) -> None:
        self.parts = parts
        self.changed.emit()

    def _on_ended(self) -> None:
        self._job = None
        if self._is_dirty and self._is_seen:
            self._timer.start()
