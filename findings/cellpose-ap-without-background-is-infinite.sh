#!/usr/bin/env bash
# Cellpose 4.2.1.1: the average precision of masks that leave no background pixel is
# wrong: infinite where all cells are found, too high where some are not.
#
# Guess before: `average_precision` of masks with themselves is 1, whatever they cover.
# Seen: it counts cells as the number of different values less one, for a background that
# need not be there. Two cells that fill the picture: 2 right, -1 extra and -1 missed, AP
# 2 / 0 = inf. Four cells that fill it, one of them found in parts of 60 and 40 %: AP
# 4 / (4 + 0 - 1) = 1.33; with a frame of background 0.8.
# `aggregated_jaccard_index` of the two cells is 1, as it should be.
# What it means: crops of confluent cells raise, or ruin, the mean over a test set.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 fastremap==1.21.0 \
    fill-voids==2.1.2 opencv-python-headless==5.0.0.93 tqdm==4.70.1 >&2
"$folder/venv/bin/pip" install -q --no-deps cellpose==4.2.1.1 >&2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np

# The metrics need no torch, which only the package's own __init__ asks for.
package = ModuleType("cellpose")
package.__path__ = list(find_spec("cellpose").submodule_search_locations)
sys.modules["cellpose"] = package

from cellpose.metrics import aggregated_jaccard_index, average_precision


def scores(true, found):
    ap, right, extra, missed = (x[0, 0] for x in average_precision([true], [found]))
    return tuple(map(float, (ap, right, extra, missed)))


halves = np.repeat([[1, 2]], 20, axis=0).repeat(10, axis=1).astype(np.int32)
print("two cells, no background: AP, right, extra, missed =", *scores(halves, halves))
assert scores(halves, halves) == (np.inf, 2, -1, -1)
assert aggregated_jaccard_index([halves], [halves])[0] == 1

framed = np.pad(halves, 1)
print("with a frame of background:", *scores(framed, framed))
assert scores(framed, framed) == (1, 2, 0, 0)

quadrants = np.array([[1, 2], [3, 4]], np.int32).repeat(10, 0).repeat(10, 1)
split = quadrants.copy()
split[:6, :10] = 5
print("one of four cells in two parts:", *scores(quadrants, split))
assert scores(quadrants, split) == (np.float32(4 / 3), 4, 0, -1)
print("with a frame of background:", *scores(np.pad(quadrants, 1), np.pad(split, 1)))
assert scores(np.pad(quadrants, 1), np.pad(split, 1)) == (np.float32(0.8), 4, 1, 0)
PYTHON
