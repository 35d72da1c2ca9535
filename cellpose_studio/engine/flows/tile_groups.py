"""Groups of the tiles of a network: where they lie, and what share each tile has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cellpose_studio.engine.flows.boxes import Box
from cellpose_studio.engine.flows.tiles import Tiling

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TileGroup:
    """Some tiles of some planes of one view of a time point.

    Attributes
    ----------
    key
        In the store.
    view
        Number in `VIEWS`; 0 for planes.
    planes, rows, columns
        Numbers of planes of the view, and of tiles on each.
    box
        What the tiles see of the view, (planes, y, x) at the scale of the network.
    """

    key: str
    t: int
    view: int
    planes: range
    rows: range
    columns: range
    box: Box

    @property
    def tiles(self) -> int:
        """How many tiles it has."""
        return len(self.planes) * len(self.rows) * len(self.columns)


def padded_box(cut: Tiling, row: int, column: int) -> Box:
    """Return what a tile covers of a plane, also beyond its borders."""
    ys, xs = cut.starts
    top, left = ys[row] - cut.pads[0][0], xs[column] - cut.pads[1][0]
    height, width = cut.tile
    return slice(top, top + height), slice(left, left + width)


def seen_by(cut: Tiling, planes: range, rows: range, columns: range) -> Box:
    """Return the box of planes that some tiles see."""
    first = padded_box(cut, rows.start, columns.start)
    last = padded_box(cut, rows.stop - 1, columns.stop - 1)
    spans = [
        slice(max(a.start, 0), min(b.stop, length))
        for a, b, length in zip(first, last, cut.size, strict=True)
    ]
    return slice(planes.start, planes.stop), *spans


def flips(at: tuple[int, ...]) -> tuple[bool, bool]:
    """Return whether a tile is flipped along Y, and along X, as in Cellpose."""
    _, row, column = at
    return column % 2 == 1, row % 2 == 1


def flipped(cut: Tiling, at: tuple[int, ...], tile: FloatArray) -> FloatArray:
    """Return a tile (Y, X, C) as the network sees it, or as it was before."""
    if not cut.augment:
        return tile
    upside, sideways = flips(at)
    return tile[:: -1 if upside else 1, :: -1 if sideways else 1]


def _taper(side: int, largest: int) -> npt.NDArray[np.float64]:
    """Return the weights along one side of a tile, of Cellpose's ``_taper_mask``."""
    size = max(224, largest)
    away = np.abs(np.arange(size) - (size - 1) / 2)
    weights = 1 / (1 + np.exp((away - (size / 2 - 20)) / 7.5))
    return weights[size // 2 - side // 2 : size // 2 + side // 2 + side % 2]


def shares(
    starts: list[int], side: int, length: int, largest: int
) -> list[npt.NDArray[np.float64]]:
    """Return the share of each tile in the mean, along one side of a plane."""
    taper = _taper(side, largest)
    total = np.zeros(length)
    for start in starts:
        total[start : start + side] += taper
    return [taper / total[start : start + side] for start in starts]
