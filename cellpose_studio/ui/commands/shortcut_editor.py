"""The sheet of all keys, and of what the mouse does; keys can be changed in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import Command, QAction
from cellpose_studio.ui.commands.shortcuts import Keys

_NAME = Qt.ItemDataRole.UserRole
_SIZE = (660, 620)


class KeySheet(QDialog):
    """Lists the commands of the menus with their keys, and what the mouse does.

    Parameters
    ----------
    records
        The commands by name.
    gestures
        Of the mouse on the image, and what comes of them.
    bar
        The menus, which group the commands.
    """

    def __init__(
        self,
        keys: Keys,
        records: Mapping[str, Command],
        gestures: Iterable[tuple[str, str]],
        bar: QMenuBar,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(*_SIZE)
        self._keys = keys
        self._records = records
        self._gestures = tuple(gestures)
        self._groups = _groups(keys.actions, bar)
        self._lay_out()
        self._fill()
        self._connect()
        self._on_chosen()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at a key at once, where Qt's field waits for more; for Qt."""
        if event.type() == QEvent.Type.KeyRelease:
            self._on_typed()
        return bool(super().eventFilter(watched, event))

    def _lay_out(self) -> None:
        self.search = QLineEdit(objectName="searchKeys", clearButtonEnabled=True)
        self.search.setPlaceholderText("Find a command or a key")
        self.tree = QTreeWidget(objectName="keyTree")
        self.tree.setHeaderLabels(["Command", "Key"])
        self.tree.setRootIsDecorated(False)
        self.edit = QKeySequenceEdit(objectName="keyEdit")
        self.note = QLabel(objectName="keyNote", wordWrap=True)
        self.assign = QPushButton("Set", objectName="setKey")
        self.none = QPushButton("No key", objectName="noKey")
        self.reset = QPushButton("Reset", objectName="resetKey")
        self.reset_all = QPushButton("Reset all", objectName="resetKeys")
        row = QHBoxLayout()
        row.addWidget(QLabel("New key"))
        row.addWidget(self.edit, 1)
        for button in (self.assign, self.none, self.reset, self.reset_all):
            button.setAutoDefault(False)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addWidget(self.note)
        column.addLayout(row)

    def _fill(self) -> None:
        self._items: dict[str, QTreeWidgetItem] = {}
        group = self._group("Mouse on the image")
        for gesture, does in self._gestures:
            QTreeWidgetItem(group, [does, gesture])
        for title, names in self._groups.items():
            group = self._group(title)
            for name in names:
                item = QTreeWidgetItem(group, [self._records[name].plain_text, ""])
                item.setData(0, _NAME, name)
                self._items[name] = item
        self.tree.expandAll()
        self._show_keys()
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def _group(self, title: str) -> QTreeWidgetItem:
        group = QTreeWidgetItem(self.tree, [title])
        font = group.font(0)
        font.setBold(True)
        group.setFont(0, font)
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        return group

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        self.tree.currentItemChanged.connect(self._on_chosen)
        self.edit.installEventFilter(self)
        self.assign.clicked.connect(self._assign)
        self.none.clicked.connect(lambda: self._keys.set(self._name, QKeySequence()))
        self.reset.clicked.connect(lambda: self._keys.reset(self._name))
        self.reset_all.clicked.connect(self._keys.reset_all)
        self._keys.changed.connect(self._show_keys)

    @property
    def _name(self) -> str:
        """The chosen command; "" for none."""
        item = self.tree.currentItem()
        return str(item.data(0, _NAME) or "") if item is not None else ""

    @property
    def _typed(self) -> QKeySequence:
        """The key that was pressed; the last one, if there were several."""
        keys = self.edit.keySequence()
        return QKeySequence(keys[keys.count() - 1]) if keys.count() else keys

    def _assign(self) -> None:
        self._keys.set(self._name, self._typed)
        self.edit.clear()

    def _show_keys(self) -> None:
        for name, item in self._items.items():
            item.setText(1, self._keys.text(name))
            font = item.font(1)
            font.setBold(self._keys.is_changed(name))
            item.setFont(1, font)
        self._on_chosen()

    def _on_search(self, text: str) -> None:
        words = text.lower().split()
        for n in range(self.tree.topLevelItemCount()):
            group = self.tree.topLevelItem(n)
            shown = 0
            for k in range(group.childCount()):
                item = group.child(k)
                line = f"{item.text(0)} {item.text(1)}".lower()
                item.setHidden(not all(word in line for word in words))
                shown += not item.isHidden()
            group.setHidden(shown == 0)

    def _on_chosen(self, *_: object) -> None:
        self.edit.clear()
        name = self._name
        self.edit.setEnabled(bool(name))
        self.none.setEnabled(bool(name and self._keys.text(name)))
        self.reset.setEnabled(bool(name) and self._keys.is_changed(name))
        self.reset_all.setEnabled(any(map(self._keys.is_changed, self._items)))
        self._on_typed()

    def _on_typed(self, *_: object) -> None:
        """Say what a new key does at present."""
        key, name = self._typed, self._name
        self.assign.setEnabled(bool(name) and not key.isEmpty())
        other = self._keys.taken_by(key, name)
        if not name:
            self.note.setText("Choose a command to give it another key.")
        elif other is not None:
            text = key.toString(QKeySequence.SequenceFormat.NativeText)
            self.note.setText(
                f"{text} is the key of “{self._records[other].plain_text}” until now."
            )
        else:
            self.note.setText(
                f"Press the new key of “{self._records[name].plain_text}” below."
            )


def _groups(actions: Mapping[str, QAction], bar: QMenuBar) -> dict[str, list[str]]:
    """Return the names of actions by the menu that they are in."""
    names = {id(action): name for name, action in actions.items()}
    groups: dict[str, list[str]] = {}
    for top in bar.actions():
        found = [names[id(a)] for a in _actions(top.menu()) if id(a) in names]
        if found:
            groups[top.text().replace("&", "")] = found
    return groups


def _actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        if action.menu() is not None:
            yield from _actions(action.menu())
        else:
            yield action
