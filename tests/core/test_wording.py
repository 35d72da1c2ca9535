from __future__ import annotations

import pytest

from cellpose_studio.core.wording import counted, first_names, listed, were


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 cells were"), (1, "1 cell was"), (1200, "1,200 cells were")],
)
def test_a_number_and_its_verb_agree(number, text):
    assert f"{counted(number, 'cell')} {were(number)}" == text


@pytest.mark.parametrize(
    ("parts", "text"), [(["a"], "a"), (["a", "b"], "a and b"), ("abc", "a, b and c")]
)
def test_parts_are_joined_to_a_list(parts, text):
    assert listed(parts) == text


def test_the_first_names_are_listed_and_the_others_counted():
    assert first_names(["a", "b", "c"]) == "a, b and c"
    assert first_names(["a", "b"], 1, "more files") == "a and 1 more files"
    assert first_names([*"abcd"] * 300) == "a, b, c and 1,197 more"
