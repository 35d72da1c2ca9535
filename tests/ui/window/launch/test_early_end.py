"""An application that is asked to end before its event loop runs ends, too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.waiting import LONG

# Asks for the end at the given moment of the start, once, and runs the application.
CODE = """
import os, signal, sys
from cellpose_studio.__main__ import main
from cellpose_studio.ui.window.launch.splash import Splash
from cellpose_studio.ui.window.main_window import MainWindow

def asks_to_end(kind, name):
    before = getattr(kind, name)
    def method(self, *arguments):
        setattr(kind, name, before)
        {ask}
        return before(self, *arguments)
    setattr(kind, name, method)

asks_to_end({kind}, "{name}")
sys.exit(main(["--new-window"]))
"""
SIGNAL = "os.kill(os.getpid(), signal.SIGTERM)"
CLOSE = "from qtpy.QtCore import QTimer; QTimer.singleShot(0, self.close)"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(
    ("kind", "name", "ask"),
    [
        ("Splash", "tell", SIGNAL),
        ("MainWindow", "showEvent", SIGNAL),
        ("MainWindow", "showEvent", CLOSE),
    ],
    ids=["a signal at the splash", "a signal at the window", "a closed window"],
)
def test_it_ends(tmp_path, kind, name, ask):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE.format(kind=kind, name=name, ask=ask)],
        env=os.environ | {"CELLPOSE_STUDIO_HOME": str(tmp_path)},
    )
    try:
        assert process.wait(LONG) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
