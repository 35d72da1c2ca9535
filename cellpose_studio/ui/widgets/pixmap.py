"""Pictures as Qt draws them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtGui import QImage, QPixmap


def qimage_of(rgb: npt.NDArray[np.uint8]) -> QImage:
    """Return a picture, (Y, X, RGB), with pixels of its own; for any thread."""
    height, width, _ = rgb.shape
    kind = QImage.Format.Format_RGB888
    # A copy, because Qt does not keep the bytes.
    return QImage(rgb.tobytes(), width, height, 3 * width, kind).copy()


def pixmap_of(rgb: npt.NDArray[np.uint8]) -> QPixmap:
    """Return a picture, (Y, X, RGB), as a pixmap; for the GUI thread."""
    return QPixmap.fromImage(qimage_of(rgb))
