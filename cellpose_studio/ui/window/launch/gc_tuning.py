"""Excludes the objects loaded by the window from garbage collection."""

from __future__ import annotations

from cellpose_studio.gc_tuning import freeze_gc, refreeze_gc
from cellpose_studio.ui.canvas.canvas import Canvas


def freeze_loaded(canvas: Canvas) -> None:
    """Exclude all current objects from collection until the image on canvas changes.

    The layers that napari makes of an image form reference cycles, which only a
    collection frees. Once the present image has been removed from the canvas, all
    objects are therefore collected and frozen again.
    """
    freeze_gc()
    if canvas.image is None:
        return

    def on_image_changed() -> None:
        # The canvas emits this before the layers of the next image exist, so those are
        # never frozen.
        canvas.image_changed.disconnect(on_image_changed)
        refreeze_gc()

    canvas.image_changed.connect(on_image_changed)
