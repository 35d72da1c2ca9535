"""Name, version and icon of the application."""

from __future__ import annotations

import subprocess
import sys

from cellpose_studio import __version__
from cellpose_studio.ui.window.launch.identity import icon

SHOW = """
from qtpy.QtWidgets import QLabel
from cellpose_studio.ui.window.launch.identity import make_application
app = make_application()
label = QLabel("a")
label.show()
print(app.applicationDisplayName(), app.applicationVersion(), app.desktopFileName())
print(label.windowIcon().isNull(), app.arguments())
"""


def test_the_desktop_knows_its_name_version_and_icon():
    done = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, check=True
    )
    names, rest = done.stdout.splitlines()
    assert names == f"Cellpose Studio {__version__} cellpose-studio"
    assert rest == "False ['cellpose-studio']"


def test_the_icon_has_a_picture_of_its_own_for_each_size(qapp):
    assert {size.width() for size in icon().availableSizes()} == {
        16, 24, 32, 48, 64, 128, 256, 512,
    }  # fmt: skip
    assert not icon().pixmap(16, 16).isNull()
