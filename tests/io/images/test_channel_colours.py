"""Colours of channels in the metadata of files."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from cellpose_studio.core.display.channel_display import (
    channel_colours,
    first_colours,
)
from cellpose_studio.io.images.reader import open_images
from cellpose_studio.io.images.referenced import ReferencedPixels

PIXELS = np.arange(2 * 8 * 9, dtype=np.uint16).reshape(2, 8, 9)
BLUE, ORANGE = (0.0, 0.0, 1.0), (1.0, 128 / 255, 0.0)
OME = {BLUE: 0x0000FFFF, ORANGE: 0xFF8000FF - 2**32}
"""Numbers of OME, which are signed."""


def opened(path):
    (image,) = open_images(path)
    return image


def ome_tiff(path, colours):
    metadata = {"axes": "CYX", "Channel": {"Color": [OME.get(c, c) for c in colours]}}
    tifffile.imwrite(path, PIXELS, metadata=metadata)
    return opened(path)


def ramp(colour):
    """Return a look-up table of ImageJ from black to ``colour``."""
    top = np.round(255 * np.array(colour))[:, None]
    return np.round(top * np.linspace(0, 1, 256)).astype(np.uint8)


def test_colours_of_ome_are_kept_also_in_a_project(tmp_path):
    image = ome_tiff(tmp_path / "a.ome.tif", [BLUE, ORANGE])
    assert image.channel_colours == (BLUE, ORANGE)
    assert first_colours(image) == [BLUE, ORANGE]
    later = ReferencedPixels(image.path, "", None, image.shape, image.fingerprint)
    assert later.channel_colours == (BLUE, ORANGE)


@pytest.mark.parametrize(
    "colours", [[BLUE, BLUE], [-1, -1], [0x000000FF, OME[BLUE]], ["red", OME[BLUE]]]
)
def test_colours_that_hide_or_equal_each_other_are_not(tmp_path, colours):
    image = ome_tiff(tmp_path / "a.ome.tif", colours)
    assert first_colours(image) == channel_colours(2)


def test_tables_of_imagej_give_the_colours(tmp_path):
    path = tmp_path / "a.tif"
    tables = [ramp(BLUE), ramp(ORANGE)]
    metadata = {"axes": "CYX", "mode": "composite", "LUTs": tables}
    tifffile.imwrite(path, PIXELS, imagej=True, metadata=metadata)
    assert opened(path).channel_colours == (BLUE, ORANGE)


def test_colours_of_omero_in_a_zarr_are_kept(tmp_path):
    import zarr

    folder = tmp_path / "a.ome.zarr"
    group = zarr.open_group(folder, mode="w", zarr_format=2)
    array = group.create_array("0", shape=PIXELS.shape, dtype=PIXELS.dtype)
    array[:] = PIXELS
    scales = [{"type": "scale", "scale": [1, 1, 1]}]
    group.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": a} for a in "cyx"],
            "datasets": [{"path": "0", "coordinateTransformations": scales}],
        }
    ]
    channels = [{"color": "0000FF"}, {"color": "#FF8000"}]
    group.attrs["omero"] = {"channels": channels}
    assert json.loads((folder / ".zattrs").read_text())["omero"]["channels"] == channels
    assert opened(folder).channel_colours == (BLUE, ORANGE)
    group.attrs["omero"] = {"channels": [{"color": "blue"}, {}]}
    assert opened(folder).channel_colours == (None, None)


def test_a_file_without_colours_has_none(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, metadata={"axes": "CYX"})
    image = opened(tmp_path / "a.tif")
    assert image.channel_colours == ()
    assert first_colours(image) == channel_colours(2)
