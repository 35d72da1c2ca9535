"""Collapsible section of a panel."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Section(QWidget):
    """Shows ``content`` below a title that expands and collapses it.

    Not superqt's ``QCollapsible``: its collapsed widgets are still reached with the Tab
    key, it cuts off content that grows, and its arrows keep the colour of the theme in
    which they were created.
    """

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self.setObjectName(title)
        self._content = content
        self.title = QToolButton(text=title, checkable=True, autoRaise=True)
        self.title.setObjectName("sectionTitle")
        self.title.setToolTip(f"Show or hide what is below “{title}”.")
        self.title.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(content)
        content.layout().setContentsMargins(16, 0, 0, 4)
        self.title.toggled.connect(self._on_toggled)
        self._on_toggled(False)

    def open(self) -> None:
        """Expand the section."""
        self.title.setChecked(True)

    def fold(self) -> None:
        """Collapse the section."""
        self.title.setChecked(False)

    def _on_toggled(self, shown: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow
        self.title.setArrowType(arrow)
        self._content.setVisible(shown)
