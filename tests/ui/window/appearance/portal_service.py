"""A portal of a desktop, as a process of its own: it prefers what its argument says."""

from __future__ import annotations

import sys

from qtpy.QtCore import QCoreApplication, QObject, Slot
from qtpy.QtDBus import QDBusConnection, QDBusMessage, QDBusVariant


class Settings(QObject):
    @Slot(QDBusMessage)
    def Read(self, message: QDBusMessage) -> None:
        assert message.arguments() == ["org.freedesktop.appearance", "color-scheme"]
        # Desktops wrap the value twice.
        value = QDBusVariant(QDBusVariant(int(sys.argv[1])))
        QDBusConnection.sessionBus().send(message.createReply(value))


if __name__ == "__main__":
    app = QCoreApplication([])
    bus = QDBusConnection.sessionBus()
    settings = Settings()
    slots = QDBusConnection.RegisterOption.ExportAllSlots
    path, interface = (
        "/org/freedesktop/portal/desktop",
        "org.freedesktop.portal.Settings",
    )
    assert bus.registerObject(path, interface, settings, slots)
    assert bus.registerService("org.freedesktop.portal.Desktop")
    print("ready", flush=True)
    sys.exit(app.exec())
