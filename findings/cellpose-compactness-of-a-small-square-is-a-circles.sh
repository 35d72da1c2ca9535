#!/usr/bin/env bash
# Cellpose 4.2.1.1: `utils.get_mask_compactness` gives squares of up to 8 px the value of a
# circle, and a bar of 2 x 8 px that of a square.
#
# Guess before: 4 pi area / perimeter^2, as its source says, so that a square has 0.79 at
# any size (a little off for few pixels), and a bar of 2 x 8 px 0.50.
# Seen: the area counts whole pixels, the perimeter goes through the centres of the
# outermost ones, so it is 4 px too short around a square. Squares of 8, 16 and 32 px have
# 1.00, 0.89 and 0.84; what would be over 1 is cut to 1, so that squares of 4 px, discs of
# 9 px and bars of 4 x 8 px are equal.
# What it means: below a diameter of some 20 px, a limit on compactness keeps cells of any
# shape, and cells of the same shape differ by their size, or by the magnification.
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

# Shapes need no torch, which only the package's own __init__ asks for.
package = ModuleType("cellpose")
package.__path__ = list(find_spec("cellpose").submodule_search_locations)
sys.modules["cellpose"] = package

from cellpose.utils import get_mask_compactness


def compactness(inside):
    return round(float(get_mask_compactness(inside.astype(np.int32))[0]), 2)


y, x = np.mgrid[:64, :64]
shapes = {
    f"{height} x {width} px": (y >= 9) & (y < 9 + height) & (x >= 9) & (x < 9 + width)
    for height, width in ((4, 4), (8, 8), (16, 16), (32, 32), (4, 8), (2, 8))
}
shapes["disc of 9 px"] = np.hypot(y - 30, x - 30) < 4.5
seen = {name: compactness(inside) for name, inside in shapes.items()}
for name, value in seen.items():
    print(f"{name}: {value:.2f}")
assert seen["4 x 4 px"] == seen["8 x 8 px"] == seen["4 x 8 px"] == 1
assert seen["disc of 9 px"] == 1
assert (seen["16 x 16 px"], seen["32 x 32 px"]) == (0.89, 0.84)
assert seen["2 x 8 px"] == 0.79
PYTHON
