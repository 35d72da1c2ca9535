"""Thumbnails as Qt draws them."""

from __future__ import annotations

from qtpy.QtGui import QImage, QPixmap

from cellpose_studio.core.thumbnail import Thumbnail


def pixmap_of(thumbnail: Thumbnail) -> QPixmap:
    """Return a thumbnail, (Y, X, RGB), as a pixmap."""
    height, width, _ = thumbnail.shape
    image = QImage(
        thumbnail.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
    )
    return QPixmap.fromImage(image)
