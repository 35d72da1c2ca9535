"""The real window, and how long what is done in it holds the event loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pulse import Pulse, until, wait


class WindowBench:
    """The window with a new project.

    Parameters
    ----------
    folder
        For the settings.
    profile
        Whether to print where the time goes.
    """

    def __init__(self, folder: Path, profile: bool) -> None:
        from cellpose_studio.app.project.scratch import new_unnamed
        from cellpose_studio.app.settings import Settings
        from cellpose_studio.ui.window.main_window import MainWindow

        self.window = MainWindow(Settings.load(folder / "settings.json"), new_unnamed())
        self.window.show()
        wait(1)
        self.window.warm_up()
        self.settle()
        self.session = self.window.session
        self.pulse = Pulse(profile)

    def idle(self) -> bool:
        return not any(queue.jobs for queue in self.window.services.queues)

    def settle(self) -> None:
        """Wait until all that began is done, and painted."""
        until(self.idle)
        wait(1)

    def open(self, *paths: Path) -> None:
        self.window.open([*paths])
        self.settle()

    def timed(self, title: str, action: Callable[[], object]) -> None:
        """Print how long the event loop was held until all that began is done."""
        self.pulse.restart()
        action()
        until(self.idle)
        wait(0.5)
        until(self.idle)
        self.pulse.print_row(title)
