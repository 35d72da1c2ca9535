"""Legend on the canvas while cells are coloured by their uncertainty."""

from __future__ import annotations

from qtpy.QtCore import QRect, QRectF, Qt, QTimer
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QWidget

from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.widgets.pixmap import uncertainty_scale

UNKNOWN = "Uncertainty unknown: these masks do not come from a run"
_ENDS = "uncertain", "certain"

_BAR = (90, 10)  # px
_PAD = 8  # px inside the box
_MARGIN = 10  # px between the box and the edges of the canvas


class UncertaintyLegend(QWidget):
    """Shows which colour is uncertain and which certain, in a corner of the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas.surface, objectName="uncertaintyLegend")
        self._canvas = canvas
        # The tools on the canvas below need the events of the mouse.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._bar = uncertainty_scale()
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
        known = self._canvas.masks.uncertainty_known
        return " to ".join(_ENDS) if known else UNKNOWN

    def refresh(self) -> None:
        """Show the legend while it explains something, at the lower left."""
        masks = self._canvas.masks
        on = masks.by_uncertainty and masks.visible
        if on:
            size = self._extent()
            below = self._canvas.surface.height() - size.height() - _MARGIN
            size.moveTo(_MARGIN, below)
            self.setGeometry(size)
            self.update()
        self.setVisible(on)

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint the scale and its ends on a dark box, legible on any image."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setPen(QColor("white"))
        inside = self.rect().adjusted(_PAD, 0, -_PAD, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        if not self._canvas.masks.uncertainty_known:
            painter.drawText(inside, middle, UNKNOWN)
        else:
            width, height = _BAR
            low, high = _ENDS
            painter.drawText(inside, middle | Qt.AlignmentFlag.AlignLeft, low)
            painter.drawText(inside, middle | Qt.AlignmentFlag.AlignRight, high)
            left = inside.left() + self._width(low) + _PAD
            top = (self.height() - height) // 2
            painter.drawImage(QRect(left, top, width, height), self._bar)
        painter.end()

    def _extent(self) -> QRect:
        height = self.fontMetrics().height() + _PAD
        if not self._canvas.masks.uncertainty_known:
            return QRect(0, 0, self._width(UNKNOWN) + 2 * _PAD, height)
        ends = sum(map(self._width, _ENDS))
        return QRect(0, 0, ends + _BAR[0] + 4 * _PAD, height)

    def _width(self, text: str) -> int:
        return int(self.fontMetrics().horizontalAdvance(text)) + 1
