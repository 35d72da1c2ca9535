"""Conversion of arrays to Qt images, and their painting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF
from qtpy.QtGui import QImage, QPainter, QPixmap


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


def paint_fitted(painter: QPainter, box: QRectF, pixmap: QPixmap) -> None:
    """Paint a pixmap in the middle of a box, as large as it fits there."""
    factor = min(box.width() / pixmap.width(), box.height() / pixmap.height())
    target = QRectF(0, 0, pixmap.width() * factor, pixmap.height() * factor)
    target.moveCenter(box.center())
    painter.drawPixmap(target, pixmap, QRectF(pixmap.rect()))
