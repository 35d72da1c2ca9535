"""Qt model of the training set: one row for each image, slice or crop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt
from qtpy.QtGui import QPixmap

from cellpose_studio.app.images.training_set import ROLE_WORDS
from cellpose_studio.core.models.training_set import Role
from cellpose_studio.core.wording import cell_count, counted, image_count, listed
from cellpose_studio.workflows.training.project_set import SetPart

_ROLES = Qt.ItemDataRole
PART = int(_ROLES.UserRole)
"""Role of the `SetPart` of a row."""
_MOST_PICTURES = 200
"""Half a megabyte each."""


class PairModel(QAbstractListModel):
    """The parts of the training set, with small pictures that are drawn later."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: Sequence[SetPart] = ()
        self._pictures: dict[str, QPixmap] = {}

    def set_parts(self, parts: Sequence[SetPart]) -> None:
        """Show other parts; their pictures are kept where nothing has changed."""
        self.beginResetModel()
        self.parts = parts
        self.endResetModel()

    def rowCount(self, _: QModelIndex | None = None) -> int:
        """Return the number of parts; for Qt."""
        return len(self.parts)

    def picture(self, part: SetPart) -> QPixmap | None:
        """Return the picture of a part; None as long as it is not drawn."""
        return self._pictures.get(part.identity)

    def needs_picture(self, row: int) -> bool:
        """Return whether the picture of a row is still to be drawn."""
        part = self.parts[row]
        return part.read is not None and part.identity not in self._pictures

    def set_picture(self, identity: str, picture: QPixmap) -> None:
        """Show a picture in all rows with these pixels and masks."""
        if len(self._pictures) > _MOST_PICTURES:
            self._pictures.pop(next(iter(self._pictures)))
        self._pictures[identity] = picture
        for row, part in enumerate(self.parts):
            if part.identity == identity:
                index = self.index(row, 0)
                self.dataChanged.emit(index, index)

    def data(self, index: QModelIndex, role: int = int(_ROLES.DisplayRole)) -> Any:
        """Return what a row shows; for Qt."""
        part = self.parts[index.row()]
        if role == PART:
            return part
        if role == _ROLES.DisplayRole:
            return part.name
        if role == _ROLES.DecorationRole:
            return self.picture(part)
        if role == _ROLES.AccessibleTextRole:
            return f"{part.name}, {use_of(part)}, {detail_of(part)}"
        if role == _ROLES.ToolTipRole:
            lines = [f"<b>{escape(part.name)}</b>", escape(use_of(part))]
            return f"<qt>{'<br>'.join([*lines, escape(detail_of(part))])}</qt>"
        return None


def use_of(part: SetPart) -> str:
    """Return what a part is for: "for training", "not used"."""
    if part.pair is None:
        return "not used"
    return f"for {ROLE_WORDS[part.pair.role]}"


def detail_of(part: SetPart) -> str:
    """Return what is known of a part, or why it is not used."""
    if part.reason:
        return part.reason
    parts = [cell_count(part.cells)]
    if part.left_out:
        parts.append(f"{part.left_out:,} left out")
    if part.ignored:
        parts.append(f"{part.ignored:.0%} ignored" if part.ignored >= 0.005 else "")
    return ", ".join(filter(None, parts))


def summary_of(parts: Sequence[SetPart]) -> str:
    """Return what is used for what, and how many cells it has, in one sentence."""
    texts = []
    for role, word in ROLE_WORDS.items():
        own = used_for(parts, role)
        cells = cell_count(sum(part.cells for part in own))
        texts.append(f"{_pieces(own)} for {word} ({cells})" if own else "")
    unused = sum(part.pair is None for part in parts)
    texts.append(f"{unused:,} not used" if unused else "")
    return f"{', '.join(filter(None, texts)) or 'Nothing is marked'}."


def used_for(parts: Sequence[SetPart], role: Role) -> list[SetPart]:
    """Return the parts that are used in a role."""
    return [part for part in parts if part.pair is not None and part.pair.role == role]


def _pieces(parts: Sequence[SetPart]) -> str:
    """Return how many there are: "4 images", "23 slices of 1 image"."""
    kinds = Counter(
        "crop" if part.crop is not None else "slice" if part.sliced else "image"
        for part in parts
    )
    order = [kind for kind in ("image", "slice", "crop") if kinds[kind]]
    text = listed([counted(kinds[kind], kind) for kind in order])
    whole = len({part.image for part in parts})
    return text if "image" in order else f"{text} of {image_count(whole)}"
