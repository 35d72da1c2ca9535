"""Cells of a block from where pixels end, as `engine.masks.gather` finds them.

A cell is known by its seed: the pixel of the whole image that holds more pixels than
those around it. Pixels of two blocks that end at one seed have the same key, so that
cells at the border of blocks need no search for partners.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.blocks.carrying import local
from cellpose_studio.engine.flows.boxes import (
    Box,
    Shape,
    grown,
    meets,
    shape_of,
    start_of,
)
from cellpose_studio.engine.masks.fill import numbered
from cellpose_studio.engine.masks.gather import GROWTH, grow, seeds_of

Counts = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int64]
Labels = npt.NDArray[np.uint32]


def around_ends(ends: Box, shape: Shape) -> Box:
    """Return the box in which it has to be known how many pixels each pixel holds.

    A seed is looked for as far as cells grow, and it takes as much around it to tell
    that it is one, and how it grows.
    """
    return grown(ends, (2 * GROWTH,) * 3, shape)


def seeded(
    ends: Indices, held: Counts, around: Box, shape: Shape
) -> tuple[Labels, Indices]:
    """Return the cells of a block.

    Parameters
    ----------
    ends
        (z, y, x) flat index in the part that each pixel reaches; -1 if it has none.
    held
        How many pixels those in ``around``, from `around_ends`, hold.
    shape
        Of the part.

    Returns
    -------
    (z, y, x) labels from 1 in raster order, and (N,) flat indices of their seeds.
    """
    size = shape_of(around)
    flat = held.reshape(-1)
    seeds = seeds_of(flat, (size[0], size[1], size[2]))
    # Where the box ends within the part, what is a seed depends on pixels beyond.
    inside = grown(around, (-GROWTH,) * 3, shape)
    whole = tuple(
        slice(
            outer.start if outer.start == 0 else span.start,
            outer.stop if outer.stop == length else span.stop,
        )
        for span, outer, length in zip(inside, around, shape, strict=True)
    )
    places = np.stack(np.unravel_index(seeds, size), -1) + start_of(around)
    seeds = seeds[meets(places, places + 1, whole)]
    # The largest is last, and wins; of equal ones the last in the image.
    seeds = seeds[np.argsort(flat[seeds], kind="stable")]
    numbers = np.zeros(len(flat), np.int32)
    grow(seeds, flat, (size[0], size[1], size[2]), numbers)
    there = ends >= 0
    reached: Labels = np.zeros(ends.shape, np.uint32)
    reached[there] = numbers[local(ends[there], shape, around)]
    rows = reached.reshape(-1, reached.shape[-1])
    labels = numbered(rows, np.ones(len(seeds) + 1, np.bool_)).reshape(ends.shape)
    seed_of = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    seed_of[labels] = reached
    at = np.stack(np.unravel_index(seeds[seed_of[1:] - 1], size), -1)
    keys = np.ravel_multi_index(tuple((at + start_of(around)).T), shape)
    return labels, np.asarray(keys, np.int64)
