"""Large images made of copies of a real one, tiled with flips."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import tifffile

ROOT = Path(__file__).parents[2]
SOURCE = ROOT.parent / "shared/data/2d_nuclei_fluo/nuc_175dbb.tif"
"""179 nuclei of 28 px on 520 × 696; ``_masks.tif`` beside it has the true masks."""

DIAMETER = 28.0
BLOCK = 2048

Array = npt.NDArray[Any]


def masks_of(path: Path) -> Path:
    """Return the file of the masks of an image."""
    return path.with_name(f"{path.stem}_masks.tif")


def random_blocks(side: int) -> list[int]:
    """Return all blocks of an image in an order of their own."""
    blocks = -(-side // BLOCK)
    order: list[int] = np.random.default_rng(3).permutation(blocks**2).tolist()
    return order


def write_tiled(
    path: Path,
    side: int,
    source: Path = SOURCE,
    full: Collection[int] | None = None,
    enlarge: int = 1,
) -> None:
    """Write a uint16 image block by block, with cells in those that are ``full``.

    Others have noise of few values, as the glass of a slide. None are all blocks. Cells
    are ``enlarge`` times as wide as those of the source.
    """
    tile = tifffile.imread(source).astype(np.uint16) * 100 + 100
    height, width = tile.shape
    tile = cv2.resize(tile, (enlarge * width, enlarge * height))
    tile = np.block([[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]])
    random = np.random.default_rng(3)
    pixels = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, bigtiff=True)
    for number, (rows, columns) in enumerate(_blocks(side)):
        block = pixels[rows, columns]
        block[...] = random.integers(100, 104, block.shape)
        if full is None or number in full:
            block += _part(tile, rows, columns)
    pixels.flush()


def write_masks(
    path: Path, side: int, source: Path = SOURCE, full: Collection[int] | None = None
) -> int:
    """Write the true masks of those cells as uint32; return how many there are."""
    labels = tifffile.imread(masks_of(source)).astype(np.uint32)
    count = int(labels.max())
    flipped = [
        np.where(one > 0, one + n * count, 0)
        for n, one in enumerate(
            (labels, labels[:, ::-1], labels[::-1], labels[::-1, ::-1])
        )
    ]
    tile = np.block([flipped[:2], flipped[2:]]).astype(np.uint32)
    height, width = tile.shape
    masks = tifffile.memmap(path, shape=(side, side), dtype=np.uint32, bigtiff=True)
    cells = 0
    across = -(-side // width)
    for number, (rows, columns) in enumerate(_blocks(side)):
        if full is not None and number not in full:
            continue
        part = _part(tile, rows, columns)
        copies = np.add.outer(
            np.arange(rows.start, rows.stop) // height * across,
            np.arange(columns.start, columns.stop) // width,
        )
        part = np.where(part > 0, part + copies * 4 * count, 0)
        masks[rows, columns] = part
        cells += len(np.unique(part)) - 1
    masks.flush()
    return cells


def _blocks(side: int) -> list[tuple[slice, slice]]:
    spans = [slice(n, min(n + BLOCK, side)) for n in range(0, side, BLOCK)]
    return [*product(spans, spans)]


def _part(tile: Array, rows: slice, columns: slice) -> Array:
    height, width = tile.shape
    y = np.arange(rows.start, rows.stop) % height
    x = np.arange(columns.start, columns.stop) % width
    return tile[np.ix_(y, x)]
