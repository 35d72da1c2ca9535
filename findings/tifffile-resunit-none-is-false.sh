#!/usr/bin/env bash
# tifffile 2026.3.3: the resolution unit NONE of a TIFF file has the value 1 and is false.
#
# Guess: RESUNIT is an IntEnum, and NONE is 1, so that bool(RESUNIT.NONE) is True.
# Seen: it is False; the other units are true. A reader that writes
# `unit = tag.value or default` thus takes the default for a file that says "no unit",
# and one that writes `if tag.value` takes it for a file without the tag.
# The file below is an ordinary one: resolution of 2 pixels, no unit.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tifffile==2026.3.3 numpy

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tifffile

print("tifffile", tifffile.__version__)
tifffile.imwrite(
    "a.tif", np.zeros((4, 4), np.uint8), resolution=(2, 2), resolutionunit="NONE"
)
with tifffile.TiffFile("a.tif") as tiff:
    unit = tiff.pages[0].tags["ResolutionUnit"].value
print("value", int(unit), "bool", bool(unit), "`unit or 0`", int(unit or 0))
others = [bool(one) for one in tifffile.RESUNIT if one.name != "NONE"]
assert int(unit) == 1
assert not unit
assert all(others)
PYTHON
