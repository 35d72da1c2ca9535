"""Starts the application as a user does, and does something in its window.

    python program.py CODE [PATH …]

CODE is run on the GUI thread once an image is shown, or without paths once there is a
window, with ``window``, ``app`` and ``later`` (milliseconds, function).
"""

from __future__ import annotations

import sys

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from cellpose_studio.ui.window.help.support import Support
from cellpose_studio.ui.window.start import start

code, *paths = sys.argv[1:]
watch = Support.watch


def watch_and_act(support, window) -> None:
    watch(support, window)
    timer = QTimer(window)

    def act() -> None:
        shown = window.session.shown is not None and not window.services.io_jobs.jobs
        if window.isVisible() and (shown or not paths):
            timer.stop()
            app = QApplication.instance()
            exec(code, {"window": window, "app": app, "later": QTimer.singleShot})

    timer.timeout.connect(act)
    timer.start(20)


Support.watch = watch_and_act
sys.exit(start(["--new-window", *paths]))
