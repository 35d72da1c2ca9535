"""Switches between the planes of a stack and its 3D rendering."""

from __future__ import annotations

from math import prod
from typing import Any

from qtpy.QtCore import QObject, Signal

from cellpose_studio.core.images.image import ImageSource

LARGEST = 512 * 1024**2
"""Voxels of a time point; a larger stack does not fit into the memory of GPUs."""


class Rendering(QObject):
    """The 3D view of the canvas.

    Parameters
    ----------
    model
        napari's viewer model.
    """

    changed = Signal(bool)  # whether the view is a 3D rendering

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model
        self._image: ImageSource | None = None
        # With separate cameras, 2D returns to its own position and zoom after 3D.
        model.scene.camera.synced = False
        model.dims.events.ndisplay.connect(self._on_ndisplay)
        self.set_image(None)

    @property
    def on(self) -> bool:
        """Whether the view is a 3D rendering."""
        return bool(self._model.dims.ndisplay == 3)

    @property
    def reason_disabled(self) -> str:
        """Reason why the image shown cannot be rendered in 3D; "" if it can."""
        return reason_2d_only(self._image)

    def set_on(self, on: bool) -> None:
        """Show the stack as a 3D rendering, or one plane of it."""
        self._model.dims.ndisplay = 3 if on and not self.reason_disabled else 2

    def set_image(self, image: ImageSource | None) -> None:
        """Enable 3D for ``image``; return to planes if it is no stack."""
        self._image = image
        if self.on and self.reason_disabled:
            self.set_on(False)
        # The cached cameras belong to the previous image.
        for axes in (2, 3):
            self._model.scene.camera._pop_cached_state(axes)  # PRIVATE

    def _on_ndisplay(self, _: Any) -> None:
        # A command of napari may request 3D although the menu is disabled.
        if self.on and self.reason_disabled:
            self.set_on(False)
            return
        self.changed.emit(self.on)


def reason_2d_only(image: ImageSource | None) -> str:
    """Return the reason why an image has no 3D and side views; "" if it has."""
    if image is None:
        return "There is no image."
    if image.planes < 2:
        return "The image has no Z planes."
    if prod(image.shape[2:]) > LARGEST:
        return "The stack is too large: it can have 512 million voxels."
    return ""
