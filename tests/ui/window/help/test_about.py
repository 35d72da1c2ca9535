"""What Help > About says, and that it waits for nothing."""

from __future__ import annotations

import sys

import torch
from qtpy.QtGui import QGuiApplication

from cellpose_studio import __version__
from cellpose_studio.ui.window.help.about import AboutDialog
from cellpose_studio.ui.window.help.updates import UpdateDialog


def opened(window, kind):
    return [dialog for dialog in window.findChildren(kind) if dialog.isVisible()]


def test_about_names_versions_devices_folders_and_licences(user):
    window = user.window
    window.menus.actions["about"].trigger()
    (dialog,) = opened(window, AboutDialog)
    assert "being read" in dialog.text
    user.wait_for(lambda: "being read" not in dialog.text)
    dialog.copy.click()
    text = QGuiApplication.clipboard().text()
    for line in (
        f"Cellpose Studio: {__version__}",
        f"Python: {sys.version.split()[0]}",
        f"torch: {torch.__version__}",
        "napari: ",
        "Processor: ",
        "Memory: ",
        "GPU",
        "Log: ",
    ):
        assert line in text
    licences = dialog.licences.toPlainText()
    assert "GNU General Public License, version 3 or later." in licences
    assert "PyQt5" in licences
    assert "BSD" in licences
    window.menus.actions["about"].trigger()
    assert opened(window, AboutDialog) == [dialog]
    dialog.close()
    window.menus.actions["updates"].trigger()
    (updates,) = opened(window, UpdateDialog)
    assert "connects to pypi.org" in updates.message.text()
    updates.close()


def test_about_that_is_closed_at_once_hears_of_nothing(user):
    user.window.menus.actions["about"].trigger()
    opened(user.window, AboutDialog)[0].close()
    user.wait_idle()
    assert user.message == ""
