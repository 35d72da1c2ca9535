"""Tells when code is compiled for longer than a moment, as after an installation."""

from __future__ import annotations

from contextlib import suppress

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from cellpose_studio.core.compiling.watched import watch_compiling

_LONG, _PAUSE = 1500, 1000  # ms


class CompileWatch(QObject):
    """Watches the compiler of loops over pixels; made in the GUI thread.

    Several loops are compiled one after the other, with a pause of up to a second.
    """

    changed = Signal(bool)  # whether code is being compiled
    _told = Signal(bool)  # by the thread that compiles

    def __init__(self) -> None:
        super().__init__()
        self._under_way = 0
        self._on = False
        self._long = QTimer(self, singleShot=True, interval=_LONG)
        self._long.timeout.connect(lambda: self._set(True))
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE)
        self._pause.timeout.connect(self._on_pause)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        self._end = watch_compiling(self._tell)

    def shut_down(self) -> None:
        """End the watch."""
        self._end()

    def _tell(self, begins: bool) -> None:
        # Without the object there is nobody to tell: the application has ended.
        with suppress(RuntimeError):
            self._told.emit(begins)

    def _on_told(self, begins: bool) -> None:
        self._under_way += 1 if begins else -1
        if self._under_way > 0:
            self._pause.stop()
            if not self._on and not self._long.isActive():
                self._long.start()
        else:
            # It had begun before the watch, if there are fewer than none.
            self._under_way = 0
            self._pause.start()

    def _on_pause(self) -> None:
        self._long.stop()
        self._set(False)

    def _set(self, on: bool) -> None:
        if on != self._on:
            self._on = on
            self.changed.emit(on)
