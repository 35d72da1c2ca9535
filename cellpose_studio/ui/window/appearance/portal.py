"""The colours that a desktop of Linux prefers, as its portal tells them.

Qt 5 does not ask for them, nor does Qt 6 where it has no theme of the desktop. The
values are those of ``color-scheme`` in ``org.freedesktop.appearance``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from qtpy.QtCore import QObject, Signal, Slot
from qtpy.QtDBus import QDBus, QDBusConnection, QDBusMessage, QDBusVariant

_SERVICE = "org.freedesktop.portal.Desktop"
_PATH = "/org/freedesktop/portal/desktop"
_INTERFACE = "org.freedesktop.portal.Settings"
_SETTING = ("org.freedesktop.appearance", "color-scheme")
_THEMES: dict[object, Literal["dark", "light"]] = {1: "dark", 2: "light"}
_PATIENCE = 250  # ms; the window waits for the answer


class Portal(QObject):
    """Asks the portal once, and then listens to it.

    Attributes
    ----------
    theme
        What the desktop prefers; "" if it prefers nothing, or there is no portal.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme: Literal["", "dark", "light"] = ""
        # libdbus would start a bus of its own, which nobody else is on.
        if not _has_bus():
            return
        bus = QDBusConnection.sessionBus()
        bus.connect("", _PATH, _INTERFACE, "SettingChanged", self._on_changed)
        message = QDBusMessage.createMethodCall(_SERVICE, _PATH, _INTERFACE, "Read")
        message.setArguments([*_SETTING])
        # A portal that is not running yet would take seconds to start.
        message.setAutoStartService(False)
        answer = bus.call(message, QDBus.CallMode.Block, _PATIENCE)
        if answer.type() == QDBusMessage.MessageType.ReplyMessage:
            [value] = answer.arguments()
            self.theme = _theme_of(value)

    @Slot(QDBusMessage)  # type: ignore[untyped-decorator]
    def _on_changed(self, message: QDBusMessage) -> None:
        *setting, value = message.arguments() or [""]
        # Other programs may send what they like.
        if (*setting,) == _SETTING and _theme_of(value) != self.theme:
            self.theme = _theme_of(value)
            self.changed.emit()


def _has_bus() -> bool:
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return True
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(folder) and Path(folder, "bus").exists()


def _theme_of(value: Any) -> Literal["", "dark", "light"]:
    """Return what a value of the portal stands for, however often it is wrapped."""
    while isinstance(value, QDBusVariant):
        value = value.variant()
    return _THEMES.get(value, "")
