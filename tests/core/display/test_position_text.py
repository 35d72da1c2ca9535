"""Positions for people: planes from 1, pixels from 0 as in ImageJ."""

from __future__ import annotations

import pytest

from cellpose_studio.core.display.position_text import position_text

PLANE = [("Y", 64), ("X", 128)]
SERIES = [("T", 3), ("Z", 12), *PLANE]


@pytest.mark.parametrize(
    ("axes", "position", "text"),
    [
        (PLANE, (0, 0), "x 0  y 0"),
        (PLANE, (63.4, 127.4), "x 127  y 63"),
        (PLANE, (63.6, 1), ""),
        (PLANE, (-0.6, 1), ""),
        (SERIES, (0, 0, 1, 2), "x 2  y 1  Z 1 of 12  T 1 of 3"),
        (SERIES, (2, 11, 1, 2), "x 2  y 1  Z 12 of 12  T 3 of 3"),
        (SERIES, (2, 12, 1, 2), ""),
    ],
)
def test_planes_are_counted_from_1(axes, position, text):
    assert position_text(axes, position) == text
