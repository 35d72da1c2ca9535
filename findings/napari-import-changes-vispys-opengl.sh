#!/usr/bin/env bash
# napari 0.9.2 with vispy 0.17.0: importing its Qt viewer changes the OpenGL functions
# of every vispy canvas in the process.
#
# Guess: the functions that a program has chosen with vispy.use stay; napari asks for
# more of them when a layer of points is made, which is all that needs them.
# Seen: the import alone goes from gl2, which the program chose, to gl+, for the module
# that draws points, and loads more than 150 modules of PyOpenGL for it. No viewer has been
# made by then, nor a layer. A program with vispy canvases of its own has to choose again
# after the import; where PyOpenGL cannot be imported, gl2 stays, and napari draws points in
# another way.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q napari==0.9.2 vispy==0.17.0 \
    PyQt5==5.15.11 PyOpenGL==3.1.10 numpy==2.4.6

cd "$folder"
HOME=$folder QT_QPA_PLATFORM=offscreen "$folder/venv/bin/python" - <<'PYTHON'
import sys

import vispy
from vispy.gloo import gl


def state():
    modules = sum(name.startswith("OpenGL.") for name in sys.modules)
    return gl.current_backend.__name__.rpartition(".")[2], modules


vispy.use(gl="gl2")
chosen = state()
print("vispy", vispy.__version__, "functions and modules of PyOpenGL:", chosen)
import napari
from napari.qt import QtViewer

found = state()
print("after importing QtViewer of napari", napari.__version__, "they are:", found)
assert chosen == ("gl2", 0)
assert found[0] == "glplus"
assert found[1] > 150
vispy.use(gl="gl2")
assert state()[0] == "gl2"
PYTHON
