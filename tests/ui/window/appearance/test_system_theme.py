"""The theme of the desktop, from whoever knows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtGui import QColor, QGuiApplication, QPalette

from cellpose_studio.ui.window.appearance import system_theme
from cellpose_studio.ui.window.appearance.system_theme import SystemTheme

READER = Path(__file__).with_name("portal_reader.py")


@pytest.fixture
def palette(qapp, monkeypatch):
    """Return a function that sets the palette of the desktop, which alone is known."""
    monkeypatch.setattr(system_theme, "_portal", lambda _: None)
    monkeypatch.setattr(system_theme, "_of_qt", lambda: "")
    before = QGuiApplication.palette()

    def set_ground(colour: str) -> None:
        QGuiApplication.setPalette(QPalette(QColor(colour)))

    yield set_ground
    QGuiApplication.setPalette(before)


def test_it_follows_the_palette_where_nothing_else_is_known(palette, qtbot):
    palette("#efefef")
    theme = SystemTheme()
    assert theme.theme == "light"
    with qtbot.waitSignal(theme.changed):
        palette("#202020")
    assert theme.theme == "dark"
    with qtbot.assertNotEmitted(theme.changed, wait=50):
        palette("#303030")


def test_what_qt_knows_goes_before_the_palette(palette, monkeypatch):
    palette("#efefef")
    monkeypatch.setattr(system_theme, "_of_qt", lambda: "dark")
    assert SystemTheme().theme == "dark"


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("dbus-send")),
    reason="there is no D-Bus",
)
def test_it_follows_the_portal_of_the_desktop():
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, READER],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.split() == ["dark", "light", "dark"], done.stderr
