#!/usr/bin/env bash
# roifile 2026.2.10: `ImagejRoi.coordinates()` of a composite region gives one of its
# paths, the one with most points: where a cell has a hole with a rougher edge than its
# own, it gives the hole, as if that were the cell.
#
# Guess before: the outer outline, the path with the largest area, or all of them in turn.
# Seen: of a square of 20 x 20 px (4 corners) with a hole of 8 corners it gives the hole,
# 14 px large, where the cell has 386. `coordinates(multi=True)` gives both, and only the
# sign of the area, or which lies in which, tells them apart.
# What it means: readers of ROI sets take `multi=True` and add up all paths.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q roifile==2026.2.10 numpy==2.4.6 >&2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from roifile import ROI_TYPE, ImagejRoi


def area(points):
    x, y = np.asarray(points, float).T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


square = [(0, 0), (20, 0), (20, 20), (0, 20)]
octagon = [(8, 6), (10, 6), (11, 7), (11, 9), (10, 10), (8, 10), (7, 9), (7, 7)]
path = []
for outline in (square, octagon):
    path += [0, *outline[0]]
    for point in outline[1:]:
        path += [1, *point]
    path += [4]
roi = ImagejRoi()
roi.roitype = ROI_TYPE.RECT
roi.left, roi.top, roi.right, roi.bottom = 0, 0, 20, 20
roi.multi_coordinates = np.array(path, np.float32)
roi.shape_roi_size = len(path)
roi.tofile("cell.roi")

cell = ImagejRoi.fromfile("cell.roi")
parts = cell.coordinates(multi=True)
print("all paths: areas", [float(area(one)) for one in parts])
print("coordinates():", float(area(cell.coordinates())), "px of the hole")
assert [area(one) for one in parts] == [400, 14]
assert area(cell.coordinates()) == 14
PYTHON
