"""One page of the preferences: groups of settings under titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtWidgets import (
    QAbstractButton,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.app.settings import Settings


class Page(QWidget):
    """A page; its settings act at once.

    Parameters
    ----------
    names
        The settings that belong to it, and that *Reset page* sets back.
    """

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        super().__init__()
        self.settings = settings
        self._names = tuple(names)
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setWidget(inside)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(self.scroll)

    @property
    def is_changed(self) -> bool:
        """Whether a setting of the page differs from its default."""
        defaults = Settings()
        return any(
            getattr(self.settings, name) != getattr(defaults, name)
            for name in self._names
        )

    def reset(self) -> None:
        """Set the settings of the page back to their defaults."""
        self.settings.reset(*self._names)

    def refresh(self) -> None:
        """Look at what may have changed outside; called when the page is shown."""

    def shut_down(self) -> None:
        """Stop what the page does; called when the preferences are closed."""

    def group(self, title: str, about: str = "") -> QFormLayout:
        """Add a group, with a text at its top, and return where its rows go."""
        box = QGroupBox(title)
        form = QFormLayout(box)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        if about:
            form.addRow(note(about))
        self.column.addWidget(box)
        return form

    def finish(self) -> None:
        """Push the groups to the top; called after the last of them was added."""
        self.column.addStretch(1)

    def find(self, words: str) -> list[QWidget]:
        """Return the widgets whose texts have all of some words, from the top."""
        wanted = words.lower().split()
        found = []
        for widget in self.findChildren(QWidget):
            text = f"{_text_of(widget)} {widget.toolTip()}".lower()
            if all(word in text for word in wanted):
                found.append(widget)
        return found


def note(text: str, name: str = "preferenceNote") -> QLabel:
    """Return a text that explains."""
    return QLabel(text, wordWrap=True, objectName=name)


def button(text: str, name: str, tip: str) -> QPushButton:
    """Return a button that Enter in another field does not click."""
    made = QPushButton(text, objectName=name, autoDefault=False)
    made.setToolTip(f"<qt>{tip}</qt>")
    return made


def row(*widgets: QWidget) -> QHBoxLayout:
    """Return widgets side by side, those with words as wide as there is room."""
    line = QHBoxLayout()
    for widget in widgets:
        line.addWidget(widget, 0 if isinstance(widget, QPushButton) else 1)
    if all(isinstance(widget, QPushButton) for widget in widgets):
        line.addStretch(1)
    return line


def _text_of(widget: Any) -> str:
    """Return the words that a widget shows."""
    if isinstance(widget, QGroupBox):
        return str(widget.title())
    if isinstance(widget, QLabel | QAbstractButton):
        return str(widget.text()).replace("&", "")
    if isinstance(widget, QTreeWidget):
        groups = map(widget.topLevelItem, range(widget.topLevelItemCount()))
        items = (g.child(n) for g in groups for n in range(g.childCount()))
        return " ".join(f"{item.text(0)} {item.text(1)}" for item in items)
    return str(widget.accessibleName())
