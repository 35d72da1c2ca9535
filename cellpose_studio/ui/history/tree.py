"""The tree of the revisions of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
)

from cellpose_studio.app.history.lineage import HistoryNode, Lineage
from cellpose_studio.app.history.lineage_reader import ImageHistory, when_local
from cellpose_studio.ui.history.delegate import (
    DETAIL,
    HEAD,
    NOTE,
    NUMBER,
    ROW,
    TIME,
    HistoryDelegate,
)
from cellpose_studio.ui.history.text import about, detail, edit_lines, edits, title
from cellpose_studio.ui.widgets.pixmap import pixmap_of

_INDENT = 14
_NOW = "shown now"


@dataclass(frozen=True, eq=False)
class HistoryRow:
    """The content of a row of the tree.

    Attributes
    ----------
    node
        None for the edits after the head.
    """

    lineage: Lineage
    node: HistoryNode | None

    @property
    def key(self) -> tuple[str, object]:
        """Identity of the row, also after the history was read again."""
        if self.node is None:
            return self.lineage.name, "edits"
        revision = self.node.revision
        return self.lineage.name, revision.id if revision else self.node.time

    @property
    def is_head(self) -> bool:
        """Whether the row is the current revision of its label set."""
        revision = self.node.revision if self.node else None
        return revision is not None and revision.id == self.lineage.head


class HistoryTree(QTreeWidget):
    """Lists the revisions of each label set, newest first, with indented branches."""

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
        self._pixmaps: dict[int, QPixmap] = {}
        self._active = ""

    def forget(self) -> None:
        """Clear the tree and the thumbnails, for another project."""
        self.clear()
        self._pixmaps.clear()

    def show_history(self, history: ImageHistory) -> None:
        """Show the history of an image; keep the selection."""
        for number, thumbnail in history.thumbnails.items():
            self._pixmaps[number] = pixmap_of(thumbnail)
        self._active = history.image.active
        # The items are created anew: selection, folding and scroll position are kept.
        selected = {row.key for row in self.selected()}
        folded = {i.data(0, ROW).key for i in self.row_items() if _folded(i)}
        at = self.verticalScrollBar().value()
        self.clear()
        tops = [top for one in history.lineages for top in self._tops(history, one)]
        self.addTopLevelItems(tops)
        self.expandAll()
        # Nothing is selected or folded yet, and each call takes its time.
        for item in self.row_items() if selected or folded else ():
            key = item.data(0, ROW).key
            if key in selected:
                item.setSelected(True)
            if key in folded:
                item.setExpanded(False)
        branched = any(top.childCount() for top in tops)
        self.setRootIsDecorated(branched)
        self.verticalScrollBar().setValue(at)

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

    def _tops(self, history: ImageHistory, one: Lineage) -> list[QTreeWidgetItem]:
        rows = self._node_items(one, one.line)
        if one.open_edits:
            head = one.step_of(one.head)
            place = one.line.index(head) if head in one.line else 0
            rows.insert(place, _open_item(one))
        if one.others:
            others = _heading(
                "Other starts", "Masks that do not derive from the first revision."
            )
            others.addChildren(self._node_items(one, one.others))
            rows.append(others)
        if len(history.lineages) > 1:
            rows.insert(0, _heading(one.name, "A set of masks of this image."))
        return rows

    def _node_items(
        self, one: Lineage, nodes: Sequence[HistoryNode]
    ) -> list[QTreeWidgetItem]:
        items = []
        for node in nodes:
            item = self._item(HistoryRow(one, node))
            item.addChildren(self._node_items(one, node.below))
            items.append(item)
        return items

    def _item(self, row: HistoryRow) -> QTreeWidgetItem:
        node = row.node
        assert node is not None
        item = QTreeWidgetItem()
        item.setData(0, ROW, row)
        item.setText(0, title(node))
        shown = row.is_head and row.lineage.name == self._active
        parts = [_NOW if shown else "", detail(node)]
        item.setData(0, DETAIL, " · ".join(filter(None, parts)))
        item.setData(0, TIME, when_local(node.time))
        item.setData(0, HEAD, row.is_head)
        item.setToolTip(0, about(node))
        if node.revision is not None:
            item.setData(0, NUMBER, str(node.revision.id))
            item.setData(0, NOTE, node.revision.note)
            pixmap = self._pixmaps.get(node.revision.id)
            item.setData(0, Qt.ItemDataRole.DecorationRole, pixmap)
        return item


def _folded(item: QTreeWidgetItem) -> bool:
    return item.childCount() > 0 and not item.isExpanded()


def _open_item(one: Lineage) -> QTreeWidgetItem:
    item = QTreeWidgetItem([f"{edits(len(one.open_edits))} since"])
    item.setData(0, ROW, HistoryRow(one, None))
    item.setData(0, HEAD, True)
    lines = "<br>".join(edit_lines(one.open_edits))
    item.setToolTip(0, f"<qt>{lines}</qt>")
    return item


def _heading(text: str, tip: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem([text])
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    item.setToolTip(0, tip)
    return item
