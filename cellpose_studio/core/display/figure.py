"""The parts of an exported figure, independent of the file format."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.edge_lines import Points

POINTS_PER_INCH = 72
MM_PER_INCH = 25.4


@dataclass(frozen=True, kw_only=True)
class FigureOptions:
    """Settings of a figure export.

    Attributes
    ----------
    whole
        Export the whole plane; otherwise the visible region.
    scale
        Pixels of the figure for one of the image, along Y.
    dpi
        Pixels of the figure per inch, in print.
    fill, outlines, words, bar
        Which overlays are drawn.
    line_width, text_size
        Points (1/72 inch).
    line_colour
        "#rrggbb"; "" uses the colour of each cell.
    bar_length
        In the unit of the image; 0 chooses a round length that fits.
    bar_left, bar_top
        Corner of the scale bar.
    legend
        What the colours of cells mean is drawn, where they mean something.
    """

    whole: bool = True
    scale: float = 1.0
    dpi: int = 300
    fill: bool = False
    outlines: bool = True
    line_width: float = 0.75
    line_colour: str = ""
    words: bool = False
    text_size: float = 7.0
    bar: bool = True
    bar_length: float = 0.0
    bar_left: bool = False
    bar_top: bool = False
    legend: bool = True

    def scaled(self, factor: float) -> FigureOptions:
        """Return the settings of a figure with fewer pixels, never with more."""
        factor = min(factor, 1)
        # With fewer pixels per inch as well, lines and texts keep their proportions.
        dpi = max(round(self.dpi * factor), 1)
        return replace(self, scale=self.scale * factor, dpi=dpi)

    def pixels(self, points: float) -> float:
        """Convert points to pixels of the figure."""
        return points * self.dpi / POINTS_PER_INCH

    def mm(self, pixels: float) -> float:
        """Convert pixels of the figure to mm in print."""
        return pixels / self.dpi * MM_PER_INCH


@dataclass(frozen=True, eq=False)
class Outline:
    """The outline of a cell: closed lines of (x, y) in pixels of the image."""

    cell: int
    colour: str
    lines: list[Points]


@dataclass(frozen=True)
class FigureText:
    """A text and its centre, (x, y) in pixels of the figure; or its start along x."""

    x: float
    y: float
    text: str
    colour: str
    anchor: Literal["middle", "start"] = "middle"


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What the colours of cells mean: a scale between two values, or classes.

    Attributes
    ----------
    title
        What it is; may be empty.
    ends
        What the first and the last colour of the scale stand for.
    scale
        Colours, "#rrggbb".
    classes
        Names and colours.
    """

    title: str = ""
    ends: tuple[str, str] = ("", "")
    scale: tuple[str, ...] = ()
    classes: tuple[tuple[str, str], ...] = ()


class Swatch(NamedTuple):
    """A rectangle of one colour, in pixels of the figure."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, kw_only=True)
class PlacedLegend:
    """A legend in pixels of the figure: a dark box, and what is drawn on it."""

    box: Swatch
    swatches: list[Swatch]
    texts: list[FigureText]

    def moved(self, x: float, y: float) -> PlacedLegend:
        """Return the legend at another place."""
        return PlacedLegend(
            box=_moved(self.box, x, y),
            swatches=[_moved(one, x, y) for one in self.swatches],
            texts=[replace(one, x=one.x + x, y=one.y + y) for one in self.texts],
        )


def _moved(one: Swatch, x: float, y: float) -> Swatch:
    return one._replace(x=one.x + x, y=one.y + y)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A scale bar in pixels of the figure: left, top, width and height, and its text.

    ``text_y`` is the vertical centre of the text.
    """

    x: float
    y: float
    width: float
    height: float
    text: str
    text_y: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Figure:
    """All parts of a figure, ready to be drawn.

    Attributes
    ----------
    options
        The settings it was made with.
    rgb
        (Y, X, 3) of the image with the fill of its cells.
    scale_x, scale_y
        Pixels of the figure for one of ``rgb``.
    title
        What it shows, and how the masks were made.
    """

    options: FigureOptions
    rgb: npt.NDArray[np.uint8]
    scale_x: float
    scale_y: float
    title: str
    outlines: list[Outline] = field(default_factory=list)
    texts: list[FigureText] = field(default_factory=list)
    bar: Bar | None = None
    legend: PlacedLegend | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the figure."""
        height, width = self.rgb.shape[:2]
        return (
            max(round(width * self.scale_x), 1),
            max(round(height * self.scale_y), 1),
        )


def place_bar(size: tuple[int, int], pixels: float, text: str, o: FigureOptions) -> Bar:
    """Return where a bar of ``pixels`` lies in a figure of ``size``."""
    # Whole pixels keep the ends of the bar sharp.
    margin, thick = round(o.pixels(8)), max(round(o.pixels(2.5)), 2)
    room = round(o.pixels(o.text_size) * 1.4)
    x = margin if o.bar_left else round(size[0] - margin - pixels)
    y = margin + room if o.bar_top else size[1] - margin - thick
    return Bar(x=x, y=y, width=pixels, height=thick, text=text, text_y=y - room / 2)
