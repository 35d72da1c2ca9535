"""A table of measurements: one row for each cell at each time point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.columns import Column, class_columns
from cellpose_studio.core.measure.compartments.matching import NucleiInCells
from cellpose_studio.core.measure.definitions import CLASSES
from cellpose_studio.core.measure.inputs import CellClasses, Ids
from cellpose_studio.core.measure.scale import Scale

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurements:
    """The cells of an image, and what was measured of them.

    Rows are sorted by time point, then by id.

    Attributes
    ----------
    times
        (N,) time point of each row, from 0.
    ids
        (N,) id of the cell of each row.
    columns
        What was measured, in the order of the table.
    values
        (N,) for the name of each column: float64, NaN where it is not known, or texts,
        "" where it is not known.
    shape
        Of the label image.
    in_time
        Whether the first axis is time.
    scale
        Size of a pixel.
    nuclei
        Which cell each nucleus is in; None without masks of nuclei.
    class_names
        Of the classes that the project has.
    """

    times: Counts
    ids: Ids
    columns: tuple[Column, ...]
    values: Mapping[str, npt.NDArray[Any]]
    shape: tuple[int, ...]
    in_time: bool
    scale: Scale
    nuclei: NucleiInCells | None = None
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def with_classes(self, classes: CellClasses | None) -> Measurements:
        """Return the table with other classes of cells; None for no such columns."""
        had = {one.name for one in CLASSES}
        columns = tuple(one for one in self.columns if one.name not in had)
        values = {name: one for name, one in self.values.items() if name not in had}
        if classes is not None:
            columns += class_columns(classes)
            found = classes.of(self.ids)
            values |= {one.name: one.values(classes, found) for one in CLASSES}
        names = () if classes is None else classes.names
        return replace(self, columns=columns, values=values, class_names=names)

    def column(self, name: str) -> Column:
        """Return the column of a name.

        Raises
        ------
        KeyError
        """
        return next(c for c in self.columns if c.name == name)

    def row(self, cell: int, time: int = 0) -> int:
        """Return the row of a cell at a time point; -1 if there is none."""
        first, last = np.searchsorted(self.times, [time, time + 1])
        at = int(first + np.searchsorted(self.ids[first:last], cell))
        return at if at < last and self.ids[at] == cell else -1
