"""Overlay of cell labels on the canvas.

Qt paints them into a transparent widget over the canvas. Each text is drawn once, with
its dark outline, and cached as a pixmap: hundreds of pixmaps are painted within a few
milliseconds. Text visuals of vispy would be laid out again with each change.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QPointF, QRectF, QSizeF, Qt, QTimer
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.display.cell_text.painting import (
    CellText,
    draw_text,
    text_extent,
)

MOST = 300
"""Most labels that are shown at once; more would be illegible."""

_POINTS = 9
_CACHE_SIZE = 4000
"""Most pixmaps in the cache."""

Source = Callable[[tuple[int, ...], slice, slice, int], tuple[int, list[CellText]]]
"""Returns how many cells a region of a plane has, and their texts if not too many."""


class CellTextOverlay(QWidget):
    """Shows the texts of a source at the cells in view.

    Parameters
    ----------
    canvas
        The canvas below the overlay.
    source
        Called with the plane, its rows and columns in view, and `MOST`.
    """

    def __init__(self, canvas: Canvas, source: Source) -> None:
        super().__init__(canvas.surface, objectName="words")
        self._canvas, self._source = canvas, source
        # The tools on the canvas below need the events of the mouse.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._font = QFont(self.font())
        self._font.setPointSizeF(_POINTS)
        self._font.setBold(True)
        self._pixmaps: dict[tuple[str, str], QPixmap] = {}
        self._spared: list[QWidget] = []
        self.shown: list[CellText] = []
        self.hint = ""
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh)
        for signal in (
            canvas.camera.changed,
            canvas.plane_changed,
            canvas.layers_changed,
            canvas.rendering.changed,
        ):
            signal.connect(self._on_view)
        self.hide()

    def spare(self, widget: QWidget) -> None:
        """Draw no texts where a widget on the canvas is shown."""
        self._spared.append(widget)

    def _taken(self) -> list[QRectF]:
        """Return where the scale bar and the other widgets on the canvas are."""
        shown = [w.geometry() for w in self._spared if w.isVisible()]
        return [QRectF(box) for box in (self._canvas.scale_bar.box(), *shown)]

    def refresh_soon(self) -> None:
        """Refresh once control returns to the event loop, once for many calls."""
        self._timer.start()

    def refresh(self) -> None:
        """Request the texts of the cells in view from the source."""
        count, self.shown, self.hint = 0, [], ""
        part = self._canvas.camera.part_in_view()
        if part is not None and self._canvas.masks.visible:
            count, self.shown = self._source(self._canvas.plane, *part, MOST)
        if count > MOST:
            self.hint = f"Zoom in to read the cell labels: {count:,} cells in view"
        self.setGeometry(self._canvas.surface.rect())
        self.setVisible(bool(self.shown or self.hint))
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint the texts at the current positions of their cells."""
        painter = QPainter(self)
        if self.hint:
            self._paint_hint(painter)
        elif self.shown:
            # The view may have moved since the texts were requested.
            points = [(text.y, text.x) for text in self.shown]
            on_screen, taken = self._canvas.camera.on_screen(points), self._taken()
            for text, (x, y) in zip(self.shown, on_screen, strict=True):
                pixmap = self._pixmap(text.text, text.colour)
                box = QRectF(
                    QPointF(), QSizeF(pixmap.size()) / pixmap.devicePixelRatio()
                )
                box.moveCenter(QPointF(x, y))
                if not any(map(box.intersects, taken)):
                    painter.drawPixmap(box.topLeft(), pixmap)
        painter.end()

    def _on_view(self, *_: object) -> None:
        # The texts follow the view at once; new ones are requested when Qt is idle.
        if self.isVisible():
            self.update()
        self.refresh_soon()

    def _pixmap(self, text: str, colour: str) -> QPixmap:
        """Return the pixmap of a text, from the cache if possible."""
        pixmap = self._pixmaps.get((text, colour))
        if pixmap is None:
            if len(self._pixmaps) >= _CACHE_SIZE:
                self._pixmaps.clear()
            ratio = self.devicePixelRatioF()
            size = text_extent(text, self._font)
            pixmap = QPixmap((size * ratio).toSize())
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            middle = QPointF(size.width() / 2, size.height() / 2)
            draw_text(painter, middle, text, self._font, QColor(colour))
            painter.end()
            self._pixmaps[text, colour] = pixmap
        return pixmap

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setFont(self._font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = painter.fontMetrics().horizontalAdvance(self.hint) + 24
        height = painter.fontMetrics().height() + 10
        box = QRectF((self.width() - width) / 2, 8, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.hint)
