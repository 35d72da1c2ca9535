"""Starts the application as a user does, and does something in its window.

    python program.py CODE [PATH …]

CODE is run on the GUI thread once an image is shown, or without paths once there is a
window, with ``window``, ``app`` and ``later`` (milliseconds, function).
"""

from __future__ import annotations

import sys

from qtpy.QtCore import QTimer

from cellpose_studio.ui.window.help.support import Support
from cellpose_studio.ui.window.launch.identity import make_application
from cellpose_studio.ui.window.launch.splash import Splash
from cellpose_studio.ui.window.start import _parser, _show_window

code, *paths = sys.argv[1:]


def act() -> None:
    windows = [w for w in app.topLevelWidgets() if hasattr(w, "session")]
    if not windows or not windows[0].isVisible():
        return
    window = windows[0]
    if paths and (window.session.shown is None or window.services.io_jobs.jobs):
        return
    timer.stop()
    exec(code, {"window": window, "app": app, "later": QTimer.singleShot, "sys": sys})


app = make_application()
timer = QTimer()
timer.timeout.connect(act)
timer.start(20)
splash = Splash("dark")
with Support(app) as support:
    support.code = _show_window(app, _parser().parse_args(paths), splash, support)
sys.exit(support.code)
