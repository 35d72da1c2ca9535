"""Masks that the project itself wrote are recognised by their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.app.images.own_exports import OwnExports, is_export_of
from cellpose_studio.app.masks.label_set import LabelImage, LabelSet
from cellpose_studio.io.images.reader import open_images
from tests.app.drawing import draw


def three_cells(first: int = 1) -> np.ndarray:
    labels = np.zeros((32, 32), np.uint32)
    for n in range(3):
        labels[4:12, 10 * n : 10 * n + 6] = first + n
    return labels


@pytest.fixture
def image(session, cells):
    """Return an image with the masks of a run, edited, and of another run."""
    [image] = session.add(open_images(cells("a.tif", (32, 32))))
    session.show(image.source.key)
    put(session, image, three_cells())
    draw(session, image, 9, 20)
    session.seal(image)
    put(session, image, np.roll(three_cells(), 3, axis=0))
    return image


def put(session, image, labels):
    pixels = LabelImage(labels.copy())
    one = LabelSet(name="cells", pixels=pixels, origin="run", cells=3)
    session.replace_masks(image, one, "Run")


def test_masks_of_every_revision_are_known(session, image):
    exports = OwnExports(session.project, session.images)
    key, now = image.source.key, image.masks.array
    assert exports.has_masks(key)
    for labels in (three_cells(), three_cells(first=40), now):
        assert exports.contains(key, labels)
    session.undo()
    assert exports.contains(key, image.masks.array)


def test_other_masks_are_not(session, image):
    exports = OwnExports(session.project, session.images)
    moved, merged, grown = three_cells(), three_cells(), three_cells()
    moved = np.roll(moved, 1, axis=1)
    merged[merged == 2] = 1
    grown[12, :6] = 1
    for labels in (moved, merged, grown):
        assert not exports.contains(image.source.key, labels)
    assert not exports.has_masks("elsewhere")


@given(
    st.integers(0, 2**32 - 1),
    st.sets(st.integers(1, 9), max_size=8),
    st.permutations(range(1, 10)),
)
def test_cells_may_be_left_out_and_numbered_anew(seed, left_out, ids):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, (9, 9)).astype(np.uint32) * 400_000_000
    names = {400_000_000 * n: 0 if n in left_out else ids[n - 1] for n in range(1, 10)}
    exported = np.zeros_like(labels)
    for cell, name in names.items():
        exported[labels == cell] = name
    assert is_export_of(exported, labels)
    changed = exported.copy()
    at = tuple(random.integers(0, 9, 2))
    changed[at] = 11
    alone = np.count_nonzero(labels == labels[at]) == 1 and labels[at] > 0
    assert is_export_of(changed, labels) == alone
