"""Rows of the summary: one for each image and time point."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.summary import (
    SummaryColumn,
    class_counts,
    summary_of,
)
from cellpose_studio.ui.measure.table.rows import (
    SUMMARY,
    TIME,
    TIME_FIELD,
    Field,
    Rows,
    Values,
    fields_of,
)

_MEAN = "mean_of_"
_TITLES = {
    "cells": "Cells",
    "density_per_Mpx": "Density",
    "density_per_mm2": "Density",
    "density_per_Mvoxel": "Density",
    "density_per_mm3": "Density",
    "confluence_percent": "Confluence",
    "all_nuclei": "Nuclei",
    "orphan_nuclei": "Nuclei in no cell",
    "cells_without_nucleus": "Cells without a nucleus",
    "cells_with_several_nuclei": "Cells with several nuclei",
}
_IN_UM = {"density_per_Mpx": "density_per_mm2", "density_per_Mvoxel": "density_per_mm3"}


def summary_rows_of(measured: Measurements, image: int) -> Rows:
    """Return the rows of one image of the project, by its id."""
    summary = summary_of(measured)
    names = {column.name for column in summary.columns}
    of_cells = {one.name: one for one in fields_of(measured.columns)}
    counted = {
        column.name: name
        for column, name in zip(
            class_counts(measured.class_names), measured.class_names, strict=True
        )
    }
    fields = [
        _count_field(column, counted[column.name])
        if column.name in counted
        else _field(column, names, of_cells)
        for column in summary.columns
    ]
    values: dict[str, Values] = dict(summary.values)
    frames = len(values["cells"])
    times = np.arange(frames)
    if measured.in_time:
        fields.insert(0, TIME_FIELD)
        values[TIME] = times + 1.0
    return Rows(
        fields=tuple(fields),
        values=values,
        cells=np.zeros(frames, np.uint32),
        times=times,
        images=np.full(frames, image, np.int64),
    )


def _count_field(column: SummaryColumn, name: str) -> Field:
    return Field(
        name=column.name,
        key=SUMMARY,
        heading=f"Cells: {name}",
        tip=column.text,
        kind="count",
        group=SUMMARY,
    )


def _field(column: SummaryColumn, names: set[str], of_cells: dict[str, Field]) -> Field:
    if column.name in _TITLES:
        unit = f", {column.unit}" if column.unit else ""
        twin = _IN_UM.get(column.name, "")
        return Field(
            name=column.name,
            key=SUMMARY,
            heading=f"{_TITLES[column.name]}{unit}",
            tip=column.text,
            kind="count" if column.is_count else "number",
            group=SUMMARY,
            twin=twin if twin in names else "",
        )
    one = of_cells[column.name.removeprefix(_MEAN)]
    return Field(
        name=column.name,
        key=one.key,
        heading=f"Average {one.heading}",
        tip=column.text,
        group=one.group,
        channel=one.channel,
        twin=f"{_MEAN}{one.twin}" if one.twin else "",
    )
