"""Nuclei and cells together: matched by overlap, and measured as compartments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.columns import Column
from cellpose_studio.core.measure.inputs import Ids
from cellpose_studio.core.measure.measurements import Measurements
from cellpose_studio.core.measure.scale import Scale

Labels = npt.NDArray[np.uint32]

LEAST_SHARE = 0.5
"""Share of a nucleus that has to lie in a cell, at least."""


@dataclass(frozen=True, eq=False, kw_only=True)
class NucleiInCells:
    """Which cell each nucleus is in.

    Attributes
    ----------
    nuclei, cells
        (N,) ids of the nuclei, ascending, and of their cells; 0 for an orphan.
    without
        (M,) ids of the cells without a nucleus, ascending.
    """

    nuclei: Ids
    cells: Ids
    without: Ids

    @property
    def orphans(self) -> Ids:
        """Ids of the nuclei that are in no cell."""
        return self.nuclei[self.cells == 0]

    @property
    def several(self) -> dict[int, tuple[int, ...]]:
        """The nuclei of each cell with more than one."""
        found: dict[int, tuple[int, ...]] = {}
        cells, counts = np.unique(self.cells[self.cells > 0], return_counts=True)
        for cell in cells[counts > 1].tolist():
            found[cell] = tuple(self.nuclei[self.cells == cell].tolist())
        return found


def match_nuclei(
    nuclei: Labels, cells: Labels, least: float = LEAST_SHARE
) -> NucleiInCells:
    """Return which cell each nucleus is in: the one that has most of its pixels.

    Parameters
    ----------
    nuclei, cells
        Label images of the same shape. In a time series, a nucleus belongs to one cell
        over all time points.
    least
        Share of the pixels of a nucleus that have to lie in that cell. Of two cells
        with equal shares, the one with the lower id is taken.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if nuclei.shape != cells.shape:
        raise ValueError(f"nuclei {nuclei.shape}, but cells {cells.shape}")
    inside = nuclei > 0
    ids, sizes = np.unique(nuclei[inside], return_counts=True)
    both = inside & (cells > 0)
    keys = (nuclei[both].astype(np.uint64) << np.uint64(32)) | cells[both]
    pairs, shared = np.unique(keys, return_counts=True)
    owners = (pairs >> np.uint64(32)).astype(np.uint32)
    others = (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    # The last one of each nucleus has most pixels, and the lowest id among equals.
    order = np.lexsort((-others.astype(np.int64), shared, owners))
    found = np.zeros(len(ids), np.uint32)
    rows = np.searchsorted(ids, owners[order])
    enough = shared[order] >= least * sizes[rows]
    last = np.append(rows[1:] != rows[:-1], True) if len(rows) else enough
    found[rows[last & enough]] = others[order][last & enough]
    every = np.unique(cells)
    without = np.setdiff1d(every[every > 0], found)
    return NucleiInCells(
        nuclei=ids.astype(np.uint32), cells=found, without=without.astype(np.uint32)
    )


def with_ids_of_cells(nuclei: Labels, found: NucleiInCells) -> Labels:
    """Return nuclei with the ids of their cells; orphans are left out.

    Nuclei of one cell have one id.
    """
    if not len(found.nuclei):
        return np.zeros_like(nuclei)
    rows = np.minimum(np.searchsorted(found.nuclei, nuclei), len(found.nuclei) - 1)
    return np.where(nuclei > 0, found.cells[rows], np.uint32(0))


def cytoplasm(cells: Labels, nuclei: Labels) -> Labels:
    """Return cells without the pixels of nuclei, of whichever cell and of orphans."""
    return np.where(nuclei > 0, np.uint32(0), cells)


def rings(
    nuclei: Labels,
    width: float,
    gap: float = 0.0,
    cells: Labels | None = None,
    scale: Scale | None = None,
    in_time: bool = False,
) -> Labels:
    """Return rings around nuclei, with their ids.

    Each pixel belongs to the ring of the nucleus that is closest.

    Parameters
    ----------
    width, gap
        Of the ring, and between nucleus and ring, in heights of a pixel.
    cells
        Where given, a ring ends at the edge of the cell with the id of the nucleus.
    scale
        For the proportions of a pixel.
    in_time
        Whether the first axis is time: rings do not reach over it.
    """
    from skimage.segmentation import expand_labels

    frames = nuclei if in_time else nuclei[None]
    steps = (scale or Scale()).steps[-(frames.ndim - 1) :]
    found = np.zeros_like(frames)
    for ring, frame in zip(found, frames, strict=True):
        outer = expand_labels(frame, gap + width, spacing=steps)
        inner = expand_labels(frame, gap, spacing=steps) if gap > 0 else frame
        ring[...] = np.where(inner > 0, 0, outer)
    result = found if in_time else found[0]
    return result if cells is None else np.where(cells == result, result, np.uint32(0))


def joined(cells: Measurements, parts: Mapping[str, Measurements]) -> Measurements:
    """Return measurements of cells with those of their compartments as columns.

    Parameters
    ----------
    cells
        Of the whole cells: its rows are those of the result.
    parts
        Measurements with the ids of the cells, by the name of the compartment, such
        as "nucleus". Their columns get the name in front; a row without the
        compartment is empty.
    """
    columns = list(cells.columns)
    values: dict[str, npt.NDArray[Any]] = dict(cells.values)
    for name, part in parts.items():
        rows, there = _rows(cells, part)
        for column in part.columns:
            own = _of_compartment(column, name)
            columns.append(own)
            empty = "" if column.is_text else np.nan
            found = np.full(len(cells), empty, part.values[column.name].dtype)
            found[there] = part.values[column.name][rows[there]]
            values[own.name] = found
    return replace(cells, columns=tuple(columns), values=values)


def _rows(
    cells: Measurements, part: Measurements
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the row of each cell among those of a compartment, and whether it is."""
    wanted, known = _keys(cells), _keys(part)
    rows = np.searchsorted(known, wanted)
    inside = np.minimum(rows, max(len(known) - 1, 0))
    there = known[inside] == wanted if len(known) else np.zeros(len(wanted), bool)
    return inside, there


def _keys(found: Measurements) -> npt.NDArray[np.uint64]:
    return (found.times.astype(np.uint64) << np.uint64(32)) | found.ids


def _of_compartment(column: Column, name: str) -> Column:
    return replace(
        column,
        name=f"{name}_{column.name}",
        title=f"{name.capitalize()}: {column.title}",
        text=f"Of the {name}: {column.text}",
    )
