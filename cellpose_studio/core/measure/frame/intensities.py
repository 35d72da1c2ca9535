"""Intensities of the cells of one time point in one channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.grey_calibration import GreyCalibration
from cellpose_studio.core.measure.frame import value_pass
from cellpose_studio.core.measure.frame.cell_pass import LAST, PIXELS
from cellpose_studio.core.measure.frame.slabs import (
    Part,
    Slab,
    Volume,
    bands,
    grey_values,
)
from cellpose_studio.core.measure.frame.workers import Workers
from cellpose_studio.core.measure.inputs import Ids
from cellpose_studio.core.measure.raw import Intensities

Array = npt.NDArray[Any]
Counts = npt.NDArray[np.int64]
Sums = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_SAMPLE = 1 << 20
"""Pixels that the background is the median of; of more, every n-th one is used."""


def measure_channel(
    labels: Volume,
    pixels: Volume,
    grey: GreyCalibration,
    parts: Sequence[Part],
    ids: Ids,
    sums: Sums,
    workers: Workers,
) -> Intensities:
    """Measure the intensities of all cells.

    The values of each cell are collected until its last part has been read.

    Parameters
    ----------
    sums
        As of `cell_pass.measure_band`.
    """
    found = np.full((len(ids), 7), np.nan)
    step = _step(labels.shape, int(sums[:, PIXELS].sum()))
    outside = [np.zeros(0)]
    kept = _Kept.nothing(len(ids))
    for number, part in enumerate(parts):
        slab = _ChannelSlab(labels, pixels, part)
        outside += _background(slab, step, workers)
        kept = _describe(slab, ids, sums[:, LAST] <= number, kept, found, workers)
    every = np.concatenate(outside)
    background = np.median(every, keepdims=True) if len(every) else np.array([np.nan])
    return _calibrated(found, float(background[0]), grey)


@dataclass(frozen=True, eq=False)
class _Kept:
    """Values of cells that go on in the next part.

    Attributes
    ----------
    values
        Of all cells, one after the other.
    starts, counts
        (N,) where those of each cell begin, and how many they are.
    """

    values: Array | None
    starts: Counts
    counts: Counts

    @classmethod
    def nothing(cls, cells: int) -> _Kept:
        return cls(None, np.zeros(cells, np.int64), np.zeros(cells, np.int64))


class _ChannelSlab:
    """Labels and grey values of a part of a volume."""

    def __init__(self, labels: Volume, pixels: Volume, part: Part) -> None:
        self._part = part
        self._labels = Slab(labels, part, around=False)
        self._pixels = pixels.read(part.planes, part.rows)
        self._height = labels.shape[1]
        self.bands = bands(part, labels.shape[2])
        self.dtype = grey_values(self._pixels[:0]).dtype

    def labels(self, band: Part) -> Array:
        """Return (rows, X) labels."""
        return self._labels.plane(band)

    def grey(self, band: Part) -> Array:
        """Return (rows, X) grey values."""
        top = band.rows.start - self._part.rows.start
        plane = self._pixels[band.planes.start - self._part.planes.start]
        return grey_values(plane[top : top + len(band.rows)])

    def first(self, band: Part) -> int:
        """Return the number of the first pixel of a band in the volume."""
        row = band.planes.start * self._height + band.rows.start
        return row * self._pixels.shape[2]


def _step(shape: tuple[int, int, int], covered: int) -> int:
    step = max(1, -(-(math.prod(shape) - covered) // _SAMPLE))
    # With a common divisor, the pixels would all lie in some of the columns.
    while math.gcd(step, shape[2]) > 1:
        step += 1
    return step


def _background(slab: _ChannelSlab, step: int, workers: Workers) -> list[Values]:
    def of_bands(_: int, share: Sequence[Part]) -> list[Values]:
        found = []
        for band in workers.each(share):
            labels = slab.labels(band)
            values = np.empty(labels.size // step + 1)
            count = value_pass.background(
                labels, slab.grey(band), slab.first(band), step, values
            )
            found.append(values[:count])
        return found

    return [part for parts in workers.share(slab.bands, of_bands) for part in parts]


def _describe(
    slab: _ChannelSlab,
    ids: Ids,
    ended: npt.NDArray[np.bool_],
    kept: _Kept,
    found: Values,
    workers: Workers,
) -> _Kept:
    """Describe the cells that end in a part; return the values of the others."""
    counts = np.zeros((workers.count, len(ids)), np.int64)

    def count(worker: int, share: Sequence[Part]) -> None:
        for band in workers.each(share):
            value_pass.count_pixels(slab.labels(band), ids, counts[worker])

    workers.share(slab.bands, count)
    sizes = counts.sum(axis=0) + kept.counts
    stops = np.cumsum(sizes)
    starts = stops - sizes
    values = np.empty(int(sizes.sum()), slab.dtype)
    if kept.values is not None:
        before = np.flatnonzero(kept.counts)
        value_pass.copy_parts(
            kept.values,
            kept.starts[before],
            (kept.starts + kept.counts)[before],
            values,
            starts[before],
        )
    # Each thread has a place of its own among the values of a cell.
    ends = starts + kept.counts + np.cumsum(counts, axis=0) - counts

    def sort(worker: int, share: Sequence[Part]) -> None:
        for band in workers.each(share):
            value_pass.sort_values(
                slab.labels(band), slab.grey(band), ids, ends[worker], values
            )

    workers.share(slab.bands, sort)
    going = (sizes > 0) & ~ended
    _describe_rows(
        values, starts, stops, np.flatnonzero(ended & (sizes > 0)), found, workers
    )
    rows = np.flatnonzero(going)
    if not len(rows):
        return _Kept.nothing(len(ids))
    left = np.where(going, sizes, 0)
    places = np.cumsum(left) - left
    others = np.empty(int(left.sum()), values.dtype)
    value_pass.copy_parts(values, starts[rows], stops[rows], others, places[rows])
    return _Kept(others, places, left)


def _describe_rows(
    values: Array,
    starts: Counts,
    stops: Counts,
    rows: Counts,
    found: Values,
    workers: Workers,
) -> None:
    def describe(_: int, share: Sequence[Counts]) -> None:
        for some in workers.each(share):
            value_pass.describe(values, starts[some], stops[some], some, found)

    workers.share(np.array_split(rows, 16 * workers.count), describe)


def _calibrated(found: Values, background: float, grey: GreyCalibration) -> Intensities:
    low, high = (grey.level(found[:, c]) for c in (value_pass.LOW, value_pass.HIGH))
    return Intensities(
        mean=grey.level(found[:, value_pass.MEAN]),
        # A falling line turns the lowest value into the highest one.
        low=np.minimum(low, high),
        high=np.maximum(low, high),
        total=grey.total(found[:, value_pass.TOTAL], found[:, value_pass.FINITE]),
        deviation=grey.spread(found[:, value_pass.DEVIATION]),
        median=grey.level(found[:, value_pass.MEDIAN]),
        background=float(grey.level(np.array(background))),
    )
