"""Signals by which the system, or a terminal, asks the application to end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from qtpy.QtCore import QObject, QSocketNotifier, Signal

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class EndSignals(QObject):
    """Turns the first signal into a request to end; a second one ends at once.

    Parameters
    ----------
    noted
        Called as soon as Python knows of the signal, in the main thread.
    """

    received = Signal()

    def __init__(self, noted: Callable[[], None]) -> None:
        super().__init__()
        self._noted = noted
        # Qt's event loop does not return to Python for a signal; for a socket it does.
        self._read, self._write = socket.socketpair()
        for end in (self._read, self._write):
            end.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        kind = QSocketNotifier.Type.Read
        self._notifier = QSocketNotifier(self._read.fileno(), kind, self)
        self._notifier.activated.connect(self._on_readable)
        self._asked = False
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        # What is ignored stays so: `nohup` ignores the end of its terminal.
        before = {number: signal.getsignal(number) for number in numbers}
        self._before = {n: how for n, how in before.items() if how != signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._on_signal)

    def close(self) -> None:
        """Leave signals to the system again."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number, how in self._before.items():
            signal.signal(number, how)
        self._read.close()
        self._write.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        for other in self._before:
            signal.signal(other, signal.SIG_DFL)
        self._asked = True
        self._noted()

    def _on_readable(self) -> None:
        self._read.recv(64)
        # Other signals wake the loop as well.
        if self._asked:
            self._asked = False
            self.received.emit()
