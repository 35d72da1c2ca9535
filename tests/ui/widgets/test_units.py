from __future__ import annotations

import pytest

from cellpose_studio.ui.widgets.units import position_text
from tests.images import image_of

AT = {"y": 24, "x": 105}


@pytest.mark.parametrize(
    ("sizes", "at", "expected"),
    [
        ((None, None, None), AT, ["x 105  y 24"]),
        ((None, 0.25, 0.5), AT, ["x 105  y 24", "52.5, 6.0 µm"]),
        ((None, 0.25, None), AT, ["x 105  y 24", "26.2, 6.0 µm"]),
        ((None, 0.25, 0.25), {**AT, "z": 6}, ["x 105  y 24  Z 7 of 9"]),
        ((2.0, 0.25, 0.25), {**AT, "z": 6, "t": 3}, None),
    ],
)
def test_a_position_has_pixels_and_lengths_where_they_are_known(sizes, at, expected):
    image = image_of((4, 1, 9, 50, 200), pixel_size_um=sizes)
    parts = position_text(image, at)
    text = [part.replace("\N{NO-BREAK SPACE}", " ") for part in parts]
    both = ["x 105  y 24  Z 7 of 9  T 4 of 4", "26.2, 6.0, 12.0 µm"]
    assert text == (expected or both)
