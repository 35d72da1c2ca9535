"""Which Qt is used, and that it is the only one in the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BESIDE = ROOT / "build" / "pyqt6"  # see packaging/dev test-pyqt6

CHOOSE = """
import os, sys
from cellpose_studio.qt_api import choose_qt
print(choose_qt())
print(os.environ.get("QT_API"))
print([name for name in sys.modules if name.startswith("PyQt")])
"""


def python(code, *paths, **environment):
    """Run code in a Python of its own, with folders to import from."""
    before = {k: v for k, v in os.environ.items() if k not in ("QT_API", "QT_DEBUG")}
    where = os.pathsep.join(map(str, [*paths, ROOT]))
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**before, "PYTHONPATH": where, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def beside(tmp_path):
    """Return a folder with what looks like an installation of PyQt6."""
    package = tmp_path / "beside" / "PyQt6"
    package.mkdir(parents=True)
    for name in ("__init__.py", "QtWidgets.abi3.so"):
        (package / name).touch()
    return package.parent


def chosen(*paths, **environment):
    done = python(CHOOSE, *paths, **environment)
    assert done.returncode == 0, done.stderr
    note, api, loaded = done.stdout.splitlines()
    assert loaded == "[]"
    return api, note


def test_a_plain_installation_uses_pyqt5():
    assert chosen() == ("pyqt5", "")


def test_who_installs_pyqt6_gets_it(beside):
    assert chosen(beside) == ("pyqt6", "")


@pytest.mark.parametrize("name", ["pyqt5", "PyQt5"])
def test_the_environment_wins(beside, name):
    assert chosen(beside, QT_API=name) == (name, "")
    assert chosen(QT_API=name) == (name, "")


@pytest.mark.parametrize("name", ["pyqt6", "pyside6", "gtk"])
def test_what_the_environment_names_in_vain_is_said(name):
    note = f"QT_API names {name}, which is not installed; PyQt5 is used."
    assert chosen(QT_API=name) == ("pyqt5", note)


def test_what_is_left_of_a_removed_pyqt6_does_not_count(beside):
    (beside / "PyQt6" / "QtWidgets.abi3.so").unlink()
    assert chosen(beside) == ("pyqt5", "")


def test_a_qt_that_is_loaded_stays(beside):
    code = "import PyQt5.QtCore\n" + CHOOSE.replace("print([", "[]; print([] and [")
    done = python(code, beside, QT_API="pyqt6")
    assert done.stdout.splitlines()[:2] == ["", "pyqt5"]


START = """
import sys, threading, time
from cellpose_studio.__main__ import main

def close_when_shown():
    # Qt 6 takes the thread that loads it first for that of the windows.
    while "cellpose.vit" not in sys.modules:
        time.sleep(0.05)
    import qtpy
    from qtpy.QtCore import QMetaObject, Qt
    from qtpy.QtWidgets import QApplication
    window = None
    while not (window and window.session.shown):
        time.sleep(0.05)
        app = QApplication.instance()
        windows = app.topLevelWidgets() if app else []
        window = next((w for w in windows if hasattr(w, "session")), None)
    libraries = {
        line.split("/")[-1].split("Core")[0]
        for line in open("/proc/self/maps")
        if "libQt5Core" in line or "libQt6Core" in line
    }
    plugins = [line for line in open("/proc/self/maps") if "/plugins/" in line]
    kinds = {"Qt5" if "/PyQt5/" in line else "Qt6" for line in plugins}
    print(qtpy.API_NAME, *libraries, *kinds)
    QMetaObject.invokeMethod(app, "closeAllWindows", Qt.ConnectionType.QueuedConnection)

threading.Thread(target=close_when_shown, daemon=True).start()
sys.exit(main(["--sample"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads what is loaded from /proc")
@pytest.mark.skipif(not BESIDE.is_dir(), reason=f"no PyQt6 in {BESIDE}")
@pytest.mark.parametrize(
    ("environment", "said"),
    [({}, "PyQt6 libQt6 Qt6\n"), ({"QT_API": "pyqt5"}, "PyQt5 libQt5 Qt5\n")],
)
def test_only_one_qt_is_in_the_window(tmp_path, environment, said):
    from PyQt5 import __file__ as pyqt5

    # Plugins of the other Qt, as some desktops name them in the environment.
    other = (
        BESIDE / "PyQt6/Qt6/plugins"
        if environment
        else Path(pyqt5).parent / "Qt5/plugins"
    )
    assert other.is_dir()
    for plugins in ({}, {"QT_PLUGIN_PATH": str(other)}):
        home = {"CELLPOSE_STUDIO_HOME": str(tmp_path / "home")}
        done = python(START, BESIDE, **environment, **plugins, **home)
        assert (done.returncode, done.stdout) == (0, said), done.stderr
