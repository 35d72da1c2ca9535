"""The legend of a figure: what the colours of cells mean, and where that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.figure import (
    Bar,
    FigureOptions,
    FigureText,
    Legend,
    PlacedLegend,
    Swatch,
)

_LINE, _PAD, _GAP = 1.5, 0.6, 0.5
"""Height of a line, room around all, and between a colour and its text; in letters."""
_SCALE_WIDTH, _SCALE_HEIGHT = 8.0, 0.7
"""Size of a colour scale, in letters."""
_LETTER = 0.62
"""Width of a bold letter over its size, which is wide enough for most texts."""
_STEPS = 32
"""Colours that a scale is drawn in."""

Palette = npt.NDArray[np.float32]


def scale_colours(palette: Palette) -> tuple[str, ...]:
    """Return colours of RGB (N, 3), 0 to 1, at equal distances, as "#rrggbb"."""
    at = np.linspace(0, len(palette) - 1, _STEPS).round().astype(int)
    return tuple(hex_colour(palette[n]) for n in at)


def hex_colour(rgb: npt.NDArray[np.float32] | Sequence[float]) -> str:
    """Return red, green and blue, 0 to 1, as "#rrggbb"."""
    return "#" + bytes(round(float(part) * 255) for part in rgb).hex()


def place_legend(
    size: tuple[int, int], legend: Legend, options: FigureOptions, bar: Bar | None
) -> PlacedLegend:
    """Return where the parts of a legend lie in a figure of ``size``.

    It is in the corner beside that of the scale bar, and further inside where both do
    not fit beside each other.
    """
    letter = options.pixels(options.text_size)
    swatches: list[Swatch] = []
    texts: list[FigureText] = []
    x, y = _PAD * letter, (_PAD + _LINE / 2) * letter
    right = x

    def write(left: float, text: str) -> float:
        """Add a text, and return where it ends."""
        texts.append(FigureText(left, y, text, "#ffffff", "start"))
        return left + _LETTER * letter * len(text)

    if legend.title:
        right = write(x, legend.title)
        y += _LINE * letter
    if legend.scale:
        begin = write(x, legend.ends[0]) + _GAP * letter
        edges = np.linspace(begin, begin + _SCALE_WIDTH * letter, len(legend.scale) + 1)
        top, height = y - _SCALE_HEIGHT * letter / 2, _SCALE_HEIGHT * letter
        for (left, end), colour in zip(
            pairwise(edges.tolist()), legend.scale, strict=True
        ):
            swatches.append(Swatch(left, top, end - left, height, colour))
        right = max(right, write(float(edges[-1]) + _GAP * letter, legend.ends[1]))
        y += _LINE * letter
    for name, colour in legend.classes:
        swatches.append(Swatch(x, y - letter / 2, letter, letter, colour))
        right = max(right, write(x + (1 + _GAP) * letter, name))
        y += _LINE * letter
    box = Swatch(
        0, 0, right + _PAD * letter, y + (_PAD - _LINE / 2) * letter, "#000000"
    )
    margin = round(options.pixels(8))
    beside_right = bar is not None and options.bar_left
    left = size[0] - margin - box.width if beside_right else margin
    below = bar is None or not options.bar_top
    top = size[1] - margin - box.height if below else margin
    if bar is not None and left < bar.x + bar.width and bar.x < left + box.width:
        above = min(bar.y, bar.text_y - letter) - box.height
        top = above if below else max(bar.y + bar.height, bar.text_y + letter)
    return PlacedLegend(box=box, swatches=swatches, texts=texts).moved(left, top)
