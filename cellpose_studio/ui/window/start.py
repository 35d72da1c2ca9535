"""Starts the application with its window."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

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


def start(arguments: Sequence[str]) -> int:
    """Open the window with the given files; return the exit code of the application."""
    begun = time.monotonic()
    options = _parser().parse_args(arguments)
    # Checks come first: those of the window tell that there is no display.
    if options.self_test_child:
        from cellpose_studio.ui.window.help.self_test.child import run_child

        return run_child(options.self_test_child, begun)
    if options.self_test is not None:
        from cellpose_studio.ui.window.help.self_test.command import self_test

        return self_test(options.self_test, options.report)
    if not _has_display():
        sys.stderr.write(f"{_NO_DISPLAY}\n")
        return NO_DISPLAY
    return _run(options)


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


def _has_display() -> bool:
    """Return whether there is a display; without one, Qt would abort the process."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _run(options: argparse.Namespace) -> int:
    # Qt is imported only here: `--version` and the check for a display do without it.
    from qtpy.QtCore import Qt, QTimer
    from qtpy.QtWidgets import QApplication

    from cellpose_studio.app.failures import catch_unexpected
    from cellpose_studio.app.project.scratch import new_unnamed
    from cellpose_studio.app.settings import Settings
    from cellpose_studio.core.errors import CannotSave
    from cellpose_studio.paths import config_dir, real_path, share_cache_dir
    from cellpose_studio.ui.canvas import isolate_napari

    # Without shared contexts, a canvas loses its contents when its window changes.
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Cellpose Studio")
    try:
        isolate_napari(config_dir() / "napari.yaml")
        share_cache_dir()
        project = new_unnamed()
    except (CannotSave, OSError) as error:
        sys.stderr.write(f"cellpose-studio: {_NO_FOLDER} {error}\n")
        return NO_FOLDER
    # It imports napari, which reads its settings once: `isolate_napari` comes first.
    from cellpose_studio.ui.window.main_window import MainWindow

    window = MainWindow(Settings.load(config_dir() / "settings.json"), project)
    catch_unexpected(window.show_failure)
    window.show()
    if options.paths:
        window.open([real_path(path) for path in options.paths])
    elif options.sample:
        window.files.open_sample()
    # Delayed, because two seconds of imports would block the first paint.
    QTimer.singleShot(_WARM_UP_DELAY, window.warm_up)
    return int(app.exec())
