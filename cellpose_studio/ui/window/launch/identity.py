"""The application as the desktop sees it: name, version, icon, files to open."""

from __future__ import annotations

import sys
from pathlib import Path

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QFileOpenEvent, QIcon
from qtpy.QtWidgets import QApplication

from cellpose_studio import __version__
from cellpose_studio.paths import resource

NAME = "Cellpose Studio"
DESKTOP_FILE = "cellpose-studio"
"""Name of the desktop file in packaging/linux, and the WM class of the windows."""
MODEL_ID = "CellposeStudio.CellposeStudio"
"""What Windows groups the buttons of the task bar by; the shortcut has it, too."""

_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


class Application(QApplication):
    """The application; it tells which files the desktop asks it to open.

    macOS sends an event for each file that is opened in the Finder, or dropped on the
    icon in the Dock. An event filter would be called for the events of all widgets.
    """

    file_opened = Signal(Path)

    def event(self, event: QEvent | None) -> bool:
        """Emit the file of a request to open one."""
        if isinstance(event, QFileOpenEvent):
            # Other addresses than those of files have none.
            if event.file():
                self.file_opened.emit(Path(event.file()))
            return True
        return super().event(event)


def make_application() -> Application:
    """Return the application, known to the desktop by its name and icon."""
    # Without shared contexts, a canvas loses its contents when its window changes.
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    # Qt makes the WM class of it: "__main__.py" would match no desktop file.
    app = Application([DESKTOP_FILE])
    identify(app)
    return app


def identify(app: QApplication) -> None:
    """Give an application its name, version and icon."""
    app.setApplicationName(NAME)
    app.setApplicationDisplayName(NAME)
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(DESKTOP_FILE)
    app.setWindowIcon(icon())
    if sys.platform == "win32":
        import ctypes

        # Otherwise Windows shows the icon of Python.
        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(MODEL_ID)


def icon() -> QIcon:
    """Return the icon of the application in all sizes; a file is read when needed."""
    sizes = QIcon()
    for size in _SIZES:
        file = resource(f"icons/cellpose-studio-{size}.png")
        sizes.addFile(str(file), QSize(size, size))
    return sizes
