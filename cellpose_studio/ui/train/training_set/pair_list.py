"""The list of what is trained on; images are dropped on it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from qtpy.QtCore import QPoint, Qt, QTimer, Signal
from qtpy.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from qtpy.QtWidgets import QAbstractItemView, QListView

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.display.training_picture import training_picture
from cellpose_studio.core.errors import StudioError
from cellpose_studio.ui.images.model import IMAGE_KEYS
from cellpose_studio.ui.train.training_set.pair_delegate import PairDelegate
from cellpose_studio.ui.train.training_set.pair_model import PairModel
from cellpose_studio.ui.widgets.pixmap import qimage_of
from cellpose_studio.workflows.training.project_set import SetPart

PICTURE = 360
"""Longer side of the largest picture, px; the list shows it smaller."""
_AT_ONCE = 4


class PairList(QListView):
    """Shows a `PairModel`, and draws the pictures of the rows in sight."""

    dropped = Signal(list)  # keys of images

    def __init__(self, queue: JobQueue) -> None:
        super().__init__(objectName="trainingSet")
        self._queue = queue
        self._job: Job | None = None
        self._failed: set[str] = set()
        self.pairs = PairModel()
        self.setModel(self.pairs)
        self.setItemDelegate(PairDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Training set")
        self.setToolTip("Click a row to see its image; drop images here to add them.")
        self.setAcceptDrops(True)
        self._timer = QTimer(self, singleShot=True, interval=50)
        self._timer.timeout.connect(self._draw_some)
        self.verticalScrollBar().valueChanged.connect(lambda _: self._timer.start())
        self.pairs.modelReset.connect(self._timer.start)

    def selected_parts(self) -> list[SetPart]:
        """Return the parts that are selected, from top to bottom."""
        rows = sorted(index.row() for index in self.selectedIndexes())
        return [self.pairs.parts[row] for row in rows]

    def show_parts(self, parts: Sequence[SetPart]) -> None:
        """Show other parts; those of the same names stay selected."""
        names = {part.name for part in self.selected_parts()}
        scrolled = self.verticalScrollBar().value()
        self.pairs.set_parts(parts)
        selection = self.selectionModel()
        for row, part in enumerate(parts):
            if part.name in names:
                index = self.pairs.index(row, 0)
                selection.select(index, selection.SelectionFlag.Select)
        self.verticalScrollBar().setValue(scrolled)

    # Qt event handlers

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept images of the list of images."""
        if event.mimeData().hasFormat(IMAGE_KEYS):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept images anywhere in the list."""
        if event.mimeData().hasFormat(IMAGE_KEYS):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell of the images that were dropped."""
        data = bytes(event.mimeData().data(IMAGE_KEYS))
        if data:
            event.acceptProposedAction()
            self.dropped.emit(json.loads(data))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw the pictures of the rows that came in sight."""
        super().resizeEvent(event)
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw the pictures of the rows in sight."""
        super().showEvent(event)
        self._timer.start()

    def _draw_some(self) -> None:
        """Draw pictures of rows in sight in the background, some at a time."""
        parts = [
            self.pairs.parts[row]
            for row in self._rows_in_sight()
            if self.pairs.needs_picture(row)
        ]
        parts = [part for part in parts if part.identity not in self._failed]
        if not parts or self._job is not None:
            return
        some = parts[:_AT_ONCE]

        def draw(_: object) -> list[tuple[str, QImage | None]]:
            found: list[tuple[str, QImage | None]] = []
            for part in some:
                assert part.read is not None
                try:
                    picture = training_picture(part.read(), PICTURE)
                    found.append((part.identity, qimage_of(picture)))
                # Its row says why it is not used, or the training will.
                except StudioError:
                    found.append((part.identity, None))
            return found

        self._job = Job("Drawing previews", draw, quiet=True)
        self._job.finished.connect(self._on_drawn)
        self._job.ended.connect(self._on_end)
        self._queue.start(self._job)

    def _on_drawn(self, found: list[tuple[str, QImage | None]]) -> None:
        for identity, picture in found:
            if picture is None:
                self._failed.add(identity)
            else:
                self.pairs.set_picture(identity, QPixmap.fromImage(picture))

    def _on_end(self) -> None:
        self._job = None
        self._timer.start()

    def _rows_in_sight(self) -> range:
        if not self.isVisible() or not self.pairs.parts:
            return range(0)
        top = self.indexAt(QPoint(1, 1)).row()
        bottom = self.indexAt(QPoint(1, self.viewport().height() - 1)).row()
        last = bottom if bottom >= 0 else len(self.pairs.parts) - 1
        return range(max(top, 0), last + 1)
