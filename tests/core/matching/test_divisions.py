"""Divisions: what may be a mother, and what becomes of it when cells change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.masks.lineage import daughters_of, in_force, tracks_of_cells
from cellpose_studio.core.matching.divisions import (
    DivisionRefused,
    divide,
    divided_track,
    merged,
    without_divisions,
)
from cellpose_studio.core.matching.renaming import Renaming

SPANS = {1: (0, 2), 2: (3, 5), 3: (3, 9), 4: (2, 4), 5: (6, 9), 6: (6, 7)}


def applied(mothers, changes):
    after = dict(mothers)
    for cell, (before, now) in changes.items():
        assert after.pop(cell, None) == before
        if now is not None:
            after[cell] = now
    return after


cells = st.integers(1, 8)
spans = st.dictionaries(
    cells,
    st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda s: (s[0], s[0] + s[1])),
    min_size=1,
)
steps = st.lists(st.tuples(cells, st.lists(cells, min_size=1, max_size=3)), max_size=6)


@given(spans, steps)
def test_whatever_is_allowed_is_a_forest_that_the_tracking_challenge_takes(
    spans, steps
):
    mothers = {}
    for mother, daughters in steps:
        known = dict(mothers)
        try:
            mothers = applied(mothers, divide(mothers, spans, mother, daughters))
        except DivisionRefused:
            assert mothers == known
            continue
        for daughter in daughters:
            assert mothers[daughter] == mother
            assert known.get(daughter, mother) == mother
            assert spans[mother][1] < spans[daughter][0]
    assert in_force(mothers, spans) == mothers
    assert sum(map(len, daughters_of(mothers).values())) == len(mothers)
    frames = {cell: [*range(a, b + 1)] for cell, (a, b) in spans.items()}
    parents = {t.cell: t.parent for t in tracks_of_cells(frames, mothers)}
    assert {cell: one for cell, one in parents.items() if one} == mothers


@pytest.mark.parametrize(
    ("mother", "daughters", "reason"),
    [
        (1, [2, 4], "Cell 4 begins at time point 3, before its mother, cell 1, has"),
        (2, [1], "Cell 1 begins at time point 1, before its mother"),
        (1, [1], "Cell 1 cannot be its own daughter"),
        (1, [9], "There is no cell 9"),
        (9, [1], "There is no cell 9"),
        (4, [5], "Cell 5 has a mother already, cell 2"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(mother, daughters, reason):
    with pytest.raises(DivisionRefused, match=reason):
        divide({5: 2}, SPANS, mother, daughters)


def test_a_mother_may_have_more_than_two_daughters():
    mothers = applied({}, divide({}, SPANS, 1, [2, 3]))
    mothers = applied(mothers, divide(mothers, SPANS, 1, [5]))
    assert daughters_of(mothers) == {1: [2, 3, 5]}
    assert divide(mothers, SPANS, 1, [2, 5]) == {}


def test_a_daughter_of_a_cell_that_is_gone_may_get_another_mother():
    assert divide({5: 99}, SPANS, 2, [5]) == {5: (99, 2)}


mothers_strategy = st.dictionaries(cells, cells).map(
    lambda known: {d: m for d, m in known.items() if d != m}
)


@given(mothers_strategy, st.lists(cells, min_size=2, max_size=4, unique=True))
def test_merged_cells_have_the_daughters_of_all(mothers, parts):
    after = applied(mothers, merged(mothers, parts))
    kept, gone = parts[0], set(parts[1:])
    assert not gone & {*after, *after.values()}
    assert all(daughter != mother for daughter, mother in after.items())
    for daughter, mother in mothers.items():
        if daughter not in parts:
            assert after[daughter] == (kept if mother in parts else mother)
    had = [mothers[one] for one in parts if mothers.get(one, kept) not in parts]
    assert after.get(kept) == (had[0] if had else None)


@given(mothers_strategy, st.sets(cells))
def test_cutting_leaves_the_divisions_of_others(mothers, chosen):
    after = applied(mothers, without_divisions(mothers, chosen))
    assert after == {
        d: m for d, m in mothers.items() if d not in chosen and m not in chosen
    }


def test_the_later_part_of_a_track_has_its_daughters():
    assert divided_track({2: 1, 3: 1, 1: 7}, 1, 20) == {2: (1, 20), 3: (1, 20)}


@given(mothers_strategy, st.permutations(range(1, 9)))
def test_divisions_go_with_other_ids(mothers, ids):
    names = dict(zip(range(1, 9), ids, strict=True))
    renaming = Renaming.of(names)
    after = applied(mothers, renaming.mothers(mothers))
    assert after == {names[d]: names[m] for d, m in mothers.items()}
    back = Renaming.of({new: old for old, new in names.items()})
    assert applied(after, back.mothers(after)) == mothers


@given(mothers_strategy, st.sets(cells), st.permutations(range(1, 9)))
def test_an_id_that_another_cell_gets_is_in_no_division_of_the_former_one(
    mothers, there, ids
):
    names = dict(zip(sorted(there), ids, strict=False))
    after = applied(mothers, Renaming.of(names).mothers(mothers))
    new = set(names.values())
    assert {d: m for d, m in after.items() if d in new and m in new} == {
        names[d]: names[m] for d, m in mothers.items() if d in there and m in there
    }


def test_divisions_follow_cells_that_get_other_ids_at_each_time_point():
    # Cell 3 is 5 at first and 7 where it ends; 5 was the id of another one there.
    names = [{3: 5, 5: 7}, {3: 7, 5: 5}, {8: 3, 9: 9}]
    renaming = Renaming.over_time(names)
    mothers = {8: 3, 9: 3}
    assert applied(mothers, renaming.mothers(mothers)) == {3: 7, 9: 7}
    back = {3: 8}
    assert applied(back, renaming.mothers(back)) == {5: 3}
