"""Large images made of copies of a real one, tiled with flips."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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

_GRID = 64
_TILE = 512
_DARK, _NOISE = 200, 12
"""Grey values of a camera without light, and their standard deviation."""
_VISIBLE = 0.5
"""Share of tissue from which a nucleus is taken to be there."""

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
    tile = _flipped(source, enlarge)
    random = np.random.default_rng(3)
    pixels = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, bigtiff=True)
    for number, (rows, columns) in enumerate(_blocks(side)):
        block = pixels[rows, columns]
        block[...] = random.integers(100, 104, block.shape)
        if full is None or number in full:
            block += _part(tile, rows, columns)
    pixels.flush()


def write_masks(
    path: Path,
    side: int,
    source: Path = SOURCE,
    full: Collection[int] | None = None,
    there: Array | None = None,
) -> int:
    """Write the true masks of those cells as uint32; return how many there are.

    Only where ``there`` is `tissue`, if that is given.
    """
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
        if there is not None:
            part[_at(there, rows, columns) < _VISIBLE] = 0
        masks[rows, columns] = part
        cells += len(np.unique(part)) - 1
    masks.flush()
    return cells


def tissue(side: int, share: float) -> Array:
    """Return how much tissue a slide has, 0 to 1, on a grid of 64 px.

    A few pieces with soft borders fill about a ``share`` of the area.
    """
    cells = -(-side // _GRID)
    rough = np.random.default_rng(7).normal(size=(cells, cells)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), cells / 12)
    inside = (smooth > np.quantile(smooth, 1 - share)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), 1.0))


def write_slide(
    path: Path, side: int, share: float, source: Path = SOURCE, enlarge: int = 1
) -> None:
    """Write a uint16 image as slide scanners do: in tiles of 512 px, compressed.

    Tissue with nuclei of the source fills a ``share`` of it. All of it has noise, as a
    camera has where there is no light.
    """
    tile = _flipped(source, enlarge) - np.uint16(100)
    there = tissue(side, share)
    random = np.random.default_rng(3)

    def tiles() -> Iterator[Array]:
        for rows, columns in _blocks(side, _TILE):
            noise = random.normal(_DARK, _NOISE, (_TILE, _TILE))
            full = _at(there, rows, columns)
            height, width = full.shape
            noise[:height, :width] += full * _part(tile, rows, columns)
            yield noise.round().astype(np.uint16)

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side),
        dtype=np.uint16,
        tile=(_TILE, _TILE),
        compression="zlib",
        compressionargs={"level": 1},
        bigtiff=True,
    )


def _at(there: Array, rows: slice, columns: slice) -> Array:
    """Return the tissue of a part of a slide, pixel by pixel."""
    ys, xs = (
        (np.arange(span.start, span.stop, dtype=np.float32) + 0.5) / _GRID - 0.5
        for span in (rows, columns)
    )
    grid = np.meshgrid(xs, ys)
    return cv2.remap(there, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _flipped(source: Path, enlarge: int) -> Array:
    """Return a uint16 image and its flips, which go on into each other."""
    tile = tifffile.imread(source).astype(np.uint16) * 100 + 100
    height, width = tile.shape
    tile = cv2.resize(tile, (enlarge * width, enlarge * height))
    return np.block([[tile, tile[:, ::-1]], [tile[::-1], tile[::-1, ::-1]]])


def _blocks(side: int, length: int = BLOCK) -> list[tuple[slice, slice]]:
    spans = [slice(n, min(n + length, side)) for n in range(0, side, length)]
    return [*product(spans, spans)]


def _part(tile: Array, rows: slice, columns: slice) -> Array:
    height, width = tile.shape
    y = np.arange(rows.start, rows.stop) % height
    x = np.arange(columns.start, columns.stop) % width
    return tile[np.ix_(y, x)]
