"""Legend on the canvas while the colours of cells tell something of them."""

from __future__ import annotations

from qtpy.QtCore import QPoint, QRect, QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.display.figure import Legend
from cellpose_studio.core.display.figure_legend import hex_colour, scale_colours
from cellpose_studio.core.display.label_picture import uncertainty_palette
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.canvas.mask_layers import MaskLayers

UNKNOWN = "Uncertainty unknown: these masks do not come from a run"
UNCERTAINTY = "uncertain", "certain"
"""Ends of the scale."""

_BAR = (90, 10)  # px
_PAD = 8  # px inside the box
_MARGIN = 10  # px between the box and the edges of the canvas


def legend_of(masks: MaskLayers) -> Legend:
    """Return what the colours of cells tell: a scale, or classes with their keys.

    It has only a title where nothing is known.
    """
    colours = masks.cell_colours
    if colours is None:
        if not masks.uncertainty_known:
            return Legend(title=UNKNOWN)
        return Legend(ends=UNCERTAINTY, scale=scale_colours(uncertainty_palette()))
    if colours.classes:
        classes = tuple(
            (name, hex_colour(colours.palette[at - 1])) for name, at in colours.classes
        )
        return Legend(title=colours.title, classes=classes)
    # The last colour is that of cells without a value.
    scale = scale_colours(colours.palette[:-1]) if any(colours.ends) else ()
    return Legend(title=colours.title, ends=colours.ends, scale=scale)


class ColourLegend(QWidget):
    """Shows what the colours of cells mean, in a corner of the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas.surface, objectName="colourLegend")
        self._canvas = canvas
        # The tools on the canvas below need the events of the mouse.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._content = Legend()
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh)
        for signal in (
            canvas.appearance_changed,
            canvas.layers_changed,
            canvas.image_changed,
            canvas.camera.changed,
        ):
            signal.connect(self._timer.start)
        self.hide()

    @property
    def text(self) -> str:
        """What is said beside the scale, or instead of it."""
        shown = self._content
        ends = " to ".join(filter(None, shown.ends))
        ends = ends or ", ".join(name for name, _ in shown.classes)
        return ": ".join(filter(None, (shown.title, ends)))

    def refresh(self) -> None:
        """Show the legend while it explains something, at the lower left."""
        masks = self._canvas.masks
        on = masks.visible and (masks.by_uncertainty or masks.cell_colours is not None)
        if on:
            self._content = legend_of(masks)
            box = QRect(QPoint(), self._extent())
            below = self._canvas.surface.height() - box.height() - _MARGIN
            box.moveTo(_MARGIN, below)
            self.setGeometry(box)
            self.update()
        self.setVisible(on)

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint on a dark box, which is legible on any image."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setPen(QColor("white"))
        shown, height = self._content, self._line()
        line = QRect(_PAD, _PAD // 2, self.width() - 2 * _PAD, height)
        if shown.title:
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown.title)
            line.translate(0, height)
        if shown.scale:
            self._paint_scale(painter, line, shown)
        for name, colour in shown.classes:
            _paint_class(painter, line, name, QColor(colour))
            line.translate(0, height)
        painter.end()

    def _paint_scale(self, painter: QPainter, line: QRect, shown: Legend) -> None:
        (width, height), middle = _BAR, Qt.AlignmentFlag.AlignVCenter
        low, high = shown.ends
        left = line.left() + self._width(low) + _PAD
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, low)
        beside = line.adjusted(left + width + _PAD - line.left(), 0, 0, 0)
        painter.drawText(beside, middle | Qt.AlignmentFlag.AlignLeft, high)
        top = line.top() + (line.height() - height) // 2
        bar = QRect(left, top, width, height)
        colours = QImage(len(shown.scale), 1, QImage.Format.Format_RGB32)
        for n, colour in enumerate(shown.scale):
            colours.setPixelColor(n, 0, QColor(colour))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, colours)

    def _extent(self) -> QSize:
        shown = self._content
        widths = [self._width(shown.title)]
        widths += [self._line() + self._width(name) for name, _ in shown.classes]
        if shown.scale:
            widths.append(sum(map(self._width, shown.ends)) + _BAR[0] + 2 * _PAD)
        lines = bool(shown.title) + bool(shown.scale) + len(shown.classes)
        return QSize(max(widths) + 2 * _PAD, lines * self._line() + _PAD)

    def _line(self) -> int:
        return int(self.fontMetrics().height()) + 1

    def _width(self, text: str) -> int:
        return int(self.fontMetrics().horizontalAdvance(text)) + 1


def _paint_class(painter: QPainter, line: QRect, name: str, colour: QColor) -> None:
    side = line.height() - 6
    painter.fillRect(QRect(line.left(), line.top() + 3, side, side), colour)
    beside = line.adjusted(line.height(), 0, 0, 0)
    painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, name)
