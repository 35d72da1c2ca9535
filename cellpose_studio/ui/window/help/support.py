"""What watches over a run, from before the first window to the end."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from qtpy.QtCore import QThread, QTimer
from qtpy.QtWidgets import QApplication

from cellpose_studio import __version__
from cellpose_studio.app.failures import Failure, catch_unexpected, failure_of
from cellpose_studio.io.support.log import NAME, start_log
from cellpose_studio.io.support.report import ErrorList
from cellpose_studio.io.support.run_marker import RunMarker, ended_runs
from cellpose_studio.paths import log_dir
from cellpose_studio.ui.window.help.error_dialog import ErrorDialog
from cellpose_studio.ui.window.help.error_reporter import ErrorReporter
from cellpose_studio.ui.window.help.facts import report_facts
from cellpose_studio.ui.window.help.qt_messages import QtMessages
from cellpose_studio.ui.window.help.signals import EndSignals

if TYPE_CHECKING:
    from cellpose_studio.ui.window.main_window import MainWindow

START_FAILED = 1
"""Exit code if no window could be made."""

logger = logging.getLogger("cellpose_studio")

_STILL_HERE = 60_000  # ms after which a logout must have been called off
_START_LOOK = 100  # ms
_LAST_WRITES = 2.0  # seconds


class Support:
    """The log, the marker of the run, and the dialog about errors.

    To be used around all that the application does. An error that ends it before
    there is a window is shown as well.

    Attributes
    ----------
    code
        The exit code, to be set by what is done.
    """

    def __init__(self, app: QApplication) -> None:
        self.code = START_FAILED
        self._window: MainWindow | None = None
        # Without a folder for them, there is neither a log nor a marker.
        self._folder: Path | None = None
        with suppress(OSError):
            self._folder = log_dir()
        self._log: Path | None = None
        self._marker: RunMarker | None = None
        if self._folder is not None and start_log(self._folder, report_facts()):
            self._log = self._folder / NAME
            self._marker = RunMarker(self._folder, __version__)
        self.errors = ErrorReporter(self._facts, self._log)
        catch_unexpected(self.errors.report)
        self._signals = EndSignals(self._on_asked_to_end)
        self._signals.received.connect(self._leave)
        app.commitDataRequest.connect(lambda _: self._on_asked_to_end())
        self._qt_messages = QtMessages(self._on_display_gone)
        self._qt_messages.install()

    def __enter__(self) -> Support:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.errors.end()
        if isinstance(error, Exception):
            self._show_failed_start(failure_of(error))
        # Python objects that Qt would call are about to go.
        self._qt_messages.remove()
        self._signals.close()
        if self._marker is not None:
            self._marker.end()
        return isinstance(error, Exception)

    def watch(self, window: MainWindow) -> None:
        """Show errors over a window, and remember which project it has open."""
        self._window = window
        # vispy, which the window has imported, takes the messages for itself.
        self._qt_messages.install()
        self.errors.attach(window, window.services.messages)
        window.session.images_changed.connect(self._note_project)
        window.projects.opened.connect(self._note_project)
        QTimer.singleShot(0, self._offer_ended)

    def _facts(self) -> dict[str, str]:
        device = self._window.status.device.text() if self._window else ""
        return report_facts() | ({"Device": device} if device else {})

    def _note_project(self, *_: object) -> None:
        if self._window is not None and self._marker is not None:
            session = self._window.session
            # What is drawn in a read-only project is not saved: there is nothing to
            # offer.
            saved = session.images and not session.project.read_only_reason
            path = session.project.path if saved else None
            self._marker.note_project(path)

    def _offer_ended(self) -> None:
        """Offer what the runs left that ended without an end."""
        runs = ended_runs(self._folder) if self._folder else []
        if runs and self._window is not None:
            # At the top of the module, it would delay the splash.
            from cellpose_studio.ui.window.help.crash_dialog import CrashDialog

            for run in runs:
                logger.info(
                    "process %d of version %s %s; project: %s\n%s",
                    run.process,
                    run.version,
                    "crashed" if run.trace else "was killed",
                    run.project,
                    run.trace,
                )
            projects = self._window.projects
            CrashDialog(
                runs, projects.open, self._facts, self._log, self._window
            ).show()

    def _show_failed_start(self, failure: Failure) -> None:
        errors = ErrorList()
        errors.add(
            failure.source,
            f"Cellpose Studio cannot start. {failure.message}",
            failure.hint
            if not failure.source
            else "Please report it with the details.",
            failure.details,
        )
        ErrorDialog(errors, self._facts, self._log, None).exec()

    def _on_asked_to_end(self) -> None:
        if self._window is not None:
            # The system does not wait for an answer.
            self._window.projects.stops_runs_unasked = True
        if self._marker is not None:
            self._marker.note_leaving(True)
            marker = self._marker
            QTimer.singleShot(_STILL_HERE, lambda: marker.note_leaving(False))

    def _leave(self) -> None:
        # Within the start, which cannot be left halfway: only a dialog about its
        # failure can. The splash handles events before the event loop runs, which a
        # closed window would not end.
        if self._window is None or QThread.currentThread().loopLevel() == 0:
            dialog = QApplication.activeModalWidget()
            if self._window is None and dialog is not None:
                dialog.close()
            QTimer.singleShot(_START_LOOK, self._leave)
        else:
            self._window.close()

    def _on_display_gone(self) -> None:
        """Write what is left, and end the process."""
        if self._marker is not None:
            self._marker.note_leaving(True)
        if self._window is not None:
            self._window.session.project.writer.flush(_LAST_WRITES)
        logging.shutdown()
        # Qt would call `exit`, which may hang or crash while threads are at work.
        os._exit(START_FAILED)
