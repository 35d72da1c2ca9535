"""A real window on a display, and pictures of cells to open in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QApplication

from cellpose_studio.app.session import Entry
from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.canvas import isolate_napari
from cellpose_studio.ui.main_window import MainWindow

LONG = 120_000  # ms; a machine with much else to do must not fail a test


@pytest.fixture(scope="session")
def qapp_cls() -> Callable[[list[str]], QApplication]:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    isolate_napari(None)
    return QApplication


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """Return the window, shown and active, with settings of its own."""
    window = MainWindow(Settings(tmp_path / "settings.ini"))
    window.show()
    window.activateWindow()
    qtbot.waitActive(window, timeout=LONG)
    yield window
    if window.isVisible():
        window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


class User:
    """Does with the window what a user does, and waits for what comes of it."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self.qtbot = qtbot

    def open(self, *paths: Path) -> list[Entry]:
        """Open files and return what is open then."""
        self.window.open(list(paths))
        self.wait_idle()
        return list(self.window.session.entries)

    def click_run(self) -> None:
        self.qtbot.mouseClick(
            self.window.segment.parameters.run, Qt.MouseButton.LeftButton
        )

    def run(self) -> Entry:
        """Run on the image shown and return its entry when it is done."""
        entry = self.window.session.shown
        assert entry is not None
        self.click_run()
        self.wait_idle()
        return entry

    def wait_idle(self) -> None:
        """Wait until no job runs or waits."""
        queues = (self.window.queue, self.window.quick)
        self.qtbot.waitUntil(lambda: not any(q.jobs for q in queues), timeout=LONG)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=LONG)

    @property
    def message(self) -> str:
        """The text of the message bar; empty while it is hidden."""
        bar = self.window.messages
        return bar.text.text() if bar.isVisible() else ""


@pytest.fixture
def user(window: MainWindow, qtbot: QtBot) -> User:
    return User(window, qtbot)


@pytest.fixture
def cells(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a picture of bright round cells.

    The function takes the name of the file, the shape and the axes. Cells have a
    diameter of 20 px, and lie on a grid of 32 px in every plane.
    """

    def write(name: str, shape: tuple[int, ...] = (96, 128), axes: str = "YX") -> Path:
        random = np.random.default_rng(0)
        y, x = np.indices(shape[-2:]) % 32 - 16
        distance = np.hypot(y, x)
        plane = 2000 / (1 + np.exp(distance - 10))
        pixels = random.poisson(100 + np.broadcast_to(plane, shape)).astype(np.uint16)
        path = tmp_path / name
        step = {"spacing": 0.5, "unit": "um"} if "Z" in axes else {"unit": "um"}
        tifffile.imwrite(
            path,
            pixels,
            imagej=True,
            resolution=(4, 4),
            metadata={"axes": axes, **step},
        )
        return path

    return write
