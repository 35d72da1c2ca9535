"""Draws a figure with Qt, on a picture or on a page."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMarginsF, QPointF, QRectF, QSizeF, Qt
from qtpy.QtGui import (
    QColor,
    QFont,
    QImage,
    QPageSize,
    QPainter,
    QPainterPath,
    QPdfWriter,
    QPen,
    QPolygonF,
)

from cellpose_studio.core.display.figure import MM_PER_INCH, Bar, Figure, Outline
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.ui.cell_text.painting import draw_text
from cellpose_studio.ui.figure.pdf_file import PdfFile
from cellpose_studio.ui.widgets.pixmap import qimage_of

_HINT = QPainter.RenderHint
_MOST_AT_ONCE = 1 << 18
"""Pixels of the image that are drawn in one piece."""


def as_image(figure: Figure) -> QImage:
    """Return the figure as a picture; for any thread.

    Raises
    ------
    CannotSave
        If it is too large for one.
    """
    image = QImage(*figure.size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise CannotSave(
            "The figure is too large for one picture.", "Choose a smaller scale."
        )
    dots = round(figure.options.dpi / MM_PER_INCH * 1000)
    image.setDotsPerMeterX(dots)
    image.setDotsPerMeterY(dots)
    image.setText("Title", figure.title)
    image.setText("Software", "Cellpose Studio")
    painter = QPainter(image)
    paint(painter, figure)
    painter.end()
    return image


def write_pdf(figure: Figure, path: Path) -> bool:
    """Write the figure as a page of its own size; return whether Qt could do it.

    Raises
    ------
    OSError
    """
    with path.open("wb") as file:
        device = PdfFile(file)
        done = _write_page(QPdfWriter(device), figure)
        device.check()
    return done


def _write_page(writer: QPdfWriter, figure: Figure) -> bool:
    writer.setTitle(figure.title)
    writer.setCreator("Cellpose Studio")
    writer.setResolution(figure.options.dpi)
    size = QSizeF(*(figure.options.mm(side) for side in figure.size))
    exact = QPageSize.SizeMatchPolicy.ExactMatch
    writer.setPageSize(QPageSize(size, QPageSize.Unit.Millimeter, "", exact))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    painter = QPainter()
    if not painter.begin(writer):
        return False
    painter.setRenderHint(_HINT.LosslessImageRendering)
    paint(painter, figure)
    return bool(painter.end())


def paint(painter: QPainter, figure: Figure) -> None:
    """Draw all parts, in pixels of the figure."""
    # Each pixel stays a square, but for figures that are smaller than their image.
    painter.setRenderHint(_HINT.SmoothPixmapTransform, figure.scale_y < 1)
    _paint_picture(painter, figure)
    painter.setRenderHint(_HINT.Antialiasing)
    for outline in figure.outlines:
        pen = QPen(
            QColor(outline.colour), figure.options.pixels(figure.options.line_width)
        )
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.strokePath(_path(outline, figure), pen)
    font = _font(figure)
    for word in figure.texts:
        middle = QPointF(word.x, word.y)
        draw_text(painter, middle, word.text, font, QColor(word.colour))
    if figure.bar is not None:
        _paint_bar(painter, figure.bar, font)


def _paint_picture(painter: QPainter, figure: Figure) -> None:
    """Draw the image, a large one in bands.

    No other thread can work while Qt compresses a picture for a page: that of a whole
    slide would hold up the window for seconds.
    """
    width, height = figure.size
    rows = len(figure.rgb)
    band = max(_MOST_AT_ONCE // figure.rgb.shape[1], 1)
    for top in range(0, rows, band):
        # With a row of the next, or a line would be seen between them.
        bottom = min(top + band + 1, rows)
        begin, end = (row / rows * height for row in (top, bottom))
        place = QRectF(0, begin, width, end - begin)
        painter.drawImage(place, qimage_of(figure.rgb[top:bottom]))


def _path(outline: Outline, figure: Figure) -> QPainterPath:
    path = QPainterPath()
    scale = (figure.scale_x, figure.scale_y)
    for line in outline.lines:
        corners = [QPointF(x, y) for x, y in (line * scale).tolist()]
        path.addPolygon(QPolygonF(corners))
        path.closeSubpath()
    return path


def _font(figure: Figure) -> QFont:
    font = QFont("Sans Serif")
    font.setStyleHint(QFont.StyleHint.SansSerif)
    font.setBold(True)
    # Of pixels of the figure: what the device is does not matter.
    font.setPixelSize(max(round(figure.options.pixels(figure.options.text_size)), 4))
    return font


def _paint_bar(painter: QPainter, bar: Bar, font: QFont) -> None:
    dark = bar.height / 4
    shape = QRectF(bar.x, bar.y, bar.width, bar.height)
    painter.fillRect(shape.adjusted(-dark, -dark, dark, dark), QColor(0, 0, 0, 150))
    painter.fillRect(shape, QColor("white"))
    middle = QPointF(bar.x + bar.width / 2, bar.text_y)
    draw_text(painter, middle, bar.text, font, QColor("white"))
