"""The real window of the check, and a hand that works in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.failures import Failure, catch_unexpected
from cellpose_studio.ui.window.launch.display import has_display
from cellpose_studio.workflows.self_test.check import CheckFailed

if TYPE_CHECKING:
    from qtpy.QtWidgets import QApplication

    from cellpose_studio.app.masks.project_image import ProjectImage
    from cellpose_studio.ui.window.help.self_test.guard import Guard
    from cellpose_studio.ui.window.main_window import MainWindow

TITLE = "Cellpose Studio – check of this installation, closes by itself"

PATIENCE = 240.0
"""Seconds; the limits of the checks end what takes longer."""

_PATIENCE_TO_DRAW = 10.0

Labels = npt.NDArray[np.uint32]


class Stage:
    """The application with its window, as far as the checks have built it.

    What reaches the top of the event loop fails the check that waits.

    Parameters
    ----------
    window
        A window that is open already; without one, `open_window` makes it.
    """

    def __init__(self, window: MainWindow | None = None) -> None:
        self._app: QApplication | None = None
        self._window = window
        self._guard: Guard | None = None
        if window is not None:
            self.start()
        self._failures: list[Failure] = []

    @property
    def window(self) -> MainWindow:
        """The window, which is open."""
        assert self._window is not None
        return self._window

    @property
    def image(self) -> ProjectImage:
        """The image that is shown."""
        image = self.window.session.shown
        if image is None:
            raise CheckFailed("No image is shown.")
        return image

    @property
    def labels(self) -> Labels:
        """A copy of the masks that are shown."""
        masks = self.image.masks
        if masks is None:
            raise CheckFailed("The image has no masks.")
        return masks.array.copy()

    def start(self) -> QApplication:
        """Start Qt on the display.

        Raises
        ------
        CheckFailed
            If there is none. If a library of it is missing, Qt ends the process.
        """
        from qtpy.QtWidgets import QApplication

        from cellpose_studio.ui.window.launch.identity import make_application

        if not has_display():
            raise CheckFailed(
                "There is no display.", "Start the program in a graphical session."
            )
        self._app = QApplication.instance() or make_application()
        return self._app

    def open_window(self) -> None:
        """Open the window with a project of its own, in the folders of the check."""
        from qtpy.QtCore import Qt

        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.paths import config_dir, share_cache_dir
        from cellpose_studio.ui.canvas import isolate_napari
        from cellpose_studio.ui.window.help.self_test.guard import Guard

        isolate_napari(config_dir() / "napari.yaml")
        share_cache_dir()
        # It imports napari, which reads its settings once.
        from cellpose_studio.ui.window.main_window import MainWindow

        settings = Settings.load(config_dir() / "settings.json")
        self._window = window = MainWindow(settings, new_unnamed())
        catch_unexpected(self._failures.append)
        self._guard = Guard(window, TITLE)
        # The user may be typing in another window.
        window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        window.show()
        # Some systems draw no window that is behind others, as it is beside a dialog.
        end = time.monotonic() + _PATIENCE_TO_DRAW
        self.wait(lambda: _is_exposed(window) or time.monotonic() > end, "The window")

    def wait(
        self, done: Callable[[], bool], what: str, patience: float = PATIENCE
    ) -> None:
        """Let the window work until something is done.

        Raises
        ------
        CheckFailed
            If it takes too long, or the window shows a failure.
        """
        end = time.monotonic() + patience
        while not done():
            self.process_events()
            if time.monotonic() > end:
                raise CheckFailed(f"{what} was not ready within {patience:.0f} s.")
            time.sleep(0.005)
        self.process_events()

    def wait_idle(self, what: str) -> None:
        """Let the window work until no job is left."""
        queues = self.window.services.queues
        self.wait(lambda: not any(queue.jobs for queue in queues), what)
        self.window.session.project.writer.flush(PATIENCE)

    def process_events(self) -> None:
        """Let Qt do what there is; raise what went wrong meanwhile."""
        assert self._app is not None
        self._app.processEvents()
        if self._failures:
            failure = self._failures.pop()
            self._failures.clear()
            raise CheckFailed(failure.message + f"\n{failure.details}".rstrip())
        bar = self.window.services.messages if self._window else None
        if bar is not None and bar.isVisible() and bar.property("kind") == "failure":
            bar.hide()
            raise CheckFailed(_plain(bar.text.text()))

    def drag(self, places: Iterable[tuple[float, float]]) -> None:
        """Drag with the left button over the image; places are Y and X in pixels."""
        from qtpy.QtCore import QEvent, Qt

        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        path = list(places)
        self._mouse(QEvent.Type.MouseButtonPress, path[0], left, left)
        for place in path[1:]:
            self._mouse(QEvent.Type.MouseMove, place, none, left)
        self._mouse(QEvent.Type.MouseButtonRelease, path[-1], left, none)
        self.process_events()

    def close(self) -> None:
        """Close the window and end the application."""
        if self._window is not None:
            if self._guard is not None:
                self._guard.close()
            self._window.close()
            self._window.deleteLater()
            self._window = None
        if self._app is not None:
            self._app.processEvents()
            self._app.quit()

    def _mouse(
        self, kind: Any, place: tuple[float, float], button: Any, buttons: Any
    ) -> None:
        from qtpy.QtCore import QPointF, Qt
        from qtpy.QtGui import QMouseEvent

        assert self._app is not None
        surface = self.window.canvas.surface
        ((x, y),) = self.window.canvas.camera.on_screen([place])
        at = QPointF(round(x), round(y))
        over = QPointF(surface.mapToGlobal(at.toPoint()))
        plain = Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, at, over, button, buttons, plain)
        self._app.sendEvent(surface, event)


def _is_exposed(window: MainWindow) -> bool:
    handle = window.windowHandle()
    return handle is not None and bool(handle.isExposed())


def _plain(text: str) -> str:
    """Return the words of a message, which is rich text."""
    from qtpy.QtGui import QTextDocument

    document = QTextDocument()
    document.setHtml(text)
    return str(document.toPlainText()).strip()
