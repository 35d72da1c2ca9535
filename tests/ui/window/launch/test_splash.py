"""The splash: there at once, in the colours of the theme, and gone in time."""

from __future__ import annotations

import subprocess
import sys

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QWidget

from cellpose_studio.app.settings import Settings
from cellpose_studio.paths import config_dir
from cellpose_studio.ui.window.appearance.system_theme import SystemTheme
from cellpose_studio.ui.window.launch.splash import Splash, theme_in_settings


@pytest.fixture
def splash(qtbot, request):
    splash = Splash(getattr(request, "param", "dark"))
    qtbot.addWidget(splash)
    splash.show_at_once("Loading…")
    return splash


def test_nothing_heavy_is_loaded_before_it():
    code = (
        "import os, sys\n"
        "from cellpose_studio.__main__ import main\n"
        "from cellpose_studio.ui.window.launch.splash import Splash\n"
        "def show_at_once(self, line):\n"
        "    heavy = {'numpy', 'pydantic', 'psygnal', 'numba', 'napari', 'torch'}\n"
        "    print(line, sorted(heavy & set(sys.modules)), flush=True)\n"
        "    os._exit(0)\n"
        "Splash.show_at_once = show_at_once\n"
        "main(['--new-window'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Loading settings and projects… []\n"


def test_a_second_start_loads_not_even_qt(tmp_path):
    code = (
        "import sys\n"
        "from cellpose_studio.ui.window.start import without_window\n"
        "print(without_window(['a.tif']))\n"
        "heavy = {'numpy', 'qtpy', 'PyQt5', 'PyQt6', 'napari', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n[]\n"


@pytest.mark.parametrize(
    ("splash", "ground"),
    [("dark", "#23242b"), ("light", "#ebe7e6")],
    indirect=["splash"],
)
def test_it_shows_the_icon_and_what_is_loading_in_the_theme(splash, ground):
    assert splash.isVisible()
    before = splash.grab().toImage()
    assert before.pixelColor(10, 10).name() == ground
    blue = before.pixelColor(round(before.width() * 60 / 440), 70)
    assert blue.blue() > blue.red() + 40
    splash.tell("Opening the window…")
    assert splash.grab().toImage() != before


def test_it_goes_when_the_window_comes(splash, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    splash.finish(window)
    qtbot.waitUntil(lambda: not splash.isVisible())


def test_it_does_not_stay_over_a_dialog(splash, qtbot):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    dialog.setModal(True)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: not splash.isVisible())


def test_a_click_puts_it_away(splash, qtbot):
    qtbot.mouseClick(splash, Qt.MouseButton.LeftButton)
    assert not splash.isVisible()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path))
    return config_dir() / "settings.json"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_theme_is_that_of_the_settings(settings, theme):
    kept = Settings.load(settings)
    kept.theme = "light"
    kept.theme = theme
    assert theme_in_settings() == theme


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"theme": ["dark"]}',
        b'{"theme": "pink"}',
        b'{"theme": "system"}',
        b"[" * 100_000,
    ],
    ids=lambda content: str(content)[:20],
)
def test_without_settings_that_can_be_read_it_is_that_of_the_desktop(settings, content):
    if content is not None:
        settings.write_bytes(content)
    assert theme_in_settings() == SystemTheme().theme


def test_without_a_folder_of_the_user_it_is_that_of_the_desktop(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("CELLPOSE_STUDIO_HOME", str(tmp_path / "file" / "home"))
    assert theme_in_settings() == SystemTheme().theme
