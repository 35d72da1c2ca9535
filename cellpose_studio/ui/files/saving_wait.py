"""Waits until all changes of a project are on the disk, with progress and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QProgressDialog, QWidget

from cellpose_studio.app.project.project import Project

Outcome = Literal["saved", "stuck", "cancelled"]

_AT_ONCE = 0.3  # seconds that need no dialog
_INTERVAL = 50  # ms


class SavingWait:
    """One wait; the window is painted meanwhile, but takes no input.

    Parameters
    ----------
    patience
        Seconds without any progress after which writing counts as stuck.
    """

    def __init__(self, project: Project, parent: QWidget, patience: float) -> None:
        self._project = project
        self._parent = parent
        self._patience = patience
        self._seen: tuple[int, int, int] = (0, 0, 0)
        self._since = time.monotonic()

    def wait(self) -> Outcome:
        """Return once all is saved, nothing can be, or the user has cancelled."""
        writer = self._project.writer
        if writer.flush(min(_AT_ONCE, self._patience)):
            return "saved"
        if writer.is_stuck:
            return "stuck"
        dialog = self._dialog()
        outcome = self._watched(dialog)
        dialog.deleteLater()
        return outcome

    def _dialog(self) -> QProgressDialog:
        dialog = QProgressDialog(self._parent, objectName="savingWait")
        dialog.setWindowTitle("Saving")
        dialog.setCancelButtonText("&Go on working")
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        dialog.setAutoClose(False)
        dialog.setAutoReset(False)
        return dialog

    def _watched(self, dialog: QProgressDialog) -> Outcome:
        """Show the dialog until there is an outcome."""
        outcome: Outcome | None = None
        loop, timer = QEventLoop(), QTimer(interval=_INTERVAL)

        def look() -> None:
            nonlocal outcome
            outcome = self._outcome(dialog.wasCanceled)
            if outcome is None:
                self._show(dialog)
            else:
                loop.quit()

        timer.timeout.connect(look)
        timer.start()
        self._show(dialog)
        dialog.show()
        loop.exec()
        timer.stop()
        dialog.hide()
        return outcome or "cancelled"

    def _outcome(self, cancelled: Callable[[], bool]) -> Outcome | None:
        """Return how it has ended, None while it goes on."""
        if not self._project.writer.pending:
            return "saved"
        if cancelled():
            return "cancelled"
        state = (self._project.writer.pending, *self._project.write_progress.state())
        now = time.monotonic()
        if state != self._seen:
            self._seen, self._since = state, now
        stuck = self._project.writer.is_stuck or now - self._since > self._patience
        return "stuck" if stuck else None

    def _show(self, dialog: QProgressDialog) -> None:
        done, total = self._project.write_progress.state()
        # All written, but not flushed: Qt shows a busy bar for an empty range.
        flushing = done == total
        dialog.setRange(0, 0 if flushing else total)
        dialog.setValue(0 if flushing else done)
        dialog.setLabelText(self._text(done, total))

    def _text(self, done: int, total: int) -> str:
        pending = self._project.writer.pending
        changes = "1 change" if pending == 1 else f"{pending:,} changes"
        text = f"Saving {changes} of {self._project.name}"
        if total:
            text += f": part {done:,} of {total:,} of the masks"
        return f"{text}.\nNothing is lost if you wait."
