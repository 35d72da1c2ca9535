"""The list of classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.provenance.classes.cell_class import (
    KEYS,
    ClassRefused,
    changed_with,
    free_name,
    new_class,
    present,
)


def listed(*names):
    classes = ()
    for n, name in enumerate(names, start=1):
        classes = (*classes, new_class(classes, name, n))
    return classes


def test_classes_get_keys_and_colours_that_differ():
    classes = listed(*"abcdefghijk")
    assert [one.key for one in classes] == [*KEYS, 0, 0]
    assert len({one.colour for one in classes[:8]}) == 8


def test_a_removed_class_gives_its_key_and_name_free():
    one, two = listed("round", "long")
    classes = (replace(one, removed=True), two)
    assert present(classes) == (two,)
    again = new_class(classes, "round", 3)
    assert (again.key, again.colour) == (one.key, one.colour)


@pytest.mark.parametrize("name", ["", "  ", "ROUND", " long "])
def test_names_are_unique_and_not_empty(name):
    with pytest.raises(ClassRefused):
        new_class(listed("round", "long"), name, 3)


def test_a_key_is_exchanged_with_the_class_that_has_it():
    one, two, three = listed("a", "b", "c")
    found = changed_with((one, two, three), replace(one, key=3, name=" A  cell "))
    assert found == (replace(one, key=3, name="A cell"), replace(three, key=1))


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("abcde"), st.integers(0, 9)),
        max_size=8,
    )
)
def test_no_two_classes_share_a_key_or_a_name(changes):
    classes = {one.id: one for one in listed("a", "b", "c", "d")}
    for at, name, key in changes:
        one = classes[at + 1]
        try:
            found = changed_with(
                tuple(classes.values()), replace(one, name=name, key=key)
            )
        except ClassRefused:
            continue
        classes |= {each.id: each for each in found}
        keys = [each.key for each in classes.values() if each.key]
        assert len(keys) == len(set(keys))
        assert len({each.name for each in classes.values()}) == 4


def test_a_name_that_is_taken_gets_a_number():
    assert free_name(listed("a", "a 2"), "A") == "A 3"
