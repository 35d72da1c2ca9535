"""Qt model of the images of a session, and its filter.

Below the images, the model has a row for each file that is still to be read: of a
folder with thousands of images, all names are in the list long before.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from qtpy.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from qtpy.QtGui import QPixmap

from cellpose_studio.app.images.image_status import ImageStatus, status_of
from cellpose_studio.app.images.missing_images import MissingImages
from cellpose_studio.app.images.training_set import TrainingSet
from cellpose_studio.app.masks.events import MasksChange
from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.session.session import Session
from cellpose_studio.core.display.small_picture import Thumbnail
from cellpose_studio.core.images.distinct_names import distinct_names
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.ui.images.text import accessible_text, tooltip_html
from cellpose_studio.ui.widgets.pixmap import pixmap_of

_Version = tuple[str, str]
"""Key and fingerprint of an image, which changes if another file replaces it."""

_ROLES = Qt.ItemDataRole
KEY = int(_ROLES.UserRole)
"""Role of the key of an image; the roles after it are our own as well."""
IMAGE_KEYS = "application/x-cellpose-studio-image-keys"
"""Type of what is dragged from the list: a JSON array of keys."""
STATUS, CELLS, TRAINING, BADGE = range(KEY + 1, KEY + 5)

_WAITING = "not read yet"
_WAITING_TIP = "This file has not been read yet. It can be shown once it is."

_MAX_PIXMAPS = 2000
"""Size of the cache of thumbnails, each of 30 kB."""


class ImageModel(QAbstractListModel):
    """The images of a session, one row each, and files that are still to be read."""

    def __init__(
        self, session: Session, missing: MissingImages, training: TrainingSet
    ) -> None:
        super().__init__()
        self._session = session
        self._missing = missing
        self._training = training
        self._badges: dict[str, str] = {}
        self._pixmaps: OrderedDict[_Version, QPixmap] = OrderedDict()
        self._unreadable: dict[_Version, str] = {}
        self._waiting: Sequence[str] = ()
        self._read_images()
        session.images_changed.connect(self.reload)
        session.masks_changed.connect(self._on_masks)
        session.image_changed.connect(self.on_image)
        training.image_changed.connect(self.on_image)
        training.changed.connect(self._on_all)
        missing.changed.connect(self._on_missing)

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of images and of files that are still to be read."""
        return len(self._images) + len(self._waiting)

    @property
    def images(self) -> int:
        """Number of images; the rows after them are files still to be read."""
        return len(self._images)

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        """Return that a file cannot be chosen as long as it is still to be read."""
        if index.row() >= len(self._images):
            return Qt.ItemFlag.NoItemFlags
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        """Return how images are dragged; for Qt."""
        return [IMAGE_KEYS]

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:
        """Return the keys of the images that are dragged; for Qt."""
        data = QMimeData()
        keys = [index.data(KEY) for index in indexes if index.data(KEY)]
        data.setData(IMAGE_KEYS, json.dumps(keys).encode())
        return data

    def data(self, index: QModelIndex, role: int = _ROLES.DisplayRole) -> Any:
        """Return the value of a role for an image; see the roles above."""
        if index.row() >= len(self._images):
            return self._waiting_data(self._waiting[index.row() - self.images], role)
        image = self._images[index.row()]
        if role == _ROLES.DisplayRole:
            return self._shown[index.row()]
        if role == _ROLES.DecorationRole:
            return self._pixmaps.get(_version_of(image.source))
        if role == KEY:
            return image.source.key
        if role == STATUS:
            return self.status(index.row())
        if role == CELLS:
            return image.masks.cells if image.masks else None
        if role == TRAINING:
            return self._training.role(image)
        if role == BADGE:
            return self._badges.get(image.source.key, "")
        return self._text(image, role)

    def image(self, row: int) -> ProjectImage:
        """Return the image of a row."""
        return self._images[row]

    def row_of(self, key: str) -> int:
        """Return the row of an image, -1 if it is not in the list."""
        return self._rows.get(key, -1)

    def plain_name(self, row: int) -> str:
        """Return the case-folded name of a row."""
        if row >= len(self._images):
            return self._waiting[row - len(self._images)].casefold()
        return self._names[row]

    def status(self, row: int) -> ImageStatus | None:
        """Return the status of the image of a row; None if it is still to be read."""
        return None if row >= len(self._images) else self._status(self._images[row])

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

    def set_waiting(self, names: Sequence[str]) -> None:
        """Show the names of files that are still to be read, the next one first."""
        start, before = len(self._images), self._waiting
        read = len(before) - len(names)
        # Most often, the first ones have been read.
        if read > 0 and before[read:] == names:
            self.beginRemoveRows(QModelIndex(), start, start + read - 1)
            self._waiting = names
            self.endRemoveRows()
        elif names != before:
            self.beginResetModel()
            self._waiting = names
            self.endResetModel()

    def reload(self) -> None:
        """Take up the present images of the session."""
        if self._only_added():
            # A reset would cost the view its place, and as much time as there are
            # images, each time that some of a large folder have been read.
            start, now = len(self._images), self._session.images
            self.beginInsertRows(QModelIndex(), start, len(now) - 1)
            renamed = self._take_up(now[start:])
            self.endInsertRows()
            for row in renamed:
                self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._read_images()
        self._unreadable.clear()
        self.endResetModel()

    def _only_added(self) -> bool:
        """Return whether the images of the model are still there, and others follow."""
        now = self._session.images
        return len(now) > len(self._images) and all(
            image is old and image.source is source
            for image, old, source in zip(
                now, self._images, self._sources, strict=False
            )
        )

    def _waiting_data(self, name: str, role: int) -> str | None:
        return {
            int(_ROLES.DisplayRole): name,
            int(_ROLES.ToolTipRole): _WAITING_TIP,
            int(_ROLES.AccessibleTextRole): f"{name}, {_WAITING}",
            BADGE: _WAITING,
        }.get(int(role))

    def _status(self, image: ProjectImage) -> ImageStatus:
        return status_of(image, image.source.path in self._missing)

    def _text(self, image: ProjectImage, role: int) -> str | None:
        key = image.source.key
        badge, use = self._badges.get(key, ""), self._training.role(image)
        if role == _ROLES.ToolTipRole:
            reason = self._unreadable.get(_version_of(image.source), "")
            return tooltip_html(image, self._status(image), use, badge, reason)
        if role == _ROLES.AccessibleTextRole:
            name = self._shown[self._rows[key]]
            return accessible_text(name, image, self._status(image), use, badge)
        return None

    def _read_images(self) -> None:
        self._images: list[ProjectImage] = []
        self._sources: list[ImageSource] = []
        self._rows: dict[str, int] = {}
        self._shown: list[str] = []
        self._names: list[str] = []
        self._take_up(self._session.images)

    def _take_up(self, images: Sequence[ProjectImage]) -> list[int]:
        """Append images to those of the model; return rows with another name now.

        An image that was alone with its name may be so no longer.
        """
        for image in images:
            self._rows[image.source.key] = len(self._images)
            self._images.append(image)
            self._sources.append(image.source)
        before, self._shown = self._shown, distinct_names(self._sources)
        # The filter asks for the name of each row, so the names are folded once.
        self._names = [name.casefold() for name in self._shown]
        named = enumerate(zip(before, self._shown, strict=False))
        return [row for row, (old, new) in named if old != new]

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
        rows, here = self.image_count(), self._model.row_of(key)
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
        return (self.image(row) for row in range(self.image_count()))

    def image_count(self) -> int:
        """Return how many images pass the filter, without files still to be read."""
        rows = range(self.rowCount())
        return bisect_left(rows, self._model.images, key=self._source)

    def _source(self, row: int) -> int:
        return int(self.mapToSource(self.index(row, 0)).row())


def _version_of(image: ImageSource) -> _Version:
    """Return the version of an image, by which thumbnails are cached."""
    return image.key, image.fingerprint
