"""Reader of Nikon's ND2 files."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from cellpose_studio.core.images.image import Colour
from cellpose_studio.io.images.stored_image import (
    UNKNOWN_SIZE,
    Array,
    PixelSize,
    Stored,
    refuse_large_part,
)
from cellpose_studio.io.images.units import to_seconds
from cellpose_studio.io.images.vendor.planes import Planes
from cellpose_studio.io.images.vendor.scenes import apart

if TYPE_CHECKING:
    import nd2

_FRAME = "CYXS"
"""Axes of one frame, which is what one exposure of all channels gives."""

_WORDS = {"P": "Position", "U": "Loop"}


def open_file(path: Path) -> list[Stored]:
    """Return the images of an ND2 file, one per stage position.

    Raises
    ------
    Exception
        Whatever the library raises for damaged files.
    """
    import nd2

    source = _File(path)
    with source.opened():
        file = nd2.ND2File(source)  # type: ignore[arg-type]
        return _images(file, source, path)


def _images(file: nd2.ND2File, source: _File, path: Path) -> list[Stored]:
    sizes = dict(file.sizes)
    loops = [axis for axis in sizes if axis not in _FRAME]
    frame = [axis for axis in _FRAME if axis in sizes]
    shape = tuple(sizes[axis] for axis in (*loops, *frame))
    dtype = np.dtype(file.dtype)
    refuse_large_part(path, math.prod(shape[len(loops) :]) * dtype.itemsize)
    samples = sizes.get("S", 1)
    channels, notes = _channels(file, path)
    stored = Stored(
        # The loops are nested in the order of the acquisition.
        axes="".join([*loops, *frame]),
        shape=shape,
        dtype=dtype,
        pixels=_Frames(file, source, shape, len(frame), dtype),
        samples=min(samples, 3),
        colour=samples in (3, 4),
        pixel_size_um=_pixel_size(channels, "Z" in sizes),
        interval_s=_interval_s(file),
        channel_names=tuple(c.channel.name or "" for c in channels),
        channel_colours=tuple(_colour(c.channel.color) for c in channels),
    )
    images = apart(stored, _WORDS, {"P": _positions(file)})
    expected, taken = math.prod(shape[: len(loops)]), file.attributes.sequenceCount
    if taken < expected:
        notes.append(
            f"{path.name} is not complete: {taken:,} of {expected:,} frames were "
            "taken; the others are black."
        )
    images[0] = replace(images[0], notes=tuple(notes))
    return images


def _channels(
    file: nd2.ND2File, path: Path
) -> tuple[Sequence[nd2.structures.Channel], list[str]]:
    """Return what is known of the channels, and what to say if it cannot be read."""
    try:
        return (file.metadata.channels or [] if file.metadata else []), []
    # The pixels do not depend on it. nd2 0.12.0 raises UnboundLocalError, for example,
    # for channels without a fluorescent probe.
    except Exception:
        note = f"{path.name} has names, colours and sizes that cannot be read."
        return [], [note]


def _pixel_size(channels: Sequence[nd2.structures.Channel], stack: bool) -> PixelSize:
    """Return the sizes in µm; an axis without calibration has 1 in the file."""
    if not channels:
        return UNKNOWN_SIZE
    volume = channels[0].volume
    x, y, z = (
        size if known and size > 0 else None
        for size, known in zip(
            volume.axesCalibration, volume.axesCalibrated, strict=True
        )
    )
    return (z if stack else None), y, x


def _interval_s(file: nd2.ND2File) -> float | None:
    """Return the seconds between time points, as they were taken or were planned."""
    for loop in file.experiment:
        phases: Sequence[nd2.structures.TimeLoopParams] = ()
        if loop.type == "TimeLoop":
            phases = [loop.parameters]
        elif loop.type == "NETimeLoop":
            phases = loop.parameters.periods
        # Phases of a different pace have no single interval.
        if len(phases) == 1:
            taken = phases[0].periodDiff.avg if phases[0].periodDiff else 0
            return to_seconds(taken or phases[0].periodMs, "ms")
    return None


def _positions(file: nd2.ND2File) -> list[str]:
    for loop in file.experiment:
        if loop.type == "XYPosLoop":
            return [point.name or "" for point in loop.parameters.points]
    return []


def _colour(colour: nd2.structures.Color) -> Colour:
    return colour.r / 255, colour.g / 255, colour.b / 255


class _Frames(Planes):
    """Frames of a file in the order of the acquisition."""

    def __init__(
        self,
        file: nd2.ND2File,
        source: _File,
        shape: tuple[int, ...],
        inner: int,
        dtype: np.dtype[np.generic],
    ) -> None:
        super().__init__(shape, inner, dtype)
        self._file, self._source = file, source

    def planes(
        self, places: Sequence[tuple[int, ...]], inner: tuple[slice, ...]
    ) -> Iterator[Array]:
        """Yield the part ``inner`` of frames."""
        loops, frame = self.shape[: self._outer], self.shape[self._outer :]
        for place in places:
            number = int(np.ravel_multi_index(place, loops)) if loops else 0
            with self._source.opened():
                pixels = self._file.read_frame(number)
                yield pixels.reshape(frame)[inner]


class _File:
    """A file for the library, which is open only while it is read.

    Given a path, the library would map the file into memory, and a file that is cut
    off meanwhile, or on a drive that fails, would end the process.
    """

    closed = False
    mode = "rb"

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the file for one thread."""
        with self._lock, self._path.open("rb") as file:
            self._file = file
            try:
                yield
            finally:
                self._file = None

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        return self._open().read(count)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, and return it."""
        return self._open().seek(offset, whence)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._open().tell()

    def close(self) -> None:
        """Do nothing: `opened` closes the file."""

    def _open(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.name} is not open")
        return self._file
