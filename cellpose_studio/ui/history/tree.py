"""The tree of the revisions of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
)

from cellpose_studio.app.history.lineage_reader import ImageHistory
from cellpose_studio.core.display.small_picture import Thumbnail
from cellpose_studio.ui.history.delegate import ROW, HistoryDelegate
from cellpose_studio.ui.history.rows import HistoryRow, Place, places_of
from cellpose_studio.ui.widgets.pixmap import pixmap_of

_INDENT = 14
_PICTURE = int(Qt.ItemDataRole.DecorationRole)


class HistoryTree(QTreeWidget):
    """Lists the revisions of each label set, newest first, with indented branches.

    An image may have a thousand revisions, and each change of its masks is told: items
    stay, and texts and pictures are made when they come in sight.
    """

    def __init__(self) -> None:
        super().__init__(objectName="history")
        self.setHeaderHidden(True)
        self.setAccessibleName("Revisions of the masks")
        self.setToolTip("Click a revision; two of them, with Ctrl, can be compared.")
        self.setItemDelegate(HistoryDelegate(self))
        self.setIndentation(_INDENT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setExpandsOnDoubleClick(False)
        self._thumbnails: dict[int, Thumbnail] = {}
        self._pixmaps: dict[int, QPixmap] = {}
        self._active = ""

    def forget(self) -> None:
        """Clear the tree and the thumbnails, for another project."""
        self.clear()
        self._thumbnails.clear()
        self._pixmaps.clear()

    def show_history(self, history: ImageHistory) -> None:
        """Show the history of an image; keep selection, folding and scroll position."""
        self._thumbnails |= history.thumbnails
        self._active = history.image.active
        selected = {row.key for row in self.selected()}
        folded = {i.data(0, ROW).key for i in self.row_items() if _folded(i)}
        at = self.verticalScrollBar().value()
        self._fill(self.invisibleRootItem(), places_of(history))
        # Items that moved have lost it; without any, each call would take its time.
        for item in self.row_items() if selected or folded else ():
            key = item.data(0, ROW).key
            if key in selected:
                item.setSelected(True)
            if key in folded:
                item.setExpanded(False)
        tops = (self.topLevelItem(n) for n in range(self.topLevelItemCount()))
        self.setRootIsDecorated(any(top.childCount() for top in tops))
        self.verticalScrollBar().setValue(at)
        self.viewport().update()

    def value_of(self, place: Place, role: int) -> object:
        """Return what a place shows in a role."""
        if role == _PICTURE:
            return self._pixmap(place)
        return place.value(role, self._active)

    def selected(self) -> list[HistoryRow]:
        """Return the selected rows, from top to bottom."""
        return [item.data(0, ROW) for item in self.row_items() if item.isSelected()]

    def rows(self) -> list[HistoryRow]:
        """Return all rows, from top to bottom."""
        return [item.data(0, ROW) for item in self.row_items()]

    def row_items(self) -> Iterator[QTreeWidgetItem]:
        """Yield the items with a row, from top to bottom; headings have none."""
        # Qt's iterator is not a Python iterator.
        at = QTreeWidgetItemIterator(self)
        while (item := at.value()) is not None:
            if item.data(0, ROW) is not None:
                yield item
            at += 1

    def select_head(self) -> None:
        """Select the current row, and scroll to it."""
        for item in self.row_items():
            row = item.data(0, ROW)
            if row.is_head or row.node is None:
                self.clearSelection()
                item.setSelected(True)
                self.scrollToItem(item)
                return

    # Building

    def _fill(self, parent: QTreeWidgetItem, places: Sequence[Place]) -> None:
        """Put places below an item; what is there already stays, if in its order."""
        was_leaf = not parent.childCount()
        _keep_only(parent, {place.key for place in places})
        here = {child.place.key for child in _children(parent)}
        for n, place in enumerate(places):
            child = _child(parent, n)
            # Those that stay have another order now.
            moved = child and child.place.key != place.key and place.key in here
            if child is None or moved:
                _replace_from(parent, n, places[n:])
                break
            if child.place.key == place.key:
                child.show_place(place)
            else:
                parent.insertChild(n, _Item(place))
        for child in _children(parent):
            if child.place.below or child.childCount():
                self._fill(child, child.place.below)
        if places and was_leaf and parent is not self.invisibleRootItem():
            parent.setExpanded(True)

    def _pixmap(self, place: Place) -> QPixmap | None:
        node = place.row.node if place.row is not None else None
        if node is None or node.revision is None:
            return None
        number = node.revision.id
        if number not in self._pixmaps and number in self._thumbnails:
            self._pixmaps[number] = pixmap_of(self._thumbnails.pop(number))
        return self._pixmaps.get(number)


class _Item(QTreeWidgetItem):
    """An item whose values are made when they are asked for."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        if place.row is None:
            self.setFlags(Qt.ItemFlag.ItemIsEnabled)

    def show_place(self, place: Place) -> None:
        """Show a place of the same key."""
        before, self.place = self.place, place
        if before.lines != place.lines:
            self.emitDataChanged()

    def data(self, _: int, role: int) -> object:
        """Return what is shown in a role; Qt calls this."""
        tree = self.treeWidget()
        return (
            tree.value_of(self.place, role) if isinstance(tree, HistoryTree) else None
        )


def _child(parent: QTreeWidgetItem, n: int) -> _Item | None:
    child = parent.child(n)
    return child if isinstance(child, _Item) else None


def _children(parent: QTreeWidgetItem) -> list[_Item]:
    found = (_child(parent, n) for n in range(parent.childCount()))
    return [child for child in found if child is not None]


def _keep_only(parent: QTreeWidgetItem, keys: Set[object]) -> None:
    for child in _children(parent):
        if child.place.key not in keys:
            parent.removeChild(child)


def _replace_from(parent: QTreeWidgetItem, n: int, places: Sequence[Place]) -> None:
    for child in _children(parent)[n:]:
        parent.removeChild(child)
    # All at once: the view is told of each call.
    parent.addChildren([_Item(place) for place in places])


def _folded(item: QTreeWidgetItem) -> bool:
    return item.childCount() > 0 and not item.isExpanded()
