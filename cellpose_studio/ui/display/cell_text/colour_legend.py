"""Legend on the canvas: what the colours of cells, lines and pictures tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QPoint, QRect, QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from cellpose_studio.core.display.flow_picture import direction_wheel
from cellpose_studio.core.display.label_picture import MARK_COLOURS, uncertainty_palette
from cellpose_studio.ui.canvas.canvas import Canvas
from cellpose_studio.ui.canvas.pictures import FLOWS, PROBABILITY
from cellpose_studio.ui.widgets.cell_status import STATUS_WORDS
from cellpose_studio.ui.widgets.pixmap import qimage_of

UNKNOWN = "Uncertainty unknown: these masks do not come from a run"
UNCERTAINTY = "uncertain", "certain"
"""Ends of the scale."""

_FLOWS = "Flows: the direction to the centre of the cell"
_PROBABILITY = "outside", "in a cell"

_BAR = (90, 10)  # px
_WHEEL = 40  # px
_PAD = 8  # px inside the box
_MARGIN = 10  # px between the box and the edges of the canvas
_STYLES = {
    "accepted": Qt.PenStyle.SolidLine,
    "rejected": Qt.PenStyle.DashLine,
    "later": Qt.PenStyle.DotLine,
}

Palette = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Entry:
    """A colour with its name: of areas, or of lines of a style."""

    name: str
    colour: QColor
    style: Qt.PenStyle | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class _Block:
    """A title, and below it a picture, a scale or the names of colours."""

    title: str = ""
    ends: tuple[str, str] = ("", "")
    scale: Palette | None = None
    picture: QImage | None = None
    entries: tuple[_Entry, ...] = ()

    @property
    def text(self) -> str:
        ends = " to ".join(filter(None, self.ends))
        ends = ends or ", ".join(entry.name for entry in self.entries)
        return ": ".join(filter(None, (self.title, ends)))


class ColourLegend(QWidget):
    """Shows what colours mean, in a corner of the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas.surface, objectName="colourLegend")
        self._canvas = canvas
        # The tools on the canvas below need the events of the mouse.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._blocks: list[_Block] = []
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self.refresh)
        for signal in (
            canvas.appearance_changed,
            canvas.layers_changed,
            canvas.image_changed,
            canvas.legend_changed,
            canvas.camera.changed,
        ):
            signal.connect(self._timer.start)
        self.hide()

    @property
    def text(self) -> str:
        """What is said of the colours."""
        return "; ".join(block.text for block in self._blocks)

    def refresh(self) -> None:
        """Show the legend while it explains something, at the lower left."""
        self._blocks = [*self._present()]
        if self._blocks:
            box = QRect(QPoint(), self._extent())
            below = self._canvas.surface.height() - box.height() - _MARGIN
            box.moveTo(_MARGIN, below)
            self.setGeometry(box)
            self.update()
        self.setVisible(bool(self._blocks))

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paint on a dark box, which is legible on any image."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 190))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        line = QRect(_PAD, _PAD // 2, self.width() - 2 * _PAD, self._line())
        for block in self._blocks:
            self._paint(painter, line, block)
        painter.end()

    def _present(self) -> Iterator[_Block]:
        if (picture := self._canvas.picture.shown) == FLOWS:
            yield _Block(title=_FLOWS, picture=qimage_of(direction_wheel(_WHEEL)))
        elif picture == PROBABILITY:
            greys = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[:, None], 3, 1)
            yield _Block(title=PROBABILITY, ends=_PROBABILITY, scale=greys)
        masks = self._canvas.masks
        if masks.visible and (masks.by_uncertainty or masks.cell_colours is not None):
            yield self._of_cells()
        statuses = masks.statuses if masks.visible else []
        yield from _block(
            _Entry(
                name=words,
                colour=QColor.fromRgbF(*MARK_COLOURS[n]),
                style=_STYLES[status],
            )
            for n, (status, words) in enumerate(STATUS_WORDS.items())
            if status in statuses
        )
        yield from _block(
            _Entry(name=name, colour=QColor(colour), style=Qt.PenStyle.SolidLine)
            for name, colour in self._canvas.line_meanings()
        )

    def _of_cells(self) -> _Block:
        masks = self._canvas.masks
        colours = masks.cell_colours
        if colours is None:
            if not masks.uncertainty_known:
                return _Block(title=UNKNOWN)
            return _Block(ends=UNCERTAINTY, scale=uncertainty_palette())
        if colours.classes:
            entries = tuple(
                _Entry(
                    name=name,
                    colour=QColor.fromRgbF(*map(float, colours.palette[at - 1])),
                )
                for name, at in colours.classes
            )
            return _Block(title=colours.title, entries=entries)
        return _Block(title=colours.title, ends=colours.ends, scale=colours.scale)

    def _paint(self, painter: QPainter, line: QRect, block: _Block) -> None:
        """Paint a block, and move the line below it."""
        painter.setPen(QColor("white"))
        if block.title:
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, block.title)
            line.translate(0, line.height())
        if block.picture is not None:
            painter.drawImage(line.topLeft(), block.picture)
            line.translate(0, block.picture.height() + _PAD // 2)
        if block.scale is not None:
            self._paint_scale(painter, line, block)
            line.translate(0, line.height())
        for entry in block.entries:
            _paint_entry(painter, line, entry)
            line.translate(0, line.height())

    def _paint_scale(self, painter: QPainter, line: QRect, block: _Block) -> None:
        assert block.scale is not None
        (width, height), middle = _BAR, Qt.AlignmentFlag.AlignVCenter
        low, high = block.ends
        left = line.left() + self._width(low) + _PAD
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, low)
        beside = line.adjusted(left + width + _PAD - line.left(), 0, 0, 0)
        painter.drawText(beside, middle | Qt.AlignmentFlag.AlignLeft, high)
        colours = np.round(block.scale * 255).astype(np.uint8)
        top = line.top() + (line.height() - height) // 2
        bar = QRect(left, top, width, height)
        painter.drawImage(bar, qimage_of(colours[np.newaxis]))

    def _extent(self) -> QSize:
        sizes = [self._extent_of(block) for block in self._blocks]
        height = sum(size.height() for size in sizes)
        width = max(size.width() for size in sizes)
        return QSize(width + 2 * _PAD, height + _PAD)

    def _extent_of(self, block: _Block) -> QSize:
        widths = [self._width(block.title)]
        widths += [_sample(self._line()) + self._width(e.name) for e in block.entries]
        if block.scale is not None:
            widths.append(sum(map(self._width, block.ends)) + _BAR[0] + 2 * _PAD)
        lines = bool(block.title) + (block.scale is not None) + len(block.entries)
        picture = block.picture
        below = picture.height() + _PAD // 2 if picture is not None else 0
        return QSize(max(widths), lines * self._line() + below)

    def _line(self) -> int:
        return int(self.fontMetrics().height()) + 1

    def _width(self, text: str) -> int:
        return int(self.fontMetrics().horizontalAdvance(text)) + 1


def _block(entries: Iterator[_Entry]) -> Iterator[_Block]:
    """Yield a block of the entries, if there are any."""
    if found := tuple(entries):
        yield _Block(entries=found)


def _sample(height: int) -> int:
    """Return the width of the sample of a colour in a line of some height, px."""
    return height + _PAD


def _paint_entry(painter: QPainter, line: QRect, entry: _Entry) -> None:
    width = _sample(line.height())
    sample = QRect(line.left(), line.top() + 3, width - _PAD, line.height() - 6)
    if entry.style is None:
        painter.fillRect(sample, entry.colour)
    else:
        middle = sample.center().y()
        painter.setPen(QPen(entry.colour, 2, entry.style))
        painter.drawLine(sample.left(), middle, sample.right(), middle)
        painter.setPen(QColor("white"))
    beside = line.adjusted(width, 0, 0, 0)
    painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, entry.name)
