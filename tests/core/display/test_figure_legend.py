"""Where the legend of a figure lies."""

from __future__ import annotations

import pytest

from cellpose_studio.core.display.figure import FigureOptions, Legend, place_bar
from cellpose_studio.core.display.figure_legend import place_legend


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize("size", [(1200, 900), (400, 600)])
def test_the_legend_and_the_bar_never_overlap(size, top, left):
    options = FigureOptions(bar_left=left, bar_top=top)
    bar = place_bar(size, 250, "10 µm", options)
    legend = Legend(title="Area, µm²", ends=("1.5", "20"), scale=("#000000",) * 9)
    box = place_legend(size, legend, options, bar).box
    beside = box.x + box.width <= bar.x or bar.x + bar.width <= box.x
    rows = min(bar.y, bar.text_y), max(bar.y + bar.height, bar.text_y)
    assert beside or box.y + box.height <= rows[0] or rows[1] <= box.y
    assert 0 <= box.y <= size[1] - box.height
