"""Planes and crops of images: their pixels, their masks, and their identity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.review.training_marks import TrainingMarks, pack_mask
from cellpose_studio.core.review.training_slices import Slice
from cellpose_studio.core.runs.region import Region
from cellpose_studio.workflows.training.project_parts import (
    Annotation,
    Plane,
    identity_of,
    read_pair,
)


class Pixels:
    """An image in memory."""

    def __init__(self, array):
        self.array = array

    def read(self, region):
        return self.array[region]


def source(array):
    return ImageSource(
        path=Path("a.tif"),
        scene="",
        shape=array.shape,
        dtype=array.dtype,
        file_axes="TCZYX",
        pixel_size_um=(None, None, None),
        channel_names=tuple(f"{n}" for n in range(array.shape[1])),
        rgb=False,
        fingerprint="0",
        reader=Pixels(array),
    )


sides = st.integers(2, 7)


@st.composite
def cases(draw):
    t, c, z = (draw(st.integers(1, 3)) for _ in "tcz")
    y, x = draw(sides), draw(sides)
    array = draw(arrays(np.uint8, (t, c, z, y, x)))
    labels = draw(arrays(np.uint32, (t, z, y, x), elements=st.integers(0, 4)))
    axes = draw(st.sampled_from(["YX", "ZY", "ZX"]))
    third = {"YX": z, "ZY": x, "ZX": y}[axes]
    one = Slice(axes, draw(st.integers(0, t - 1)), draw(st.integers(0, third - 1)))
    corners = [
        sorted(draw(st.sets(st.integers(0, n), min_size=2, max_size=2))) for n in (x, y)
    ]
    (x0, x1), (y0, y1) = corners
    crop = Region(points=((x0, y0), (x1, y1))) if axes == "YX" else None
    unknown = draw(arrays(bool, labels.shape))
    return (
        array,
        labels,
        Plane(slice=one, crop=draw(st.sampled_from([None, crop]))),
        unknown,
    )


def cut(array, plane):
    """Return a plane of an array TZYX by plain indexing."""
    one = plane.slice
    stack = array[one.frame]
    if one.axes == "ZY":
        return stack[:, :, one.at]
    if one.axes == "ZX":
        return stack[:, one.at]
    if plane.crop is None:
        return stack[one.at]
    (x0, y0), (x1, y1) = plane.crop.points
    return stack[one.at, int(y0) : int(y1), int(x0) : int(x1)]


@given(cases())
def test_a_plane_has_the_pixels_and_cells_of_its_place(case):
    array, labels, plane, unknown = case
    image = source(array)
    flat = labels.reshape(image.label_shape)
    marks = TrainingMarks(unlabelled=pack_mask(unknown.reshape(flat.shape)))
    annotation = Annotation(
        labels=flat, marks=marks, left_out=frozenset({2}), border=False
    )
    found = read_pair(image, annotation, plane, "a")
    for n, channel in enumerate(found.pixels):
        np.testing.assert_array_equal(channel, cut(array[:, n], plane))
    expected, hidden = cut(labels, plane), cut(unknown, plane)
    assert found.labels.shape == expected.shape
    ignore = np.zeros(expected.shape, bool) if found.ignore is None else found.ignore
    np.testing.assert_array_equal(ignore | (found.labels > 0), hidden | (expected > 0))
    assert not found.labels[expected == 2].any()
    pairs = {
        *zip(found.labels.ravel().tolist(), expected.ravel().tolist(), strict=True)
    }
    kept = [pair for pair in pairs if pair[0]]
    assert len(kept) == len({a for a, _ in kept}) == len({b for _, b in kept})


@given(cases(), st.data())
def test_its_identity_is_that_of_the_masks(case, data):
    array, labels, plane, _ = case
    image = source(array)

    def identity(labels, left_out=frozenset()):
        annotation = Annotation(
            labels=labels.reshape(image.label_shape),
            marks=TrainingMarks(),
            left_out=left_out,
            border=False,
        )
        return identity_of(image, plane, annotation.of(plane, image))

    # Other ids of the same cells are the same training.
    assert identity(labels) == identity(labels * 3)
    changed = labels.copy()
    view = cut(changed, plane)
    at = tuple(data.draw(st.integers(0, n - 1)) for n in view.shape)
    view[at] = 0 if view[at] else 9
    assert identity(changed) != identity(labels)
    if (cut(labels, plane) == 1).any():
        assert identity(labels, frozenset({1})) != identity(labels)
