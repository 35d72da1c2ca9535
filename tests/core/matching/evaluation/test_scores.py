"""Scores of masks, against Cellpose's and against a slow, simple implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cellpose import metrics
from cellpose.utils import diameters
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter, label

from cellpose_studio.core.matching.compare import ADDED, REMOVED, UNCHANGED
from cellpose_studio.core.matching.evaluation.class_scores import add_classes
from cellpose_studio.core.matching.evaluation.errors import MERGED, SPLIT
from cellpose_studio.core.matching.evaluation.evaluate import (
    EvaluationOptions,
    draw_evaluation,
    evaluate,
)
from cellpose_studio.core.matching.evaluation.overlaps import overlaps_of
from cellpose_studio.core.matching.evaluation.scores import IOU_THRESHOLDS
from tests.core.matching.evaluation import simple

ERRORS = EvaluationOptions(with_errors=True)


def cells(seed: int, shape: tuple[int, ...] = (140, 120), level: float = 0.52):
    rough = np.random.default_rng(seed).random(shape)
    return label(gaussian_filter(rough, 3) > level)[0]


def other(true: np.ndarray, by: int = 1) -> np.ndarray:
    """Return masks that differ: moved, one cell less, and two that are one."""
    found = np.roll(true, by, axis=-1)
    found[found == 3] = 0
    found[found == 5] = 4
    return label(found > 0)[0]


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_those_of_cellpose(seed):
    true = cells(seed)
    found = other(true, seed)
    ours = evaluate(found, true, EvaluationOptions(boundary=None)).scores
    ap, hits, extras, misses = metrics.average_precision(
        [true], [found], threshold=list(IOU_THRESHOLDS)
    )
    assert ours.ap == pytest.approx(ap[0], abs=1e-6)
    assert ours.hits.tolist() == hits[0].tolist()
    assert ours.extras.tolist() == extras[0].tolist()
    assert ours.misses.tolist() == misses[0].tolist()
    aji = metrics.aggregated_jaccard_index([true], [found])[0]
    assert ours.aji == pytest.approx(aji, abs=1e-9)


@pytest.mark.parametrize("scale", [0.1, 0.2])
def test_boundary_scores_are_those_of_cellpose(scale):
    # Cellpose draws no outline around holes, and takes ids for rows: none may lack.
    true = np.zeros((90, 90), np.int32)
    true[5:25, 8:30], true[40:70, 40:60] = 1, 2
    found = np.zeros_like(true)
    found[7:26, 9:33], found[38:70, 44:62], found[75:85, 5:20] = 1, 2, 3
    radius = max(1, scale * diameters(true)[0])
    ours = evaluate(found, true, EvaluationOptions(boundary=radius)).scores.boundary
    expected = metrics.boundary_scores([true], [found], [scale])
    got = (ours.precision, ours.recall, ours.f_score)
    assert got == pytest.approx([one[0, 0] for one in expected])


def test_cells_that_touch_everywhere_are_paired_as_cellpose_does():
    """In a picture without gaps, the cells left over compete with each other."""
    rng = np.random.default_rng(3)
    points = rng.integers(0, 60, (40, 2))
    y, x = np.mgrid[:60, :60]
    near = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    true = near.argmin(-1) + 1
    found = np.roll(near[..., ::2].argmin(-1), 4, 0) + 1
    # Cellpose needs a background, see the findings of this project.
    true, found = (np.pad(labels, 1) for labels in (true, found))
    ours = evaluate(found, true, EvaluationOptions(thresholds=(0.2, 0.5))).scores
    theirs = metrics.average_precision(true, found, threshold=[0.2, 0.5])
    assert ours.hits.tolist() == theirs[1].tolist()
    aji = metrics.aggregated_jaccard_index([true], [found])[0]
    assert ours.aji == pytest.approx(aji, abs=1e-9)


small = arrays(np.uint32, (4, 5), elements=st.sampled_from([0, 0, 1, 2, 3, 900_000]))


@settings(max_examples=60)
@given(small, small, st.sampled_from([0.3, 0.5, 0.75]))
def test_numbers_are_those_of_the_simple_implementation(true, found, threshold):
    options = EvaluationOptions(thresholds=(threshold,))
    ours = evaluate(found, true, options).scores
    hits, extras, misses, overlap = simple.counts_at(true, found, threshold)
    assert (ours.hits[0], ours.extras[0], ours.misses[0]) == (hits, extras, misses)
    assert ours.overlap[0] == pytest.approx(overlap)
    if hits + extras + misses:
        assert ours.ap[0] == pytest.approx(hits / (hits + extras + misses))
        f1 = 2 * hits / (2 * hits + extras + misses)
        assert ours.f1[0] == pytest.approx(f1)
        sq = overlap / hits if hits else 0
        assert ours.pq[0] == pytest.approx(sq * f1)
    if true.any() and found.any():
        expected = simple.boundary(true, found, 2)
        got = ours.boundary
        assert (got.precision, got.recall, got.f_score) == pytest.approx(expected)


def test_scores_by_hand():
    true = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 2, 0, 3, 3]])
    found = np.array([[1, 1, 1, 1, 0, 2, 2, 2, 0, 0, 0, 0]])
    scores = evaluate(found, true).scores
    assert scores.ap[scores.at(0.75)] == pytest.approx(2 / 3)
    assert scores.ap[scores.at(0.9)] == pytest.approx(1 / 4)
    assert (scores.precision[0], scores.recall[0]) == (1, pytest.approx(2 / 3))
    assert scores.sq[0] == pytest.approx((1 + 0.75) / 2)
    assert scores.pq[0] == pytest.approx(scores.sq[0] * 0.8)
    # The cells share 7 pixels; together they cover 10.
    assert scores.aji == pytest.approx(7 / 10)


def test_empty_and_full_images():
    none, full = np.zeros((6, 6), int), np.ones((6, 6), int)
    scores = evaluate(none, none).scores
    assert all(map(math.isnan, (*scores.ap, *scores.pq, scores.aji)))
    assert math.isnan(scores.boundary.f_score)
    for one, two in ((none, full), (full, none)):
        scores = evaluate(one, two).scores
        assert (scores.ap[0], scores.f1[0], scores.pq[0], scores.aji) == (0, 0, 0, 0)
        assert scores.boundary.f_score == 0
    halves = np.repeat([[1, 2]], 6, axis=0).repeat(3, axis=1)
    for labels in (full, halves):
        scores = evaluate(labels, labels).scores
        assert (scores.ap[0], scores.pq[-1], scores.aji) == (1, 1, 1)
        assert scores.boundary.f_score == 1


def test_frames_are_compared_one_by_one():
    film = np.zeros((2, 4, 6), int)
    film[0, :2, :3], film[1, 2:, 3:] = 7, 7
    swapped = film[::-1]
    assert evaluate(swapped, film, in_frames=True).scores.hits[0] == 0
    renamed = np.where(film > 0, film + np.array([[[1]], [[2]]]), 0)
    found = evaluate(renamed, film, in_frames=True)
    assert [one.hits[0] for one in found.frames] == [1, 1]
    assert found.scores.true_cells == 2


def test_ignored_cells_do_not_count():
    true = np.zeros((8, 20), int)
    true[1:5, 1:5], true[1:5, 8:12] = 1, 2
    found = np.zeros_like(true)
    found[1:5, 1:5], found[1:5, 14:18] = 1, 9
    ignore = np.zeros(true.shape, bool)
    ignore[:, 7:] = True
    scores = evaluate(found, true, ignore=ignore).scores
    assert (scores.true_cells, scores.found_cells, scores.ap[0]) == (1, 1, 1)
    assert scores.aji == 1
    assert scores.boundary.f_score == 1


def test_a_half_ignored_cell_counts_by_the_rest_of_it():
    true = np.zeros((6, 12), int)
    true[1:5, 2:10] = 1
    found = np.zeros_like(true)
    found[1:5, 2:7] = 4  # it is wrong only where nothing is known
    ignore = np.zeros(true.shape, bool)
    ignore[:, 6:] = True
    scores = evaluate(found, true, ignore=ignore).scores
    assert scores.hits.tolist() == [1] * len(IOU_THRESHOLDS)
    # With more than half of its pixels ignored, neither counts.
    ignore[:, 5:] = True
    scores = evaluate(found, true, ignore=ignore).scores
    assert (scores.true_cells, scores.found_cells) == (0, 0)


def test_an_ignore_mask_of_a_plane_holds_for_all_planes():
    true = np.zeros((3, 4, 8), int)
    true[:, 1:3, 1:3], true[:, 1:3, 5:7] = 1, 2
    ignore = np.zeros((4, 8), bool)
    ignore[:, 4:] = True
    assert evaluate(true, true, ignore=ignore).scores.true_cells == 1


def test_cells_at_the_border_can_be_left_out():
    true = np.zeros((10, 20), int)
    true[0:4, 2:8], true[5:9, 10:16] = 1, 2
    found = np.zeros_like(true)
    # The first is found away from the border: it is still no extra cell.
    found[1:4, 2:8], found[5:9, 10:16] = 1, 2
    options = EvaluationOptions(without_border=True)
    scores = evaluate(found, true, options).scores
    assert (scores.true_cells, scores.found_cells, scores.ap[-1]) == (1, 1, 1)
    assert scores.boundary.f_score == 1
    assert evaluate(found, true).scores.true_cells == 2
    # A stack of one plane has no border there.
    assert evaluate(found[None], true[None], options).scores.true_cells == 1


def test_wrong_cells_are_listed_with_their_place():
    true = np.zeros((30, 60), int)
    true[2:10, 2:10] = 1  # found
    true[2:10, 14:22] = 2  # missed
    true[2:10, 30:38], true[2:10, 38:42] = 3, 4  # merged
    true[14:26, 2:22] = 5  # split
    found = np.zeros_like(true)
    found[2:10, 2:10] = 11
    found[2:10, 30:42] = 12
    found[14:26, 2:11], found[14:26, 12:22] = 13, 14
    found[16:20, 40:48] = 15  # extra
    result = evaluate(found, true, ERRORS)
    by_kind = {error.kind: error for error in result.errors}
    assert len(result.errors) == 4
    assert by_kind["missed"].true == (2,)
    assert by_kind["missed"].centre == pytest.approx((5.5, 17.5))
    assert by_kind["extra"].found == (15,)
    assert by_kind["merged"].found == (12,)
    assert by_kind["merged"].true == (3, 4)
    assert by_kind["split"].true == (5,)
    assert by_kind["split"].found == (13, 14)
    assert by_kind["split"].size == 20
    drawn = draw_evaluation(found, true, ERRORS, in_frames=False)
    at = {(5, 5): UNCHANGED, (5, 15): REMOVED, (5, 40): MERGED, (20, 5): SPLIT}
    at |= {(17, 45): ADDED, (29, 59): 0}
    assert {place: drawn[place] for place in at} == at


def test_the_plane_of_a_wrong_cell_in_a_stack():
    true = np.zeros((5, 8, 8), int)
    true[1:4, 2:4, 2:4] = 1
    true[3, 2:6, 2:6] = 1
    [error] = evaluate(np.zeros_like(true), true, ERRORS).errors
    assert error.centre == pytest.approx((3, 3.5, 3.5))


def test_scores_by_class():
    true = np.array([[1, 1, 0, 2, 2, 0, 3, 3, 0, 0]])
    found = np.array([[1, 1, 0, 2, 2, 0, 0, 0, 0, 4]])
    of_true, of_found = {1: "live", 2: "dead", 3: "dead"}, {1: "live", 2: "live"}
    result = evaluate(found, true, classes=(of_true, of_found)).classes
    assert list(result) == ["dead", "live", ""]
    dead, live, none = result.values()
    assert (dead.true_cells, dead.matched, dead.recall, dead.ap) == (2, 1, 0.5, 0)
    assert (live.true_cells, live.found_cells, live.ap) == (1, 2, 0.5)
    assert (none.true_cells, none.found_cells) == (0, 1)
    unknown = evaluate(found, true, classes=(of_true, None)).classes["live"]
    assert (unknown.recall, math.isnan(unknown.ap)) == (1, True)
    # Where nothing was found, nothing is unknown of it, nor of all images together.
    nothing = evaluate(found * 0, true, classes=(of_true, None)).classes
    assert (nothing["live"].found_cells, nothing["live"].ap) == (0, 0)
    assert add_classes([result, nothing])["live"].ap == 1 / 3


def test_images_are_added_up():
    true = np.array([[1, 1, 0, 2]])
    one, two = evaluate(true, true).scores, evaluate(true * 0, true).scores
    both = one + two
    assert (both.ap[0], both.aji, both.recall[0]) == (0.5, 0.5, 0.5)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        overlaps_of(np.zeros((2, 3), int), np.zeros((3, 2), int))
