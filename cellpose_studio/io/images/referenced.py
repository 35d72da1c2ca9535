"""Lazy pixels of the images of a project: the file is opened at the first read."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import AxesAmbiguous, ImageUnreadable
from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.images.image import Colour, ImageSource, PixelReader, Shape
from cellpose_studio.io.images.reader import open_images

_HINT = "Use File > Relink images to locate it."


class ReferencedPixels:
    """Reads the pixels of one image; opens its file at the first read.

    Parameters
    ----------
    path
        The file.
    scene
        As in `ImageSource`.
    axes
        Axes that the user chose; None if the metadata define them.
    shape, fingerprint
        Expected values; a file with others is refused.
    """

    def __init__(
        self, path: Path, scene: str, axes: str | None, shape: Shape, fingerprint: str
    ) -> None:
        self._path = path
        self._scene = scene
        self._axes = axes
        self._shape = shape
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._reader: PixelReader | None = None

    def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
        """Return the pixels of ``region``; raises `ImageUnreadable`."""
        return self._file().read(region)

    @property
    def channel_colours(self) -> tuple[Colour | None, ...]:
        """As in `ImageSource`; raises `ImageUnreadable`."""
        return tuple(getattr(self._file(), "channel_colours", ()))

    @property
    def grey_calibration(self) -> GreyCalibration:
        """As in `ImageSource`; raises `ImageUnreadable`."""
        found: GreyCalibration = getattr(self._file(), "grey_calibration", RAW)
        return found

    def _file(self) -> PixelReader:
        # Without the lock, two threads would open the file twice.
        with self._lock:
            if self._reader is None:
                self._reader = self._opened().reader
            return self._reader

    def _opened(self) -> ImageSource:
        if not self._path.exists():
            raise ImageUnreadable(
                f"{self._path.name} is no longer in {self._path.parent}.", _HINT
            )
        image = _scene_of(self._path, self._scene, self._axes)
        # The fingerprint does not depend on how the axes are read, so the shape is
        # compared as well.
        same = image is not None and (image.fingerprint, image.shape) == (
            self._fingerprint,
            self._shape,
        )
        if image is None or not same:
            raise ImageUnreadable(
                f"{self._path.name} in {self._path.parent} is a different image than "
                "the one in the project.",
                _HINT,
            )
        return image


def _scene_of(path: Path, scene: str, axes: str | None) -> ImageSource | None:
    try:
        images = open_images(path, axes)
    except AxesAmbiguous as ambiguous:
        if not scene:
            return None
        # Before it was asked for, pages of a file were images of their own.
        axes = ambiguous.question.choices[-1][0]
        images = open_images(path, axes)
    return next((image for image in images if image.scene == scene), None)
