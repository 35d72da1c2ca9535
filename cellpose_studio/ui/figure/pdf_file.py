"""Devices that Qt writes PDF files to, by way of Python."""

from __future__ import annotations

from typing import IO

from qtpy import PYQT6
from qtpy.QtCore import QBuffer, QIODevice

_MODE = QIODevice.OpenModeFlag


class PdfFile(QIODevice):
    """Passes the output of Qt to a Python file, without blocking the window.

    Qt holds Python's lock (GIL) while it compresses a page in pieces. After each piece
    it calls this device, where Python can switch to another thread.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._error: OSError | None = None
        self.open(_MODE.WriteOnly | _MODE.Unbuffered)

    def finish(self) -> None:
        """Raise the first `OSError` of `writeData`, if there was one."""
        if self._error is not None:
            raise self._error

    def writeData(self, data: bytes, *_: int) -> int:  # noqa: N802
        """Write bytes and return their number, -1 on failure; for Qt."""
        try:
            return self._file.write(data)
        except OSError as error:
            # Kept for `finish`: an exception in a call by Qt ends the application.
            self._error = self._error or error
            return -1


class PdfBuffer(QBuffer):
    """Keeps the output of Qt in memory, and writes it to a Python file at the end.

    The window cannot be used while Qt compresses a page.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self.open(_MODE.WriteOnly)

    def finish(self) -> None:
        """Write the file; raises `OSError`."""
        self._file.write(self.data().data())


def pdf_device(file: IO[bytes]) -> PdfFile | PdfBuffer:
    """Return the better device of those that the Python binding of Qt supports."""
    # PyQt6 gives `writeData` of a Python class the number of bytes, but not the bytes.
    return PdfBuffer(file) if PYQT6 else PdfFile(file)
