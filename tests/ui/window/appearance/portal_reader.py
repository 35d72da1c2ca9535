"""Prints what the portal says at first, and after each change of the desktop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from cellpose_studio.ui.window.appearance.system_theme import SystemTheme

SIGNAL = (
    "dbus-send --session --type=signal /org/freedesktop/portal/desktop "
    "org.freedesktop.portal.Settings.SettingChanged string:org.freedesktop.appearance "
    "string:{} variant:uint32:{}"
)


def change(name: str, value: int) -> None:
    subprocess.run(SIGNAL.format(name, value).split(), check=True)


if __name__ == "__main__":
    service = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("portal_service.py"), "1"],
        stdout=subprocess.PIPE,
    )
    service.stdout.readline()
    app = QApplication([])
    theme = SystemTheme()
    print(theme.theme, flush=True)
    theme.changed.connect(lambda: print(theme.theme, flush=True))
    theme.changed.connect(lambda: theme.theme == "dark" and app.quit())
    for n, (name, value) in enumerate(
        [("color-scheme", 2), ("accent-color", 1), ("color-scheme", 1)]
    ):
        QTimer.singleShot(300 * n, lambda name=name, value=value: change(name, value))
    QTimer.singleShot(30_000, app.quit)
    app.exec()
    service.kill()
