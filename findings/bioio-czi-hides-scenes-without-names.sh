#!/usr/bin/env bash
# bioio-czi 3.0.1 with pylibCZIrw 6.1.0: of a CZI with several scenes, written by Zeiss's
# own library, bioio shows the first one alone.
#
# Guess before: `Reader.scenes` has one name for each scene of the file, made up where
# the metadata name none, as `pylibCZIrw` and `aicspylibczi` find all of them.
# Seen: two scenes are written, and both libraries find them; `scenes` has one entry,
# "Image:0", and set_scene(1) raises IndexError. With use_aicspylibczi=False `scenes`
# raises UnsupportedMetadataError.
# What it means: count scenes by the subblocks, not by names in the metadata.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pylibCZIrw==6.1.0 bioio-czi==3.0.1 bioio==3.6.0 \
    bioio-base==3.5.0 aicspylibczi==4.0.1 numpy==2.4.6 >&2
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from aicspylibczi import CziFile
from bioio_czi import Reader
from bioio_czi.metadata import UnsupportedMetadataError
from pylibCZIrw import czi

with czi.create_czi("two.czi") as file:
    for scene, value in enumerate((10, 20)):
        pixels = np.full((30, 40, 1), value, np.uint16)
        place = (100 * scene, 0)
        file.write(pixels, plane={"T": 0, "Z": 0, "C": 0}, scene=scene, location=place)
    file.write_metadata(document_name="two", scale_x=5e-7, scale_y=5e-7)

with czi.open_czi("two.czi") as file:
    print("pylibCZIrw:", sorted(file.scenes_bounding_rectangle), "scenes")
    assert sorted(file.scenes_bounding_rectangle) == [0, 1]
print("aicspylibczi:", CziFile("two.czi").get_dims_shape()[0]["S"])
reader = Reader("two.czi")
print("bioio-czi:", reader.scenes)
assert reader.scenes == ("Image:0",)
assert set(np.unique(reader.data)) == {10}
try:
    reader.set_scene(1)
except IndexError as error:
    print("scene 1:", error)
else:
    raise SystemExit("bioio-czi has changed")
try:
    Reader("two.czi", use_aicspylibczi=False).scenes
except UnsupportedMetadataError as error:
    print("use_aicspylibczi=False:", error)
else:
    raise SystemExit("bioio-czi has changed")
PYTHON
