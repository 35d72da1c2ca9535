"""The measurements that a classifier of cells learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.columns import Column
from cellpose_studio.core.measure.inputs import Ids
from cellpose_studio.core.measure.measurements import Measurements

Values = npt.NDArray[np.float64]

_GROUPS = ("size", "shape", "hull", "intensity", "neighbours")
"""Where a cell is, its id and what was decided about it are no features of it."""

_NO_FEATURES = ("orientation", "nearest_cell", "background")
"""An angle to the image, an id, and a value of the whole image."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Features:
    """Features of cells.

    Attributes
    ----------
    ids
        (N,) each cell once.
    values
        (N, F), NaN where one is not known.
    """

    ids: Ids
    values: Values


def common_features(tables: Sequence[Measurements]) -> tuple[str, ...]:
    """Return the names of the columns that cells of all tables are compared by.

    Those in µm take the place of those in px where all tables have them.
    """
    if not tables:
        return ()
    names = [{c.name for c in table.columns if _is_feature(c)} for table in tables]
    common = set.intersection(*names)
    columns = [one for one in tables[0].columns if one.name in common]
    in_um = {(one.definition.name, one.channel) for one in columns if one.in_um}
    return tuple(
        one.name
        for one in columns
        if one.in_um or (one.definition.name, one.channel) not in in_um
    )


def missing_features(table: Measurements, names: Sequence[str]) -> tuple[str, ...]:
    """Return the features that a table lacks."""
    return tuple(name for name in names if name not in table.values)


def features_of(table: Measurements, names: Sequence[str]) -> Features:
    """Return features of the cells of a table.

    Those of a cell at several time points are its means over these.

    Raises
    ------
    KeyError
        If a column is missing.
    """
    columns = [table.values[name].astype(np.float64) for name in names]
    values = np.stack(columns, axis=1) if columns else np.zeros((len(table), 0))
    values[~np.isfinite(values)] = np.nan
    ids, place = np.unique(table.ids, return_inverse=True)
    if len(ids) == len(table):
        order = np.argsort(table.ids)
        return Features(ids=ids, values=values[order])
    known = np.isfinite(values)
    total, count = (np.zeros((len(ids), len(names))) for _ in range(2))
    np.add.at(total, place, np.where(known, values, 0.0))
    np.add.at(count, place, known)
    unknown = np.full(total.shape, np.nan)
    return Features(
        ids=ids, values=np.divide(total, count, out=unknown, where=count > 0)
    )


def _is_feature(column: Column) -> bool:
    return (
        column.group in _GROUPS
        and not column.is_text
        and column.definition.name not in _NO_FEATURES
    )
