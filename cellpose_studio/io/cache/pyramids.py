"""Pyramids of large images: coarser levels for the display, in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.levels import halved, level_factors, level_shape
from cellpose_studio.paths import files_in

Array = npt.NDArray[Any]
Plane = tuple[int, int, int]
"""Time point, channel and Z plane."""

SUFFIX = ".zarr"
_DONE = "done"
_GENERATION = 1
"""To be incremented when levels are stored in another way."""


@dataclass(frozen=True, kw_only=True)
class PyramidSizes:
    """How planes are cut.

    Attributes
    ----------
    tile
        Side of the tiles of a level, px.
    block
        Side of what all levels are made of at once, px of the image; a power of 2.
    base
        Longest side of the coarsest level that is stored, px. It is kept in memory.
    part
        Bytes of blocks side by side that are read at once.
    budget
        Bytes of all pyramids in the cache; the least recently used go first.
    """

    tile: int = 512
    block: int = 2048
    base: int = 2048
    part: int = 256 * 1024**2
    budget: int = 8 * 1024**3


class Pyramid:
    """The levels of an image, made part by part; for any thread, one of which builds.

    Without room on the disk, only the coarsest level is kept, in memory, and the others
    are made of the image when they are needed.

    Parameters
    ----------
    parent
        Folder of all pyramids; created when it is first needed.
    """

    def __init__(self, image: ImageSource, parent: Path, sizes: PyramidSizes) -> None:
        self.image = image
        self.sizes = sizes
        self.factors = level_factors(image.shape, sizes.base)
        self._folder = parent / f"{_key(image, sizes)}{SUFFIX}"
        self._parts = self._cut()
        self._done = bytearray(int(np.prod(image.shape[:3])) * len(self._parts))
        self._stores = self._is_there()

    @property
    def base(self) -> int:
        """Pixels of the image along each side of one of the coarsest level."""
        return self.factors[-1]

    @property
    def parts(self) -> int:
        """How many parts a plane is made of."""
        return len(self._parts)

    def is_done(self, plane: Plane) -> bool:
        """Return whether all levels of a plane are stored."""
        first = self._number(plane)
        return all(self._done[first : first + len(self._parts)])

    def empty_base(self) -> Array:
        """Return a coarsest level (Y, X) of zeros."""
        return np.zeros(level_shape(self.image.shape[3:], self.base), self.image.dtype)

    def stored_base(self, plane: Plane) -> Array | None:
        """Return the coarsest level of a plane (Y, X); None if it is not stored."""
        if not self.is_done(plane):
            return None
        height, width = self.image.shape[3:]
        everything = (
            _shrunk(slice(0, height), self.base),
            _shrunk(slice(0, width), self.base),
        )
        return self._stored(plane, self.base, *everything)

    def build(
        self, t: int, channels: Sequence[int], z: int, bases: Sequence[Array]
    ) -> Iterator[int]:
        """Make the levels of some channels of a plane; what is stored is read.

        Parameters
        ----------
        bases
            The coarsest level of each channel, of `empty_base`, to be filled.

        Yields
        ------
        How many parts there are left, after each part.

        Raises
        ------
        ImageUnreadable
            If the file is damaged there, or no longer exists.
        """
        if not self._stores:
            self._create()
        for n, part in enumerate(self._parts):
            for base, c, read in zip(
                bases, channels, self._read_part(n, part, t, channels, z), strict=True
            ):
                self._take((t, c, z), n, part, read, base)
            yield len(self._parts) - n - 1

    def tile(self, plane: Plane, factor: int, row: int, column: int) -> Array:
        """Return a tile (Y, X) of a level.

        Raises
        ------
        ImageUnreadable
            If the file is damaged there, or no longer exists.
        """
        side = self.sizes.tile
        height, width = level_shape(self.image.shape[3:], factor)
        rows = slice(row * side, min((row + 1) * side, height))
        columns = slice(column * side, min((column + 1) * side, width))
        if factor > 1 and self.is_done(plane):
            found = self._stored(plane, factor, rows, columns)
            if found is not None:
                return found
        pixels = self._source(plane, _grown(rows, factor), _grown(columns, factor))
        while factor > 1:
            pixels, factor = halved(pixels), factor // 2
        return pixels

    def sample(self, plane: Plane, side: int = 6, window: int = 96) -> Array:
        """Return pixels of small windows all over a plane, side by side (Y, X).

        They tell which values there are before anything else is read.
        """
        found = []
        for length in self.image.shape[3:]:
            starts = np.linspace(0, max(length - window, 0), side).astype(int).tolist()
            found.append([slice(n, min(n + window, length)) for n in sorted({*starts})])
        rows, columns = found
        return np.block([[self._source(plane, y, x) for x in columns] for y in rows])

    # Making and storing

    def _cut(self) -> list[tuple[slice, slice]]:
        """Return parts: as many blocks side by side as may be read at once."""
        block = self.sizes.block
        size = self.image.dtype.itemsize * (3 if self.image.rgb else 1)
        wide = max(1, self.sizes.part // (block * block * size)) * block
        height, width = self.image.shape[3:]
        return [
            (slice(y, min(y + block, height)), slice(x, min(x + wide, width)))
            for y, x in product(range(0, height, block), range(0, width, wide))
        ]

    def _number(self, plane: Plane) -> int:
        """Return the number of the first part of a plane."""
        number = np.ravel_multi_index(plane, self.image.shape[:3])
        return int(number) * len(self._parts)

    def _read_part(
        self,
        n: int,
        part: tuple[slice, slice],
        t: int,
        channels: Sequence[int],
        z: int,
    ) -> Iterator[Array | None]:
        """Yield the pixels of channels, None for those whose levels are stored."""
        if self.image.rgb:
            # The colours of a pixel are stored together, and decoded together.
            if all(self._done[self._number((t, c, z)) + n] for c in channels):
                yield from [None] * len(channels)
                return
            region = (slice(t, t + 1), slice(0, 3), slice(z, z + 1), *part)
            yield from self.image.reader.read(region)[0, :, 0][list(channels)]
            return
        for c in channels:
            stored = self._done[self._number((t, c, z)) + n]
            yield None if stored else self._source((t, c, z), *part)

    def _take(
        self,
        plane: Plane,
        n: int,
        part: tuple[slice, slice],
        pixels: Array | None,
        base: Array,
    ) -> None:
        """Make the levels of a part, or read them, and put the coarsest into place."""
        place = _shrunk(part[0], self.base), _shrunk(part[1], self.base)
        if pixels is None:
            stored = self._stored(plane, self.base, *place)
            if stored is not None:
                base[place] = stored
                return
            pixels = self._source(plane, *part)
        for factor in self.factors[1:]:
            pixels = halved(pixels)
            self._store(plane, factor, part, pixels)
        base[place] = pixels
        self._finish(self._number(plane) + n)

    def _source(self, plane: Plane, rows: slice, columns: slice) -> Array:
        """Return pixels (Y, X) of the image."""
        t, c, z = (slice(at, at + 1) for at in plane)
        height, width = self.image.shape[3:]
        y = slice(rows.start, min(rows.stop, height))
        x = slice(columns.start, min(columns.stop, width))
        return self.image.reader.read((t, c, z, y, x))[0, 0, 0]

    # On the disk

    def _is_there(self) -> bool:
        """Find out what is stored; return whether the rest can be stored as well."""
        done = self._folder / _DONE
        with suppress(OSError):
            if done.stat().st_size == len(self._done):
                self._done[:] = done.read_bytes()
                # The time tells which one was used last.
                os.utime(self._folder)
                return True
        return False

    def _create(self) -> None:
        """Make room for the levels, if there is enough."""
        parent = self._folder.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            _shrink(parent, self.sizes.budget - self._needed())
            # Half of the space stays for work that is saved meanwhile.
            free = min(self.sizes.budget, shutil.disk_usage(parent).free // 2)
            if self._needed() <= free:
                self._create_levels()
                self._stores = True
        except OSError:
            return

    def _needed(self) -> int:
        """Return the bytes of the levels of a plane; those of others come with them."""
        _, channels, _, height, width = self.image.shape
        return channels * height * width * self.image.dtype.itemsize // 3

    def _create_levels(self) -> None:
        import zarr
        from zarr.codecs import BloscCodec

        shutil.rmtree(self._folder, ignore_errors=True)
        for factor in self.factors[1:]:
            side = min(self.sizes.tile, self.sizes.block // factor)
            zarr.create_array(
                self._folder / str(factor),
                shape=level_shape(self.image.shape, factor),
                dtype=self.image.dtype,
                chunks=(1, 1, 1, side, side),
                compressors=BloscCodec(cname="lz4", clevel=1, shuffle="shuffle"),
            )
        (self._folder / _DONE).write_bytes(bytes(len(self._done)))

    def _store(
        self, plane: Plane, factor: int, part: tuple[slice, slice], pixels: Array
    ) -> None:
        if not self._stores:
            return
        import zarr

        try:
            array: Any = zarr.open_array(self._folder / str(factor), mode="r+")
            place = _shrunk(part[0], factor), _shrunk(part[1], factor)
            array[(*plane, *place)] = pixels
        # The disk is full, or the user has cleared the cache.
        except (OSError, ValueError):
            self._stores = False

    def _finish(self, number: int) -> None:
        """Remember that a part is stored."""
        if not self._stores:
            return
        with suppress(OSError), (self._folder / _DONE).open("r+b") as file:
            file.seek(number)
            file.write(b"\1")
            self._done[number] = 1

    def _stored(
        self, plane: Plane, factor: int, rows: slice, columns: slice
    ) -> Array | None:
        """Return pixels of a level; None if they cannot be read any more."""
        import zarr

        folder = self._folder / str(factor)
        try:
            array: Any = zarr.open_array(folder, mode="r")
            found = np.asarray(array[(*plane, rows, columns)])
            # In a folder that is gone, all pixels would be 0.
            return found if (self._folder / _DONE).is_file() else None
        # Damaged files can make the decoders raise any exception.
        except Exception:
            return None


def _key(image: ImageSource, sizes: PyramidSizes) -> str:
    """Return what a pyramid is found by: the pixels of the file, and how it is cut."""
    # A fingerprint knows the ends of a file only.
    changed = image.path.stat().st_mtime_ns if image.path.is_file() else 0
    content = [
        _GENERATION,
        changed,
        image.fingerprint,
        image.scene,
        image.file_axes,
        image.shape,
        image.dtype.str,
        [sizes.tile, sizes.block, sizes.base, sizes.part],
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _shrunk(span: slice, factor: int) -> slice:
    return slice(span.start // factor, -(-span.stop // factor))


def _grown(span: slice, factor: int) -> slice:
    return slice(span.start * factor, span.stop * factor)


def _shrink(parent: Path, budget: int) -> None:
    """Remove the least recently used pyramids until the others fit."""
    found = []
    for folder in parent.glob(f"*{SUFFIX}"):
        # Another process may have removed it.
        with suppress(OSError):
            found.append((folder.stat().st_mtime, folder))
    total = 0
    for _, folder in sorted(found, reverse=True):
        total += sum(status.st_size for _, status in files_in(folder))
        if total > budget:
            shutil.rmtree(folder, ignore_errors=True)
