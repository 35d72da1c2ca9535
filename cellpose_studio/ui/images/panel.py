"""The list of the project's images, with a filter above it."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QPoint, QRectF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QIcon, QPainter, QPixmap, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.images.image_status import STATUSES, ImageStatus
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.thumbnails import Thumbnails
from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.wording import image_count
from cellpose_studio.ui.images.delegate import ImageDelegate, draw_icon
from cellpose_studio.ui.images.model import KEY, ImageFilter, ImageModel
from cellpose_studio.ui.images.text import STATUS_WORDS
from cellpose_studio.ui.widgets.tables.filter_line import FilterLine
from cellpose_studio.ui.widgets.tables.select_row import select_row

_THUMBNAIL_DELAY = 40
"""ms between requests for the thumbnails in view."""
_ICON = 14


class ImageView(QListView):
    """List view that emits `moved` when other rows may be visible."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="imageList")
        self.setItemDelegate(ImageDelegate(self))
        # Otherwise Qt would ask for the size of each of thousands of rows.
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setDragEnabled(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalScrollBar().valueChanged.connect(self.moved)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Emit `moved`, because more or fewer rows are visible."""
        super().resizeEvent(event)
        self.moved.emit()

    def visible_rows(self) -> range:
        """Return the rows that are visible, at least in part."""
        if not self.isVisible():
            return range(0)
        top = self.indexAt(QPoint(1, 1))
        if not top.isValid():
            return range(0)
        bottom = self.indexAt(QPoint(1, self.viewport().height() - 1))
        last = bottom.row() if bottom.isValid() else self.model().rowCount() - 1
        return range(top.row(), last + 1)


class ImagesPanel(QWidget):
    """The list of images with its filter.

    Parameters
    ----------
    session
        The session whose images are listed.
    missing, training, thumbnails
        Services for missing files, roles in training, and thumbnails.
    """

    chosen = Signal(str)  # key of an image

    def __init__(
        self,
        session: Session,
        missing: MissingImages,
        training: TrainingSet,
        thumbnails: Thumbnails,
    ) -> None:
        super().__init__()
        self._session = session
        self._missing = missing
        self._thumbnails = thumbnails
        self.model = ImageModel(session, missing, training)
        self.filtered = ImageFilter(self.model)
        self._removing = self._filtering = False
        # Connected before the view, which selects another row when it loses its current
        # one: images must not be shown because of a filter.
        self.filtered.rowsAboutToBeRemoved.connect(self._on_removing)
        self.view = ImageView()
        self.view.setModel(self.filtered)
        self._timer = QTimer(self, singleShot=True, interval=_THUMBNAIL_DELAY)
        self._lay_out()
        self._connect()
        self._on_rows()

    def selected_images(self) -> list[ProjectImage]:
        """Return the selected images, from top to bottom."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        return [self.filtered.image(row) for row in rows]

    def step(self, by: int) -> None:
        """Show the listed image ``by`` rows below the one shown."""
        shown = self._session.shown
        image = self.filtered.neighbour(shown.source.key, by) if shown else None
        if image is not None:
            self._session.show(image.source.key)

    def shut_down(self) -> None:
        """Stop requesting thumbnails."""
        self._timer.stop()

    # Construction

    def _lay_out(self) -> None:
        self.filter = FilterLine("imageFilter", "Filter")
        self.filter.set_list(self.view)
        self.filter.setAccessibleName("Filter the images by name")
        self.view.setAccessibleName("Images of the project")
        self.view.setToolTip("Click an image to show it, or press A and D.")
        self.filter.setToolTip(
            "Show only images whose names contain all these words, in any order."
        )
        self.status = _status_box()
        self.count = QLabel(objectName="imageCount")
        row = QHBoxLayout()
        row.addWidget(self.filter, 1)
        row.addWidget(self.status, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(row)
        column.addWidget(self.view)
        column.addWidget(self.count)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._on_filter)
        self.status.currentIndexChanged.connect(self._on_filter)
        for signal in ("rowsInserted", "rowsRemoved", "modelReset", "layoutChanged"):
            getattr(self.filtered, signal).connect(self._on_rows)
        # The filter removes rows before the model does, which still counts them then.
        self.model.rowsRemoved.connect(self._on_rows)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.moved.connect(self._request_thumbnails_soon)
        self._timer.timeout.connect(self._on_timer)
        self._thumbnails.made.connect(self.model.set_thumbnail)
        self._thumbnails.failed.connect(self.model.set_unreadable)
        self._session.shown_changed.connect(self._on_shown)
        self._session.project_changed.connect(self._on_project)
        self._missing.changed.connect(self._on_missing)
        # While another window was active, files may have been moved or a drive mounted.
        QApplication.instance().applicationStateChanged.connect(self._on_state)

    # Event handlers

    def _on_current(self, current: QModelIndex) -> None:
        # A file that is still to be read has no key.
        if current.isValid() and not self._removing and current.data(KEY):
            self.chosen.emit(current.data(KEY))

    def _on_shown(self, _: ProjectImage | None) -> None:
        self._select_shown()

    def _on_project(self) -> None:
        # Repainted at once: showing the first image blocks the thread for a second.
        self.model.set_waiting(())
        self.model.reload()
        self.view.viewport().repaint()

    def _on_filter(self, _: object) -> None:
        # The filter emits for each range of rows, of which there may be thousands.
        self._filtering = True
        self.filtered.set(self.filter.text(), self.status.currentData())
        self._filtering = False
        self._on_rows()

    def _on_missing(self) -> None:
        self._request_thumbnails_soon()

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._missing.look()

    def _on_removing(self) -> None:
        self._removing = True

    def _on_rows(self, *_: object) -> None:
        if self._filtering:
            return
        self._removing = False
        total, here = self.model.rowCount(), self.filtered.rowCount()
        of = f"{here:,} of " if self.filtered.active else ""
        self.count.setText(f"{of}{image_count(total)}" if total else "")
        self._select_shown()
        self._request_thumbnails_soon()

    def _request_thumbnails_soon(self) -> None:
        # A running timer is not restarted: nothing would be requested while the user
        # scrolls.
        if not self._timer.isActive():
            self._timer.start()

    def _select_shown(self) -> None:
        """Select the row of the image shown; none if the filter hides it."""
        shown = self._session.shown
        row = self.filtered.row_of(shown.source.key) if shown else -1
        if row == self.view.currentIndex().row():
            return
        if row >= 0:
            select_row(self.view, self.filtered.index(row, 0))
        else:
            self.view.selectionModel().clear()

    def _on_timer(self) -> None:
        """Request the missing thumbnails of the visible rows, and no others."""
        count = self.filtered.image_count()
        rows = (row for row in self.view.visible_rows() if row < count)
        visible = [self.filtered.image(row).source for row in rows]
        self._thumbnails.want(i for i in visible if self.model.needs_thumbnail(i))


def _status_box() -> QComboBox:
    box = QComboBox(objectName="imageStatus")
    box.setAccessibleName("Status of the images listed")
    box.setToolTip("Show only images with this status.")
    box.addItem("All", None)
    for status in STATUSES:
        box.addItem(_status_icon(status), STATUS_WORDS[status], status)
    box.setIconSize(QSize(_ICON, _ICON))
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def _status_icon(status: ImageStatus) -> QIcon:
    pixmap = QPixmap(2 * _ICON, 2 * _ICON)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    # Twice the size, so that the icon is sharp on high-resolution screens.
    painter.scale(2, 2)
    draw_icon(painter, QRectF(0, 0, _ICON, _ICON), status)
    painter.end()
    return QIcon(pixmap)
