"""Readers of images to which a step has added a channel, or changed its pixels.

What they give of a part of an image is what they give of all of it, so that a run in
blocks sees the same as a run on the whole image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import finite, is_wide

FloatArray = npt.NDArray[np.floating[Any]]
Region = tuple[slice, ...]

Check = Callable[[], None]
"""Raises `Cancelled` after a stop."""

Combine = Callable[[FloatArray], FloatArray]
"""Makes a plane (Y, X) of one channel of those (N, Y, X) of several, pixel by pixel."""

Change = Callable[[FloatArray], FloatArray]
"""Changes a plane (Y, X) of a channel; pixels that are no number stay so."""

_BAND = 1024
"""Rows of a plane that are changed at once."""

_WINDOWS, _WINDOW = 4, 256
"""Windows along each side of a plane, and their size, px, that tell its contrast."""


def work_dtype(image: ImageSource) -> np.dtype[np.floating[Any]]:
    """Return the type in which pixels of an image keep their contrast."""
    return np.dtype(np.float64 if is_wide(image.dtype) else np.float32)


def with_channel(
    image: ImageSource, name: str, needed: Sequence[int], combine: Combine, check: Check
) -> ImageSource:
    """Return an image with one more channel, which is made of ``needed``, from 0."""
    t, c, z, y, x = image.shape
    reader = _AddedChannel(image, tuple(needed), combine, check)
    return replace(
        image,
        shape=(t, c + 1, z, y, x),
        dtype=work_dtype(image),
        channel_names=(*image.channel_names, name),
        made_channels=image.made_channels + 1,
        reader=reader,
    )


def with_changes(
    image: ImageSource,
    changes: Mapping[int, Change],
    margin: int,
    check: Check,
    grid: int = 1,
) -> ImageSource:
    """Return an image of which planes are changed, by their channel, from 0.

    A pixel may depend on those within ``margin`` of it. What is changed begins at a
    multiple of ``grid`` in each plane.
    """
    reader = _Changed(image, dict(changes), margin, check, grid)
    return replace(image, dtype=work_dtype(image), reader=reader)


@dataclass(frozen=True, eq=False)
class _AddedChannel:
    image: ImageSource
    needed: tuple[int, ...]
    combine: Combine
    check: Check

    def read(self, region: Region) -> npt.NDArray[np.generic]:
        """As in `PixelReader`."""
        dtype = work_dtype(self.image)
        first, last, _ = region[1].indices(self.image.channels + 1)
        own = slice(first, min(last, self.image.channels))
        parts = []
        if own.start < own.stop:
            pixels = self.image.reader.read((region[0], own, *region[2:]))
            parts.append(pixels.astype(dtype))
        if first <= self.image.channels < last:
            seen = [self._one(region, c).astype(dtype) for c in self.needed]
            made = np.empty_like(seen[0])
            for at in np.ndindex(made.shape[:2]):
                self.check()
                made[at] = self.combine(np.stack([channel[at] for channel in seen]))
            parts.append(made[:, None])
        return np.concatenate(parts, axis=1)

    def _one(self, region: Region, c: int) -> npt.NDArray[np.generic]:
        one = slice(c, c + 1)
        return self.image.reader.read((region[0], one, *region[2:]))[:, 0]


@dataclass(frozen=True, eq=False)
class _Changed:
    image: ImageSource
    changes: dict[int, Change]
    margin: int
    check: Check
    grid: int

    def read(self, region: Region) -> npt.NDArray[np.generic]:
        """As in `PixelReader`."""
        sides = zip(region, self.image.shape, strict=True)
        spans = [slice(*part.indices(size)[:2]) for part, size in sides]
        shape = [span.stop - span.start for span in spans]
        found = np.empty(shape, work_dtype(self.image))
        for at in np.ndindex(*shape[:3]):
            t, c, z = (span.start + n for span, n in zip(spans, at, strict=False))
            # A plane may be so large that a change of all of it takes long.
            for top in range(0, shape[3], _BAND):
                self.check()
                first = spans[3].start + top
                band = slice(first, min(first + _BAND, spans[3].stop))
                part = found[(*at, slice(top, top + _BAND))]
                part[:] = self._plane(t, c, z, band, spans[4])
        return found

    def _plane(self, t: int, c: int, z: int, rows: slice, columns: slice) -> FloatArray:
        change = self.changes.get(c)
        reach = self.margin if change else 0
        grown = [
            slice(
                max(0, side.start - reach) // self.grid * self.grid,
                min(side.stop + reach, size),
            )
            for side, size in zip((rows, columns), self.image.shape[3:], strict=True)
        ]
        one = [slice(n, n + 1) for n in (t, c, z)]
        pixels = self.image.reader.read((*one, *grown))[0, 0, 0]
        plane = pixels.astype(work_dtype(self.image))
        if change is None:
            return plane
        inner = [
            slice(side.start - outer.start, side.stop - outer.start)
            for side, outer in zip((rows, columns), grown, strict=True)
        ]
        return change(plane)[inner[0], inner[1]]


class Contrasts:
    """How far bright pixels of an image are from dark ones, and where white is.

    They are those of a few windows of the middle plane of the first time point, so
    that every part of an image finds the same.
    """

    def __init__(self, image: ImageSource) -> None:
        self._image = image
        self._found: dict[int, float] = {}

    def of(self, c: int) -> float:
        """Return the distance of the 1st and the 99th percentile of a channel."""
        if c not in self._found:
            values = finite(self._sample(c).astype(np.float64))
            dark, bright = np.percentile(values, (1, 99)) if values.size else (0, 0)
            self._found[c] = float(bright - dark)
        return self._found[c]

    @cached_property
    def white(self) -> float:
        """Grey value of white, by the type of the pixels, or by the brightest one."""
        dtype: np.dtype[Any] = self._image.dtype
        if dtype.kind in "iu":
            return float(np.iinfo(dtype).max)
        colours = range(min(3, self._image.channels))
        values = np.concatenate([finite(self._sample(c)) for c in colours])
        most = float(values.max(initial=0))
        return next((white for white in (1.0, 255.0, 65535.0) if most <= white), most)

    def _sample(self, c: int) -> npt.NDArray[Any]:
        _, _, planes, height, width = self._image.shape
        z = planes // 2
        parts = []
        for y in _starts(height):
            for x in _starts(width):
                one = (slice(0, 1), slice(c, c + 1), slice(z, z + 1))
                rows = slice(y, min(y + _WINDOW, height))
                columns = slice(x, min(x + _WINDOW, width))
                parts.append(self._image.reader.read((*one, rows, columns)).ravel())
        return np.concatenate(parts)


def _starts(size: int) -> list[int]:
    """Return where windows begin along a side, evenly spread."""
    if size <= _WINDOW * _WINDOWS:
        return list(range(0, size, _WINDOW))
    return [n * (size - _WINDOW) // (_WINDOWS - 1) for n in range(_WINDOWS)]
