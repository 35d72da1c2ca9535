"""Dialog that chooses the columns of the table of measurements."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.measure.table.model import ALWAYS
from cellpose_studio.ui.measure.table.rows import Field
from cellpose_studio.ui.widgets.tables.filter_line import FilterLine

_GROUPS = {
    "size": "Size",
    "position": "Position",
    "shape": "Shape",
    "hull": "Convex hull",
    "intensity": "Intensity, of each channel",
    "neighbours": "Neighbours",
    "review": "Review",
    "compartments": "Nuclei and cells",
    "nucleus": "Nucleus",
    "cytoplasm": "Cytoplasm",
    "ring": "Ring",
    "track": "Tracks",
}
_KEY = Qt.ItemDataRole.UserRole
_GROUP = _KEY + 1
_CHECKED, _UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class ColumnChooser(QDialog):
    """Lists what was measured; the table changes with each choice."""

    changed = Signal(object)  # keys of the chosen columns

    def __init__(
        self,
        fields: Iterable[Field],
        keys: Collection[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Columns of the table")
        self._keys = set(keys)
        self.list = QListWidget(objectName="columnList")
        self.list.setAccessibleName("Measurements")
        self.list.setToolTip("Tick what the table shows. Each says what it measures.")
        self.filter = FilterLine("columnFilter", "Filter: intensity")
        self.filter.setAccessibleName("Filter the measurements")
        self.filter.setToolTip("List only measurements with this in their name.")
        self.filter.set_list(self.list)
        self._fill(fields)
        everything = QPushButton("Choose all")
        nothing = QPushButton("Choose none")
        everything.setToolTip("Tick all measurements that are listed.")
        nothing.setToolTip("Untick all measurements that are listed.")
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons = QHBoxLayout()
        for button in (everything, nothing):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.addWidget(self.filter)
        column.addWidget(self.list, 1)
        column.addLayout(buttons)
        self.resize(360, 460)
        self.list.itemChanged.connect(self._on_item)
        self.filter.textChanged.connect(self._on_filter)
        everything.clicked.connect(lambda: self._check_all(_CHECKED))
        nothing.clicked.connect(lambda: self._check_all(_UNCHECKED))
        close.rejected.connect(self.reject)

    def _fill(self, fields: Iterable[Field]) -> None:
        chosen: dict[str, Field] = {}
        for one in fields:
            if one.key not in ALWAYS and not one.twin:
                chosen.setdefault(one.key, one)
        for group, title in _GROUPS.items():
            of_group = [one for one in chosen.values() if one.group == group]
            if of_group:
                head = QListWidgetItem(title, self.list)
                head.setFlags(Qt.ItemFlag.NoItemFlags)
                for one in of_group:
                    self._add(one, title)

    def _add(self, one: Field, group: str) -> None:
        title = one.heading.partition(",")[0]
        if one.channel >= 0:
            title = title.partition(" of ")[0]
        item = QListWidgetItem(title, self.list)
        item.setToolTip(f"<qt>{one.tip}</qt>")
        item.setData(_KEY, one.key)
        item.setData(_GROUP, group)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(_CHECKED if one.key in self._keys else _UNCHECKED)

    def _items(self) -> list[QListWidgetItem]:
        every = (self.list.item(n) for n in range(self.list.count()))
        return [item for item in every if item.data(_KEY)]

    def _on_item(self, item: QListWidgetItem) -> None:
        change = self._keys.add if item.checkState() == _CHECKED else self._keys.discard
        change(item.data(_KEY))
        self.changed.emit(sorted(self._keys))

    def _check_all(self, state: Qt.CheckState) -> None:
        self.list.blockSignals(True)
        for item in self._items():
            if not item.isHidden():
                item.setCheckState(state)
                change = self._keys.add if state == _CHECKED else self._keys.discard
                change(item.data(_KEY))
        self.list.blockSignals(False)
        self.list.viewport().update()
        self.changed.emit(sorted(self._keys))

    def _on_filter(self, text: str) -> None:
        words = text.casefold()
        for n in range(self.list.count()):
            item = self.list.item(n)
            searched = f"{item.data(_GROUP)} {item.text()}".casefold()
            hit = bool(item.data(_KEY)) and words in searched
            item.setHidden(bool(words) and not hit)
