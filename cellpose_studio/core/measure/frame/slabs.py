"""Label images and channels in parts that fit into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.measure.inputs import Pixels, Region

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.uint32]

SLAB = 1 << 25
"""Pixels that are read at a time: those of a plane of 5,792 × 5,792."""

_BAND = 1 << 19
"""Pixels that a thread looks at a time, so that they stay in the cache."""


@dataclass(frozen=True)
class Part:
    """Some planes of a volume, or some rows of one plane."""

    planes: range
    rows: range


@dataclass(frozen=True)
class Volume:
    """One time point of a label image or a channel, as Z, Y and X.

    Attributes
    ----------
    pixels
        The whole array, or what reads it.
    before
        Index of the time point, if there is one.
    """

    pixels: Pixels
    before: Region

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lengths along Z, Y and X; a plane has one plane."""
        found = self.pixels.shape[len(self.before) :]
        z, y, x = (*([1] * (3 - len(found))), *found)
        return z, y, x

    def read(self, planes: range, rows: range) -> Array:
        """Return planes and rows, within bounds, as ZYX."""
        width = self.pixels.shape[-1]
        deep = len(self.pixels.shape) - len(self.before) == 3
        region = (
            *self.before,
            *([slice(planes.start, planes.stop)] if deep else []),
            slice(rows.start, rows.stop),
            slice(0, width),
        )
        found = np.asarray(self.pixels[region])
        return found.reshape(len(planes), len(rows), width)


def slabs(shape: tuple[int, int, int], size: int = SLAB) -> list[Part]:
    """Return parts of a volume, plane by plane and row by row.

    Each is of whole planes if one of these fits into ``size`` pixels.
    """
    z, y, x = shape
    if y * x <= size:
        step = max(1, size // (y * x))
        return [
            Part(range(at, min(at + step, z)), range(y)) for at in range(0, z, step)
        ]
    step = max(1, size // x)
    return [
        Part(range(plane, plane + 1), range(at, min(at + step, y)))
        for plane in range(z)
        for at in range(0, y, step)
    ]


def bands(part: Part, width: int) -> list[Part]:
    """Return parts of a slab for the threads."""
    rows = max(1, _BAND // width)
    return [
        Part(range(plane, plane + 1), range(at, min(at + rows, part.rows.stop)))
        for plane in part.planes
        for at in range(part.rows.start, part.rows.stop, rows)
    ]


class Slab:
    """Labels of a part of a volume, with their neighbours.

    Parameters
    ----------
    around
        Whether the neighbours are needed: they are read, too.
    """

    def __init__(self, volume: Volume, part: Part, around: bool) -> None:
        z, y, _ = volume.shape
        margin = int(around)
        self.part = part
        self._planes = range(
            max(part.planes.start - margin, 0), min(part.planes.stop + margin, z)
        )
        self._rows = range(
            max(part.rows.start - margin, 0), min(part.rows.stop + margin, y)
        )
        self._pixels = volume.read(self._planes, self._rows)

    def padded(self, band: Part) -> Labels:
        """Return (3, rows + 2, X + 2) labels around the one plane of a band.

        Beyond the image they are 0.
        """
        plane = band.planes.start
        _, _, width = self._pixels.shape
        found = np.zeros((3, len(band.rows) + 2, width + 2), np.uint32)
        rows = range(
            max(band.rows.start - 1, self._rows.start),
            min(band.rows.stop + 1, self._rows.stop),
        )
        first = rows.start - (band.rows.start - 1)
        for at, z in enumerate(range(plane - 1, plane + 2)):
            if z in self._planes:
                found[at, first : first + len(rows), 1:-1] = self._pixels[
                    z - self._planes.start,
                    rows.start - self._rows.start : rows.stop - self._rows.start,
                ]
        return found

    def plane(self, band: Part) -> Labels:
        """Return (rows, X) labels of a band."""
        top = band.rows.start - self._rows.start
        found = self._pixels[
            band.planes.start - self._planes.start, top : top + len(band.rows)
        ]
        return np.ascontiguousarray(found, np.uint32)


def grey_values(pixels: Array) -> Array:
    """Return pixels in one of the two types that compiled loops are made for.

    Of 64-bit integers beyond 2⁵³, the last digits are lost.
    """
    small = pixels.dtype.kind in "bu" and pixels.dtype.itemsize <= 2
    return np.ascontiguousarray(pixels, np.uint16 if small else np.float64)
