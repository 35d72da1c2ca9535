"""A file that Qt writes a PDF to while the window goes on."""

from __future__ import annotations

from typing import IO

from qtpy.QtCore import QIODevice


class PdfFile(QIODevice):
    """Hands what Qt writes to a file of Python's.

    Qt compresses a page in pieces, and no other thread can work meanwhile. Between two
    pieces it comes here, where the others get their turn.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._error: OSError | None = None
        mode = QIODevice.OpenModeFlag
        self.open(mode.WriteOnly | mode.Unbuffered)

    def check(self) -> None:
        """Raise the `OSError` that something could not be written for."""
        if self._error is not None:
            raise self._error

    def writeData(self, data: bytes, *_: int) -> int:  # noqa: N802
        """Write some bytes and return their number, -1 on failure; for Qt."""
        try:
            return self._file.write(data)
        except OSError as error:
            # Qt would end the application if it were raised here.
            self._error = self._error or error
            return -1
