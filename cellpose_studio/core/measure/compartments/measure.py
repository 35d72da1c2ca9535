"""Measures cells and their compartments into one table, under one id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.measure.columns import Column
from cellpose_studio.core.measure.compartments.choice import CompartmentChoice, Part
from cellpose_studio.core.measure.compartments.columns import (
    compartment_columns,
    part_groups,
)
from cellpose_studio.core.measure.compartments.definitions import (
    NucleiDefinition,
    RatioDefinition,
)
from cellpose_studio.core.measure.compartments.matching import Found, match_nuclei
from cellpose_studio.core.measure.compartments.regions import (
    Labels,
    cytoplasm,
    nuclei_of_cells,
    rings,
)
from cellpose_studio.core.measure.definition import Group
from cellpose_studio.core.measure.inputs import Channel, Pixels
from cellpose_studio.core.measure.measure import measure_cells
from cellpose_studio.core.measure.measurements import Measurements


@dataclass(frozen=True, eq=False, kw_only=True)
class Nuclei:
    """The nuclei of an image, and what is measured with them.

    Attributes
    ----------
    labels
        Of the shape of the cells.
    """

    labels: Pixels
    choice: CompartmentChoice


def with_compartments(
    cells: Measurements,
    labels: Pixels,
    nuclei: Nuclei,
    channels: Sequence[Channel],
    groups: Collection[Group],
    *,
    checkpoint: Checkpoint | None = None,
    threads: int = 2,
) -> Measurements:
    """Return measurements of cells with those of their compartments as columns.

    Parameters
    ----------
    cells
        Of the whole cells: its rows are those of the result. A row without the
        compartment is empty there.
    labels
        The cells.
    channels, groups
        As `cells` was measured with.

    Raises
    ------
    CompartmentsUnfit
        If the shapes differ, or the width of the ring has no known unit.
    Cancelled
    """
    checkpoint = checkpoint or Checkpoint()
    choice, in_time, scale = nuclei.choice, cells.in_time, cells.scale
    of_cells, of_nuclei = _whole(labels), _whole(nuclei.labels)
    found = match_nuclei(of_nuclei, of_cells, choice.least, in_time)
    # A width that has no known unit is told before anything is measured.
    width = choice.ring_px(scale) if "ring" in choice.parts else 0.0
    own = nuclei_of_cells(of_nuclei, found, in_time)
    around = cytoplasm(of_cells, of_nuclei)

    def region(part: Part) -> Labels:
        if part == "ring":
            return rings(own, around, width, scale, in_time, checkpoint)
        return own if part == "nucleus" else around

    measured = {
        part: measure_cells(
            region(part),
            channels,
            scale=scale,
            in_time=in_time,
            groups=part_groups(part, groups),
            checkpoint=checkpoint,
            threads=threads,
        )
        for part in choice.parts
    }
    deep = len(cells.shape) - in_time == 3
    columns = compartment_columns(choice, scale, deep, channels, groups)
    values: dict[str, npt.NDArray[Any]] = dict(cells.values)
    rows = {part: _rows(cells, table) for part, table in measured.items()}
    for column in columns:
        definition = column.definition
        if isinstance(definition, NucleiDefinition):
            values[column.name] = definition.values(found)
        elif isinstance(definition, RatioDefinition):
            name = f"{definition.measurement}_{column.channel_name}"
            both = values[f"nucleus_{name}"], values[f"cytoplasm_{name}"]
            values[column.name] = definition.values(*both)
        elif part := column.compartment:
            values[column.name] = _of_rows(column, measured[part], *rows[part], values)
    return replace(
        cells, columns=(*cells.columns, *columns), values=values, nuclei=found
    )


def _of_rows(
    column: Column,
    table: Measurements,
    rows: npt.NDArray[np.intp],
    there: npt.NDArray[np.bool_],
    values: dict[str, npt.NDArray[Any]],
) -> npt.NDArray[Any]:
    """Return the values of a column of a compartment, in the rows of the cells."""
    name = column.name.removeprefix(f"{column.compartment}_")
    if column.definition.name == "mean_corrected":
        # What is outside the nuclei is no background, but what is outside the cells.
        mean = values[f"{column.compartment}_mean_{column.channel_name}"]
        return mean - values[f"background_{column.channel_name}"]
    found = np.full(len(rows), np.nan)
    found[there] = table.values[name][rows[there]]
    return found


def _rows(
    cells: Measurements, part: Measurements
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the row of each cell among those of a compartment, and whether it is."""
    wanted, known = (Found(one.times, one.ids).keys() for one in (cells, part))
    rows = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
    there = known[rows] == wanted if len(known) else np.zeros(len(wanted), bool)
    return rows, there


def _whole(labels: Pixels) -> Labels:
    everything = tuple(slice(0, size) for size in labels.shape)
    return np.asarray(labels[everything], np.uint32)
