"""The list of open images."""

from __future__ import annotations

from html import escape
from typing import Any

from qtpy.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from qtpy.QtWidgets import QLineEdit, QListView, QVBoxLayout, QWidget

from cellpose_studio.app.session import Entry, Session

_ROLES = Qt.ItemDataRole


class ImageModel(QAbstractListModel):
    """The images of a session, as Qt's views read them."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._entries: tuple[Entry, ...] = session.entries
        session.images_changed.connect(self._on_images)
        session.labels_changed.connect(self._on_labels)

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return len(self._entries)

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the text, the tooltip or (user role) the key of an image."""
        entry = self._entries[index.row()]
        if role == _ROLES.DisplayRole:
            return _line(entry)
        if role == _ROLES.ToolTipRole:
            return f"<qt>{_about(entry)}</qt>"
        if role == _ROLES.UserRole:
            return entry.image.key
        return None

    def row_of(self, key: str) -> int:
        """Return the row of an image, -1 if it is not open."""
        keys = [entry.image.key for entry in self._entries]
        return keys.index(key) if key in keys else -1

    def _on_images(self) -> None:
        self.beginResetModel()
        self._entries = self._session.entries
        self.endResetModel()

    def _on_labels(self, entry: Entry, _: str) -> None:
        index = self.index(self.row_of(entry.image.key))
        self.dataChanged.emit(index, index)


class ImageList(QWidget):
    """The list with a field that filters it by name."""

    chosen = Signal(str)  # key of an image

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model = ImageModel(session)
        self._filtered = QSortFilterProxyModel(self)
        self._filtered.setSourceModel(self.model)
        self._filtered.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filter = QLineEdit(
            objectName="imageFilter", placeholderText="Filter", clearButtonEnabled=True
        )
        self.view = QListView(objectName="imageList")
        self.view.setModel(self._filtered)
        self.view.setUniformItemSizes(True)
        # The number of cells, at the end, stays in sight.
        self.view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.filter)
        column.addWidget(self.view)
        self.filter.textChanged.connect(self._filtered.setFilterFixedString)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        session.shown_changed.connect(self._on_shown)
        session.images_changed.connect(self._on_images)

    def _on_current(self, current: QModelIndex) -> None:
        if current.isValid():
            self.chosen.emit(current.data(_ROLES.UserRole))

    def _on_images(self) -> None:
        self._on_shown(self._session.shown)

    def _on_shown(self, entry: Entry | None) -> None:
        if entry is None:
            return
        index = self._filtered.mapFromSource(
            self.model.index(self.model.row_of(entry.image.key))
        )
        self.view.setCurrentIndex(index)


def _line(entry: Entry) -> str:
    labels = entry.labels
    return f"{entry.image.name}   {labels.cells}" if labels else entry.image.name


def _about(entry: Entry) -> str:
    image = entry.image
    lines = [f"<b>{escape(image.name)}</b>", escape(str(image.path))]
    sizes = dict(zip("TCZYX", image.shape, strict=True))
    shown = [f"{a} {n}" for a, n in sizes.items() if n > 1 or a in "YX"]
    lines.append(" × ".join(shown) + f", {image.dtype}")
    z, y, _ = image.pixel_size_um
    if y:
        planes = f", planes {z:.3g} µm apart" if z and image.planes > 1 else ""
        lines.append(f"pixels of {y:.3g} µm{planes}")
    if labels := entry.labels:
        lines.append(f"{labels.cells} cells, {escape(labels.origin)}")
    return "<br>".join(lines)
