"""Masks of Cell-ACDC, CellProfiler, StarDist and ilastik."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import tifffile

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.io.masks.folders import (
    image_of_masks,
    masks_of_image,
    scan_folder,
)
from cellpose_studio.io.masks.reader import read_masks
from cellpose_studio.workflows.left_out import left_out_of
from cellpose_studio.workflows.open import open_files


@pytest.fixture
def labels():
    pixels = np.zeros((3, 20, 24), np.uint32)
    for n, cell in enumerate(np.ndindex(3, 2, 2), 1):
        z, y, x = cell
        pixels[z, 8 * y + 1 : 8 * y + 7, 10 * x + 1 : 10 * x + 7] = n
    return pixels


def write_ilastik(path, labels, axes, name="exported_data"):
    """Write as ilastik does: chunks, compression, and tags of the axes in JSON."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            name, data=labels, chunks=labels.shape, compression="gzip"
        )
        tags = [{"key": axis, "typeFlags": 2, "resolution": 0} for axis in axes]
        data.attrs["axistags"] = json.dumps({"axes": tags})


def test_masks_of_cell_acdc(tmp_path, labels):
    np.savez_compressed(tmp_path / "a_segm.npz", labels)
    masks = read_masks(tmp_path / "a_segm.npz")
    assert np.array_equal(masks.labels, labels)
    assert masks.labels.dtype == np.uint32


def test_masks_of_cell_acdc_belong_to_the_channels_of_the_position(tmp_path, labels):
    for name in ("s01_phase_contr.tif", "s01_gfp.tif", "s02_gfp.tif"):
        tifffile.imwrite(tmp_path / name, labels[0].astype(np.uint16))
    np.savez_compressed(tmp_path / "s01_segm.npz", labels[0])
    np.savez_compressed(tmp_path / "other_segm.npz", labels[0])
    entries = scan_folder(tmp_path)
    found = {e.image.name: [m.name for m in e.masks] for e in entries}
    assert found == {
        "s01_gfp.tif": ["s01_segm.npz"],
        "s01_phase_contr.tif": ["s01_segm.npz"],
        "s02_gfp.tif": [],
    }
    for entry in entries:
        assert masks_of_image(entry.image) == entry.masks
    assert image_of_masks(tmp_path / "s01_segm.npz").name == "s01_gfp.tif"
    left = left_out_of(tmp_path, [entry.image for entry in entries])
    assert left.details.splitlines()[1:] == ["  other_segm.npz"]
    opened = open_files(entries[:1], Checkpoint())
    ((_, masks),) = opened.images
    assert np.array_equal(masks["s01_segm"].labels, labels[0])


@pytest.mark.parametrize(
    "arrays",
    [
        {"arr_0": np.array([{"a": 1}], object)},
        {"a": np.zeros((4, 4)), "b": np.zeros((4, 4))},
        {"arr_0": np.full((4, 4), 0.5)},
    ],
)
def test_an_npz_that_is_no_masks_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "a_segm.npz", **arrays)
    with pytest.raises(MasksUnreadable, match=r"a_segm\.npz"):
        read_masks(tmp_path / "a_segm.npz")


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_what_is_damaged_is_refused(tmp_path, labels, ending):
    path = tmp_path / f"a{ending}"
    if ending == ".h5":
        write_ilastik(path, labels, "zyx")
    else:
        np.savez_compressed(path, labels)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MasksUnreadable, match="damaged"):
        read_masks(path)


@pytest.mark.parametrize(("axes", "order"), [("zyxc", "ZYX"), ("tyxc", "TYX")])
def test_object_identities_of_ilastik(tmp_path, labels, axes, order):
    path = tmp_path / "a_Object Identities.h5"
    write_ilastik(path, labels[..., None], axes)
    masks = read_masks(path)
    assert np.array_equal(masks.labels, labels)
    assert masks.axes == order
    tifffile.imwrite(tmp_path / "a.tif", labels[0].astype(np.uint16))
    (entry,) = scan_folder(tmp_path)
    assert [file.name for file in entry.masks] == [path.name]


def test_axes_of_ilastik_may_come_in_any_order(tmp_path, labels):
    path = tmp_path / "a_Object Identities.h5"
    write_ilastik(path, labels.transpose(2, 1, 0), "xyz")
    assert np.array_equal(read_masks(path).labels, labels)


def test_probabilities_of_ilastik_are_no_masks(tmp_path):
    write_ilastik(tmp_path / "a.h5", np.zeros((20, 24, 2), np.float32), "yxc")
    with pytest.raises(MasksUnreadable, match="channels"):
        read_masks(tmp_path / "a.h5")


def test_labels_of_cellprofiler_are_brought_back_to_8_bits(tmp_path, labels):
    path = tmp_path / "a_masks.tif"
    tifffile.imwrite(path, (labels[0] * 257).astype(np.uint16))
    masks = read_masks(path)
    assert np.array_equal(masks.labels, labels[0])
    assert "multiples of 257" in masks.notes[0]


def test_a_foreground_of_16_bits_stays_what_it_is(tmp_path, labels):
    path = tmp_path / "a_masks.tif"
    tifffile.imwrite(path, np.where(labels[0], 65535, 0).astype(np.uint16))
    masks = read_masks(path)
    assert masks.foreground_only
    assert "65535" in masks.foreground_reason


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_labels_of_stardist(tmp_path, labels, dtype):
    # Its own writer makes TIFFs for ImageJ, which has no whole numbers of 32 bits.
    path = tmp_path / "a_masks.tif"
    imagej = dtype != np.int32
    about = {"metadata": {"axes": "ZYX"}} if imagej else {"photometric": "minisblack"}
    tifffile.imwrite(path, labels.astype(dtype), imagej=imagej, **about)
    assert np.array_equal(read_masks(path).labels, labels)
