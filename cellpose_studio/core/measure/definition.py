"""The record of a measurement: its name, its unit, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.inputs import CellClasses, CellFacts, Ids
from cellpose_studio.core.measure.raw import Intensities, Shapes
from cellpose_studio.core.provenance.classes.assigned import Assigned

Group = Literal[
    "size",
    "position",
    "shape",
    "hull",
    "intensity",
    "neighbours",
    "review",
    "compartments",
]
GROUPS: tuple[Group, ...] = (
    "size",
    "position",
    "shape",
    "hull",
    "intensity",
    "neighbours",
    "review",
)
"""What can be asked for: the hull takes longest, the solidity and Feret's diameter.

Compartments are there if there are masks of nuclei.
"""

Quantity = Literal[
    "count", "number", "length", "area", "volume", "surface", "position", "edge",
    "degrees", "grey", "grey sum", "yes or no", "text",
]  # fmt: skip
"""What a value is; it decides the unit, and whether there is a column in µm, too."""

Texts = npt.NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One measurement.

    Attributes
    ----------
    name
        As the name of its column begins: lower case, with underscores.
    title
        Of its column in the window.
    group
        What has to be asked for to get it.
    quantity
        What its values are.
    text
        How it is computed, one or two sentences.
    flat, deep
        Whether planes have it, and stacks.
    axis
        Of a coordinate, 0, 1 or 2 for Z, Y or X.
    """

    name: str
    title: str
    group: Group
    quantity: Quantity
    text: str
    flat: bool = True
    deep: bool = True
    axis: int = -1


@dataclass(frozen=True, kw_only=True)
class ShapeDefinition(Definition):
    """A measurement of the shape or the place.

    Attributes
    ----------
    values
        Returns (N,) in px or indices; NaN where it is not defined.
    """

    values: Callable[[Shapes], npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class IntensityDefinition(Definition):
    """A measurement of each channel.

    Attributes
    ----------
    values
        Returns (N,) calibrated values; NaN where no pixel of a cell is a number.
    """

    values: Callable[[Intensities], npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class FactDefinition(Definition):
    """What is known of a cell from elsewhere.

    Attributes
    ----------
    values
        Returns (N,), NaN or "" where it is not known.
    """

    values: Callable[[CellFacts, Ids], npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class ClassDefinition(Definition):
    """What is known of the class of a cell.

    Attributes
    ----------
    values
        Takes the classes, and what `CellClasses.of` returned of the cells. Returns
        (N,), NaN or "" where it is not known.
    """

    values: Callable[[CellClasses, Sequence[Assigned | None]], npt.NDArray[Any]]
