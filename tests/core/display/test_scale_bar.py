"""Scale bars are round, and as long as there is room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellpose_studio.core.display.scale_bar import SHARE, bar_length, bar_text


@given(st.floats(1e-6, 1e9))
def test_a_bar_is_round_and_fits(span):
    length = bar_length(span)
    assert 0.4 * SHARE * span * (1 - 1e-6) <= length <= SHARE * span * (1 + 1e-6)
    assert f"{length:.3e}"[:5] in ("1.000", "2.000", "5.000")


@pytest.mark.parametrize("span", [0, -1, float("nan"), float("inf")])
def test_a_picture_has_a_width(span):
    with pytest.raises(ValueError, match="positive"):
        bar_length(span)


def test_lengths_are_written_with_their_units():
    assert bar_text(20, "µm") == "20 µm"
    assert bar_text(2000, "µm") == "2 mm"
    assert bar_text(0.5, "µm") == "500 nm"
    assert bar_text(5000, "px") == "5000 px"
