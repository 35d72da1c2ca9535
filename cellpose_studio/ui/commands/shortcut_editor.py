"""Lists and edits the keyboard shortcuts and the mouse gestures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import Command
from cellpose_studio.ui.commands.gesture_edit import GestureEdit
from cellpose_studio.ui.commands.gestures import Gestures
from cellpose_studio.ui.commands.groups import command_groups
from cellpose_studio.ui.commands.shortcuts import Shortcuts
from cellpose_studio.ui.widgets.form import describe

_NAME = Qt.ItemDataRole.UserRole
_GESTURE = _NAME + 1
_SELECT = "Select a command or a gesture to change it."
_CHANGEABLE = re.compile(r"\{(\w+):")


class ShortcutEditor(QWidget):
    """Lists the commands of the menus with their shortcuts, and the mouse gestures.

    Parameters
    ----------
    keys
        The shortcuts to edit.
    records
        The commands by name.
    gestures
        The mouse gestures to edit.
    gesture_texts
        All mouse gestures on the image, as `Gestures.fill_in` takes them, and their
        effects.
    bar
        The menu bar, whose menus group the commands.
    """

    def __init__(
        self,
        keys: Shortcuts,
        records: Mapping[str, Command],
        gestures: Gestures,
        gesture_texts: Iterable[tuple[str, str]],
        bar: QMenuBar,
    ) -> None:
        super().__init__()
        self._keys = keys
        self._records = records
        self._gestures = gestures
        self._gesture_texts = tuple(gesture_texts)
        self._groups = command_groups(keys.actions, bar)
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
        self.search.setPlaceholderText("Search commands, shortcuts and gestures")
        describe(
            self.search,
            "Search commands, shortcuts and gestures",
            "List only what has these words, or this key.",
        )
        self.tree = QTreeWidget(objectName="keyTree")
        self.tree.setHeaderLabels(["Command", "Shortcut"])
        describe(
            self.tree,
            "Commands and their shortcuts",
            "Select a command or a gesture, then press its new key below.",
        )
        self.tree.setRootIsDecorated(False)
        self.edit = QKeySequenceEdit(objectName="keyEdit")
        describe(self.edit, "New key", "Press the new key of the selected command.")
        self.gesture = GestureEdit()
        self._fields = QStackedWidget()
        self._fields.addWidget(self.edit)
        self._fields.addWidget(self.gesture)
        self._fields.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed
        )
        self.note = QLabel(objectName="keyNote", wordWrap=True)
        self.assign = QPushButton("Set", objectName="setKey")
        self.none = QPushButton("Remove", objectName="noKey")
        self.reset = QPushButton("Reset", objectName="resetKey")
        self.reset_all = QPushButton("Reset all", objectName="resetKeys")
        for button, tip in (
            (self.assign, "Give the selected command this key."),
            (self.none, "Leave the selected command without a key."),
            (self.reset, "Give the selected command the key that it had at first."),
            (self.reset_all, "Give all commands and gestures what they had at first."),
        ):
            button.setToolTip(tip)
        row = QHBoxLayout()
        row.addWidget(QLabel("New"))
        row.addWidget(self._fields, 1)
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
        self._gesture_items: list[tuple[QTreeWidgetItem, str]] = []
        for text, effect in self._gesture_texts:
            item = QTreeWidgetItem(group, [effect, ""])
            if found := _CHANGEABLE.search(text):
                item.setData(0, _GESTURE, found[1])
            self._gesture_items.append((item, text))
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
        self.gesture.changed.connect(self._on_pressed)
        self.none.clicked.connect(self._remove)
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self.set_all_back)
        self._keys.changed.connect(self._show_keys)
        self._gestures.changed.connect(self._show_keys)

    @property
    def _name(self) -> str:
        """Name of the selected command; "" for none."""
        return self._selected(_NAME)

    @property
    def _gesture_name(self) -> str:
        """Name of the selected gesture; "" for none."""
        return self._selected(_GESTURE)

    def _selected(self, role: int) -> str:
        item = self.tree.currentItem()
        return str(item.data(0, role) or "") if item is not None else ""

    @property
    def _pressed(self) -> QKeySequence:
        """The key that was pressed; the last one of several."""
        # Qt's field collects up to four keys, which would make one long shortcut.
        keys = self.edit.keySequence()
        return QKeySequence(keys[keys.count() - 1]) if keys.count() else keys

    def _assign(self) -> None:
        if gesture := self._gesture_name:
            self._gestures.set(gesture, self.gesture.trigger())
        else:
            self._keys.set(self._name, self._pressed)
            self.edit.clear()

    def _remove(self) -> None:
        if gesture := self._gesture_name:
            self._gestures.set(gesture, None)
        else:
            self._keys.set(self._name, QKeySequence())

    def _reset(self) -> None:
        if gesture := self._gesture_name:
            self._gestures.reset(gesture)
        else:
            self._keys.reset(self._name)

    def set_all_back(self) -> None:
        """Give all commands and gestures their default keys and triggers."""
        self._keys.reset_all()
        self._gestures.reset_all()

    def _show_keys(self) -> None:
        for name, item in self._items.items():
            self._show(item, self._keys.text(name), self._keys.is_changed(name))
        for item, text in self._gesture_items:
            gesture = str(item.data(0, _GESTURE) or "")
            changed = bool(gesture) and self._gestures.is_changed(gesture)
            self._show(item, self._gestures.fill_in(text), changed)
        self._on_selected()

    def _show(self, item: QTreeWidgetItem, text: str, changed: bool) -> None:
        item.setText(1, text)
        font = item.font(1)
        # Bold texts tell what the reset buttons would change.
        font.setBold(changed)
        item.setFont(1, font)

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
        name, gesture = self._name, self._gesture_name
        self._fields.setCurrentIndex(1 if gesture else 0)
        self._fields.setEnabled(bool(name or gesture))
        if gesture:
            now = self._gestures.trigger(gesture)
            self.none.setEnabled(now is not None)
            self.reset.setEnabled(self._gestures.is_changed(gesture))
            self.gesture.show_trigger(now or self._gestures.default(gesture))
        else:
            self.none.setEnabled(bool(name and self._keys.text(name)))
            self.reset.setEnabled(bool(name) and self._keys.is_changed(name))
        changed = any(map(self._keys.is_changed, self._items))
        changed |= any(map(self._gestures.is_changed, self._gestures.records))
        self.reset_all.setEnabled(changed)
        self._on_pressed()

    def _on_pressed(self, *_: object) -> None:
        """Show what the pressed key, or the gesture, is assigned to at present."""
        if self._gesture_name:
            self._check_gesture(self._gesture_name)
        else:
            self._check_key(self._pressed, self._name)

    def _check_gesture(self, name: str) -> None:
        now, new = self._gestures.trigger(name), self.gesture.trigger()
        reason = self._gestures.reason_refused(name, new)
        self.assign.setEnabled(not reason and new != now)
        default = self._gestures.default(name)
        refused = self._gestures.reason_refused(name, default)
        self.reset.setEnabled(now != default and not refused)
        effect = self._gestures.records[name].effect
        self.note.setText(reason or f"Choose what starts “{effect}”.")

    def _check_key(self, key: QKeySequence, name: str) -> None:
        self.assign.setEnabled(bool(name) and not key.isEmpty())
        other = self._keys.command_of(key, name)
        if not name:
            self.note.setText(_SELECT)
        elif other is not None:
            text = key.toString(QKeySequence.SequenceFormat.NativeText)
            self.note.setText(
                f"{text} is assigned to “{self._records[other].plain_text}”."
            )
        else:
            self.note.setText(
                f"Press the new shortcut of “{self._records[name].plain_text}”."
            )
