"""All preferences in one window: a list of pages, and the page that is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QPoint, Qt, QTimer
from qtpy.QtGui import QKeySequence, QResizeEvent
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QShortcut,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.ui.window.help.guide import open_page
from cellpose_studio.ui.window.preferences.page import Page

GUIDE_PAGE = "preferences"
_RULE = "Changes act at once."
_WIDTH, _HEIGHT = 108, 36
"""In widths and heights of a letter, so that the window grows with the texts."""
_FRAME = 60
"""Height of frame and task bar, px."""


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """A page as it is listed.

    Attributes
    ----------
    name
        Known to the commands that show it.
    title
        For the list.
    page
        Made when the preferences are first shown.
    """

    name: str
    title: str
    page: Page


class PreferencesDialog(QDialog):
    """Shows the pages; a search leaves those that have its words.

    It stays open beside the window, so that the user sees what a change does.

    Parameters
    ----------
    entries
        The pages, from the top of the list.
    """

    def __init__(self, parent: QWidget, entries: Sequence[PageEntry]) -> None:
        super().__init__(parent, objectName="preferences")
        self.setWindowTitle("Preferences")
        self._entries = tuple(entries)
        self.search = QLineEdit(objectName="searchPreferences", clearButtonEnabled=True)
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search preferences")
        self.search.setToolTip("Show the pages with these words only.")
        self.list = QListWidget(objectName="preferencePages")
        self.list.setAccessibleName("Pages")
        self.list.setToolTip("Choose a page.")
        self.stack = QStackedWidget()
        for entry in self._entries:
            self.list.addItem(entry.title)
            self.stack.addWidget(entry.page)
        self.nothing = QLabel("No page has these words.", wordWrap=True)
        self.nothing.hide()
        self.reset = QPushButton("Reset p&age", objectName="resetPage")
        self.guide = QPushButton("Guide", objectName="preferencesGuide")
        self.rule = QLabel(_RULE, objectName="preferenceRule", wordWrap=True)
        self._lay_out()
        self._connect()

    def show_page(self, name: str = "") -> None:
        """Show the preferences at a page; without a name, at the one shown last."""
        names = [entry.name for entry in self._entries]
        self.search.clear()
        row = names.index(name) if name else self.stack.currentIndex()
        if not self.isVisible():
            self._take_size()
        if row == self.list.currentRow():
            self._page.refresh()
        # Another page is refreshed when it is shown.
        self.list.setCurrentRow(row)
        self.show()
        self.raise_()
        self.activateWindow()
        self.list.setFocus()

    def page(self, name: str) -> Page:
        """Return a page."""
        return next(entry.page for entry in self._entries if entry.name == name)

    def changeEvent(self, event: QEvent) -> None:
        """Follow other letters; Qt calls this."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            # The list gets its letters after this.
            QTimer.singleShot(0, self._fit_list)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay on the screen where larger letters need more room; Qt calls this."""
        super().resizeEvent(event)
        if self.isVisible():
            QTimer.singleShot(0, self._stay_on_screen)

    def done(self, result: int) -> None:
        """Stop what pages do when the dialog is closed."""
        for entry in self._entries:
            entry.page.shut_down()
        super().done(result)

    @property
    def _page(self) -> Page:
        return self._entries[self.stack.currentIndex()].page

    def _lay_out(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search, self.nothing, self.list):
            column.addWidget(widget)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(left)
        self.split.addWidget(self.stack)
        self.split.setStretchFactor(1, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for button in (self.reset, self.guide):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        for button in buttons.buttons():
            # Enter in a field would click it.
            button.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        below = QHBoxLayout()
        below.addWidget(self.rule, 1)
        below.addWidget(buttons)
        around = QVBoxLayout(self)
        around.addWidget(self.split, 1)
        around.addLayout(below)
        self.reset.setToolTip("<qt>Set all of this page back to the defaults.</qt>")
        self.guide.setToolTip("<qt>Open the page of the guide about this. Key: F1</qt>")

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._on_row)
        self.search.textChanged.connect(self._on_search)
        self.reset.clicked.connect(lambda _: self._page.reset())
        self.guide.clicked.connect(lambda _: self._open_guide())
        for key, call in (
            (QKeySequence(QKeySequence.StandardKey.Find), self.search.setFocus),
            (QKeySequence("F1"), self._open_guide),
        ):
            QShortcut(key, self).activated.connect(call)

    def _take_size(self) -> None:
        """Fit the letters, and the screen."""
        letters = self.fontMetrics()
        wanted = letters.averageCharWidth() * _WIDTH, letters.height() * _HEIGHT
        room = self.parentWidget().screen().availableGeometry()
        self.resize(
            min(wanted[0], room.width()), min(wanted[1], room.height() - _FRAME)
        )
        left = self._fit_list()
        self.split.setSizes([left, self.width() - left])

    def _stay_on_screen(self) -> None:
        screen, frame = self.screen().availableGeometry(), self.frameGeometry()
        beyond = frame.bottomRight() - screen.bottomRight()
        place = frame.topLeft() - QPoint(max(0, beyond.x()), max(0, beyond.y()))
        self.move(max(place.x(), screen.left()), max(place.y(), screen.top()))

    def _fit_list(self) -> int:
        """Leave room for all titles; return the width, px."""
        left = self.list.sizeHintForColumn(0) + 2 * self.list.fontMetrics().height()
        # A wide page must not push the list together.
        self.list.setMinimumWidth(left)
        return int(left)

    def _on_row(self, index: int) -> None:
        if index < 0:
            return
        self.stack.setCurrentIndex(index)
        self._page.refresh()

    def _on_search(self, words: str) -> None:
        """List the pages with all words, and go to the first place that has them."""
        found: list[tuple[int, list[QWidget]]] = []
        for index, entry in enumerate(self._entries):
            places = entry.page.find(words) if words.strip() else [entry.page]
            if words.strip().lower() in entry.title.lower():
                places = [entry.page, *places]
            self.list.item(index).setHidden(not places)
            if places:
                found.append((index, places))
        self.nothing.setVisible(not found)
        if not found or not words.strip():
            return
        indices = [index for index, _ in found]
        if self.list.currentRow() not in indices:
            self.list.setCurrentRow(indices[0])
        places = dict(found)[self.list.currentRow()]
        # A page that is shown for the first time is laid out with the next events.
        QTimer.singleShot(0, lambda: self._page.scroll.ensureWidgetVisible(places[0]))

    def _open_guide(self) -> None:
        self.rule.setText(open_page(GUIDE_PAGE) or _RULE)
