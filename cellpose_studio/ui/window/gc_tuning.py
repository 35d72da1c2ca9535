"""Takes what the window has loaded out of Python's garbage collection."""

from __future__ import annotations

from cellpose_studio.app.gc_tuning import freeze_gc, refreeze_gc
from cellpose_studio.ui.canvas.canvas import Canvas


def freeze_loaded(canvas: Canvas) -> None:
    """Exclude all current objects from collection, but for the image on the canvas.

    What napari makes of an image refers to itself, so that only the collection frees
    it: once the present image has left the canvas, everything is collected and frozen
    again.
    """
    freeze_gc()
    if canvas.image is None:
        return

    def image_left() -> None:
        canvas.image_changed.disconnect(image_left)
        refreeze_gc()

    canvas.image_changed.connect(image_left)
