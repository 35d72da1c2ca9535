"""Measurements of tracks: one row for each cell of a time series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.lineage import daughters_of, in_force
from cellpose_studio.core.measure.measurements import Measurements

_POSITIONS = ("centroid_z_px", "centroid_y_px", "centroid_x_px")
_SIZES = ("area_px", "area_um2", "volume_voxels", "volume_um3")
_MINUTES = 60
_PER_HOUR = "speed_um_per_h"
_CLASS = "class"

Kind = Literal["whole", "number", "text"]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TrackColumn:
    """A column of the table of tracks.

    Attributes
    ----------
    name
        With the unit: "path_um".
    key
        What is remembered when the user chooses it: the same for all units.
    title, unit
        For people.
    kind
        What it holds; NaN or "" where it is not known.
    text
        How the values are computed.
    twin
        The column with the same values in a better unit; "" without one.
    """

    name: str
    key: str
    title: str
    unit: str = ""
    kind: Kind = "number"
    text: str
    twin: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackTable:
    """The tracks of an image, by the ids of their cells, ascending.

    Attributes
    ----------
    ids
        (N,) ids of the cells.
    first
        (N,) time points where they begin, from 0.
    columns
        In the order of the table.
    values
        (N,) by the name of the column: float64, or texts.
    """

    ids: npt.NDArray[np.uint32]
    first: npt.NDArray[np.int64]
    columns: tuple[TrackColumn, ...]
    values: Mapping[str, npt.NDArray[Any]]


class _Rows(NamedTuple):
    """The rows of cells, by track: those of one are ``order[begin:end]``, over time."""

    order: npt.NDArray[np.intp]
    begin: npt.NDArray[np.intp]
    end: npt.NDArray[np.intp]

    def sums(self, values: Values) -> Values:
        """Return the sum of each track of (N,) values in this order."""
        return np.add.reduceat(values, self.begin) if len(self.begin) else values


def track_table(
    found: Measurements,
    mothers: Mapping[int, int],
    minutes: float | None = None,
) -> TrackTable:
    """Return the tracks of a time series.

    Parameters
    ----------
    found
        Sizes and positions of its cells at each time point.
    mothers
        The mother of each daughter; those of cells that are not there are left out.
    minutes
        Between two time points; None where that is not known.
    """
    order = np.lexsort((found.times, found.ids))
    ids, begin = np.unique(found.ids[order], return_index=True)
    # Without cells there is no end either.
    end = np.append(begin[1:], len(order))[: len(begin)]
    rows = _Rows(order, begin, end)
    times = found.times[order]
    first, last = times[begin], times[end - 1]
    spans = dict(
        zip(ids.tolist(), zip(first.tolist(), last.tolist(), strict=True), strict=True)
    )
    known = in_force(mothers, spans)
    columns, values = _lineage(ids, first, last, end - begin, known)
    if _CLASS in found.values:
        # A cell has the same class at all time points.
        values[_CLASS] = found.values[_CLASS][order][begin]
        columns.append(
            TrackColumn(
                name=_CLASS,
                key=_CLASS,
                title="Class",
                kind="text",
                text=found.column(_CLASS).text,
            )
        )
    _add_ways(columns, values, found, rows, last - first, minutes)
    for name in _SIZES:
        if name in found.values:
            _add_mean(columns, values, found, rows, name)
    return TrackTable(ids=ids, first=first, columns=tuple(columns), values=values)


def _lineage(
    ids: npt.NDArray[np.uint32],
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    count: npt.NDArray[np.int64],
    mothers: Mapping[int, int],
) -> tuple[list[TrackColumn], dict[str, npt.NDArray[Any]]]:
    """Return what is known of tracks without places."""
    daughters = daughters_of(mothers)
    cells = ids.tolist()
    columns = [
        TrackColumn(
            name="track",
            key="track",
            title="Track",
            kind="whole",
            text="Id of the cell, which is the same at all time points.",
        ),
        TrackColumn(
            name="first_time",
            key="first_time",
            title="First",
            kind="whole",
            text="First time point, counted from 1.",
        ),
        TrackColumn(
            name="last_time",
            key="last_time",
            title="Last",
            kind="whole",
            text="Last time point, counted from 1.",
        ),
        TrackColumn(
            name="duration",
            key="duration",
            title="Length",
            kind="whole",
            text="Time points from the first to the last, both included.",
        ),
        TrackColumn(
            name="missing",
            key="missing",
            title="Gaps",
            kind="whole",
            text="Time points between the first and the last at which the cell is not "
            "there.",
        ),
        TrackColumn(
            name="mother",
            key="mother",
            title="Mother",
            kind="whole",
            text="Id of the cell that it came from by a division; empty without one.",
        ),
        TrackColumn(
            name="daughters",
            key="daughters",
            title="Daughters",
            kind="text",
            text="Ids of the cells that it divided into, ascending.",
        ),
    ]
    values: dict[str, npt.NDArray[Any]] = {
        "track": ids.astype(np.float64),
        "first_time": first + 1.0,
        "last_time": last + 1.0,
        "duration": last - first + 1.0,
        "missing": (last - first + 1 - count).astype(np.float64),
        "mother": np.array([mothers.get(cell, np.nan) for cell in cells], np.float64),
        "daughters": np.array(
            [", ".join(map(str, daughters.get(cell, ()))) for cell in cells], str
        ),
    }
    return columns, values


def _add_ways(
    columns: list[TrackColumn],
    values: dict[str, npt.NDArray[Any]],
    found: Measurements,
    rows: _Rows,
    duration: npt.NDArray[np.int64],
    minutes: float | None,
) -> None:
    """Add how far cells moved."""
    names = [name for name in _POSITIONS if name in found.values]
    if not names:
        return
    order, begin, end = rows
    steps = np.array(found.scale.steps[-len(names) :])
    places = np.stack([found.values[name][order] for name in names], axis=1) * steps
    step = np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=1)
    # The step to the first place of a track comes from another track.
    step[begin] = 0
    path = rows.sums(step)
    straight = np.linalg.norm(places[end - 1] - places[begin], axis=1)
    speed = np.full(len(begin), np.nan)
    np.divide(path, duration, out=speed, where=duration > 0)
    um = found.scale.um
    ways = (
        (
            "path",
            "Path",
            "",
            path,
            "Sum of the distances between the centroids at "
            "consecutive time points of the cell.",
        ),
        (
            "displacement",
            "Displacement",
            "",
            straight,
            "Distance between the first and the last centroid.",
        ),
        (
            "speed",
            "Speed",
            "time point",
            speed,
            "Path over the number of time points "
            "that it took; empty for a cell at one time point.",
        ),
    )
    for name, title, each, way, text in ways:
        per, of = (f"_per_{each.replace(' ', '_')}", f"/{each}") if each else ("", "")
        twin = f"{name}_um{per}" if um is not None else ""
        in_px = TrackColumn(
            name=f"{name}_px{per}",
            key=name,
            title=title,
            unit=f"px{of}",
            text=text,
            twin=twin,
        )
        columns.append(in_px)
        values[in_px.name] = way
        if um is not None:
            columns.append(
                TrackColumn(
                    name=twin,
                    key=name,
                    title=title,
                    unit=f"µm{of}",
                    text=text,
                    twin=_PER_HOUR if each and minutes is not None else "",
                )
            )
            values[twin] = way * um
    if um is not None and minutes is not None:
        columns.append(
            TrackColumn(
                name=_PER_HOUR,
                key="speed",
                title="Speed",
                unit="µm/h",
                text=f"Speed, with {minutes:g} minutes between time points.",
            )
        )
        values[_PER_HOUR] = speed * um * _MINUTES / minutes


def _add_mean(
    columns: list[TrackColumn],
    values: dict[str, npt.NDArray[Any]],
    found: Measurements,
    rows: _Rows,
    name: str,
) -> None:
    """Add the mean of a size over the time points of each track."""
    column = found.column(name)
    twins = {"area_px": "area_um2", "volume_voxels": "volume_um3"}
    twin = twins.get(name, "")
    columns.append(
        TrackColumn(
            name=f"mean_{name}",
            key="mean_size",
            title=f"Mean {column.title.lower()}",
            unit=column.unit,
            text=f"Mean of {column.title.lower()} over the time points of the cell.",
            twin=f"mean_{twin}" if twin in found.values else "",
        )
    )
    size = found.values[name][rows.order]
    values[f"mean_{name}"] = rows.sums(size) / (rows.end - rows.begin)
