"""The dialog about what nobody expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio.core.wording import counted
from cellpose_studio.io.support.report import ErrorList, report
from cellpose_studio.ui.window.help.report_buttons import ReportButtons

_WIDTH = 520
_SHOWN = 160
"""Characters of an error's message. Some libraries quote all that they were given."""


class ErrorDialog(QDialog):
    """Says what went wrong, and how often; the window can be used beside it.

    Parameters
    ----------
    errors
        The errors, one at least.
    facts
        Returns what a report begins with.
    log
        The log; None if it cannot be written.
    """

    def __init__(
        self,
        errors: ErrorList,
        facts: Callable[[], Mapping[str, str]],
        log: Path | None,
        parent: QWidget | None,
    ) -> None:
        super().__init__(parent, objectName="errorDialog")
        self._errors = errors
        self._facts = facts
        self.setWindowTitle("Unexpected error")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.message = _text("errorMessage")
        self.hint = _text("errorHint")
        self.count = _text("errorCount")
        self.details = QPlainTextEdit(readOnly=True, objectName="errorDetails")
        self.details.setAccessibleName("Details of the error")
        self.details.setToolTip("For a report. Select a part of it to copy it.")
        self.details.hide()
        self.buttons = ReportButtons(self._report, log)
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Show the errors that there are by now."""
        first = self._errors.errors[0]
        self.message.setText(_cut(first.message))
        self.hint.setText(first.hint)
        total, kinds = self._errors.count, len(self._errors.errors)
        self.count.setVisible(total > 1)
        more = f", {kinds} of them different" if kinds > 1 else ""
        self.count.setText(f"{counted(total, 'error')} in a row{more}.")
        if self.details.isVisible():
            self._fill()

    def _lay_out(self) -> None:
        font = self.message.font()
        font.setBold(True)
        self.message.setFont(font)
        style = self.style()
        icon = QLabel()
        size = style.pixelMetric(QStyle.PixelMetric.PM_MessageBoxIconSize)
        kind = QStyle.StandardPixmap.SP_MessageBoxWarning
        icon.setPixmap(style.standardIcon(kind).pixmap(size, size))
        texts = QVBoxLayout()
        for label in (self.message, self.hint, self.count):
            texts.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        show = self.buttons.addButton(
            "Show &details", QDialogButtonBox.ButtonRole.ActionRole
        )
        show.setObjectName("showDetails")
        show.setToolTip("Show what a developer needs to know of it.")
        show.setCheckable(True)
        show.toggled.connect(self._on_details)
        close = self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(self.details, 1)
        column.addWidget(self.buttons)
        self.resize(_WIDTH, self.sizeHint().height())

    def _report(self) -> str:
        return report(self._facts(), self._errors.errors, self._errors.count)

    def _on_details(self, shown: bool) -> None:
        self.details.setVisible(shown)
        self._fill()
        height = 2 * _WIDTH // 3 if shown else self.sizeHint().height()
        self.resize(max(self.width(), _WIDTH), height)

    def _fill(self) -> None:
        self.details.setPlainText(self._report())


def _text(name: str) -> QLabel:
    label = QLabel(objectName=name, wordWrap=True)
    # Plain, because messages contain names of files.
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
