"""What an image holds: number of cells, density, confluence and means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.columns import Column, slugs
from cellpose_studio.core.measure.measurements import Measurements

Values = npt.NDArray[np.float64]

_MEAN = {"length", "area", "volume", "surface", "number", "grey", "grey sum"}
"""Quantities whose mean over cells means something; positions and ids are left out."""

_COUNTS = {"touching_cells", "nuclei"}
CLASS = "class"
"""Name of the column with the class of each cell."""


@dataclass(frozen=True, kw_only=True)
class SummaryColumn:
    """A column of the table with a row for each image and time point.

    Attributes
    ----------
    name
        With the unit.
    unit
        "" for none.
    text
        How the values are computed.
    is_count
        Whether they are whole numbers.
    """

    name: str
    unit: str
    text: str
    is_count: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Summary:
    """The table of one image.

    Attributes
    ----------
    columns
        In the order of the table.
    values
        (time points,) for the name of each column; NaN where it is not known.
    """

    columns: tuple[SummaryColumn, ...]
    values: Mapping[str, Values]


_CELLS = SummaryColumn(name="cells", unit="", text="Number of cells.", is_count=True)
_FLAT = (
    SummaryColumn(
        name="density_per_Mpx",
        unit="1/Mpx",
        text="Cells for each million pixels of the image.",
    ),
    SummaryColumn(
        name="density_per_mm2",
        unit="1/mm²",
        text="Cells for each mm² of the image.",
    ),
)
_DEEP = (
    SummaryColumn(
        name="density_per_Mvoxel",
        unit="1/Mvoxel",
        text="Cells for each million voxels of the image.",
    ),
    SummaryColumn(
        name="density_per_mm3",
        unit="1/mm³",
        text="Cells for each mm³ of the image.",
    ),
)
_CONFLUENCE = SummaryColumn(
    name="confluence_percent",
    unit="%",
    text="Share of the pixels of the image that belong to cells.",
)

_NUCLEI = tuple(
    SummaryColumn(name=name, unit="", text=text, is_count=True)
    for name, text in (
        ("all_nuclei", "Number of nuclei."),
        ("orphan_nuclei", "Number of nuclei that are in no cell."),
        ("cells_without_nucleus", "Number of cells without a nucleus."),
        ("cells_with_several_nuclei", "Number of cells with more than one nucleus."),
    )
)


def summary_columns(
    columns: Sequence[Column], classes: Sequence[str] = ()
) -> tuple[SummaryColumn, ...]:
    """Return the columns of the summary of measurements with these columns.

    Density and confluence are there if the size of the cells was measured, and the
    numbers of cells in classes of these names if cells have classes.
    """
    sizes = [c for c in columns if c.group == "size"]
    first = [_CELLS, *class_counts(classes)]
    if sizes:
        both = _DEEP if sizes[0].definition.quantity == "volume" else _FLAT
        first += [*both[: 1 + any(c.in_um for c in sizes)], _CONFLUENCE]
    if any(c.group == "compartments" for c in columns):
        first += _NUCLEI
    return (*first, *map(_mean, filter(_has_mean, columns)))


def class_counts(classes: Sequence[str]) -> list[SummaryColumn]:
    """Return the columns with the numbers of cells in classes of these names."""
    return [
        SummaryColumn(
            name=f"cells_{slug}", unit="", text=f"Number of cells of the class {name}."
        )
        for name, slug in zip(classes, slugs(classes), strict=True)
    ]


def summary_of(found: Measurements) -> Summary:
    """Return the summary of the cells of an image; means are over the cells.

    Values that are not known take no part in a mean.
    """
    columns = summary_columns(found.columns, found.class_names)
    frames = found.shape[0] if found.in_time else 1
    first = np.searchsorted(found.times, np.arange(frames + 1))
    cells = np.diff(first).astype(np.float64)
    pixels = math.prod(found.shape) / frames
    values = {_CELLS.name: cells}
    for counted, name in zip(
        class_counts(found.class_names), found.class_names, strict=True
    ):
        is_in = (found.values[CLASS] == name).astype(np.float64)
        values[counted.name] = _sums(is_in, first)
    values[_FLAT[0].name] = values[_DEEP[0].name] = cells / pixels * 1e6
    values[_FLAT[1].name] = cells / (pixels * found.scale.pixel_um2) * 1e6
    values[_DEEP[1].name] = cells / (pixels * found.scale.voxel_um3) * 1e9
    for name in ("area_px", "volume_voxels"):
        if name in found.values:
            covered = _sums(found.values[name], first)
            values[_CONFLUENCE.name] = covered / pixels * 100
    if found.nuclei is not None:
        counts = found.nuclei.nuclei, *found.nuclei.remarkable
        for of_nuclei, some in zip(_NUCLEI, counts, strict=True):
            number = np.bincount(some.times, minlength=frames)
            values[of_nuclei.name] = number.astype(np.float64)
    for column in filter(_has_mean, found.columns):
        numbers = found.values[column.name]
        known = np.isfinite(numbers)
        total = _sums(np.where(known, numbers, 0.0), first)
        count = _sums(known.astype(np.float64), first)
        nothing = np.full(frames, np.nan)
        values[_mean(column).name] = np.divide(
            total, count, out=nothing, where=count > 0
        )
    return Summary(
        columns=columns, values={column.name: values[column.name] for column in columns}
    )


def _has_mean(column: Column) -> bool:
    definition = column.definition
    return definition.quantity in _MEAN or definition.name in _COUNTS


def _mean(column: Column) -> SummaryColumn:
    return SummaryColumn(
        name=f"mean_of_{column.name}",
        unit=column.unit,
        text=f"Mean over the cells of: {column.text}",
    )


def _sums(values: Values, first: npt.NDArray[np.integer]) -> Values:
    """Return the sum of each part of values that begins at ``first``."""
    every = np.concatenate([np.zeros(1), np.cumsum(values)])
    return every[first[1:]] - every[first[:-1]]
