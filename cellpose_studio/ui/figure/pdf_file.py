"""A device for PDF files that does not block the window."""

from __future__ import annotations

from typing import IO

from qtpy.QtCore import QIODevice


class PdfFile(QIODevice):
    """Passes the output of Qt to a Python file.

    Qt holds Python's lock (GIL) while it compresses a page in pieces. After each piece
    it calls this device, where Python can switch to another thread.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._error: OSError | None = None
        mode = QIODevice.OpenModeFlag
        self.open(mode.WriteOnly | mode.Unbuffered)

    def check(self) -> None:
        """Raise the first `OSError` of `writeData`, if there was one."""
        if self._error is not None:
            raise self._error

    def writeData(self, data: bytes, *_: int) -> int:  # noqa: N802
        """Write bytes and return their number, -1 on failure; for Qt."""
        try:
            return self._file.write(data)
        except OSError as error:
            # Kept for `check`: an exception in a call by Qt ends the application.
            self._error = self._error or error
            return -1
