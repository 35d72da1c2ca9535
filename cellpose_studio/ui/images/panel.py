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
    QLineEdit,
    QListView,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.images.image_status import STATUSES, ImageStatus
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.thumbnails import Thumbnails
from cellpose_studio.app.images.training_roles import TrainingMembers
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.ui.images.delegate import ImageDelegate, draw_sign
from cellpose_studio.ui.images.model import KEY, ImageFilter, ImageModel
from cellpose_studio.ui.images.text import STATUS_WORDS
from cellpose_studio.ui.widgets.wording import image_count

_SCROLLED = 40
"""ms between looks at which thumbnails are needed."""
_SIGN = 14


class ImageView(QListView):
    """Tells when other rows may have come into sight."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__(objectName="imageList")
        self.setItemDelegate(ImageDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalScrollBar().valueChanged.connect(self.moved)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show more rows, or fewer."""
        super().resizeEvent(event)
        self.moved.emit()

    def rows_in_sight(self) -> range:
        """Return the rows of which something is seen."""
        if not self.isVisible():
            return range(0)
        top = self.indexAt(QPoint(1, 1))
        if not top.isValid():
            return range(0)
        bottom = self.indexAt(QPoint(1, self.viewport().height() - 1))
        last = bottom.row() if bottom.isValid() else self.model().rowCount() - 1
        return range(top.row(), last + 1)


class ImagesPanel(QWidget):
    """The images of a session, those that the filter lets through.

    Parameters
    ----------
    session
        Whose images are shown.
    missing, roles, thumbnails
        What is known of the images: whose files are not there, which are for training,
        and how they look.
    """

    chosen = Signal(str)  # key of an image

    def __init__(
        self,
        session: Session,
        missing: MissingImages,
        roles: TrainingMembers,
        thumbnails: Thumbnails,
    ) -> None:
        super().__init__()
        self._session = session
        self._missing = missing
        self._thumbnails = thumbnails
        self.model = ImageModel(session, missing, roles)
        self.filtered = ImageFilter(self.model)
        self._leaving = self._filtering = False
        # Before the view hears of it, which then takes another row for the current one.
        self.filtered.rowsAboutToBeRemoved.connect(self._on_leaving)
        self.view = ImageView()
        self.view.setModel(self.filtered)
        self._rest = QTimer(self, singleShot=True, interval=_SCROLLED)
        self._lay_out()
        self._connect()
        self._on_rows()

    def selected_images(self) -> list[ProjectImage]:
        """Return the images that are selected, from the top down."""
        rows = sorted(index.row() for index in self.view.selectedIndexes())
        return [self.filtered.image(row) for row in rows]

    def step(self, by: int) -> None:
        """Show the image ``by`` rows further down, of those that are listed."""
        shown = self._session.shown
        image = self.filtered.beside(shown.source.key, by) if shown else None
        if image is not None:
            self._session.show(image.source.key)

    def shut_down(self) -> None:
        """Ask for no more thumbnails, for good."""
        self._rest.stop()

    # Building

    def _lay_out(self) -> None:
        self.filter = QLineEdit(
            objectName="imageFilter", placeholderText="Filter", clearButtonEnabled=True
        )
        self.filter.setToolTip(
            "Show only images whose names have all these words, in any order."
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
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.moved.connect(self._look_soon)
        self._rest.timeout.connect(self._on_rest)
        self._thumbnails.made.connect(self.model.set_thumbnail)
        self._thumbnails.failed.connect(self.model.set_unreadable)
        self._session.shown_changed.connect(self._on_shown)
        self._session.project_changed.connect(self._on_project)
        self._missing.changed.connect(self._on_missing)
        # The user may have been moving files, or plugging in a drive.
        QApplication.instance().applicationStateChanged.connect(self._on_state)

    # What happens

    def _on_current(self, current: QModelIndex) -> None:
        if current.isValid() and not self._leaving:
            self.chosen.emit(current.data(KEY))

    def _on_shown(self, _: ProjectImage | None) -> None:
        self._follow()

    def _on_project(self) -> None:
        # The image that is shown first takes a second to come onto the canvas.
        self.model.read_again()
        self.view.viewport().repaint()

    def _on_filter(self, _: object) -> None:
        # Thousands of rows may come and go, one after another.
        self._filtering = True
        self.filtered.set(self.filter.text(), self.status.currentData())
        self._filtering = False
        self._on_rows()

    def _on_missing(self) -> None:
        self._look_soon()

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive:
            self._missing.look()

    def _on_leaving(self) -> None:
        self._leaving = True

    def _on_rows(self, *_: object) -> None:
        if self._filtering:
            return
        self._leaving = False
        total, here = self.model.rowCount(), self.filtered.rowCount()
        of = f"{here:,} of " if self.filtered.active else ""
        self.count.setText(f"{of}{image_count(total)}" if total else "")
        self._follow()
        self._look_soon()

    def _look_soon(self) -> None:
        if not self._rest.isActive():
            self._rest.start()

    def _follow(self) -> None:
        """Mark the image that is shown; none if the filter leaves it out."""
        shown = self._session.shown
        row = self.filtered.row_of(shown.source.key) if shown else -1
        if row == self.view.currentIndex().row():
            return
        if row >= 0:
            self.view.setCurrentIndex(self.filtered.index(row, 0))
        else:
            self.view.selectionModel().clear()

    def _on_rest(self) -> None:
        """Ask for the thumbnails that are in sight, and for no others."""
        rows = self.view.rows_in_sight()
        seen = [self.filtered.image(row).source for row in rows]
        self._thumbnails.want(i for i in seen if self.model.needs_thumbnail(i))


def _status_box() -> QComboBox:
    box = QComboBox(objectName="imageStatus")
    box.setToolTip("Show only images that are so far.")
    box.addItem("All", None)
    for status in STATUSES:
        box.addItem(_sign_icon(status), STATUS_WORDS[status], status)
    box.setIconSize(QSize(_SIGN, _SIGN))
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def _sign_icon(status: ImageStatus) -> QIcon:
    pixmap = QPixmap(2 * _SIGN, 2 * _SIGN)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(2, 2)
    draw_sign(painter, QRectF(0, 0, _SIGN, _SIGN), status)
    painter.end()
    return QIcon(pixmap)
