from __future__ import annotations

import pytest

from cellpose_studio.core.wording import counted, listed, were


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
