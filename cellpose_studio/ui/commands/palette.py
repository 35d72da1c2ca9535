"""The command palette: finds any command, tells its key, and calls it."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent, QPalette
from qtpy.QtWidgets import (
    QDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenuBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.commands.command import (
    Command,
    QAction,
    native_keys,
    plain_text,
)
from cellpose_studio.ui.commands.groups import command_groups
from cellpose_studio.ui.commands.search import Entry, found

_NAME = Qt.ItemDataRole.UserRole
_SIZE = (560, 380)
_MOST_RECENT = 20
_NOTHING = (
    "No command has these words. Try fewer, or others: tooltips are searched, too."
)
_MOVES = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class CommandPalette(QDialog):
    """A field for words, and the commands that have them.

    Parameters
    ----------
    records, actions
        The commands, and their actions in the present state, by name.
    bar
        The menu bar, whose menus are named beside the commands.
    recent
        Names of the commands called last, the latest first; a call goes to its front.
    """

    def __init__(
        self,
        records: Mapping[str, Command],
        actions: Mapping[str, QAction],
        bar: QMenuBar,
        recent: list[str],
        parent: QWidget,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName("Command palette")
        self._actions = actions
        self._recent = recent
        self._entries = [
            Entry(
                name=name,
                text=plain_text(actions[name].text()),
                menu=title,
                keys=native_keys(actions[name]),
                tip=records[name].tip_text,
                enabled=actions[name].isEnabled(),
            )
            for title, names in command_groups(actions, bar).items()
            for name in names
        ]
        self._lay_out()
        self._search("")
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list.currentItemChanged.connect(self._tell)
        self.list.itemClicked.connect(lambda _: self._call())

    def show_over(self, window: QWidget) -> None:
        """Show it at the top of ``window``, in its middle."""
        width = min(_SIZE[0], window.width() - 40)
        height = min(_SIZE[1], window.height() - 80)
        self.resize(width, height)
        corner = window.rect().topLeft()
        corner.setX((window.width() - width) // 2)
        corner.setY(40)
        self.move(window.mapToGlobal(corner))
        self.show()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass keys that move in the list on to it; for Qt."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _MOVES:
                self.list.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._call()
                return True
        return bool(super().eventFilter(watched, event))

    def _lay_out(self) -> None:
        self.field = QLineEdit(objectName="paletteField")
        self.field.setPlaceholderText("Find a command by its words")
        self.field.setAccessibleName("Words of the command")
        self.field.setToolTip("Type some letters; Enter calls the first command.")
        self.list = QTreeWidget(objectName="paletteList")
        self.list.setAccessibleName("Commands found")
        self.list.setColumnCount(3)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        # The field keeps the keyboard; it passes on what moves in the list.
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.note = QLabel(objectName="paletteNote", wordWrap=True)
        self.note.setMinimumHeight(2 * self.note.fontMetrics().lineSpacing())
        column = QVBoxLayout(self)
        for widget in (self.field, self.list, self.note):
            column.addWidget(widget)

    def _search(self, words: str) -> None:
        self.list.clear()
        grey = self.palette().brush(
            QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text
        )
        for entry in found(self._entries, words, self._recent):
            item = QTreeWidgetItem([entry.text, entry.menu, entry.keys])
            item.setData(0, _NAME, entry.name)
            item.setForeground(1, grey)
            if not self._actions[entry.name].isEnabled():
                item.setForeground(0, grey)
            self.list.addTopLevelItem(item)
        self.list.setCurrentItem(self.list.topLevelItem(0))
        self._tell()

    def _tell(self, *_: object) -> None:
        """Show what the chosen command does, or why it cannot be called."""
        item = self.list.currentItem()
        self.note.setText(
            _NOTHING
            if item is None
            # The tooltip of a disabled action is the reason.
            else self._actions[item.data(0, _NAME)].toolTip()
        )

    def _call(self) -> None:
        item = self.list.currentItem()
        if item is None:
            return
        name = str(item.data(0, _NAME))
        action = self._actions[name]
        if not action.isEnabled():
            return
        if name in self._recent:
            self._recent.remove(name)
        self._recent.insert(0, name)
        del self._recent[_MOST_RECENT:]
        self.accept()
        # Once the window has the keyboard again, as with a menu.
        QTimer.singleShot(0, action.trigger)
