"""A real window on a display, and a user of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent, Qt

from cellpose_studio.app.masks.project_image import ProjectImage
from cellpose_studio.app.project.scratch import new_unnamed, unnamed_folder
from cellpose_studio.app.settings import Settings
from cellpose_studio.gc_tuning import freeze_gc
from cellpose_studio.ui.window.main_window import MainWindow
from tests.ui.mouse import Mouse


@pytest.fixture(scope="session")
def freeze_once() -> Callable[[], None]:
    """Return what freezes all that is loaded, when it is called first.

    napari collects garbage each time that layers go; each test is quicker then.
    """
    from napari.qt import QtViewer  # noqa: F401

    from cellpose_studio.engine.cellpose_api import load_all

    load_all()

    frozen = []

    def freeze() -> None:
        if not frozen:
            gc.collect()
            freeze_gc()
            frozen.append(True)

    return freeze


@pytest.fixture
def window(
    freeze_once: Callable[[], None], qtbot: QtBot, tmp_path: Path
) -> Iterator[MainWindow]:
    """Return the window, shown and active, with settings of its own."""
    settings = Settings.load(tmp_path / "settings.json")
    # Whatever the desktop has on which the tests run.
    settings.theme = "dark"
    window = MainWindow(settings, new_unnamed())
    # A test that ends while a run goes on has nobody to answer.
    window.projects.stops_runs_unasked = True
    window.show()
    window.activateWindow()
    qtbot.waitActive(window)
    yield window
    if window.isVisible():
        window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    # The first window has loaded the rest of the modules.
    freeze_once()
    # Masks in it would be offered to the next test that opens the same image.
    for file in unnamed_folder().iterdir():
        file.unlink()


class User:
    """Does with the window what a user does, and waits for what comes of it."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self.qtbot = qtbot

    def open(self, *paths: Path) -> list[ProjectImage]:
        """Open files and return what is open then."""
        self.window.open(list(paths))
        self.wait_idle()
        return list(self.window.session.images)

    def click_run(self) -> None:
        self.qtbot.mouseClick(
            self.window.segment.parameters.run, Qt.MouseButton.LeftButton
        )

    def run(self) -> ProjectImage:
        """Run on the image shown and return its entry when it is done."""
        image = self.window.session.shown
        assert image is not None
        self.click_run()
        self.wait_idle()
        return image

    def wait_idle(self) -> None:
        """Wait until no job runs or waits."""
        window = self.window
        queues = window.services.queues
        self.qtbot.waitUntil(lambda: not any(q.jobs for q in queues))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition)

    @property
    def message(self) -> str:
        """The text of the message bar; empty while it is hidden."""
        bar = self.window.services.messages
        return bar.text.text() if bar.isVisible() else ""


@pytest.fixture
def user(window: MainWindow, qtbot: QtBot) -> User:
    return User(window, qtbot)


@pytest.fixture
def mouse(user: User) -> Mouse:
    return Mouse(user.window)
