"""Dialog that lists the shortcuts and mouse gestures, and edits the shortcuts."""

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
from cellpose_studio.ui.commands.shortcuts import Shortcuts

_NAME = Qt.ItemDataRole.UserRole
_SIZE = (660, 620)


class ShortcutEditor(QDialog):
    """Lists the commands of the menus with their shortcuts, and the mouse gestures.

    Parameters
    ----------
    keys
        The shortcuts to edit.
    records
        The commands by name.
    gestures
        Mouse gestures on the image, and their effects.
    bar
        The menu bar, whose menus group the commands.
    """

    def __init__(
        self,
        keys: Shortcuts,
        records: Mapping[str, Command],
        gestures: Iterable[tuple[str, str]],
        bar: QMenuBar,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(*_SIZE)
        self._keys = keys
        self._records = records
        self._gestures = tuple(gestures)
        self._groups = _groups(keys.actions, bar)
        self._lay_out()
        self._fill()
        self._connect()
        self._on_selected()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Read a key when it is released; for Qt."""
        # Qt's field emits only after a pause, in case that more keys follow.
        if event.type() == QEvent.Type.KeyRelease:
            self._on_pressed()
        return bool(super().eventFilter(watched, event))

    def _lay_out(self) -> None:
        self.search = QLineEdit(objectName="searchKeys", clearButtonEnabled=True)
        self.search.setPlaceholderText("Search commands and shortcuts")
        self.tree = QTreeWidget(objectName="keyTree")
        self.tree.setHeaderLabels(["Command", "Shortcut"])
        self.tree.setRootIsDecorated(False)
        self.edit = QKeySequenceEdit(objectName="keyEdit")
        self.note = QLabel(objectName="keyNote", wordWrap=True)
        self.assign = QPushButton("Set", objectName="setKey")
        self.none = QPushButton("Remove", objectName="noKey")
        self.reset = QPushButton("Reset", objectName="resetKey")
        self.reset_all = QPushButton("Reset all", objectName="resetKeys")
        row = QHBoxLayout()
        row.addWidget(QLabel("New shortcut"))
        row.addWidget(self.edit, 1)
        for button in (self.assign, self.none, self.reset, self.reset_all):
            # Enter in the search field would click a default button.
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
        for gesture, effect in self._gestures:
            QTreeWidgetItem(group, [effect, gesture])
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
        # A group cannot be selected, because it has no shortcut.
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        return group

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        self.tree.currentItemChanged.connect(self._on_selected)
        self.edit.installEventFilter(self)
        self.assign.clicked.connect(self._assign)
        self.none.clicked.connect(lambda: self._keys.set(self._name, QKeySequence()))
        self.reset.clicked.connect(lambda: self._keys.reset(self._name))
        self.reset_all.clicked.connect(self._keys.reset_all)
        self._keys.changed.connect(self._show_keys)

    @property
    def _name(self) -> str:
        """Name of the selected command; "" for none."""
        item = self.tree.currentItem()
        return str(item.data(0, _NAME) or "") if item is not None else ""

    @property
    def _pressed(self) -> QKeySequence:
        """The key that was pressed; the last one of several."""
        # Qt's field collects up to four keys, which would make one long shortcut.
        keys = self.edit.keySequence()
        return QKeySequence(keys[keys.count() - 1]) if keys.count() else keys

    def _assign(self) -> None:
        self._keys.set(self._name, self._pressed)
        self.edit.clear()

    def _show_keys(self) -> None:
        for name, item in self._items.items():
            item.setText(1, self._keys.text(name))
            font = item.font(1)
            # Bold keys tell which commands the reset buttons would change.
            font.setBold(self._keys.is_changed(name))
            item.setFont(1, font)
        self._on_selected()

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

    def _on_selected(self, *_: object) -> None:
        self.edit.clear()
        name = self._name
        self.edit.setEnabled(bool(name))
        self.none.setEnabled(bool(name and self._keys.text(name)))
        self.reset.setEnabled(bool(name) and self._keys.is_changed(name))
        self.reset_all.setEnabled(any(map(self._keys.is_changed, self._items)))
        self._on_pressed()

    def _on_pressed(self, *_: object) -> None:
        """Show which command the pressed key is assigned to at present."""
        key, name = self._pressed, self._name
        self.assign.setEnabled(bool(name) and not key.isEmpty())
        other = self._keys.command_of(key, name)
        if not name:
            self.note.setText("Select a command to change its shortcut.")
        elif other is not None:
            text = key.toString(QKeySequence.SequenceFormat.NativeText)
            self.note.setText(
                f"{text} is assigned to “{self._records[other].plain_text}”."
            )
        else:
            self.note.setText(
                f"Press the new shortcut of “{self._records[name].plain_text}”."
            )


def _groups(actions: Mapping[str, QAction], bar: QMenuBar) -> dict[str, list[str]]:
    """Return the names of the actions of each menu, by the title of the menu."""
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
