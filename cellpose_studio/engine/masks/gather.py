"""Cells from the places where pixels gather.

The cells, and their numbers, are those of Cellpose's ``dynamics.get_masks_torch``,
which takes several times as long and much memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from cellpose_studio.core.compiling.compiled import compiled

Counts = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Labels = npt.NDArray[np.integer]
Shape = tuple[int, int, int]

_NEAR = 2
"""Distance in which no other pixel may hold more, for a pixel to be a seed."""
_MOST_BELOW_A_SEED = 10
"""A seed holds more pixels than this."""
GROWTH = 5
"""Steps by which a cell grows from its seed."""
_MOST_OUTSIDE = 2
"""A pixel to which a cell grows holds more pixels than this."""


def cells_at(
    ends: Counts,
    cellprob: FloatArray,
    threshold: float,
    max_size_fraction: float,
) -> Labels:
    """Return the cells of a plane or volume: labels from 1 of the shape of `cellprob`.

    Parameters
    ----------
    ends
        For each pixel the flat index of the one that it reaches.
    cellprob, threshold
        Only pixels that are more probable belong to cells.
    max_size_fraction
        Cells larger than this share of the image are removed.
    """
    shape = (1, *cellprob.shape)[-3:]
    probable = np.ascontiguousarray(cellprob).reshape(-1)
    limit = np.float32(threshold)
    held = np.zeros(len(probable), np.int32)
    _count(ends, probable, limit, held)
    seeds = seeds_of(held, shape)
    # The largest one is last, and wins the pixels that several reach. Torch's sort is
    # not stable, so another one would let others win among equals than in Cellpose.
    seeds = seeds[torch.from_numpy(held[seeds]).argsort().numpy()]
    places = np.zeros(len(probable), np.int32)
    grow(seeds, held, shape, places)
    # Cellpose returns the smaller type where it suffices.
    dtype: type[np.integer] = np.uint16 if len(seeds) < 2**16 else np.uint32
    labels: Labels = np.zeros(cellprob.size, dtype)
    largest = cellprob.size * max_size_fraction
    _assign(ends, probable, limit, places, len(seeds), largest, labels)
    return labels.reshape(cellprob.shape)


@compiled
def _count(
    ends: Counts, probable: FloatArray, threshold: np.float32, held: Counts
) -> None:
    """Count the pixels that end in each pixel."""
    for n in range(len(ends)):
        if probable[n] > threshold:
            held[ends[n]] += 1


@compiled
def seeds_of(held: Counts, shape: Shape) -> Indices:
    """Return the pixels that hold as many as any pixel near, in their order."""
    depth, height, width = shape
    # A part of an image may hold more pixels than it has itself.
    seeds = np.empty(held.sum() // (_MOST_BELOW_A_SEED + 1) + 1, np.int64)
    count = 0
    for at in range(len(held)):
        if held[at] <= _MOST_BELOW_A_SEED:
            continue
        rest, x = divmod(at, width)
        z, y = divmod(rest, height)
        is_seed = True
        for k in range(max(z - _NEAR, 0), min(z + _NEAR + 1, depth)):
            for j in range(max(y - _NEAR, 0), min(y + _NEAR + 1, height)):
                for i in range(max(x - _NEAR, 0), min(x + _NEAR + 1, width)):
                    is_seed &= held[(k * height + j) * width + i] <= held[at]
        if is_seed:
            seeds[count] = at
            count += 1
    return seeds[:count]


@compiled
def grow(seeds: Indices, held: Counts, shape: Shape, places: Counts) -> None:
    """Write the number of each seed into the pixels around it that hold some."""
    depth, height, width = shape
    side = 2 * GROWTH + 1
    queue = np.empty(side**3, np.int64)
    for number in range(1, len(seeds) + 1):
        seed = seeds[number - 1]
        queue[0] = seed
        places[seed] = number
        first, last = 0, 1
        for _ in range(GROWTH):
            end = last
            while first < end:
                rest, x = divmod(queue[first], width)
                z, y = divmod(rest, height)
                first += 1
                for k in range(max(z - 1, 0), min(z + 2, depth)):
                    for j in range(max(y - 1, 0), min(y + 2, height)):
                        for i in range(max(x - 1, 0), min(x + 2, width)):
                            at = (k * height + j) * width + i
                            if held[at] > _MOST_OUTSIDE and places[at] != number:
                                places[at] = number
                                queue[last] = at
                                last += 1


@compiled
def _assign(
    ends: Counts,
    probable: FloatArray,
    threshold: np.float32,
    places: Counts,
    seeds: int,
    largest: float,
    labels: Labels,
) -> None:
    """Write the cell of each pixel, numbered from 1 in the order of their pixels."""
    sizes = np.zeros(seeds + 1, np.int64)
    for n in range(len(ends)):
        if probable[n] > threshold:
            sizes[places[ends[n]]] += 1
    numbers = np.zeros(seeds + 1, np.int64)
    used = 0
    for n in range(len(ends)):
        if probable[n] > threshold:
            place = places[ends[n]]
            if place and sizes[place] <= largest:
                if numbers[place] == 0:
                    used += 1
                    numbers[place] = used
                labels[n] = numbers[place]
