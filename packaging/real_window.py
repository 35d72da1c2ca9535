"""Takes a picture of an image, segmented in the real window.

    xvfb-run -a -s "-screen 0 1366x768x24" .venv/bin/python packaging/screenshot.py \\
        IMAGE OUT.png

Without IMAGE it shows the sample. The image has to be one that may be published.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

PATIENCE = 120  # s


def main() -> None:
    *images, out = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as home:
        os.environ["CELLPOSE_STUDIO_HOME"] = home
        QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        app = QApplication([])
        window = opened(Path(home))
        if images:
            window.open(images)
        else:
            window.files.open_sample()
        wait(app, lambda: window.session.shown is not None)
        window.run()
        wait(app, lambda: not window.services.gpu_jobs.jobs)
        wait(app, lambda: bool(window.session.shown.masks))
        settle(app)
        app.primaryScreen().grabWindow(window.winId()).save(str(out))
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


if __name__ == "__main__":
    main()
