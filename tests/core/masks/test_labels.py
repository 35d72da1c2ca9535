"""Cells, outlines and polygons of label images, against Cellpose's and by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import binary_fill_holes, gaussian_filter, label

from cellpose_studio.core.masks.labels import (
    cell_count,
    compact_labels,
    contours,
    outlines,
    polygons,
)

few_ids = st.sampled_from([0, 0, 1, 2, 7, 65_535])
planes = arrays(np.uint32, array_shapes(min_dims=2, max_dims=2), elements=few_ids)
label_images = arrays(
    st.sampled_from([np.uint8, np.uint16, np.uint32, np.int32, np.int64, np.uint64]),
    array_shapes(min_dims=2, max_dims=4, max_side=6),
    elements=st.integers(0, 200),
)


def blobs(seed: int) -> np.ndarray:
    """Cells without holes, some of which touch each other or the border."""
    rough = np.random.default_rng(seed).random((60, 70))
    labels = label(gaussian_filter(rough, 2.5) > 0.5)[0]
    labels[:, 30:] += labels.max() * (labels[:, 30:] > 0)
    for cell in np.unique(labels)[1:]:
        labels[binary_fill_holes(labels == cell)] = cell
    return labels.astype(np.uint32)


@given(label_images)
def test_compacted_ids_run_from_1_in_the_order_they_had(labels):
    before = labels.copy()
    compact, ids = compact_labels(labels)
    present = [n for n in np.unique(labels).tolist() if n]
    assert ids.tolist() == [0, *present]
    assert (compact.dtype, ids.dtype) == (np.uint32, np.uint32)
    np.testing.assert_array_equal(ids[compact], labels)
    np.testing.assert_array_equal(labels, before)


def test_labels_that_are_compact_already_are_not_copied():
    labels = np.array([[0, 2, 1]], np.uint32)
    assert compact_labels(labels)[0] is labels


def test_the_largest_ids_are_kept_apart():
    labels = np.array([[2**32 - 1, 0, 2**32 - 2]], np.uint32)
    compact, ids = compact_labels(labels)
    assert compact.tolist() == [[2, 0, 1]]
    assert ids.tolist() == [0, 2**32 - 2, 2**32 - 1]


@given(label_images)
def test_cells_are_counted_by_their_ids(labels):
    assert cell_count(labels) == len({*labels.ravel().tolist()} - {0})


@given(label_images)
def test_an_outline_pixel_has_a_neighbour_outside_its_cell(labels):
    found = outlines(labels)
    assert found.shape == labels.shape
    for plane, outline in zip(
        labels.reshape(-1, *labels.shape[-2:]),
        found.reshape(-1, *labels.shape[-2:]),
        strict=True,
    ):
        around = np.pad(plane.astype(np.int64), 1, constant_values=-1)
        for y, x in np.ndindex(plane.shape):
            here = around[y : y + 3, x : x + 3]
            cross = {here[0, 1], here[1, 0], here[1, 2], here[2, 1]}
            assert outline[y, x] == (plane[y, x] != 0 and cross != {here[1, 1]})


@pytest.mark.parametrize("seed", range(5))
def test_outlines_of_cells_without_holes_are_cellposes(seed):
    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    from cellpose.utils import masks_to_outlines

    labels = blobs(seed)
    np.testing.assert_array_equal(outlines(labels), masks_to_outlines(labels))


@pytest.mark.parametrize("seed", range(5))
def test_contours_are_cellposes(seed):
    from cellpose_studio.engine.torchvision_ops import make_importable

    make_importable()
    from cellpose.utils import outlines_list

    labels = blobs(seed)
    found = contours(labels)
    assert list(found) == np.unique(labels)[1:].tolist()
    expected = outlines_list(labels, multiprocessing=False)
    for line, cellposes in zip(found.values(), expected, strict=True):
        if len(line) > 4:
            np.testing.assert_array_equal(line, cellposes)
        else:
            assert len(cellposes) == 0


def test_a_contour_visits_the_pixels_of_the_border_in_order():
    labels = np.zeros((5, 6), np.uint32)
    labels[1:4, 2:5] = 9
    (line,) = contours(labels).values()
    around = [(2, 1), (2, 2), (2, 3), (3, 3), (4, 3), (4, 2), (4, 1), (3, 1)]
    assert sorted(map(tuple, line.tolist())) == sorted(around)
    steps = np.abs(np.diff(line, axis=0, append=line[:1])).sum(axis=1)
    assert steps.tolist() == [1] * 8


def test_the_contour_is_that_of_the_part_with_the_longest_border():
    labels = np.array([[1, 0, 1, 1], [0, 0, 1, 1]], np.uint32)
    assert contours(labels)[1].min(axis=0).tolist() == [2, 0]


def signed_area(line: np.ndarray) -> float:
    """Return the area within a closed line: positive if it runs clockwise."""
    x, y = line.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


@given(planes)
def test_polygons_enclose_exactly_the_pixels_of_a_cell(labels):
    found = polygons(labels)
    assert list(found) == np.unique(labels[labels > 0]).tolist()
    for cell, lines in found.items():
        assert sum(map(signed_area, lines)) == np.count_nonzero(labels == cell)
        np.testing.assert_array_equal(filled(lines, labels.shape), labels == cell)


def filled(lines: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centre lies within an odd number of lines.

    A ray that starts at the centre and runs to the right crosses vertical edges.
    """
    inside = np.zeros(shape, bool)
    for line in lines:
        for (x, y), (u, v) in zip(line, np.roll(line, -1, axis=0), strict=True):
            assert (x == u) != (y == v), "edges are horizontal or vertical"
            if x == u:
                inside[min(y, v) : max(y, v), :x] ^= True
    return inside


@given(planes)
def test_polygons_have_corners_only_where_they_turn(labels):
    for lines in polygons(labels).values():
        for line in lines:
            steps = np.sign(np.diff(line, axis=0, append=line[:1]))
            assert not (steps == np.roll(steps, 1, axis=0)).all(axis=1).any()


def test_a_cell_runs_clockwise_and_its_hole_the_other_way():
    labels = np.ones((3, 3), np.uint32)
    labels[1, 1] = 0
    outer, hole = polygons(labels)[1]
    assert outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert signed_area(hole) == -1


def test_pixels_that_touch_at_a_corner_belong_together():
    labels = np.array([[1, 0], [0, 1]], np.uint32)
    (line,) = polygons(labels)[1]
    assert len(line) == 8


def test_polygons_are_as_opencv_sees_the_parts_of_a_cell():
    labels = blobs(1)
    for cell, lines in polygons(labels).items():
        parts, _ = cv2.connectedComponents((labels == cell).astype(np.uint8))
        assert sum(signed_area(line) > 0 for line in lines) == parts - 1


def test_without_cells_there_is_nothing_to_follow():
    labels = np.zeros((3, 4), np.uint32)
    assert cell_count(labels) == 0
    assert contours(labels) == polygons(labels) == {}
    assert not outlines(labels).any()
    assert compact_labels(labels)[1].tolist() == [0]
