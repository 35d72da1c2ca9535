"""Measures the cells of one time point, part by part."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.masks.labels import unique_ids
from cellpose_studio.core.measure.definition import Group
from cellpose_studio.core.measure.frame import cell_pass
from cellpose_studio.core.measure.frame.crofton import perimeters, surfaces
from cellpose_studio.core.measure.frame.hull_pass import measure_hulls
from cellpose_studio.core.measure.frame.intensities import measure_channel
from cellpose_studio.core.measure.frame.moments import moments_of
from cellpose_studio.core.measure.frame.neighbours import nearest_cells, touching_cells
from cellpose_studio.core.measure.frame.slabs import (
    Part,
    Slab,
    Volume,
    bands,
    slabs,
)
from cellpose_studio.core.measure.frame.workers import Workers
from cellpose_studio.core.measure.inputs import Channel, Ids, Pixels, Region
from cellpose_studio.core.measure.raw import Intensities, Shapes
from cellpose_studio.core.measure.scale import Scale

Sums = npt.NDArray[np.int64]
Array = npt.NDArray[Any]

_ROOM = 1 << 28
"""Bytes that the sums of all threads may take: each has those of every cell."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The cells of one time point.

    Attributes
    ----------
    ids
        (N,) ascending.
    shapes, intensities
        What was measured, the intensities for each channel.
    """

    ids: Ids
    shapes: Shapes
    intensities: list[Intensities]


def measured_frame(
    labels: Pixels,
    channels: Sequence[Channel],
    before: Region,
    scale: Scale,
    groups: Collection[Group],
    checkpoint: Checkpoint,
    threads: int,
    slab: int,
) -> Frame:
    """Measure the cells of one time point; parameters as of `measure_cells`.

    Parameters
    ----------
    before
        Index of the time point, if there is one.
    """
    volume = Volume(labels, before)
    deep = len(labels.shape) - len(before) == 3
    parts = slabs(volume.shape, slab)
    if len(parts) == 1:
        # What fits into memory is read once.
        volume = Volume(volume.read(parts[0].planes, parts[0].rows), ())
    with Workers(threads, checkpoint) as workers:
        ids = _ids(volume, parts, workers)
        workers.count = _threads(len(ids), workers.count)
        sums, pairs = _sums(volume, parts, ids, deep, workers)
        hull = feret = np.full(len(ids), np.nan)
        if "hull" in groups:
            hull, feret = measure_hulls(
                volume, parts, ids, sums, scale.steps, deep, workers
            )
        shapes = _shapes(ids, sums, pairs, scale, deep, hull, feret, volume.shape)
        measured = channels if "intensity" in groups else ()
        intensities = [
            measure_channel(
                volume, Volume(one.pixels, before), one.grey, parts, ids, sums, workers
            )
            for one in measured
        ]
    return Frame(ids, shapes, intensities)


def _ids(volume: Volume, parts: Sequence[Part], workers: Workers) -> Ids:
    found = [np.zeros(0, np.uint32)]
    for part in parts:
        seen = Slab(volume, part, around=False)

        def of_bands(_: int, share: Sequence[Part], seen: Slab = seen) -> list[Array]:
            return [unique_ids(seen.plane(band)) for band in workers.each(share)]

        for ids in workers.share(bands(part, volume.shape[2]), of_bands):
            found += ids
    every = np.unique(np.concatenate(found))
    return every[every > 0]


def _threads(cells: int, threads: int) -> int:
    """Return how many threads have room for the sums of all cells, at least 2."""
    of_one = max(cells, 1) * cell_pass.WIDTH * np.dtype(np.int64).itemsize
    return min(threads, max(2, _ROOM // of_one))


def _sums(
    volume: Volume, parts: Sequence[Part], ids: Ids, deep: bool, workers: Workers
) -> tuple[Sums, cell_pass.Pairs]:
    """Return the sums of all cells, and the pairs of cells that touch."""
    kept = [cell_pass.new_sums(len(ids)) for _ in range(workers.count)]
    tables = [(np.zeros(1 << 10, np.uint64), 0) for _ in range(workers.count)]
    for number, part in enumerate(parts):
        seen = Slab(volume, part, around=True)

        def of_bands(
            worker: int, share: Sequence[Part], seen: Slab = seen, number: int = number
        ) -> None:
            for band in workers.each(share):
                place = band.planes.start, band.rows.start, number
                tables[worker] = cell_pass.measure_band(
                    seen.padded(band), ids, place, deep, kept[worker], *tables[worker]
                )

        workers.share(bands(part, volume.shape[2]), of_bands)
    first, *others = kept
    for sums in others:
        cell_pass.merge_sums(first, sums)
    pairs = np.unique(np.concatenate([table for table, _ in tables]))
    return first, pairs[pairs > 0]


def _shapes(
    ids: Ids,
    sums: Sums,
    pairs: cell_pass.Pairs,
    scale: Scale,
    deep: bool,
    hull: Array,
    feret: Array,
    shape: tuple[int, ...],
) -> Shapes:
    moments = moments_of(sums, scale.steps, deep)
    low = sums[:, cell_pass.LOW_Z : cell_pass.LOW_X + 1]
    high = sums[:, cell_pass.HIGH_Z : cell_pass.HIGH_X + 1]
    at_edge = (low[:, 1:] == 0) | (high[:, 1:] == np.array(shape[1:]))
    nearest, nearest_cell = nearest_cells(moments.centre * scale.steps, ids)
    return Shapes(
        pixels=sums[:, cell_pass.PIXELS],
        centre=moments.centre,
        low=low,
        high=high,
        at_edge=np.any(at_edge, axis=1),
        boundary=(surfaces if deep else perimeters)(sums, scale.steps),
        axes=moments.axes,
        angle=moments.angle,
        roundness=moments.roundness,
        hull=hull,
        feret=feret,
        touching=touching_cells(pairs, ids),
        nearest=nearest,
        nearest_cell=nearest_cell,
    )
