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
class Row:
    """What a row of the tree stands for.

    Attributes
    ----------
    step
        None for the edits that came after the head.
    """

    lineage: Lineage
    step: HistoryNode | None

    @property
    def key(self) -> tuple[str, object]:
        """Tells it from other rows, also after everything was read again."""
        if self.step is None:
            return self.lineage.name, "edits"
        revision = self.step.revision
        return self.lineage.name, revision.id if revision else self.step.time

    @property
    def is_head(self) -> bool:
        """It is the revision that the label set is at."""
        revision = self.step.revision if self.step else None
        return revision is not None and revision.id == self.lineage.head


class HistoryTree(QTreeWidget):
    """One line of revisions per label set, the newest on top; branches go in."""

    def __init__(self) -> None:
        super().__init__(objectName="history")
        self.setHeaderHidden(True)
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
        """Show nothing, and forget the pictures of another project."""
        self.clear()
        self._pixmaps.clear()

    def show_history(self, history: ImageHistory) -> None:
        """Show the history of an image; what was selected stays so."""
        for number, thumbnail in history.thumbnails.items():
            self._pixmaps[number] = pixmap_of(thumbnail)
        self._active = history.image.active
        selected = {row.key for row in self.selected()}
        folded = {i.data(0, ROW).key for i in self.row_items() if _folded(i)}
        at = self.verticalScrollBar().value()
        self.clear()
        tops = [top for one in history.lineages for top in self._tops(history, one)]
        self.addTopLevelItems(tops)
        self.expandAll()
        for item in self.row_items():
            key = item.data(0, ROW).key
            item.setSelected(key in selected)
            item.setExpanded(key not in folded)
        branched = any(top.childCount() for top in tops)
        self.setRootIsDecorated(branched)
        self.verticalScrollBar().setValue(at)

    def selected(self) -> list[Row]:
        """Return what is selected, from the top down."""
        return [item.data(0, ROW) for item in self.row_items() if item.isSelected()]

    def rows(self) -> list[Row]:
        """Return all rows, from the top down."""
        return [item.data(0, ROW) for item in self.row_items()]

    def row_items(self) -> Iterator[QTreeWidgetItem]:
        """Yield the items that stand for something, from the top down."""
        # An iterator of Qt's, which Python's own loops do not know.
        at = QTreeWidgetItemIterator(self)
        while (item := at.value()) is not None:
            if item.data(0, ROW) is not None:
                yield item
            at += 1

    def select_head(self) -> None:
        """Select what is shown now, and bring it into sight."""
        for item in self.row_items():
            row = item.data(0, ROW)
            if row.is_head or row.step is None:
                self.clearSelection()
                item.setSelected(True)
                self.scrollToItem(item)
                return

    # Building

    def _tops(self, history: ImageHistory, one: Lineage) -> list[QTreeWidgetItem]:
        rows = self._steps(one, one.line)
        if one.open_edits:
            head = one.step_of(one.head)
            place = one.line.index(head) if head in one.line else 0
            rows.insert(place, _open_item(one))
        if one.others:
            others = _heading("Other starts", "Masks that were undone at the start.")
            others.addChildren(self._steps(one, one.others))
            rows.append(others)
        if len(history.lineages) > 1:
            rows.insert(0, _heading(one.name, "A set of masks of this image."))
        return rows

    def _steps(
        self, one: Lineage, steps: Sequence[HistoryNode]
    ) -> list[QTreeWidgetItem]:
        items = []
        for step in steps:
            item = self._item(Row(one, step))
            item.addChildren(self._steps(one, step.below))
            items.append(item)
        return items

    def _item(self, row: Row) -> QTreeWidgetItem:
        step = row.step
        assert step is not None
        item = QTreeWidgetItem()
        item.setData(0, ROW, row)
        item.setText(0, title(step))
        shown = row.is_head and row.lineage.name == self._active
        parts = [_NOW if shown else "", detail(step)]
        item.setData(0, DETAIL, " · ".join(filter(None, parts)))
        item.setData(0, TIME, when_local(step.time))
        item.setData(0, HEAD, row.is_head)
        item.setToolTip(0, about(step))
        if step.revision is not None:
            item.setData(0, NUMBER, str(step.revision.id))
            item.setData(0, NOTE, step.revision.note)
            pixmap = self._pixmaps.get(step.revision.id)
            item.setData(0, Qt.ItemDataRole.DecorationRole, pixmap)
        return item


def _folded(item: QTreeWidgetItem) -> bool:
    return item.childCount() > 0 and not item.isExpanded()


def _open_item(one: Lineage) -> QTreeWidgetItem:
    item = QTreeWidgetItem([f"{edits(len(one.open_edits))} since"])
    item.setData(0, ROW, Row(one, None))
    item.setData(0, HEAD, True)
    lines = "<br>".join(edit_lines(one.open_edits))
    item.setToolTip(0, f"<qt>{lines}</qt>")
    return item


def _heading(text: str, tip: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem([text])
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    item.setToolTip(0, tip)
    return item
