#!/usr/bin/env bash
# tifffile 2026.3.3: a second page of half the size becomes a pyramid level, unasked.
#
# Guess: a level of a pyramid says so in NewSubfileType or SubIFDs; two ordinary pages
# of different sizes, both full images, are two series.
# Seen: if the second page is half as large as the first, to the pixel, both are one
# series with two levels, and imread returns the first alone. One pixel more or less and
# there are two series. A file with an overview and a crop of it, or two binnings of one
# camera, thus loses its second image without a word.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tifffile==2026.3.3 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import tifffile

print("tifffile", tifffile.__version__)


def read(*shapes):
    with tifffile.TiffWriter("a.tif") as writer:
        for n, shape in enumerate(shapes):
            pixels = np.full(shape, n + 1, np.uint8)
            writer.write(pixels, photometric="minisblack", metadata=None)
    with tifffile.TiffFile("a.tif") as tiff:
        kinds = [int(page.subfiletype) for page in tiff.pages]
        found = [[level.shape for level in series.levels] for series in tiff.series]
    print(shapes, "subfile types", kinds, "series with levels", found)
    assert kinds == [0] * len(shapes)
    return found


assert read((64, 64), (32, 32)) == [[(64, 64), (32, 32)]]
assert read((64, 64), (31, 32)) != [[(64, 64), (31, 32)]]
assert read((64, 64), (48, 48)) == [[(64, 64)], [(48, 48)]]
PYTHON
