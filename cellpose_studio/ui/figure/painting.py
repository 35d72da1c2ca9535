"""Paints a figure with Qt, on a bitmap or on a PDF page."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMarginsF, QPointF, QRectF, QSizeF, Qt
from qtpy.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPageSize,
    QPainter,
    QPainterPath,
    QPdfWriter,
    QPen,
    QPolygonF,
)

from cellpose_studio.core.display.figure import (
    MM_PER_INCH,
    Bar,
    Figure,
    FigureText,
    Outline,
    PlacedLegend,
)
from cellpose_studio.core.errors import CannotSave
from cellpose_studio.ui.display.cell_text.painting import draw_text
from cellpose_studio.ui.figure.pdf_file import pdf_device
from cellpose_studio.ui.widgets.pixmap import qimage_of

_HINT = QPainter.RenderHint
_BAND_PIXELS = 1 << 18
"""Pixels of the image that are painted at once."""


def as_image(figure: Figure) -> QImage:
    """Return the figure as a bitmap; for any thread.

    Raises
    ------
    CannotSave
        If the bitmap does not fit into memory.
    """
    image = QImage(*figure.size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise CannotSave(
            "The figure is too large for a PNG file.", "Choose a smaller scale."
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
    """Write the figure as a PDF page of its size; return whether Qt succeeded.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    with path.open("wb") as file:
        device = pdf_device(file)
        done = _write_page(QPdfWriter(device), figure)
        device.finish()
    return done


def _write_page(writer: QPdfWriter, figure: Figure) -> bool:
    writer.setTitle(figure.title)
    writer.setCreator("Cellpose Studio")
    writer.setResolution(figure.options.dpi)
    size = QSizeF(*(figure.options.mm(side) for side in figure.size))
    # By default, Qt replaces a size by that of a standard page close to it.
    exact = QPageSize.SizeMatchPolicy.ExactMatch
    writer.setPageSize(QPageSize(size, QPageSize.Unit.Millimeter, "", exact))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    # Only `begin` reports whether the page can be painted, the constructor does not.
    painter = QPainter()
    if not painter.begin(writer):
        return False
    # Qt would compress the image as JPEG otherwise.
    painter.setRenderHint(_HINT.LosslessImageRendering)
    paint(painter, figure)
    return bool(painter.end())


def paint(painter: QPainter, figure: Figure) -> None:
    """Paint all parts of a figure; coordinates are pixels of the figure."""
    # Smoothing would blur the pixels of an enlarged image, but a reduced one needs it.
    painter.setRenderHint(_HINT.SmoothPixmapTransform, figure.scale_y < 1)
    _paint_image(painter, figure)
    painter.setRenderHint(_HINT.Antialiasing)
    for outline in figure.outlines:
        pen = QPen(
            QColor(outline.colour), figure.options.pixels(figure.options.line_width)
        )
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.strokePath(_path(outline, figure), pen)
    font = _font(figure)
    for text in figure.texts:
        _paint_text(painter, text, font)
    if figure.bar is not None:
        _paint_bar(painter, figure.bar, font)
    if figure.legend is not None:
        _paint_legend(painter, figure.legend, font)


def _paint_image(painter: QPainter, figure: Figure) -> None:
    """Paint the image in bands.

    Qt holds Python's lock (GIL) while it compresses an image for a PDF page. A whole
    slide at once would block the window for seconds.
    """
    width, height = figure.size
    rows = len(figure.rgb)
    band = max(_BAND_PIXELS // figure.rgb.shape[1], 1)
    for top in range(0, rows, band):
        # Bands overlap by one row: a gap would be visible between them otherwise.
        bottom = min(top + band + 1, rows)
        begin, end = (row / rows * height for row in (top, bottom))
        target = QRectF(0, begin, width, end - begin)
        painter.drawImage(target, qimage_of(figure.rgb[top:bottom]))


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
    # In pixels of the figure: a size in points would depend on the device.
    font.setPixelSize(max(round(figure.options.pixels(figure.options.text_size)), 4))
    return font


def _paint_text(painter: QPainter, text: FigureText, font: QFont) -> None:
    middle = QPointF(text.x, text.y)
    if text.anchor == "start":
        middle.setX(text.x + QFontMetricsF(font).horizontalAdvance(text.text) / 2)
    draw_text(painter, middle, text.text, font, QColor(text.colour))


def _paint_legend(painter: QPainter, legend: PlacedLegend, font: QFont) -> None:
    painter.fillRect(QRectF(*legend.box[:4]), QColor(0, 0, 0, 150))
    # The rectangles of a scale touch: a smooth edge would be a line between them.
    painter.setRenderHint(_HINT.Antialiasing, False)
    for one in legend.swatches:
        painter.fillRect(QRectF(*one[:4]), QColor(one.colour))
    painter.setRenderHint(_HINT.Antialiasing)
    for text in legend.texts:
        _paint_text(painter, text, font)


def _paint_bar(painter: QPainter, bar: Bar, font: QFont) -> None:
    dark = bar.height / 4
    shape = QRectF(bar.x, bar.y, bar.width, bar.height)
    painter.fillRect(shape.adjusted(-dark, -dark, dark, dark), QColor(0, 0, 0, 150))
    painter.fillRect(shape, QColor("white"))
    middle = QPointF(bar.x + bar.width / 2, bar.text_y)
    draw_text(painter, middle, bar.text, font, QColor("white"))
