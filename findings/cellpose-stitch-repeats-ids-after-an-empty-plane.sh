#!/usr/bin/env bash
# Cellpose 4.2.1.1: `utils.stitch3D` gives cells above an empty second plane the ids of
# cells below it, wherever they lie.
#
# Guess before: cells that overlap nothing in the plane below get new ids, so that two
# cells at opposite corners, planes apart, never share one.
# Seen: planes with one cell in a corner, none, and one in the other corner: both have the
# id 1. It is only so until two planes in turn have had cells; of four planes with cells,
# cells, none, cells, the last one gets id 2.
# What it means: a stack that starts with a speck and a dark plane comes out with cells in
# two places, measured as one. `len(numpy.unique(masks))` is too low by as many.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 fastremap==1.21.0 \
    fill-voids==2.1.2 opencv-python-headless==5.0.0.93 tqdm==4.70.1 >&2
"$folder/venv/bin/pip" install -q --no-deps cellpose==4.2.1.1 >&2
"$folder/venv/bin/python" - 2>"$folder/progress" <<'PYTHON'
import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np

# Stitching needs no torch, which only the package's own __init__ asks for.
package = ModuleType("cellpose")
package.__path__ = list(find_spec("cellpose").submodule_search_locations)
sys.modules["cellpose"] = package

from cellpose.utils import stitch3D


def stitched(*planes):
    return [np.unique(one[one > 0]).tolist() for one in stitch3D(np.stack(planes), 0.25)]


none = np.zeros((20, 20), np.int32)
corner, other = none.copy(), none.copy()
corner[:5, :5] = 1
other[12:, 12:] = 1

print("cell, none, another cell:", stitched(corner, none, other))
assert stitched(corner, none, other) == [[1], [], [1]]
print("cell, its continuation, none, another cell:", end=" ")
print(stitched(corner, corner, none, other))
assert stitched(corner, corner, none, other) == [[1], [1], [], [2]]
PYTHON
