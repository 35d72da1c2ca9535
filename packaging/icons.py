"""Draw the icons of all sizes from their SVG files.

    .venv/bin/python packaging/icons.py

Writes PNG, .ico (Windows) and .icns (macOS) files into resources/icons. Run it after an
SVG was changed, and commit what it wrote.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from qtpy.QtCore import QBuffer, QRectF
from qtpy.QtGui import QImage, QPainter
from qtpy.QtSvg import QSvgRenderer

FOLDER = Path(__file__).parents[1] / "resources" / "icons"

APPLICATION, PROJECT = "cellpose-studio", "project"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = (16, 32, 64, 128, 256, 512, 1024)
SMALL = 24
"""Up to this size, the drawing with thick lines and without details is used."""


def drawing(name: str, size: int) -> Path:
    """Return the SVG file that an icon of a size is drawn from."""
    small = FOLDER / f"{name}-small.svg"
    return small if size <= SMALL and small.exists() else FOLDER / f"{name}.svg"


def render(name: str, size: int) -> Image.Image:
    """Return an icon as RGBA, ``size`` pixels high and wide."""
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(str(drawing(name, size))).render(painter, QRectF(0, 0, size, size))
    painter.end()
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image.open(io.BytesIO(buffer.data().data())).convert("RGBA")


def write(name: str) -> None:
    """Write all files of one icon."""
    for size in SIZES:
        render(name, size).save(FOLDER / f"{name}-{size}.png", optimize=True)
    # Pillow would scale the largest one down: each size is drawn for itself.
    for ending, sizes in (("ico", ICO_SIZES), ("icns", ICNS_SIZES)):
        *smaller, largest = (render(name, size) for size in sizes)
        largest.save(
            FOLDER / f"{name}.{ending}",
            sizes=[(size, size) for size in sizes] if ending == "ico" else None,
            append_images=smaller,
        )


if __name__ == "__main__":
    for each in (APPLICATION, PROJECT):
        write(each)
