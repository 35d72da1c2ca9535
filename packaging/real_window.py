"""The real window, on a screen that pictures are taken of."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

PATIENCE = 600  # s; a machine with much else to do


@contextmanager
def real_window() -> Iterator[tuple]:
    """Yield the application, its active window, and the folder of all its files."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CELLPOSE_STUDIO_HOME"] = home
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        app = QApplication([])
        window = opened(Path(home))
        window.activateWindow()
        wait(app, window.isActiveWindow)
        yield app, window, Path(home)
        window.close()


def opened(home: Path):
    from cellpose_studio.app.project.scratch import new_unnamed
    from cellpose_studio.app.settings import Settings
    from cellpose_studio.ui.canvas import isolate_napari

    isolate_napari(None)
    from cellpose_studio.ui.window.main_window import MainWindow

    settings = Settings.load(home / "settings.json")
    # The same on every computer, whatever its theme.
    settings.theme = "dark"
    window = MainWindow(settings, new_unnamed())
    window.show()
    return window


def wait(app: QApplication, done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            sys.exit("The window is not ready for its picture.")
        app.processEvents()
        time.sleep(0.01)


def settle(app: QApplication) -> None:
    """Let everything be drawn that is still to be."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        app.processEvents()
