"""What is known of cells, how much uncertainty that is, and which are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellpose_studio.core.review.cell_shapes import cell_shapes, part_shapes
from cellpose_studio.core.review.columns import column_values
from cellpose_studio.core.review.filter import parsed, which
from cellpose_studio.core.review.queue import measured_again, review_of
from cellpose_studio.core.runs.confidence import Confidence

images = hnp.arrays(
    np.uint32,
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=7),
    elements=st.sampled_from([0, 1, 2, 70_000, 2**32 - 1]),
)


def discs(radii: list[float]) -> np.ndarray:
    """Cells 1, 2, 3 … of those radii in a row, none at the border."""
    y, x = np.mgrid[:64, : 64 * len(radii)]
    labels = np.zeros(y.shape, np.uint32)
    for n, radius in enumerate(radii):
        labels[np.hypot(y - 32, x - 64 * n - 32) < radius] = n + 1
    return labels


def confidence(ids, errors, probabilities) -> Confidence:
    return Confidence(
        ids=np.array(ids, np.uint32),
        pixels=np.full(len(ids), 100),
        flow_errors=np.array(errors, float),
        probabilities=np.array(probabilities, float),
        candidates=len(ids),
        misfits=0,
    )


@given(images)
def test_sizes_and_boxes_are_those_of_the_pixels(labels):
    shapes = cell_shapes(labels)
    assert shapes.ids.tolist() == [n for n in np.unique(labels).tolist() if n]
    for row, cell in enumerate(shapes.ids):
        where = np.argwhere(labels == cell)
        assert shapes.pixels[row] == len(where)
        assert shapes.low[row].tolist() == where.min(axis=0).tolist()
        assert shapes.high[row].tolist() == (where.max(axis=0) + 1).tolist()
        in_plane = where[:, -2:]
        at_edge = (in_plane == 0) | (in_plane == np.array(labels.shape[-2:]) - 1)
        assert shapes.at_border[row] == at_edge.any()
        assert 0 < shapes.roundness[row] <= 1


@given(images, st.data())
def test_measuring_some_cells_again_gives_what_measuring_all_would(labels, data):
    before = review_of(cell_shapes(labels))
    box = tuple(
        slice(*sorted(data.draw(st.tuples(*[st.integers(0, size)] * 2))))
        for size in labels.shape
    )
    cells = {int(n) for n in np.unique(labels[box])} - {0} | {2}
    labels[box] = data.draw(st.sampled_from([0, 2]))
    everything = tuple(slice(0, size) for size in labels.shape)
    after = measured_again(before, labels, dict.fromkeys(cells, everything))
    expected = review_of(cell_shapes(labels))
    for name in vars(expected.shapes):
        found, wanted = getattr(after.shapes, name), getattr(expected.shapes, name)
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(after.uncertainties, expected.uncertainties)


def test_a_part_is_measured_with_what_lies_around_it():
    labels = discs([10, 12, 14])
    alone = part_shapes(labels, 2, (slice(20, 45), slice(84, 109)))
    whole = cell_shapes(labels)
    assert alone.roundness[0] == whole.roundness[1]
    assert alone.low[0].tolist() == whole.low[1].tolist()
    assert not alone.at_border[0]


def test_discs_are_round_and_lines_are_not():
    labels = discs([20, 20])
    labels[:, 64:] = 0
    labels[30:32, 70:120] = 2
    roundness = cell_shapes(labels).roundness
    assert roundness[0] > 0.95
    assert roundness[1] < 0.2


def test_a_cell_in_many_planes_is_as_round_as_in_one():
    plane = discs([8, 20])
    plane[30:33, 100:125] = 0
    stack = np.stack([plane] * 5)
    np.testing.assert_allclose(
        cell_shapes(stack).roundness, cell_shapes(plane).roundness
    )


def test_the_network_knows_best_which_cells_are_uncertain():
    shapes = cell_shapes(discs([15] * 6))
    sure = confidence([1, 2, 3, 4, 5, 6], [0.02] * 4 + [0.4, 0.02], [0.98] * 5 + [0.5])
    review = review_of(shapes, sure)
    assert set(np.argsort(-review.uncertainties)[:2].tolist()) == {4, 5}
    assert (review.uncertainties[:4] < 0.2).all()
    assert (review.uncertainties[4:] > 0.5).all()


def test_without_a_network_outliers_of_size_and_shape_are_uncertain():
    labels = discs([15, 15.5, 14.5, 15, 14, 16, 4, 15])
    labels[:, 448:] = 0
    labels[30:35, 450:505] = 8
    review = review_of(cell_shapes(labels))
    assert set(np.argsort(-review.uncertainties)[:2].tolist()) == {6, 7}
    assert (review.uncertainties[6:] > 0.5).all()
    assert (review.uncertainties[:6] < 0.3).all()
    assert np.isnan(review.flow_errors).all()


def test_cells_at_the_border_are_a_little_uncertain():
    review = review_of(cell_shapes(discs([15, 15, 15])[:, 18:]))
    assert review.shapes.at_border.tolist() == [True, False, False]
    np.testing.assert_allclose(review.uncertainties, [0.05, 0, 0])


def test_cells_that_a_network_has_not_seen_are_judged_by_their_looks():
    shapes = cell_shapes(discs([15, 15, 15, 15]))
    review = review_of(shapes, confidence([1, 3], [0.1, 0.1], [0.9, 0.9]))
    assert np.isnan(review.flow_errors).tolist() == [False, True, False, True]
    assert review.uncertainties[1] == review.uncertainties[3] == 0


@pytest.mark.parametrize("sure", [None, confidence([], [], [])])
def test_no_cells_are_no_trouble(sure):
    review = review_of(cell_shapes(np.zeros((5, 5), np.uint32)), sure)
    assert len(review) == 0
    assert review.row(1) == -1


def test_one_cell_is_no_outlier():
    review = review_of(cell_shapes(discs([15])))
    assert review.uncertainties.tolist() == [0]
    assert review.row(1) == 0
    assert review.box(0) == (slice(18, 47), slice(18, 47))


COLUMNS = {
    "cell": np.array([1.0, 2, 3, 4]),
    "area": np.array([10.0, 50, 70, 90]),
    "flow error": np.array([0.1, np.nan, 0.3, 0.4]),
    "border": np.array([0.0, 1, 0, 1]),
    "probability": np.array([0.2, 0.9, 0.95, np.nan]),
}


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", [1, 2, 3, 4]),
        ("area<50", [1]),
        ("Area <= 50", [1, 2]),
        ("size>.5e", None),
        ("area>20 border", [2, 4]),
        ("area>20, border=0", [3]),
        ("area>20 and flow error < 0.35", [3]),
        ("flow<0.35", [1, 3]),
        ("prob<95%", [1, 2]),
        ("3", [3]),
        ("id!=3", [1, 2, 4]),
        ("area<", None),
        ("colour=3", None),
        ("area<50 ;", None),
    ],
)
def test_what_is_typed_says_which_cells(text, cells):
    if cells is None:
        with pytest.raises(ValueError, match=r'"'):
            parsed(text)
    else:
        kept = which(parsed(text), COLUMNS, 4)
        assert COLUMNS["cell"][kept].tolist() == cells


def test_what_a_person_decided_is_certain_however_unusual_it_is():
    labels = discs([10, 10, 10, 3, 25])
    shapes = cell_shapes(labels)
    sure = confidence([1, 2, 3, 5], [0.9] * 4, [0.1] * 4)
    usual = review_of(shapes, sure)
    assert (usual.uncertainties[[0, 3, 4]] > 0.4).all()
    decided = review_of(shapes, sure, decided=frozenset([4, 5]))
    assert decided.uncertainties[3:].tolist() == [0, 0]
    np.testing.assert_array_equal(decided.uncertainties[:3], usual.uncertainties[:3])
    again = measured_again(decided, labels, {}, sure, frozenset([4, 5]))
    np.testing.assert_array_equal(again.uncertainties, decided.uncertainties)


def test_the_area_of_a_track_is_its_mean_over_its_time_points():
    labels = np.zeros((4, 9, 9), np.uint32)
    labels[0, 1:4, 1:4] = labels[2, 1:4, 1:6] = 7
    labels[3, 0:2, 0:2] = 9
    in_time = cell_shapes(labels, in_time=True)
    assert in_time.times.tolist() == [2, 1]
    assert in_time.sizes.tolist() == [12, 4]
    # Along Z it is a volume.
    assert cell_shapes(labels).sizes.tolist() == [24, 4]
    assert cell_shapes(labels).low.tolist() == in_time.low.tolist()
    assert cell_shapes(labels).high.tolist() == in_time.high.tolist()
    box = (slice(0, 3), slice(1, 4), slice(1, 6))
    assert part_shapes(labels, 7, box, in_time=True).sizes.tolist() == [12]
    review = review_of(in_time)
    assert column_values(review, 0.5)["area"].tolist() == [6, 2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('condition="salt and pepper"', "Salt and pepper"),
        ('condition="a,b"', "A,b"),
        ('condition="0,5 nM"', "0,5 nM"),
        ('condition="1,000 nM"', "1,000 nM"),
        ('condition="Straße"', "Straße"),
        ("condition=5%", "5%"),
        ("condition=5 %", "5 %"),
    ],
)
def test_a_text_in_quotation_marks_is_taken_as_it_is(text, value):
    terms = parsed(f"{text} and cell>0,5", lambda word: word, frozenset({"condition"}))
    columns = {"condition": np.array([value, "b"]), "cell": np.array([1.0, 1.0])}
    assert which(terms, columns, 2).tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("dose=0,5", [0, 1]),
        ("dose=0.5", [0, 1]),
        ("dose=5e-1", [0, 1]),
        ('dose="0,5"', [0]),
        ("dose>0,5", [2, 3]),
        ("dose<=9", [0, 1, 2]),
        ("dose!=0,5", [2, 3, 4, 5]),
        ("dose=0,5um", [5]),
        ("dose=none", [4]),
        ("dose", [0, 1, 2, 3, 4, 5]),
        ("dose=0,5, cell>1", [1]),
    ],
)
def test_a_number_is_looked_for_in_texts_by_its_value(text, rows):
    doses = np.array(["0,5", "0.5", "9", "10", "none", "0,5um", ""])
    columns = {"dose": doses, "cell": np.arange(1.0, 8)}
    terms = parsed(text, lambda word: word, frozenset({"dose"}))
    assert np.flatnonzero(which(terms, columns, 7)).tolist() == rows


@pytest.mark.parametrize("text", ["condition=a,b", "condition=salt pepper"])
def test_a_text_without_its_quotation_marks_is_explained(text):
    find = {"condition": "condition"}.get
    with pytest.raises(ValueError, match="A text with a blank or a comma needs quota"):
        parsed(text, find, frozenset({"condition"}))
