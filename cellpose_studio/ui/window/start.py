"""Starts the application with its window."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cellpose_studio.gc_tuning import freeze_gc, gc_paused
from cellpose_studio.qt_api import choose_qt
from cellpose_studio.ui.window.launch.display import has_display

if TYPE_CHECKING:
    from cellpose_studio.ui.window.help.support import Support
    from cellpose_studio.ui.window.launch.incoming import Incoming
    from cellpose_studio.ui.window.launch.splash import Splash
    from cellpose_studio.ui.window.main_window import MainWindow

_NO_DISPLAY = (
    "cellpose-studio: there is no display to open a window on; "
    "use 'cellpose-studio segment IMAGES… --out DIR' to segment without one."
)
NO_DISPLAY = 3
"""Exit code without a display."""

_NO_FOLDER = (
    "your work cannot be kept, because the folder for it cannot be written to; "
    "CELLPOSE_STUDIO_HOME names another one."
)
NO_FOLDER = 4
"""Exit code if the user's data folder cannot be written to."""

_WARM_UP_DELAY = 400  # ms; by then the window has been painted


def without_window(arguments: Sequence[str]) -> int | None:
    """Do what needs no window of this process, without loading Qt.

    That is the check of the installation, and to hand files to a window that is open.

    Returns
    -------
    The exit code; None if a window has to be opened.
    """
    begun = time.monotonic()
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.report and options.self_test is None:
        parser.error("--report is about --self-test")
    # Checks come first: those of the window tell that there is no display.
    if options.self_test_child:
        _prepare_qt()
        from cellpose_studio.ui.window.help.self_test.child import run_child

        return run_child(options.self_test_child, begun)
    if options.self_test is not None:
        choose_qt()
        from cellpose_studio.ui.window.help.self_test.command import self_test

        # Those after the file of the report look like files to open.
        names = [*options.self_test, *map(str, options.paths)]
        return self_test(names, options.report)
    if not has_display():
        sys.stderr.write(f"{_NO_DISPLAY}\n")
        return NO_DISPLAY
    if options.new_window or options.sample:
        return None
    from cellpose_studio.ui.window.launch.hand_over import Result, address, hand_over

    # Without folders of the user there is no window either; `start` says why.
    with suppress(OSError):
        if hand_over(_absolute(options.paths), address()) == Result.OPENED:
            return 0
    return None


def start(arguments: Sequence[str]) -> NoReturn:
    """Open the window with the given files, and end the process when it is closed.

    Everything is stored and closed by then. Qt, the viewer and torch are not taken
    apart as at the end of other programs: their order is left to chance, and with PyQt6
    that crashed now and then.
    """
    _prepare_qt()
    code = _run(_parser().parse_args(arguments))
    for stream in (sys.stdout, sys.stderr):
        # Nobody may be left to read it, and without a console there is none.
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _prepare_qt() -> None:
    """Choose between PyQt5 and PyQt6, before any of them is imported."""
    note = choose_qt()
    if note:
        sys.stderr.write(f"cellpose-studio: {note}\n")
    # Windows finds torch's libraries only if they are loaded before Qt's.
    if sys.platform == "win32":
        import torch  # noqa: F401


def _absolute(paths: Sequence[Path]) -> list[Path]:
    from cellpose_studio.paths import real_path

    return [real_path(path) for path in paths]


def _parser() -> argparse.ArgumentParser:
    from cellpose_studio import __version__
    from cellpose_studio.cli.commands import in_words

    parser = argparse.ArgumentParser(
        prog="cellpose-studio",
        description=f"Open the window; or, as first word, {in_words()} to work "
        "without one.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, help="images, folders or a project to open"
    )
    parser.add_argument("--sample", action="store_true", help="open a sample image")
    parser.add_argument(
        "--new-window",
        action="store_true",
        help="open another window; otherwise one that is open opens the files",
    )
    parser.add_argument(
        "--self-test",
        nargs="*",
        metavar="CHECK",
        help="check this installation, or parts of it, in a window that closes by "
        "itself; exit code 0 if all works, else 1",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write the check as JSON"
    )
    # For the process that does the checks.
    parser.add_argument("--self-test-child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _run(options: argparse.Namespace) -> int:
    # Qt is imported only here: `--version` and the check for a display do without it.
    with gc_paused():
        from cellpose_studio.ui.window.launch.hand_over import address
        from cellpose_studio.ui.window.launch.identity import make_application
        from cellpose_studio.ui.window.launch.incoming import Incoming
        from cellpose_studio.ui.window.launch.splash import Splash, theme_in_settings

        app = make_application()
        # The files that macOS sends come with the first events, which the splash
        # handles.
        incoming = Incoming(app)
        splash = Splash(theme_in_settings())
        splash.show_at_once("Loading settings and projects…")
        # Without folders of the user, there is soon a message about that.
        with suppress(OSError):
            incoming.listen(address())
        # All that takes its time to load comes now, while the splash is shown.
        from cellpose_studio.ui.window.help.support import Support

    with Support(app) as support:
        support.code = _show_window(options, support, splash, incoming)
    return support.code


def _show_window(
    options: argparse.Namespace, support: Support, splash: Splash, incoming: Incoming
) -> int:
    """Show the window until it is closed; return the exit code."""
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    from cellpose_studio.core.errors import CannotSave

    try:
        with gc_paused():
            window = _make_window(splash.tell)
            freeze_gc()
    except (CannotSave, OSError) as error:
        sys.stderr.write(f"cellpose-studio: {_NO_FOLDER} {error}\n")
        return NO_FOLDER
    support.watch(window)
    window.show()
    # It handles events. A window that is closed before the loop below would not end it.
    QTimer.singleShot(0, lambda: splash.finish(window))
    if options.paths:
        window.open(_absolute(options.paths))
    elif options.sample:
        window.files.open_sample()
    incoming.deliver_to(window, window.open)
    _warm_up_later(window)
    return int(QApplication.exec())


def _warm_up_later(window: MainWindow) -> None:
    """Load ahead what comes next, after what the user waits for."""
    from qtpy.QtCore import QTimer

    # Delayed, because two seconds of imports would block the first paint.
    timer = QTimer(window, interval=_WARM_UP_DELAY)

    def try_it() -> None:
        if not window.services.io_jobs.jobs:
            timer.stop()
            window.warm_up()

    timer.timeout.connect(try_it)
    timer.start()


def _make_window(tell: Callable[[str], None]) -> MainWindow:
    """Load the modules of the window, and make it with a new project.

    Parameters
    ----------
    tell
        Called with what is being loaded.

    Raises
    ------
    CannotSave, OSError
        If a project cannot be kept in the user's folder.
    """
    from cellpose_studio.app.project.scratch import new_unnamed
    from cellpose_studio.app.settings import Settings
    from cellpose_studio.paths import config_dir, share_cache_dir
    from cellpose_studio.ui.canvas import isolate_napari

    isolate_napari(config_dir() / "napari.yaml")
    share_cache_dir()
    project = new_unnamed()
    tell("Loading the viewer…")
    # It imports napari, which reads its settings once: `isolate_napari` comes first.
    from cellpose_studio.ui.window.main_window import MainWindow

    tell("Opening the window…")
    return MainWindow(Settings.load(config_dir() / "settings.json"), project)
