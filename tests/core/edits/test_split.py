"""Seeds part cells where a user would, wherever in the parts the clicks are."""

from __future__ import annotations

import numpy as np
import pytest

from cellpose_studio.core.checkpoint import Cancelled, Checkpoint
from cellpose_studio.core.edits.split import split_by_seeds
from cellpose_studio.core.masks.cell_table import CellTable


def ball(shape, centre, radius, spacing=(1.0, 1.0, 1.0)):
    grid = np.indices(shape)
    steps = spacing[-len(shape) :]
    parts = zip(grid, centre, steps, strict=True)
    return sum(((g - c) * step) ** 2 for g, c, step in parts) < radius**2


def split(mask, *seeds, **how):
    labels = mask.astype(np.uint32)
    split_by_seeds(
        labels, CellTable.of(labels), 1, np.array(seeds, float), **how
    ).apply(labels)
    return labels


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(
    "seeds",
    [
        ((30, 20), (30, 44)),
        ((22, 14), (33, 46)),
        ((20, 28), (34, 42)),
        ((30, 10), (30, 47)),
    ],
)
def test_two_that_touch_are_parted_at_their_neck(seeds):
    large = ball((60, 60), (30, 20), 18)
    small = ball((60, 60), (30, 44), 9)
    labels = split(large | small, *seeds)
    assert iou(labels == labels[30, 20], large) > 0.9
    assert iou(labels == labels[30, 44], small & ~large) > 0.8


def test_a_round_body_is_parted_midway():
    mask = ball((24, 24, 24), (12, 12, 12), 10)
    labels = split(mask, (4, 12, 12), (20, 12, 12))
    assert np.unique(labels).tolist() == [0, 1, 2]
    for part in (1, 2):
        assert np.count_nonzero(labels == part) > 0.4 * mask.sum()
    # Nearer to the middle, a seed gets more, but not all.
    labels = split(mask, (4, 12, 12), (15, 12, 12))
    assert 0.05 * mask.sum() < np.count_nonzero(labels == 2) < 0.5 * mask.sum()


def test_the_size_of_pixels_counts():
    spacing = (4.0, 1.0, 1.0)
    shape = (12, 40, 60)
    left = ball(shape, (5, 20, 18), 14, spacing)
    right = ball(shape, (6, 20, 42), 14, spacing)
    labels = split(left | right, (4, 22, 14), (7, 17, 46), spacing=spacing)
    assert iou(labels == labels[5, 20, 14], left & ~right) > 0.85
    assert iou(labels == labels[6, 20, 46], right & ~left) > 0.85


def test_it_takes_two_seeds_in_the_cell():
    mask = ball((20, 20), (10, 10), 8)
    for seeds in ([(10, 10)], [(0, 0), (10, 10)], [(0, 0), (-5, 90)]):
        np.testing.assert_array_equal(split(mask, *seeds), mask)


class Steps(Checkpoint):
    """Counts how often the work looked whether it is to stop, and stops it then."""

    def __init__(self, last=None):
        super().__init__()
        self.count, self.last = 0, last

    def check(self):
        self.count += 1
        if self.count == self.last:
            self.stop()
        super().check()


def test_a_split_looks_for_a_stop_at_each_plane():
    counts = []
    for planes in (10, 30):
        mask = ball((planes, 20, 20), (planes // 2, 10, 10), 9)
        steps = Steps()
        split(mask, (planes // 2, 5, 10), (planes // 2, 15, 10), checkpoint=steps)
        deep = np.count_nonzero(mask.any(axis=(1, 2)))
        assert steps.count >= 2 * deep + 6
        counts.append(steps.count)
    for last in (1, counts[1] // 2, counts[1]):
        with pytest.raises(Cancelled):
            split(mask, (15, 5, 10), (15, 15, 10), checkpoint=Steps(last))


def test_the_largest_piece_keeps_the_id_and_new_ones_follow_by_size():
    mask = np.ones((2, 3, 30), bool)
    labels = split(mask, (0, 1, 3), (0, 1, 27), (1, 1, 6))
    assert labels[0, 1, 28] == 1
    assert labels[0, 1, 3] == 3
    sizes = np.bincount(labels.ravel())
    assert sizes[0] == 0
    assert sizes[1] > sizes[2] > sizes[3] > 0
