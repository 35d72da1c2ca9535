"""Masks of all shapes, and their way through a file of another program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.io.masks.exchange.extent import ImageExtent
from cellpose_studio.io.masks.export import save_all
from cellpose_studio.io.masks.export_formats import FORMATS
from cellpose_studio.io.masks.reader import read_masks
from tests.images import image_of

AXES = ("YX", "TYX", "ZYX", "TZYX")


def image_for(labels, axes, channels=1, **more):
    """Return an image of zeros for labels with the axes YX, ZYX, TYX or TZYX."""
    length = dict(zip(axes, labels.shape, strict=True))
    shape = (length.get("T", 1), channels, length.get("Z", 1), *labels.shape[-2:])
    return image_of(np.zeros(shape, np.uint8), **more)


@st.composite
def masks_and_axes(draw, axes=AXES):
    """Draw labels with holes, several parts, gaps in ids, cells of one pixel."""
    chosen = draw(st.sampled_from(axes))
    length = {"T": draw(st.integers(2, 3)), "Z": draw(st.integers(2, 3))}
    shape = [length.get(axis) or draw(st.integers(1, 9)) for axis in chosen]
    ids = st.sampled_from([0, 0, 1, 1, 2, 7, 70_000])
    labels = draw(hnp.arrays(np.uint32, shape, elements=ids, fill=st.just(0)))
    return labels, chosen


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Return a function that exports labels, and returns the path."""

    def exported(labels, axes, kind, channels=1, parents=None, **more):
        base = tmp_path_factory.mktemp("exchange") / "a"
        image = image_for(labels, axes, channels, path=base.with_suffix(".tif"), **more)
        save_all(base, labels, None, [kind], image=image, parents=parents)
        return FORMATS[kind].path(base)

    return exported


@pytest.fixture(scope="session")
def read_back(exported):
    """Return a function that exports labels, and reads the file."""

    def read_back(labels, axes, kind, channels=1):
        path = exported(labels, axes, kind, channels)
        extent = ImageExtent.of(image_for(labels, axes, channels, path=path))
        return read_masks(path, extent)

    return read_back


@pytest.fixture
def plane():
    """Cell 3 touches the border, 8 has a hole, 5 two parts, 9 touches 8, 4 is a pixel.

    Pixels of 6 touch at a corner only.
    """
    labels = np.zeros((14, 16), np.uint32)
    labels[0:3, 0:4] = 3
    labels[4:9, 1:6] = 8
    labels[6, 3] = 0
    labels[4:9, 6:8] = 9
    labels[10:12, 2:4] = labels[10:12, 9:12] = 5
    labels[13, 15] = 4
    labels[1:3, 8:10] = labels[3:5, 10:12] = 6
    return labels
