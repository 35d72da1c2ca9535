"""Words at the cells, over the canvas.

They are painted by Qt into a widget that lies over the canvas: each word is drawn with
its dark rim once, as a small picture, and hundreds of these are put in place within a
few milliseconds. Text of vispy's would be set anew for all cells with every change.
"""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QPointF, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.cell_text.painting import CellText, draw_text, text_extent

MOST = 300
"""Words that are shown together; of more, none could be read."""

_POINTS = 9
_KEPT = 4000
"""Pictures of words that are kept."""

Source = Callable[[tuple[int, ...], slice, slice, int], tuple[int, list[CellText]]]
"""Returns how many cells are in a part of a plane, and their words if not too many."""


class CellTextOverlay(QWidget):
    """Shows the words of a source at the cells in view.

    Parameters
    ----------
    canvas
        Over which they lie.
    source
        Called with the plane, its rows and columns in view, and `MOST`.
    """

    def __init__(self, canvas: Canvas, source: Source) -> None:
        super().__init__(canvas.surface, objectName="words")
        self._canvas, self._source = canvas, source
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._font = QFont(self.font())
        self._font.setPointSizeF(_POINTS)
        self._font.setBold(True)
        self._pictures: dict[tuple[str, str], QPixmap] = {}
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

    def refresh_soon(self) -> None:
        """Look again at which words there are, once for all that happens now."""
        self._timer.start()

    def refresh(self) -> None:
        """Take the words of the cells in view."""
        count, self.shown, self.hint = 0, [], ""
        part = self._canvas.camera.part_in_view()
        if part is not None and self._canvas.masks.visible:
            count, self.shown = self._source(self._canvas.plane, *part, MOST)
        if count > MOST:
            self.hint = f"Zoom in to read the words: {count:,} cells in view"
        self.setGeometry(self._canvas.surface.rect())
        self.setVisible(bool(self.shown or self.hint))
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        """Put the words where their cells are just now."""
        painter = QPainter(self)
        if self.hint:
            self._paint_hint(painter)
        elif self.shown:
            # As the view is now, which may have moved since they were looked up.
            places = [(word.y, word.x) for word in self.shown]
            on_screen = self._canvas.camera.on_screen(places)
            for word, (x, y) in zip(self.shown, on_screen, strict=True):
                picture = self._picture(word.text, word.colour)
                ratio = 2 * picture.devicePixelRatio()
                corner = QPointF(
                    x - picture.width() / ratio, y - picture.height() / ratio
                )
                painter.drawPixmap(corner, picture)
        painter.end()

    def _on_view(self, *_: object) -> None:
        if self.isVisible():
            self.update()
        self.refresh_soon()

    def _picture(self, text: str, colour: str) -> QPixmap:
        """Return a word as a picture that can be put anywhere."""
        picture = self._pictures.get((text, colour))
        if picture is None:
            if len(self._pictures) >= _KEPT:
                self._pictures.clear()
            ratio = self.devicePixelRatioF()
            size = text_extent(text, self._font)
            picture = QPixmap((size * ratio).toSize())
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            middle = QPointF(size.width() / 2, size.height() / 2)
            draw_text(painter, middle, text, self._font, QColor(colour))
            painter.end()
            self._pictures[text, colour] = picture
        return picture

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
