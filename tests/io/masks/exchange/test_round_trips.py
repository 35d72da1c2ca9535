"""What is written in a format is read again as the same masks."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cellpose_studio.core.errors import MasksUnreadable
from cellpose_studio.core.masks.labels import compact_labels
from cellpose_studio.io.masks.reader import read_masks
from tests.io.masks.exchange.conftest import AXES, masks_and_axes

WITH_IDS = ("rois", "geojson", "coco", "coco-polygons")


@pytest.mark.parametrize("kind", WITH_IDS)
@settings(max_examples=40)
@given(drawn=masks_and_axes(), channels=st.sampled_from([1, 2]))
def test_regions_keep_every_pixel_and_id(read_back, kind, channels, drawn):
    labels, axes = drawn
    assume(labels.any())
    masks = read_back(labels, axes, kind, channels)
    np.testing.assert_array_equal(masks.labels, labels)
    assert (masks.axes, masks.notes) == (axes, ())


@pytest.mark.parametrize("kind", ["ome-zarr", "ome-zarr-0.4"])
@settings(max_examples=10)
@given(drawn=masks_and_axes())
def test_an_ome_zarr_keeps_every_pixel_and_id(read_back, kind, drawn):
    labels, axes = drawn
    masks = read_back(labels, axes, kind)
    np.testing.assert_array_equal(masks.labels, labels)
    assert masks.axes == axes


@settings(max_examples=15)
@given(drawn=masks_and_axes())
def test_an_ome_tiff_keeps_every_cell_and_the_axes(read_back, drawn):
    labels, axes = drawn
    masks = read_back(labels, axes, "ome-tiff")
    np.testing.assert_array_equal(masks.labels, compact_labels(labels)[0])
    assert masks.axes == axes


@settings(max_examples=10)
@given(drawn=masks_and_axes(("YX", "ZYX")))
def test_objects_of_cellprofiler_keep_every_cell(read_back, drawn):
    labels, axes = drawn
    masks = read_back(labels, axes, "cellprofiler")
    np.testing.assert_array_equal(masks.labels, compact_labels(labels)[0])


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("kind", [*WITH_IDS, "ome-zarr", "ome-zarr-0.4"])
def test_cells_with_holes_and_parts_come_back(read_back, plane, kind, axes):
    lead = {"T": 2, "Z": 3}
    labels = np.zeros([*(lead[a] for a in axes[:-2]), *plane.shape], np.uint32)
    labels[(-1,) * (len(axes) - 2)] = plane
    labels[(0,) * (len(axes) - 2)] += plane[::-1] * (len(axes) > 2)
    masks = read_back(labels, axes, kind)
    np.testing.assert_array_equal(masks.labels, labels)


def test_an_ome_zarr_without_labels_says_what_to_do(exported, plane):
    path = exported(plane, "YX", "ome-zarr")
    shutil.rmtree(path / "labels")
    with pytest.raises(MasksUnreadable, match="has no labels") as raised:
        read_masks(path)
    assert "as an image" in raised.value.hint
