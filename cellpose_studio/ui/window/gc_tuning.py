"""Takes what the window has loaded out of Python's garbage collection."""

from __future__ import annotations

from qtpy.QtCore import QObject

from cellpose_studio.app.gc_tuning import freeze_gc, refreeze_gc
from cellpose_studio.ui.canvas.canvas import Canvas


class GcTuning(QObject):
    """Sets apart what is loaded, without keeping an image for good.

    What napari makes of an image refers to itself, so that only the collection frees
    it: once the image that is shown now has left the canvas, all is looked through.
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas

    def start(self) -> None:
        """Set apart what there is now."""
        freeze_gc()
        if self._canvas.image is not None:
            self._canvas.image_changed.connect(self._again)

    def _again(self) -> None:
        self._canvas.image_changed.disconnect(self._again)
        refreeze_gc()
