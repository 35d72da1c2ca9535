"""Pixels of plain files: parts are those of the array, and a shorter file is told."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from cellpose_studio.io.images.tiff import pixels
from cellpose_studio.io.images.tiff.pixels import PlainPixels

SHAPE = (3, 4, 5, 6)
OFFSET = 13


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "a.raw"
    array = np.arange(np.prod(SHAPE), dtype=">u2").reshape(SHAPE)
    path.write_bytes(bytes(OFFSET) + array.tobytes())
    return array, PlainPixels(path, OFFSET, SHAPE, array.dtype)


def spans(draw, length):
    start = draw(st.integers(0, length))
    return slice(start, draw(st.integers(start, length)))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([0, 10, 100, 1 << 22]))
def test_a_part_is_that_of_the_array(plain, data, block):
    array, reader = plain
    index = tuple(spans(data.draw, length) for length in SHAPE)
    before, pixels._BLOCK = pixels._BLOCK, block
    try:
        part = reader.read(index)
    finally:
        pixels._BLOCK = before
    assert part.dtype == array.dtype
    np.testing.assert_array_equal(part, array[index])


SHORTENED = """
import os, sys
from pathlib import Path
from cellpose_studio.core.errors import ImageUnreadable
from cellpose_studio.io.images import stored_image
from cellpose_studio.io.images.reader import open_images

path = Path(sys.argv[1])
[image] = open_images(path, "ZYX")
image.plane(0, 0, 0)
looked = stored_image._state

def state(path):
    # Another program shortens the file between the look at it and the reading.
    found = looked(path)
    os.truncate(path, 5000)
    stored_image._state = looked
    return found

stored_image._state = state
try:
    image.plane(0, 0, 7)
except ImageUnreadable as error:
    print(error)
"""


@pytest.mark.parametrize("options", [{}, {"tile": (256, 256)}, {"compression": "zlib"}])
def test_a_file_that_is_shortened_while_it_is_read_is_told(tmp_path, options):
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 2**16, (8, 512, 512), np.uint16)
    tifffile.imwrite(path, noise, photometric="minisblack", **options)
    command = [sys.executable, "-c", SHORTENED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = "a.tif has changed since it was opened. Open it again."
    assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
