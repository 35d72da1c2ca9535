#!/usr/bin/env bash
# vispy 0.17.0 with PyQt5 5.15.11: importing its Qt backend takes Qt's messages away.
#
# Guess: the handler that an application has given to qInstallMessageHandler stays, and
# vispy adds to it, or installs its own only when a canvas is made.
# Seen: the import alone installs vispy's handler and drops the one before, without
# calling it. Qt's warnings, such as that a display is gone, no longer reach the log of
# the application; they come again once it installs its handler after the import.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q vispy==0.17.0 PyQt5==5.15.11 numpy==2.4.6

cd "$folder"
QT_QPA_PLATFORM=offscreen "$folder/venv/bin/python" - <<'PYTHON'
import vispy
from PyQt5.QtCore import PYQT_VERSION_STR, qInstallMessageHandler, qWarning

print("vispy", vispy.__version__, "PyQt5", PYQT_VERSION_STR)
heard = []


def handler(kind, context, text):
    heard.append(text)


qInstallMessageHandler(handler)
qWarning("before")
import vispy.app.backends._pyqt5

qWarning("after")
print("heard after the import:", heard)
assert heard == ["before"]
dropped = qInstallMessageHandler(handler)
print("in its place:", dropped.__module__, dropped.__name__)
qWarning("again")
assert heard == ["before", "again"]
assert dropped.__module__.startswith("vispy")
PYTHON
