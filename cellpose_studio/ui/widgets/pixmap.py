"""Conversion of arrays to Qt images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtGui import QImage, QPixmap


def qimage_of(rgb: npt.NDArray[np.uint8]) -> QImage:
    """Return an array, (Y, X, RGB), as an image with its own memory; for any thread."""
    height, width, _ = rgb.shape
    kind = QImage.Format.Format_RGB888
    # A copy, because Qt keeps no reference to the bytes.
    # The length of a row is given, because Qt would expect rows padded to four bytes.
    return QImage(rgb.tobytes(), width, height, 3 * width, kind).copy()


def pixmap_of(rgb: npt.NDArray[np.uint8]) -> QPixmap:
    """Return an array, (Y, X, RGB), as a pixmap; for the GUI thread."""
    return QPixmap.fromImage(qimage_of(rgb))
