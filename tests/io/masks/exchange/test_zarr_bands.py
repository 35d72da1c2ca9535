"""The levels of an OME-Zarr, made of rows of planes that are too large for memory."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from cellpose_studio.io.masks.exchange.ome import zarr_writer
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS
from tests.images import image_of


@pytest.mark.parametrize("shape", [(1, 2, 1, 75, 66), (1, 1, 40, 41, 38)])
def test_levels_are_the_same_whatever_rows_are_in_memory(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(zarr_writer, "_CHUNK", 8)
    monkeypatch.setattr(zarr_writer, "_LARGE", 4)
    random = np.random.default_rng(5)
    pixels = random.integers(0, 1000, shape).astype(np.uint16)
    labels = random.integers(0, 9, (*shape[2:3], *shape[3:])).astype(np.uint32)
    image = image_of(pixels, path=tmp_path / "a.tif")
    written = []
    for most in (1 << 30, 17 * shape[-1]):
        monkeypatch.setattr(zarr_writer, "_AT_ONCE", most)
        base = tmp_path / str(most)
        save_all(
            base,
            labels.reshape(image.label_shape),
            None,
            ["ome-zarr"],
            image=image,
        )
        group = zarr.open_group(FORMATS["ome-zarr"].path(base), mode="r")
        found = {
            name: np.asarray(array)
            for name, array in group.members(max_depth=None)
            if isinstance(array, zarr.Array)
        }
        written.append(found)
    whole, in_bands = written
    assert whole.keys() == in_bands.keys()
    assert len(whole) > 6
    for name, array in whole.items():
        np.testing.assert_array_equal(in_bands[name], array, err_msg=name)
    np.testing.assert_array_equal(np.squeeze(whole["0"]), np.squeeze(pixels))
