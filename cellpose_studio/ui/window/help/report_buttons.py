"""Buttons that copy a report and open the log, for the dialogs about errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices, QGuiApplication
from qtpy.QtWidgets import QDialogButtonBox, QPushButton

_ACTION = QDialogButtonBox.ButtonRole.ActionRole
_COPIED = 2000  # ms


class ReportButtons(QDialogButtonBox):
    """*Copy details*, *Open log*, and what a dialog adds.

    Parameters
    ----------
    report
        Returns the text to copy.
    log
        The log; None if it cannot be written.
    """

    def __init__(self, report: Callable[[], str], log: Path | None) -> None:
        super().__init__()
        self._report = report
        self._log = log
        self.copy = QPushButton("&Copy details", objectName="copyDetails")
        self.open_log = QPushButton("&Open log", objectName="openLog")
        self.copy.setToolTip("Copy what happened, for a report. Nothing is sent.")
        self.addButton(self.copy, _ACTION)
        self.addButton(self.open_log, _ACTION)
        self.copy.clicked.connect(self._on_copy)
        self.open_log.clicked.connect(self._on_open)
        self._timer = QTimer(self, singleShot=True, interval=_COPIED)
        self._timer.timeout.connect(lambda: self.copy.setText("&Copy details"))
        self._show_log()

    def _show_log(self) -> None:
        there = self._log is not None and self._log.is_file()
        self.open_log.setEnabled(there)
        self.open_log.setToolTip(str(self._log) if there else "No log can be written.")

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report())
        self.copy.setText("Copied")
        self._timer.start()

    def _on_open(self) -> None:
        url = QUrl.fromLocalFile(str(self._log))
        # A system may have no program for it: the folder is the next best thing.
        if not QDesktopServices.openUrl(url):
            QDesktopServices.openUrl(
                url.adjusted(QUrl.UrlFormattingOption.RemoveFilename)
            )
