"""The dialog that asks for a newer version, once the user agrees."""

from __future__ import annotations

import threading
from queue import SimpleQueue

from qtpy.QtCore import QObject, Qt, QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cellpose_studio import __version__
from cellpose_studio.app.failures import failure_of
from cellpose_studio.io.support.updates import SOURCE, Update, newest, page_of
from cellpose_studio.io.support.web import NoAnswer, host_of, proxy_for

_ACTION = QDialogButtonBox.ButtonRole.ActionRole
_WIDTH = 480
_EVERY = 50  # ms
_LONGEST = 40_000  # ms; a name server that does not answer knows no time-out


class UpdateCheck(QObject):
    """Asks once, in a thread of its own that nobody waits for.

    A job would be waited for at the end of the application. The thread knows no object
    of Qt: one that is deleted while it emits a signal ends the process.
    """

    answered = Signal(object)  # Update or Exception

    def __init__(self, source: str, installed: str, parent: QObject) -> None:
        super().__init__(parent)
        self._source = source
        self._installed = installed
        self._stopped = threading.Event()
        self._answers: SimpleQueue[Update | Exception] = SimpleQueue()
        self._look = QTimer(self, interval=_EVERY)
        self._look.timeout.connect(self._on_look)
        self._limit = QTimer(self, singleShot=True, interval=_LONGEST)
        self._limit.timeout.connect(self._on_limit)

    def start(self) -> None:
        """Ask; `answered` follows unless `stop` is called."""
        self._limit.start()
        self._look.start()
        given = (self._source, self._installed, self._stopped, self._answers)
        threading.Thread(target=_ask, args=given, name="updates", daemon=True).start()

    def stop(self) -> None:
        """Give up; nothing is emitted any more."""
        self._stopped.set()
        self._look.stop()
        self._limit.stop()

    def _on_look(self) -> None:
        if not self._answers.empty():
            self._end(self._answers.get())

    def _on_limit(self) -> None:
        host = host_of(self._source)
        self._end(NoAnswer(f"{host} does not answer.", "Try again later."))

    def _end(self, found: Update | Exception) -> None:
        self.stop()
        self.answered.emit(found)


def _ask(
    source: str,
    installed: str,
    stopped: threading.Event,
    answers: SimpleQueue[Update | Exception],
) -> None:
    try:
        answers.put(newest(source, installed, stopped.is_set))
    # Whatever happens in a thread has to be told to the user.
    except Exception as error:
        answers.put(error)


class UpdateDialog(QDialog):
    """Says whom it would ask and what is sent, asks, and shows the answer.

    Parameters
    ----------
    source
        Address of the package index.
    installed
        The version that runs.
    """

    def __init__(
        self, parent: QWidget, source: str = SOURCE, installed: str = __version__
    ) -> None:
        super().__init__(parent, objectName="updateDialog")
        self._source = source
        self._installed = installed
        self._check: UpdateCheck | None = None
        self.setWindowTitle("Check for updates")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._lay_out()
        self._show(_question(source))

    def done(self, result: int) -> None:
        """Give up the check when the dialog is closed."""
        self._stop()
        super().done(result)

    def _lay_out(self) -> None:
        self.message = QLabel(wordWrap=True, objectName="updateMessage")
        # Plain, because the answer comes from outside.
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.progress = QProgressBar(objectName="updateProgress")
        self.progress.setRange(0, 0)
        self.ask = QPushButton("C&heck now", objectName="checkNow")
        self.page = QPushButton("&Open the download page", objectName="openPage")
        self.page.setToolTip(page_of(self._source))
        self.stop = QPushButton("&Cancel", objectName="cancelCheck")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        for button in (self.ask, self.page, self.stop):
            buttons.addButton(button, _ACTION)
        self.ask.setToolTip("Ask for the newest version; nothing else is sent.")
        self.stop.setToolTip("Wait for no answer any longer.")
        self.ask.setDefault(True)
        self.ask.clicked.connect(self._start)
        self.stop.clicked.connect(self._on_cancel)
        self.page.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl(page_of(self._source)))
        )
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(self.message, 1)
        column.addWidget(self.progress)
        column.addWidget(buttons)

    def _show(
        self, text: str, *, asking: bool = False, again: bool = True, page: bool = False
    ) -> None:
        self.message.setText(text)
        self.progress.setVisible(asking)
        self.stop.setVisible(asking)
        self.ask.setVisible(again and not asking)
        self.page.setVisible(page)
        self.resize(_WIDTH, max(self.heightForWidth(_WIDTH), 130))

    def _start(self) -> None:
        self._show(f"Asking {host_of(self._source)} …", asking=True)
        self._check = UpdateCheck(self._source, self._installed, self)
        self._check.answered.connect(self._on_answer)
        self._check.start()

    def _stop(self) -> None:
        if self._check is not None:
            self._check.stop()
            self._check = None

    def _on_cancel(self) -> None:
        self._stop()
        self._show(_question(self._source))

    def _on_answer(self, found: Update | Exception) -> None:
        self._check = None
        if isinstance(found, Update):
            self._show(_answer(found), again=False, page=found.is_newer)
        else:
            self.ask.setText("&Try again")
            failure = failure_of(found)
            self._show(f"{failure.message} {failure.hint}".strip(), page=True)


def _question(source: str) -> str:
    host, proxy = host_of(source), proxy_for(source)
    through = f" through the proxy {proxy}" if proxy else ""
    return (
        f"To find out whether there is a newer version than {__version__}, Cellpose "
        f"Studio connects to {host}{through}. Nothing is sent but the request: {host} "
        "learns the address of your network, as from any visit to a web page, and "
        "nothing of your work. Nothing is downloaded."
    )


def _answer(update: Update) -> str:
    if update.is_newer:
        return (
            f"Version {update.newest} is available; you have {update.installed}. The "
            "page shows how to install it. Close this program before."
        )
    if update.installed == update.newest:
        return f"You have the newest version, {update.installed}."
    return (
        f"Your version {update.installed} is newer than the newest one on offer, "
        f"{update.newest}."
    )
