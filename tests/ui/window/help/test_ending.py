"""How the real application starts, ends and crashes, and what the next start offers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import LONG

PROGRAM = Path(__file__).with_name("program.py")

pytestmark = pytest.mark.slow

READY = "print('ready', flush=True)"
# Prints the dialog about the last run, and closes the window.
LOOK = """
def look():
    found = [w for w in app.topLevelWidgets() if w.objectName() == "crashDialog"]
    print(len(found), *(dialog.message.text() for dialog in found))
    window.close()
later(300, look)
"""


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def start(home, code, *paths):
    return subprocess.Popen(
        [sys.executable, PROGRAM, code, *map(str, paths)],
        env={**os.environ, "CELLPOSE_STUDIO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(home, code, *paths):
    """Run the application until its end; return its exit code and what it printed."""
    process = start(home, code, *paths)
    said, errors = process.communicate(timeout=LONG)
    print(errors)
    return process.returncode, said


def markers(home):
    return [file.name for file in (home / "log").glob("run-*")]


def test_after_a_crash_the_project_is_offered(home, cells):
    crash = "import faulthandler; faulthandler._sigsegv()"
    code, _ = run(home, crash, cells("a.tif"))
    assert code == -signal.SIGSEGV
    recover = """
def look():
    (dialog,) = [w for w in app.topLevelWidgets() if w.objectName() == "crashDialog"]
    print(dialog.message.text())
    dialog.findChild(QDialogButtonBox).copy.click()
    print("Segmentation fault" in app.clipboard().text())
    dialog.open_buttons[0].click()
    wait()
def wait():
    if window.session.shown is None:
        return later(50, wait)
    print(window.session.shown.source.name)
    window.close()
from qtpy.QtWidgets import QDialogButtonBox
later(300, look)
"""
    code, said = run(home, recover)
    sentence, copied, image = said.splitlines()
    assert sentence.startswith("Cellpose Studio crashed on ")
    assert sentence.endswith(" while the unnamed project was open.")
    assert (code, copied, image) == (0, "True", "a.tif")
    assert markers(home) == []
    assert "Segmentation fault" in (home / "log/cellpose-studio.log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="sends signals of POSIX")
@pytest.mark.parametrize(
    ("name", "code", "offers"),
    [("SIGKILL", -9, 1), ("SIGTERM", 0, 0), ("SIGHUP", 0, 0)],
)
def test_a_kill_is_told_and_a_request_to_end_is_not(home, cells, name, code, offers):
    process = start(home, READY, cells("a.tif"))
    assert process.stdout.readline() == "ready\n"
    if name == "SIGKILL":
        # A second window that starts meanwhile is not alarmed.
        assert run(home, LOOK) == (0, "0\n")
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=LONG)
    assert process.returncode == code
    _, said = run(home, LOOK)
    assert said.startswith(f"{offers}")
    if offers:
        assert "ended from outside while the unnamed project was open" in said
    assert run(home, LOOK) == (0, "0\n")


@pytest.mark.skipif(sys.platform != "linux", reason="ends an X server")
def test_a_display_that_goes_at_logout_is_no_crash(home, cells, tmp_path):
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1366x768x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    number = os.read(read, 16).decode().strip()
    environment = {**os.environ, "CELLPOSE_STUDIO_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, PROGRAM, READY, cells("a.tif")],
        env={**environment, "DISPLAY": f":{number}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    server.terminate()
    process.communicate(timeout=LONG)
    assert run(home, LOOK) == (0, "0\n")
    assert server.wait(LONG) == 0


def test_an_error_at_the_end_is_logged_and_the_process_ends(home, cells):
    fail = """
def fail():
    raise ValueError("the moon is full")
from qtpy.QtWidgets import QDialog
later(0, fail)
window.background.shut_down = fail
later(500, window.close)
"""
    code, _ = run(home, fail, cells("a.tif"))
    assert code == 0
    assert markers(home) == []
    text = (home / "log/cellpose-studio.log").read_text()
    assert text.count("ValueError: the moon is full") == 2


def test_a_start_that_fails_says_so_and_leaves_the_details(home):
    program = """
import sys
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from cellpose_studio.app.settings import Settings
from cellpose_studio.ui.window.start import start
def broken(file):
    raise ValueError("the moon is full")
Settings.load = broken
def look():
    for dialog in QApplication.topLevelWidgets():
        if dialog.objectName() == "errorDialog":
            print(dialog.message.text())
            dialog.close()
            return
    QTimer.singleShot(50, look)
def begin():
    QTimer.singleShot(50, look)
made = QApplication.setApplicationName
QApplication.setApplicationName = lambda self, name: (made(name), begin())
sys.exit(start([]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CELLPOSE_STUDIO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert done.stdout == (
        "Cellpose Studio cannot start. Something unexpected went wrong: "
        "the moon is full.\n"
    )
    assert done.returncode == 1
    assert markers(home) == []
    assert "the moon is full" in (home / "log/cellpose-studio.log").read_text()
