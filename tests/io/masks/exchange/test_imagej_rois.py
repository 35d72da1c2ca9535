from __future__ import annotations

import zipfile

import numpy as np
import pytest
import roifile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.draw import polygon2mask

from cellpose_studio.io.masks.exchange.imagej.rois import rois_of


def pixels_of(region: roifile.ImagejRoi, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask of a region, drawn by scikit-image around pixel centres."""
    lines = [np.asarray(line, float) for line in region.coordinates(multi=True)]
    # A hole is inside two lines.
    masks = [polygon2mask(shape, line[:, ::-1] - 0.5) for line in lines]
    return np.logical_xor.reduce(masks)


def saved(labels, axes, hyperstack, folder):
    """Return the regions of ``labels`` as roifile reads them from a file of its own."""
    path = folder / "a_rois.zip"
    regions = [region for _, region in rois_of(labels, axes, hyperstack)]
    roifile.roiwrite(path, regions, mode="w")
    return roifile.roiread(path)


def drawn(regions, shape):
    """Return the label image that regions stand for, by their names."""
    labels = np.zeros(shape, int)
    for region in regions:
        cell, *place = map(int, region.name.split("-"))
        plane = labels[tuple(n - 1 for n in place)]
        mask = pixels_of(region, shape[-2:])
        assert not plane[mask].any()
        plane[mask] = cell
    return labels


ids = st.sampled_from([0, 0, 1, 2, 7, 70_000])
sides = st.integers(1, 9)
planes = st.one_of(
    st.tuples(sides, sides),
    st.tuples(st.integers(2, 3), sides, sides),
    st.tuples(st.integers(2, 3), st.integers(2, 3), sides, sides),
)


@given(labels=hnp.arrays(np.uint32, planes, elements=ids, fill=st.just(0)))
def test_regions_cover_exactly_the_pixels_of_their_cells(tmp_path_factory, labels):
    if not labels.any():
        return
    axes = ("YX", "ZYX", "TZYX")[labels.ndim - 2]
    regions = saved(labels, axes, labels.ndim > 3, tmp_path_factory.mktemp("rois"))
    np.testing.assert_array_equal(drawn(regions, labels.shape), labels)


@pytest.fixture
def plane():
    """Cell 3 touches the border, 8 has a hole, 5 two parts, 9 touches 8."""
    labels = np.zeros((12, 14), np.uint32)
    labels[0:3, 0:4] = 3
    labels[4:9, 1:6] = 8
    labels[6, 3] = 0
    labels[4:9, 6:8] = 9
    labels[10:12, 2:4] = labels[10:12, 9:12] = 5
    return labels


def test_each_cell_has_a_region_named_after_it(plane, tmp_path):
    regions = saved(plane, "YX", False, tmp_path)
    assert [region.name for region in regions] == ["3", "5", "8", "9"]
    with zipfile.ZipFile(tmp_path / "a_rois.zip") as archive:
        assert archive.namelist() == ["3.roi", "5.roi", "8.roi", "9.roi"]


def test_simple_cells_are_traced_others_are_composite(plane, tmp_path):
    regions = {r.name: r for r in saved(plane, "YX", False, tmp_path)}
    traced = {n for n, r in regions.items() if r.roitype == roifile.ROI_TYPE.TRACED}
    assert traced == {"3", "9"}
    assert {n for n, r in regions.items() if r.composite} == {"5", "8"}


def test_boxes_are_those_of_the_cells(plane, tmp_path):
    for region in saved(plane, "YX", False, tmp_path):
        y, x = np.nonzero(plane == int(region.name))
        box = (region.top, region.left, region.bottom, region.right)
        assert box == (y.min(), x.min(), y.max() + 1, x.max() + 1)


def test_a_region_of_a_plane_stands_on_no_particular_one(plane, tmp_path):
    for region in saved(plane, "YX", False, tmp_path):
        assert where(region) == (0, 0, 0, 0)


def where(region):
    return (
        region.position, region.c_position, region.z_position, region.t_position
    )  # fmt: skip


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_regions_of_a_stack_stand_on_its_images(plane, tmp_path, axes):
    stack = np.stack([plane, plane * 0, plane])
    regions = saved(stack, axes, False, tmp_path)
    assert len(regions) == 8
    for region in regions:
        number = int(region.name.split("-")[1])
        assert where(region) == (number, 0, 0, 0)
    assert {region.name for region in regions} >= {"3-1", "3-3", "9-1", "9-3"}


@pytest.mark.parametrize(("axes", "index"), [("ZYX", 2), ("TYX", 3)])
def test_with_channels_they_stand_on_planes_or_time_points(
    plane, tmp_path, axes, index
):
    for region in saved(np.stack([plane, plane]), axes, True, tmp_path):
        expected = [0, 0, 0, 0]
        expected[index] = int(region.name.split("-")[1])
        assert where(region) == tuple(expected)


def test_in_a_series_of_stacks_they_stand_on_both(plane, tmp_path):
    series = np.zeros((2, 3, *plane.shape), np.uint32)
    series[1, 2] = plane
    regions = saved(series, "TZYX", True, tmp_path)
    assert [region.name for region in regions] == ["3-2-3", "5-2-3", "8-2-3", "9-2-3"]
    assert {where(region) for region in regions} == {(0, 0, 3, 2)}


def test_cells_far_out_in_a_large_image_keep_their_place(tmp_path):
    labels = np.zeros((3, 70_000), np.uint32)
    labels[1:3, 69_000:69_500] = 4
    labels[0, 0] = labels[0, 69_999] = 6
    regions = {r.name: r for r in saved(labels, "YX", False, tmp_path)}
    corners = np.concatenate(regions["4"].coordinates(multi=True))
    assert corners.min(axis=0).tolist() == [69_000, 1]
    assert corners.max(axis=0).tolist() == [69_500, 3]
    corners = np.concatenate(regions["6"].coordinates(multi=True))
    assert corners.max(axis=0).tolist() == [70_000, 1]


def test_regions_that_imagej_wrote_survive_a_round_trip(shared_data, tmp_path):
    imagejs = shared_data / "formats" / "phase_set45_RoiSet.zip"
    theirs = roifile.roiread(imagejs)
    shape = (max(r.bottom for r in theirs) + 1, max(r.right for r in theirs) + 1)
    labels = np.zeros(shape, np.uint32)
    for number, region in enumerate(theirs, start=1):
        labels[pixels_of(region, shape)] = number
    ours = saved(labels, "YX", False, tmp_path)
    assert len(ours) == len(np.unique(labels)) - 1
    np.testing.assert_array_equal(drawn(ours, shape), labels)
    assert starts_of(tmp_path / "a_rois.zip") == starts_of(imagejs)


def starts_of(path):
    """Return how the names of the files of an archive end, and how the files start."""
    with zipfile.ZipFile(path) as archive:
        return {(name[-4:], archive.read(name)[:4]) for name in archive.namelist()}
