"""Qt's own messages, which go to the log; the last of them is acted upon."""

from __future__ import annotations

import logging
from collections.abc import Callable

from qtpy.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
# They come with each move of a pen or the mouse, and mean nothing.
_IGNORED = (
    "QCocoaView handleTabletEvent: This tablet device is unknown",
    "QSocketNotifier: Multiple socket notifiers for same",
)
_DISPLAY_GONE = "connection broke"
"""What Qt says of X11 and Wayland before it ends the process."""


class QtMessages:
    """Takes Qt's messages from `install` on.

    Parameters
    ----------
    display_gone
        Called before Qt ends the process, because its display has gone: at a logout.
    """

    def __init__(self, display_gone: Callable[[], None]) -> None:
        self._display_gone = display_gone

    def install(self) -> None:
        """Take the messages; to be called again after vispy was imported."""
        qInstallMessageHandler(self._on_message)

    def remove(self) -> None:
        """Leave the messages to Qt again."""
        qInstallMessageHandler(None)

    def _on_message(
        self, kind: QtMsgType, context: QMessageLogContext, text: str | None
    ) -> None:
        text = text or ""
        if text.startswith(_IGNORED):
            return
        name = f"qt.{context.category}" if context.category else "qt"
        logging.getLogger(name).log(_LEVELS.get(kind, logging.WARNING), "%s", text)
        if _DISPLAY_GONE in text:
            self._display_gone()
