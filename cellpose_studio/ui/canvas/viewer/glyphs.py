"""Letters of the scale bar, drawn before an image is shown."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, QTimer

# The last ones are those by which vispy measures the height of any text.
_LETTERS = "0123456789. pxnµm" + "jgqyÅÉÑŐ"


class Glyphs(QObject):
    """Draws the letters of a text of vispy one by one, while nothing else is to do.

    Each takes some 10 ms; all of those of a text together would hold the first frame
    of the first image.

    Parameters
    ----------
    text
        vispy's visual.
    parent
        Where the drawing ends.
    """

    def __init__(self, text: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._font = text._font  # PRIVATE
        self._left = list(_LETTERS)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._draw_one)

    def start(self) -> None:
        """Begin to draw."""
        self._timer.start()

    def _draw_one(self) -> None:
        if self._left:
            # The font keeps what it has drawn.
            self._font[self._left.pop()]
        else:
            self._timer.stop()
