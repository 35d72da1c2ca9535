"""Qt model of the images of a session, and its filter."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QPixmap

from cellpose_studio.app.images.image_status import ImageStatus, status_of
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.training_roles import TrainingRoles
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.thumbnail import Thumbnail
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.images.text import accessible_text, tooltip_html
from cellpose_studio.ui.widgets.pixmap import pixmap_of

_Version = tuple[str, str]
"""Key and fingerprint of an image, which changes if another file replaces it."""

_ROLES = Qt.ItemDataRole
KEY = int(_ROLES.UserRole)
"""Role of the key of an image; the roles after it are our own as well."""
STATUS, CELLS, TRAINING, BADGE = range(KEY + 1, KEY + 5)

_MAX_PIXMAPS = 2000
"""Size of the cache of thumbnails, each of 30 kB."""


class ImageModel(QAbstractListModel):
    """The images of a session, one row each."""

    def __init__(
        self, session: Session, missing: MissingImages, roles: TrainingRoles
    ) -> None:
        super().__init__()
        self._session = session
        self._missing = missing
        self._roles = roles
        self._badges: dict[str, str] = {}
        self._pixmaps: OrderedDict[_Version, QPixmap] = OrderedDict()
        self._unreadable: dict[_Version, str] = {}
        self._read_images()
        session.images_changed.connect(self.reload)
        session.masks_changed.connect(self._on_masks)
        session.image_changed.connect(self.on_image)
        roles.image_changed.connect(self.on_image)
        roles.changed.connect(self._on_all)
        missing.changed.connect(self._on_missing)

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of images."""
        return len(self._images)

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the value of a role for an image; see the roles above."""
        image = self._images[index.row()]
        if role == _ROLES.DisplayRole:
            return image.source.name
        if role == _ROLES.DecorationRole:
            return self._pixmaps.get(_version_of(image.source))
        if role == KEY:
            return image.source.key
        if role == STATUS:
            return self.status(index.row())
        if role == CELLS:
            return image.masks.cells if image.masks else None
        if role == TRAINING:
            return self._roles.role(image)
        if role == BADGE:
            return self._badges.get(image.source.key, "")
        return self._text(image, index.row(), role)

    def image(self, row: int) -> ProjectImage:
        """Return the image of a row."""
        return self._images[row]

    def row_of(self, key: str) -> int:
        """Return the row of an image, -1 if it is not in the list."""
        return self._rows.get(key, -1)

    def plain_name(self, row: int) -> str:
        """Return the case-folded name of the image of a row."""
        return self._names[row]

    def status(self, row: int) -> ImageStatus:
        """Return the status of the image of a row."""
        image = self._images[row]
        return status_of(image, image.source.path in self._missing)

    def set_badge(self, key: str, text: str) -> None:
        """Show a short text under the name of an image: "waiting"; "" for none."""
        if text:
            self._badges[key] = text
        else:
            self._badges.pop(key, None)
        self._changed(key)

    def set_thumbnail(self, image: ImageSource, thumbnail: Thumbnail) -> None:
        """Show the thumbnail of an image; drop the oldest one if the cache is full."""
        self._pixmaps[_version_of(image)] = pixmap_of(thumbnail)
        if len(self._pixmaps) > _MAX_PIXMAPS:
            self._pixmaps.popitem(last=False)
        self._changed(image.key)

    def set_unreadable(self, image: ImageSource, reason: str) -> None:
        """Show in the tooltip why an image has no thumbnail."""
        self._unreadable[_version_of(image)] = reason
        self._changed(image.key)

    def needs_thumbnail(self, image: ImageSource) -> bool:
        """Return whether an image has no thumbnail yet, and can be read."""
        version = _version_of(image)
        return version not in self._pixmaps and version not in self._unreadable

    def on_image(self, image: ProjectImage) -> None:
        """Update the row of an image."""
        self._changed(image.source.key)

    def reload(self) -> None:
        """Reset the model to the present images of the session."""
        self.beginResetModel()
        self._read_images()
        self._unreadable.clear()
        self.endResetModel()

    def _text(self, image: ProjectImage, row: int, role: int) -> str | None:
        key = image.source.key
        badge, use = self._badges.get(key, ""), self._roles.role(image)
        if role == _ROLES.ToolTipRole:
            reason = self._unreadable.get(_version_of(image.source), "")
            return tooltip_html(image, self.status(row), use, badge, reason)
        if role == _ROLES.AccessibleTextRole:
            return accessible_text(image, self.status(row), use, badge)
        return None

    def _read_images(self) -> None:
        self._images = tuple(self._session.images)
        self._rows = {e.source.key: n for n, e in enumerate(self._images)}
        # The filter asks for the name of each row, so the names are folded once.
        self._names = [image.source.name.casefold() for image in self._images]

    def _on_masks(self, change: MasksChange) -> None:
        # A draft changes neither the number of cells nor the status of the image.
        if change.kind != "drafted":
            self.on_image(change.image)

    def _changed(self, key: str) -> None:
        if (row := self.row_of(key)) >= 0:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _on_missing(self) -> None:
        # Files may have come back, so all thumbnails are requested again.
        self._unreadable.clear()
        self._on_all()

    def _on_all(self) -> None:
        if self._images:
            last = self.index(len(self._images) - 1)
            self.dataChanged.emit(self.index(0), last)


class ImageFilter(QSortFilterProxyModel):
    """Filters images by the words of their names and by their status."""

    def __init__(self, model: ImageModel) -> None:
        super().__init__()
        self._model = model
        self._words: list[str] = []
        self._status: ImageStatus | None = None
        self.setSourceModel(model)

    @property
    def active(self) -> bool:
        """Whether the filter may hide images."""
        return bool(self._words) or self._status is not None

    def set(self, text: str, status: ImageStatus | None) -> None:
        """Show images of a status whose names contain all words of ``text``.

        The case of letters is ignored; a status of None stands for any.
        """
        self._words = text.casefold().split()
        self._status = status
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, _: QModelIndex) -> bool:
        """Return whether an image passes the filter; for Qt."""
        if self._words:
            name = self._model.plain_name(row)
            if not all(word in name for word in self._words):
                return False
        return self._status is None or self._status == self._model.status(row)

    def row_of(self, key: str) -> int:
        """Return the row of an image after filtering, -1 if it is hidden."""
        row = self._model.row_of(key)
        return self.mapFromSource(self._model.index(row)).row() if row >= 0 else -1

    def image(self, row: int) -> ProjectImage:
        """Return the image of a row after filtering."""
        return self._model.image(self._source(row))

    def neighbour(self, key: str, by: int) -> ProjectImage | None:
        """Return the image ``by`` rows after another one, or the first or last image.

        A hidden image counts from the position where it would be.
        """
        rows, here = self.rowCount(), self._model.row_of(key)
        if not rows:
            return None
        # The filter keeps the order of the images, so its rows can be bisected.
        at = bisect_left(range(rows), here, key=self._source)
        # The row at the position of a hidden image is already one further.
        hidden = at == rows or self._source(at) != here
        target = at + by - (hidden and by > 0)
        return self.image(min(max(target, 0), rows - 1))

    def images(self) -> Iterator[ProjectImage]:
        """Yield the images that pass the filter, from top to bottom."""
        return (self.image(row) for row in range(self.rowCount()))

    def _source(self, row: int) -> int:
        return int(self.mapToSource(self.index(row, 0)).row())


def _version_of(image: ImageSource) -> _Version:
    """Return the version of an image, by which thumbnails are cached."""
    return image.key, image.fingerprint
