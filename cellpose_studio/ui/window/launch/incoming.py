"""Files that other programs ask the window to open: a second start, the desktop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtNetwork import QLocalServer, QLocalSocket
from qtpy.QtWidgets import QApplication, QWidget

from cellpose_studio.ui.window.launch.hand_over import (
    ANSWER,
    GREETING,
    MOST_BYTES,
    decode,
    listens,
)
from cellpose_studio.ui.window.launch.identity import Application

_LONGEST = 5000
"""Milliseconds until a connection that says nothing is closed."""
_AGAIN = 200
"""Milliseconds until files are tried again that came during a dialog."""


class Incoming(QObject):
    """Collects files to open, and opens them when the window can.

    A second start sends them through a local socket, macOS through the application.
    """

    def __init__(self, app: Application) -> None:
        super().__init__(app)
        self._paths: list[Path] = []
        self._asked = False
        self._window: QWidget | None = None
        self._open: Callable[[list[Path]], object] = lambda _: None
        self._server = QLocalServer(self)
        # Only the user may connect.
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)
        # Files that come one by one are opened together.
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._deliver)
        app.file_opened.connect(self._on_file)
        app.aboutToQuit.connect(self.close)

    def listen(self, where: str) -> bool:
        """Listen at an address, and return whether that is possible.

        It is not if another window does. What a crash left there is removed.
        """
        if listens(where):
            return False
        QLocalServer.removeServer(where)
        return bool(self._server.listen(where))

    def close(self) -> None:
        """Listen no more: the next start opens a window of its own."""
        if self._server.isListening():
            self._server.close()

    def deliver_to(
        self, window: QWidget, open_paths: Callable[[list[Path]], object]
    ) -> None:
        """Open the files that have come, and those to come, in a window.

        Parameters
        ----------
        window
            It comes to the front. While it is being closed, nobody is listened to.
        open_paths
            Called with absolute paths, never while a dialog waits for an answer.
        """
        self._window, self._open = window, open_paths
        if self._asked:
            self._soon.start(0)

    def take(self, paths: Sequence[Path]) -> None:
        """Open files as soon as possible; without any, show the window."""
        self._paths.extend(paths)
        self._asked = True
        if self._window is not None:
            self._soon.start(0)

    def _on_file(self, path: Path) -> None:
        self.take([path])

    def _deliver(self) -> None:
        window = self._window
        if window is None:
            return
        if self._asked:
            self._asked = False
            raise_window(window)
        # Opening asks questions of its own, which must not lie over another one.
        if QApplication.activeModalWidget() is not None:
            self._soon.start(_AGAIN)
            return
        paths, self._paths = self._paths, []
        if paths:
            self._open(paths)

    def _on_connection(self) -> None:
        while (connection := self._server.nextPendingConnection()) is not None:
            if self._window is None or self._window.isVisible():
                _Connection(connection, self)
            else:
                connection.abort()


class _Connection(QObject):
    """One other program that asks to open files. It can ask for nothing else."""

    def __init__(self, connection: QLocalSocket, incoming: Incoming) -> None:
        super().__init__(incoming)
        self._connection = connection
        self._incoming = incoming
        self._message = b""
        connection.setParent(self)
        connection.setReadBufferSize(MOST_BYTES)
        connection.readyRead.connect(self._on_data)
        connection.disconnected.connect(self.deleteLater)
        # A child, because the connection may be gone when the time is over.
        self._limit = QTimer(self, singleShot=True)
        self._limit.timeout.connect(connection.abort)
        self._limit.start(_LONGEST)
        connection.write(GREETING)
        connection.flush()

    def _on_data(self) -> None:
        self._message += self._connection.readAll().data()
        if len(self._message) > MOST_BYTES:
            self._connection.abort()
        elif self._message.endswith(b"\n"):
            self._take()

    def _take(self) -> None:
        try:
            paths = decode(self._message)
        except ValueError:
            self._connection.abort()
            return
        self._connection.write(ANSWER)
        self._connection.flush()
        self._connection.disconnectFromServer()
        self._incoming.take(paths)


def raise_window(window: QWidget) -> None:
    """Put a window in front of the others, also if it is minimised."""
    state = window.windowState() & ~Qt.WindowState.WindowMinimized
    window.setWindowState(state | Qt.WindowState.WindowActive)
    window.show()
    window.raise_()
    window.activateWindow()
