"""What can be measured of a cell: one record each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.definition import (
    ClassDefinition,
    Definition,
    FactDefinition,
    IntensityDefinition,
    ShapeDefinition,
)
from cellpose_studio.core.measure.inputs import (
    by_id,
    class_probabilities,
    class_sources,
)
from cellpose_studio.core.measure.raw import Shapes, Values


def _eccentricity(shapes: Shapes) -> Values:
    long, short = shapes.axes[:, 0], shapes.axes[:, 1]
    ratio = np.divide(short, long, out=np.ones(len(long)), where=long > 0)
    return np.sqrt(1 - ratio**2)


def _column_of(name: str, axis: int) -> Callable[[Shapes], npt.NDArray[Any]]:
    return lambda shapes: getattr(shapes, name)[:, axis]


def _coordinates() -> tuple[ShapeDefinition, ...]:
    found = []
    for axis, letter in enumerate("ZYX"):
        found.append(
            ShapeDefinition(
                name=f"centroid_{letter.lower()}",
                title=f"Centroid {letter}",
                group="position",
                quantity="position",
                text=f"Mean {letter} of the pixels; the centre of the first pixel of "
                "the image is 0.",
                values=_column_of("centre", axis),
                flat=axis > 0,
                axis=axis,
            )
        )
    for axis, letter in enumerate("ZYX"):
        found.append(
            ShapeDefinition(
                name=f"bbox_{letter.lower()}_min",
                title=f"Box from {letter}",
                group="position",
                quantity="edge",
                text=f"Lowest {letter} of the bounding box: in px the index of its "
                "first pixel, in µm the outer edge of that.",
                values=_column_of("low", axis),
                flat=axis > 0,
                axis=axis,
            )
        )
        found.append(
            ShapeDefinition(
                name=f"bbox_{letter.lower()}_max",
                title=f"Box to {letter}",
                group="position",
                quantity="edge",
                text=f"Highest {letter} of the bounding box: in px one beyond the "
                "index of its last pixel, in µm the outer edge of that.",
                values=_column_of("high", axis),
                flat=axis > 0,
                axis=axis,
            )
        )
    return tuple(found)


SHAPES: tuple[ShapeDefinition, ...] = (
    ShapeDefinition(
        name="area",
        title="Area",
        group="size",
        quantity="area",
        deep=False,
        text="Number of pixels; in µm² times the area of a pixel.",
        values=lambda shapes: shapes.pixels,
    ),
    ShapeDefinition(
        name="volume",
        title="Volume",
        group="size",
        quantity="volume",
        flat=False,
        text="Number of voxels; in µm³ times the volume of a voxel.",
        values=lambda shapes: shapes.pixels,
    ),
    *_coordinates(),
    ShapeDefinition(
        name="touches_edge",
        title="At edge",
        group="position",
        quantity="yes or no",
        text="1 if the cell touches the edge of the image in Y or X, so that a part "
        "of it may be missing; else 0.",
        values=lambda shapes: shapes.at_edge,
    ),
    ShapeDefinition(
        name="perimeter",
        title="Perimeter",
        group="shape",
        quantity="length",
        deep=False,
        text="Length of the outline and the rims of holes, by Crofton's formula in "
        "four directions: how often lines along the rows, the columns and both "
        "diagonals cross it, times the distance of the lines and the angle that the "
        "direction stands for, over 2.",
        values=lambda shapes: shapes.boundary,
    ),
    ShapeDefinition(
        name="surface",
        title="Surface",
        group="shape",
        quantity="surface",
        flat=False,
        text="Area of the surface, by Crofton's formula in the 13 directions from a "
        "voxel to its neighbours, each with the share of the sphere that lies closest "
        "to it.",
        values=lambda shapes: shapes.boundary,
    ),
    ShapeDefinition(
        name="axis_major",
        title="Long axis",
        group="shape",
        quantity="length",
        text="Length of the long axis of the ellipse (of the ellipsoid in a stack) "
        "with the same second central moments as the centres of the pixels; 0 for a "
        "single pixel.",
        values=lambda shapes: shapes.axes[:, 0],
    ),
    ShapeDefinition(
        name="axis_middle",
        title="Middle axis",
        group="shape",
        quantity="length",
        flat=False,
        text="Length of the middle axis of the same ellipsoid.",
        values=lambda shapes: shapes.axes[:, 1],
    ),
    ShapeDefinition(
        name="axis_minor",
        title="Short axis",
        group="shape",
        quantity="length",
        text="Length of the short axis of the same ellipse or ellipsoid; 0 for a "
        "straight line of pixels, and for a cell in one plane of a stack.",
        values=lambda shapes: shapes.axes[:, -1],
    ),
    ShapeDefinition(
        name="eccentricity",
        title="Eccentricity",
        group="shape",
        quantity="number",
        deep=False,
        text="√(1 − (short axis / long axis)²): 0 for a disc and for a single pixel, 1 "
        "for a line.",
        values=_eccentricity,
    ),
    ShapeDefinition(
        name="orientation",
        title="Orientation",
        group="shape",
        quantity="degrees",
        deep=False,
        text="Angle of the long axis to the rows of the image, counter-clockwise on "
        "the screen, above −90 and up to 90; 0 if both axes are equally long.",
        values=lambda shapes: shapes.angle,
    ),
    ShapeDefinition(
        name="roundness",
        title="Roundness",
        group="shape",
        quantity="number",
        text="Spread of a disc of the same area (of a ball of the same volume) over "
        "the spread of the cell, which is the mean squared distance of its pixels to "
        "the centroid: area / (2π × spread), and in a stack 3/5 × r² / spread with the "
        "radius r of the ball; at most 1. Discs of any size have 1, within 2% where "
        "they consist of a few pixels; a single pixel has 1.",
        values=lambda shapes: shapes.roundness,
    ),
    ShapeDefinition(
        name="solidity",
        title="Solidity",
        group="hull",
        quantity="number",
        text="Number of pixels over the number of pixels whose centres lie in the "
        "convex hull of the cell, which goes through the middles of the pixels' sides. "
        "Of a cell in one plane of a stack, it is that in the plane.",
        values=lambda shapes: shapes.pixels / shapes.hull,
    ),
    ShapeDefinition(
        name="feret",
        title="Feret",
        group="hull",
        quantity="length",
        text="Largest Feret diameter: the largest distance between two middles of "
        "sides of pixels in the convex hull that the solidity counts.",
        values=lambda shapes: shapes.feret,
    ),
    ShapeDefinition(
        name="touching_cells",
        title="Touching",
        group="neighbours",
        quantity="count",
        text="Number of other cells with a pixel beside a pixel of the cell, corners "
        "included.",
        values=lambda shapes: shapes.touching,
    ),
    ShapeDefinition(
        name="nearest_distance",
        title="Distance to next",
        group="neighbours",
        quantity="length",
        text="Distance from the centroid to the closest centroid of another cell of "
        "the same time point. Unknown for a single cell.",
        values=lambda shapes: shapes.nearest,
    ),
    ShapeDefinition(
        name="nearest_cell",
        title="Next cell",
        group="neighbours",
        quantity="count",
        text="Id of the cell with that centroid, or of one of them if several are "
        "equally close. Unknown for a single cell.",
        values=lambda shapes: shapes.nearest_cell,
    ),
)

INTENSITIES: tuple[IntensityDefinition, ...] = (
    IntensityDefinition(
        name="mean",
        title="Mean",
        group="intensity",
        quantity="grey",
        text="Mean of the pixels of the cell.",
        values=lambda found: found.mean,
    ),
    IntensityDefinition(
        name="min",
        title="Minimum",
        group="intensity",
        quantity="grey",
        text="Lowest value in the cell.",
        values=lambda found: found.low,
    ),
    IntensityDefinition(
        name="max",
        title="Maximum",
        group="intensity",
        quantity="grey",
        text="Highest value in the cell.",
        values=lambda found: found.high,
    ),
    IntensityDefinition(
        name="sum",
        title="Sum",
        group="intensity",
        quantity="grey sum",
        text="Sum of the pixels of the cell.",
        values=lambda found: found.total,
    ),
    IntensityDefinition(
        name="sd",
        title="SD",
        group="intensity",
        quantity="grey",
        text="Standard deviation of the pixels of the cell (over n, not n − 1).",
        values=lambda found: found.deviation,
    ),
    IntensityDefinition(
        name="median",
        title="Median",
        group="intensity",
        quantity="grey",
        text="Median of the pixels of the cell; of an even number of pixels, the mean "
        "of the two in the middle.",
        values=lambda found: found.median,
    ),
    IntensityDefinition(
        name="background",
        title="Background",
        group="intensity",
        quantity="grey",
        text="Median of the pixels outside all cells, of the whole image at that time "
        "point; of images with more than a million such pixels, of every n-th one. "
        "Unknown where cells cover the image.",
        values=lambda found: np.full(len(found.mean), found.background),
    ),
    IntensityDefinition(
        name="mean_corrected",
        title="Mean − background",
        group="intensity",
        quantity="grey",
        text="Mean minus background.",
        values=lambda found: found.mean - found.background,
    ),
)

FACTS: tuple[FactDefinition, ...] = (
    FactDefinition(
        name="status",
        title="Status",
        group="review",
        quantity="text",
        text="What was decided about the cell in the review: accepted, rejected or "
        "later; empty if nothing was.",
        values=lambda facts, ids: facts.status_of(ids),
    ),
    FactDefinition(
        name="origin",
        title="Origin",
        group="review",
        quantity="text",
        text="Where the cell comes from: a run of a model, an imported file, drawn by "
        "hand, or edited by hand; empty if it is not known.",
        values=lambda facts, ids: facts.origins(ids),
    ),
    FactDefinition(
        name="flow_error",
        title="Flow error",
        group="review",
        quantity="number",
        text="Mean squared distance between the flows of the network and those of the "
        "mask. Unknown for masks without flows, and in stacks.",
        values=lambda facts, ids: by_id(facts.flow_errors, ids),
    ),
    FactDefinition(
        name="probability",
        title="Probability",
        group="review",
        quantity="number",
        text="Mean probability that the pixels belong to cells, 0 to 1. Unknown for "
        "masks without flows.",
        values=lambda facts, ids: by_id(facts.probabilities, ids),
    ),
    FactDefinition(
        name="uncertainty",
        title="Uncertainty",
        group="review",
        quantity="number",
        text="How likely it is that the cell is wrong, 0 to 1, as the table of the "
        "Curate tab shows it; from 0.5 on it should be looked at.",
        values=lambda facts, ids: by_id(facts.uncertainties, ids),
    ),
)
CLASSES: tuple[ClassDefinition, ...] = (
    ClassDefinition(
        name="class",
        title="Class",
        group="review",
        quantity="text",
        text="The class of the cell; empty if it has none.",
        values=lambda classes, found: classes.names_of(found),
    ),
    ClassDefinition(
        name="class_by",
        title="Class by",
        group="review",
        quantity="text",
        text="Who says of which class the cell is: a person (hand) or the classifier; "
        "empty if it has no class.",
        values=lambda _, found: class_sources(found),
    ),
    ClassDefinition(
        name="class_probability",
        title="Class probability",
        group="review",
        quantity="number",
        text="Probability of the class that the classifier gave, 0 to 1: the mean "
        "share of the trees of the forest. Unknown for cells classed by hand.",
        values=lambda _, found: class_probabilities(found),
    ),
)
"""What projects with classes know of cells."""

DEFINITIONS: tuple[Definition, ...] = (*SHAPES, *INTENSITIES, *FACTS, *CLASSES)
"""All of them, as they are listed."""
