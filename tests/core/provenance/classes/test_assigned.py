"""Who says of which class a cell is, and what becomes of that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.matching.renaming import Renaming
from cellpose_studio.core.provenance.classes.assigned import (
    Assigned,
    by_classifier,
    by_hand,
    class_of_all,
)

said = st.builds(Assigned, number=st.integers(1, 3))
found = st.builds(
    Assigned,
    number=st.integers(1, 3),
    probability=st.floats(0, 1),
    classifier=st.integers(1, 2),
)
known = st.dictionaries(st.integers(1, 9), said | found)
cells = st.integers(1, 9)


def applied(assigned, changes):
    after = dict(assigned)
    for cell, (before, one) in changes.items():
        assert after.pop(cell, None) == before
        assert before != one
        if one is not None:
            after[cell] = one
    return after


@given(known, st.sets(cells), st.integers(1, 3) | st.none())
def test_what_is_said_by_hand_counts(known, cells, number):
    after = applied(known, by_hand(known, cells, number))
    for cell in cells:
        wanted = None if number is None else Assigned(number=number)
        assert after.get(cell) == wanted
    for cell in known.keys() - cells:
        assert after[cell] == known[cell]


@given(known, st.dictionaries(cells, found), st.sets(st.integers(1, 3)))
def test_a_classifier_never_overrules_a_person(known, found, classes):
    after = applied(known, by_classifier(known, found, classes))
    for cell, one in known.items():
        if one.by_hand and one.number in classes:
            assert after[cell] == one
    for cell, one in found.items():
        before = known.get(cell)
        if before is None or not before.by_hand or before.number not in classes:
            assert after[cell] == one


@given(known, st.sets(cells), st.permutations(range(1, 10)))
def test_a_class_goes_with_its_cell_to_another_id(known, there, ids):
    names = dict(zip(sorted(there), ids, strict=False))
    after = applied(known, Renaming.of(names).classes(known))
    for old, new in names.items():
        assert after.get(new) == known.get(old)
    for cell in known.keys() - names.keys() - set(names.values()):
        assert after[cell] == known[cell]
    assert not after.keys() & names.keys() - set(names.values())


@given(st.lists(said | found | st.none(), min_size=1, max_size=4))
def test_a_cell_that_was_several_has_the_class_of_all_of_them(several):
    one = class_of_all(several)
    by_hand = {each.number for each in several if each and each.by_hand}
    numbers = {each.number if each else None for each in several}
    if len(by_hand) == 1:
        assert one == Assigned(number=by_hand.pop())
    elif by_hand or len(numbers) > 1:
        assert one is None
    else:
        assert one in several
        if one is not None:
            assert one.probability == min(each.probability for each in several)
