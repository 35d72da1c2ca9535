"""Brings errors of all threads to the one dialog about them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from qtpy.QtCore import QObject, Qt, QTimer, Signal, Slot
from qtpy.QtWidgets import QApplication, QWidget

from cellpose_studio.app.failures import Failure
from cellpose_studio.io.support.report import ErrorList
from cellpose_studio.ui.widgets.message_bar import MessageBar
from cellpose_studio.ui.window.help.error_dialog import ErrorDialog

logger = logging.getLogger("cellpose_studio")

_AGAIN_INTERVAL = 1000  # ms
_MOST_WAITING = 10_000
"""Errors that are kept while the GUI thread is busy."""


class ErrorReporter(QObject):
    """Shows unexpected errors in one dialog, and all others in the message bar.

    Errors that come while the dialog is open are counted in it. An error that the user
    has closed the dialog on comes into the message bar when it comes again: an error
    in each painting would open the dialog without end.

    Parameters
    ----------
    facts
        Returns what a report begins with.
    log
        The log; None if it cannot be written.
    """

    _arrived = Signal()

    def __init__(
        self, facts: Callable[[], Mapping[str, str]], log: Path | None
    ) -> None:
        super().__init__()
        self._facts = facts
        self._log = log
        self._errors = ErrorList()
        self._seen: set[str] = set()
        self._waiting: list[Failure] = []
        # Reentrant: garbage that is collected meanwhile may report an error as well.
        self._lock = threading.RLock()
        self._window: QWidget | None = None
        self._messages: MessageBar | None = None
        self._dialog: ErrorDialog | None = None
        self._ended = False
        self._again: Failure | None = None
        self._timer = QTimer(self, singleShot=True, interval=_AGAIN_INTERVAL)
        self._timer.timeout.connect(self._show_again)
        # Through the event loop: a dialog must not open in the middle of a painting,
        # nor in another thread.
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def dialog(self) -> ErrorDialog | None:
        """The dialog, if it is open."""
        return self._dialog

    def attach(self, window: QWidget, messages: MessageBar) -> None:
        """Show errors over a window from now on, and in its message bar."""
        self._window = window
        self._messages = messages
        messages.show_unexpected = self.report
        # What came while the window was made is shown over it.
        self._arrived.emit()

    def report(self, failure: Failure) -> None:
        """Show a failure soon; from any thread."""
        # Within the lock, and not after the end: an object of Qt that is deleted while
        # a thread emits its signal ends the process.
        with self._lock:
            first = not self._waiting
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(failure)
            # Not a signal for each: a painting that fails may send hundreds.
            if first and not self._ended:
                with suppress(RuntimeError):
                    self._arrived.emit()

    def end(self) -> None:
        """Show nothing any more: the windows are closed. What comes now is logged."""
        with self._lock:
            self._ended = True

    @Slot()  # type: ignore[untyped-decorator]
    def _on_arrived(self) -> None:
        with self._lock:
            failures, self._waiting = self._waiting, []
        if self._ended:
            return
        # An error in here would be reported to here, and so on.
        try:
            for failure in failures:
                self._take(failure)
            self._show()
        except Exception:
            logger.exception("an error could not be shown")

    def _take(self, failure: Failure) -> None:
        if not failure.source:
            if self._messages is not None:
                self._messages.fail(failure)
        elif failure.source in self._seen:
            self._again = failure
            if not self._timer.isActive():
                self._timer.start()
        else:
            self._errors.add(
                failure.source, failure.message, failure.hint, failure.details
            )

    def _show(self) -> None:
        closed = self._window is not None and not self._window.isVisible()
        if not self._errors.count or closed:
            return
        # A modal dialog lets no window be used but its own.
        parent = QApplication.activeModalWidget() or self._window
        dialog = self._dialog
        if dialog is not None and dialog.parentWidget() in (parent, None):
            dialog.refresh()
            return
        if dialog is not None:
            dialog.finished.disconnect(self._on_closed)
            dialog.close()
        dialog = ErrorDialog(self._errors, self._facts, self._log, parent)
        dialog.finished.connect(self._on_closed)
        dialog.destroyed.connect(lambda: self._on_destroyed(dialog))
        self._dialog = dialog
        dialog.show()

    def _on_closed(self) -> None:
        self._dialog = None
        self._seen.update(error.source for error in self._errors.errors)
        self._errors.clear()

    def _on_destroyed(self, dialog: ErrorDialog) -> None:
        # With the modal dialog that it belonged to, before the user closed it.
        if self._dialog is dialog:
            self._dialog = None

    def _show_again(self) -> None:
        # In front of a modal dialog, the bar would open a box each time.
        if self._messages is None or QApplication.activeModalWidget() is not None:
            return
        if self._again is not None and not self._ended:
            self._messages.show_in_bar(self._again)
