"""What is known of each cell, as columns: one record each.

The table of cells, its filter line and the texts at cells read this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.review.queue import Review

Values = npt.NDArray[np.float64]

UNKNOWN = "–"


@dataclass(frozen=True, kw_only=True)
class Head:
    """A column as its head shows it.

    Attributes
    ----------
    name
        In the filter line and in the settings.
    title
        Over the column.
    tip
        What it means; "{unit}" stands for the unit of areas.
    width
        Of the column, px.
    centred
        Whether its values stand in the middle; others stand on the right.
    """

    name: str
    title: str
    tip: str
    width: int
    centred: bool = False


@dataclass(frozen=True, kw_only=True)
class CellColumn(Head):
    """One value of each cell.

    Attributes
    ----------
    values
        Gets the review and the area of a pixel; returns (N,), NaN where unknown.
    format
        Writes a value that is known.
    other_names
        Other words for it in the filter line.
    choice
        In the menu of texts at cells, with the letter to press; "" to leave it out.
    is_area
        Whether it is an area, or a volume in stacks, in the unit of the image.
    from_network
        Whether only masks that come from flows have it.
    in_table
        Whether the table lists it; the filter line knows it anyway.
    """

    values: Callable[[Review, float], Values]
    format: Callable[[float], str]
    other_names: tuple[str, ...] = ()
    choice: str = ""
    is_area: bool = False
    from_network: bool = False
    in_table: bool = True

    def text(self, value: float) -> str:
        """Return how a value is written; `UNKNOWN` for NaN."""
        return UNKNOWN if np.isnan(value) else self.format(value)


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.{3 - (value < 10)}g}"


def _two_decimals(value: float) -> str:
    return f"{value:.2f}"


_ALL = (
    CellColumn(
        name="cell",
        title="Cell",
        tip="The id of the cell in the masks.",
        width=42,
        values=lambda review, _: review.ids.astype(np.float64),
        format=_three_digits,
        other_names=("id",),
        choice="&Number",
    ),
    CellColumn(
        name="uncertainty",
        title="Uncertainty",
        tip="How likely it is that the cell is wrong, by all that is known of it: 0 "
        "looks right, from 0.5 on look at it.",
        width=52,
        values=lambda review, _: review.uncertainties,
        format=_two_decimals,
        choice="&Uncertainty",
    ),
    CellColumn(
        name="flow error",
        title="Flow",
        tip="Flow error: how badly the shape fits what the network saw. Above 0.25 is "
        "uncertain. Unknown for masks without flows.",
        width=36,
        values=lambda review, _: review.flow_errors,
        format=_two_decimals,
        other_names=("flow", "error"),
        choice="&Flow error",
        from_network=True,
    ),
    CellColumn(
        name="probability",
        title="Prob.",
        tip="Mean probability that the pixels belong to cells. Below 75% is uncertain.",
        width=38,
        values=lambda review, _: review.probabilities,
        format=lambda value: f"{value:.0%}",
        other_names=("prob",),
        choice="&Probability",
        from_network=True,
    ),
    CellColumn(
        name="area",
        title="Area",
        tip="Size of the cell, {unit}. In a time series, the mean over the time points "
        "in which the cell is.",
        width=46,
        values=lambda review, area: review.shapes.sizes * area,
        format=_three_digits,
        other_names=("size",),
        choice="Si&ze",
        is_area=True,
    ),
    CellColumn(
        name="border",
        title="Edge",
        tip="The cell touches the edge of the image, so a part of it may be missing.",
        width=34,
        centred=True,
        values=lambda review, _: review.shapes.at_border.astype(np.float64),
        format=lambda value: "yes" if value else "",
        other_names=("edge",),
    ),
    CellColumn(
        name="shape",
        title="Shape",
        tip="Roundness: 1 for a disc, less for long or ragged cells.",
        width=44,
        values=lambda review, _: review.shapes.roundness,
        format=_two_decimals,
        other_names=("round", "roundness"),
        choice="&Roundness",
    ),
    CellColumn(
        name="pixels",
        title="Pixels",
        tip="Size of the cell, pixels; in a time series the mean.",
        width=46,
        values=lambda review, _: review.shapes.sizes,
        format=_three_digits,
        other_names=("px",),
        in_table=False,
    ),
)

COLUMNS = {column.name: column for column in _ALL}
"""By name, in the order in which the table lists them."""


def column_values(review: Review, area: float) -> dict[str, Values]:
    """Return the values of all columns; ``area`` is that of a pixel."""
    return {name: column.values(review, area) for name, column in COLUMNS.items()}


def column_named(word: str) -> CellColumn | None:
    """Return the column of a name, or of another word for it; None without one."""
    if word in COLUMNS:
        return COLUMNS[word]
    found = (column for column in COLUMNS.values() if word in column.other_names)
    return next(found, None)
