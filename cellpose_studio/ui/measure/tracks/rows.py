"""Rows of the table of tracks: one for each cell of a time series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.tracks import TrackColumn, track_table
from cellpose_studio.ui.measure.table.rows import CELL, TRACK, Field, Kind, Rows
from cellpose_studio.workflows.measure.tracks import minutes_between

NO_FILM = "Tracks need a time series: the image shown is none."
NO_FILMS = "Tracks need a time series: none of the images is one."

_KINDS: dict[str, Kind] = {"whole": "count", "number": "number", "text": "text"}


def track_rows(
    measured: Measurements, source: ImageSource, mothers: Mapping[int, int], image: int
) -> Rows:
    """Return the tracks of an image of the project, by its id; none without time.

    A click on a row leads to the first time point of the cell.
    """
    if not measured.in_time:
        return Rows()
    table = track_table(measured, mothers, minutes_between(source))
    return Rows(
        fields=tuple(map(_field, table.columns)),
        values={_name(column): table.values[column.name] for column in table.columns},
        cells=table.ids,
        times=table.first,
        images=np.full(len(table.ids), image, np.int64),
    )


def _name(column: TrackColumn) -> str:
    # The number of a cell has one name in all tables, so that the filter finds it.
    return CELL if column.name == "track" else column.name


def _field(column: TrackColumn) -> Field:
    unit = f", {column.unit}" if column.unit else ""
    return Field(
        name=_name(column),
        key=CELL if column.name == "track" else column.key,
        heading=f"{column.title}{unit}",
        tip=column.text,
        kind=_KINDS[column.kind],
        group=TRACK,
        twin=column.twin,
    )
