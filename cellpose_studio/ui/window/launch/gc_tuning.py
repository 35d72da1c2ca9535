"""Keeps garbage collections of the window short, while it loads and afterwards."""

from __future__ import annotations

from qtpy.QtCore import QCoreApplication, QEvent, QObject, QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.gc_tuning import freeze_gc, refreeze_gc, set_full_collections
from cellpose_studio.ui.canvas.canvas import Canvas

_IDLE = 3000  # ms without a key or a move of the mouse
_INPUT = (
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
    QEvent.Type.TabletMove,
)


class GcTuning(QObject):
    """Spares the window collections of all objects, which take 0.2 to 0.4 s."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._timer = QTimer(self, singleShot=True, interval=_IDLE)
        self._timer.timeout.connect(self._refreeze)

    def spare(self, loading: JobQueue) -> None:
        """Collect only young objects until jobs that load code have ended.

        All objects are then excluded from collections. But the layers that napari makes
        of an image form reference cycles, which only a collection frees: once the
        present image has left the canvas, and the user does nothing for a moment, all
        objects are collected and excluded again.
        """
        set_full_collections("never")
        # The jobs run one after the other, so it comes after those that are queued.
        last = Job("Warming up", lambda _: None, quiet=True)
        last.finished.connect(lambda _: self._end())
        loading.start(last)

    def shut_down(self) -> None:
        """Leave collections as they were at first."""
        set_full_collections("as usual")
        self._timer.stop()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait while the user does something; Qt calls this."""
        if event.type() in _INPUT:
            self._timer.start()
        return bool(super().eventFilter(watched, event))

    def _end(self) -> None:
        freeze_gc()
        set_full_collections("rarely")
        self._watch_image()

    def _watch_image(self) -> None:
        if self._canvas.image is not None:
            self._canvas.image_changed.connect(self._on_image)

    def _on_image(self) -> None:
        self._canvas.image_changed.disconnect(self._on_image)
        QCoreApplication.instance().installEventFilter(self)
        self._timer.start()

    def _refreeze(self) -> None:
        QCoreApplication.instance().removeEventFilter(self)
        refreeze_gc()
        # By now, the layers of another image are there.
        self._watch_image()
