"""Which cell each nucleus is in, at each time point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.masks.labels import cell_ids
from cellpose_studio.core.measure.compartments.choice import (
    LEAST_SHARE,
    CompartmentsUnfit,
)
from cellpose_studio.core.measure.inputs import Ids

Labels = npt.NDArray[np.uint32]
Counts = npt.NDArray[np.int64]

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class Found(NamedTuple):
    """Cells or nuclei at time points: (N,) time points from 0, and ids."""

    times: Counts
    ids: Ids

    def keys(self) -> npt.NDArray[np.uint64]:
        """Return (N,) one number for each."""
        return (self.times.astype(np.uint64) << _HALF) | self.ids


@dataclass(frozen=True, eq=False, kw_only=True)
class NucleiInCells:
    """Which cell each nucleus is in; sorted by time point, then by id.

    Attributes
    ----------
    nuclei
        N nuclei.
    owners
        (N,) the cell of each; 0 for an orphan.
    pixels
        (N,) the number of its pixels.
    cells
        M cells.
    """

    nuclei: Found
    owners: Ids
    pixels: Counts
    cells: Found

    @cached_property
    def counts(self) -> Counts:
        """(M,) number of nuclei of each cell."""
        rows = self._rows(self.owners > 0)
        return np.bincount(rows, minlength=len(self.cells.ids))

    @cached_property
    def texts(self) -> npt.NDArray[np.str_]:
        """(M,) ids of the nuclei of each cell: "3 8"; "" for none."""
        names: list[list[str]] = [[] for _ in self.cells.ids]
        there = self.owners > 0
        nuclei = self.nuclei.ids[there].tolist()
        for row, nucleus in zip(self._rows(there).tolist(), nuclei, strict=True):
            names[row].append(str(nucleus))
        return np.array([" ".join(one) for one in names], str)

    @property
    def orphans(self) -> Found:
        """The nuclei that are in no cell."""
        return _where(self.nuclei, self.owners == 0)

    @property
    def empty(self) -> Found:
        """The cells without a nucleus."""
        return _where(self.cells, self.counts == 0)

    @property
    def several(self) -> Found:
        """The cells with more than one nucleus."""
        return _where(self.cells, self.counts > 1)

    @property
    def remarkable(self) -> tuple[Found, Found, Found]:
        """Nuclei without a cell, cells without a nucleus, and cells with several."""
        return self.orphans, self.empty, self.several

    def names(self, frames: int, first: int) -> list[dict[int, int]]:
        """Return the id that each nucleus gets, so that nuclei and cells have one.

        The largest nucleus of a cell gets the id of the cell. All others keep theirs,
        unless a cell has it: then they get a new one.

        Parameters
        ----------
        frames
            Number of time points.
        first
            First of the new ids; no cell or nucleus has or had it, or a higher one.
        """
        taken, fresh = set(self.cells.ids.tolist()), count(first)
        largest = self._largest()
        spare: dict[int, int] = {}
        found: list[dict[int, int]] = [{} for _ in range(frames)]
        times, ids = self.nuclei
        for row, (time, nucleus) in enumerate(
            zip(times.tolist(), ids.tolist(), strict=True)
        ):
            if largest[row]:
                found[time][nucleus] = int(self.owners[row])
            else:
                found[time][nucleus] = _spare(nucleus, taken, spare, fresh)
        return found

    def _owners(self) -> Found:
        return Found(self.nuclei.times, self.owners)

    def _rows(self, there: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """Return the row of the cell of each nucleus that has one."""
        return np.searchsorted(self.cells.keys(), self._owners().keys()[there])

    def _largest(self) -> npt.NDArray[np.bool_]:
        """Return (N,) whether a nucleus is the largest of its cell."""
        keys = self._owners().keys()
        # Of equally large ones, the one with the lower id comes last.
        order = np.lexsort((-self.nuclei.ids.astype(np.int64), self.pixels, keys))
        last = np.append(keys[order][1:] != keys[order][:-1], True)[: len(order)]
        found = np.zeros(len(order), bool)
        found[order[last]] = True
        return found & (self.owners > 0)


def match_nuclei(
    nuclei: Labels, cells: Labels, least: float = LEAST_SHARE, in_time: bool = False
) -> NucleiInCells:
    """Return which cell each nucleus is in: the one that has most of its pixels.

    Parameters
    ----------
    nuclei, cells
        Label images of the same shape: YX, ZYX, TYX or TZYX.
    least
        Share of the pixels of a nucleus that have to lie in that cell. Of two cells
        with equal shares, the one with the lower id is taken.
    in_time
        Whether the first axis is time. Each time point is matched by itself, so ids
        need not be those of tracks.

    Raises
    ------
    CompartmentsUnfit
        If the shapes differ.
    """
    if nuclei.shape != cells.shape:
        raise CompartmentsUnfit(
            f"The masks of the nuclei have the shape {_by(nuclei.shape)}, those of the "
            f"cells {_by(cells.shape)}.",
            "Nuclei and cells have to be masks of the same image.",
        )
    pairs = zip(nuclei, cells, strict=True) if in_time else [(nuclei, cells)]
    parts = [_matched(some, others, least) for some, others in pairs]

    def times(of: int) -> Counts:
        return np.repeat(np.arange(len(parts)), [len(part[of]) for part in parts])

    ids, owners, pixels, every = map(np.concatenate, zip(*parts, strict=True))
    return NucleiInCells(
        nuclei=Found(times(0), ids),
        owners=owners,
        pixels=pixels,
        cells=Found(times(3), every),
    )


def _matched(
    nuclei: Labels, cells: Labels, least: float
) -> tuple[Ids, Ids, Counts, Ids]:
    """Return the nuclei of a time point, their cells, their sizes, and all cells."""
    inside = nuclei > 0
    ids, sizes = np.unique(nuclei[inside], return_counts=True)
    every = np.array(cell_ids(cells), np.uint32)
    both = inside & (cells > 0)
    keys = (nuclei[both].astype(np.uint64) << _HALF) | cells[both]
    pairs, shared = np.unique(keys, return_counts=True)
    owners, others = (pairs >> _HALF).astype(np.uint32), (pairs & _LOW).astype("u4")
    # The last one of each nucleus has most pixels, and the lowest id among equals.
    order = np.lexsort((-others.astype(np.int64), shared, owners))
    rows = np.searchsorted(ids, owners[order])
    enough = shared[order] >= least * sizes[rows]
    last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    found = np.zeros(len(ids), np.uint32)
    found[rows[last & enough]] = others[order][last & enough]
    return ids.astype(np.uint32), found, sizes, every


def _where(found: Found, chosen: npt.NDArray[np.bool_]) -> Found:
    return Found(found.times[chosen], found.ids[chosen])


def _spare(
    nucleus: int, taken: set[int], spare: dict[int, int], fresh: Iterator[int]
) -> int:
    if nucleus not in taken:
        return nucleus
    if nucleus not in spare:
        spare[nucleus] = next(fresh)
    return spare[nucleus]


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
