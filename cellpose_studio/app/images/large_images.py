"""Large images on the canvas: read tile by tile, off the GUI thread."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal
from qtpy.QtCore import QTimer

from cellpose_studio.app.jobs import Job, JobQueue
from cellpose_studio.core.checkpoint import Checkpoint
from cellpose_studio.core.display.channel_display import (
    ChannelValues,
    auto_limits,
    values_of,
)
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.levels import PlaneLimits, label_levels
from cellpose_studio.core.images.recent_arrays import RecentArrays
from cellpose_studio.io.cache.pyramids import Plane, Pyramid, PyramidSizes
from cellpose_studio.workflows.blocks.coarse_look import SmallCopy

Array = npt.NDArray[Any]
_Tile = tuple[Plane, int, int, int]

_KEPT = 256 * 1024**2
"""Bytes of tiles that are kept in memory."""
_PLANES = 6
"""Planes whose coarsest level is kept in memory."""
_WANTED = 96
"""Most tiles that wait to be read: those of a large screen. Older ones are not read."""
_LOOKED_AT = 1024
"""Pixels along each side that contrast is adapted to."""


@dataclass(frozen=True, eq=False)
class ChannelLook:
    """Which values a channel has, and the limits of the contrast for them."""

    limits: tuple[float, float]
    values: ChannelValues

    @classmethod
    def of(cls, pixels: Array) -> ChannelLook:
        """Return those of some pixels."""
        every = max(1, max(pixels.shape) // _LOOKED_AT)
        seen = pixels[::every, ::every]
        return cls(auto_limits(seen), values_of(seen))


class LargeImages:
    """Says which images are shown by their levels, and makes these.

    Parameters
    ----------
    builds, tiles
        Queues for making pyramids, which takes minutes, and for reading tiles.
    folder
        Of the pyramids.

    Attributes
    ----------
    limits, sizes
        What is large, and how it is cut.
    """

    def __init__(self, builds: JobQueue, tiles: JobQueue, folder: Path) -> None:
        self.limits = PlaneLimits()
        self.sizes = PyramidSizes()
        self._builds, self._tiles, self._folder = builds, tiles, folder
        self._last: weakref.ref[LargeImage] | None = None

    def of(self, image: ImageSource) -> LargeImage | None:
        """Return the pixels of an image for the display; None if it is not large."""
        if not self.limits.exceeded_by(image.shape):
            return None
        pyramid = Pyramid(image, self._folder, self.sizes)
        factors = self.limits.levels(image.shape)
        shown = LargeImage(pyramid, factors, self._builds, self._tiles)
        self._last = weakref.ref(shown)
        return shown

    def small_copy(self, image: ImageSource) -> SmallCopy | None:
        """Return a small copy of an image that is shown, once all of it was read."""
        shown = self._last() if self._last is not None else None
        return shown.small_copy() if shown and shown.image is image else None

    def label_levels(self, labels: Array) -> list[Array] | None:
        """Return the levels of labels as views; None if they are not large."""
        if not self.limits.exceeded_by(labels.shape):
            return None
        return label_levels(labels, self.limits.levels(labels.shape))


class LargeImage:
    """The pixels of a large image at all levels, for the GUI thread.

    What is asked for and is not there yet is shown coarser, and read meanwhile.

    Attributes
    ----------
    factors
        Of its levels.
    """

    arrived = Signal()  # there are more pixels
    looked = Signal(int, ChannelLook)  # at a channel
    failed = Signal(Exception)

    def __init__(
        self, pyramid: Pyramid, factors: list[int], builds: JobQueue, tiles: JobQueue
    ) -> None:
        self.image = pyramid.image
        self.factors = factors
        self._pyramid = pyramid
        self._builds, self._reads = builds, tiles
        self._bases: OrderedDict[tuple[int, int], list[Array]] = OrderedDict()
        self._tiles: RecentArrays[_Tile] = RecentArrays(_KEPT)
        self._wanted: OrderedDict[_Tile, None] = OrderedDict()
        self._looks: list[tuple[int, ChannelLook]] = []
        self._lock = threading.Lock()
        self._build: Job | None = None
        self._read: Job | None = None
        self._plane: tuple[int, int] | None = None
        self._begun: set[tuple[int, int]] = set()
        self._looked_at: tuple[int, int] | None = None
        self._closed = False
        # napari asks for several planes, levels and tiles before it is done.
        self._soon = QTimer(singleShot=True, interval=0)
        self._soon.timeout.connect(self._go_on)

    def close(self) -> None:
        """Stop reading: the image is shown no longer."""
        self._closed = True
        self._soon.stop()
        for job in filter(None, (self._build, self._read)):
            job.cancel()

    def pixels(self, plane: Plane, factor: int, rows: slice, columns: slice) -> Array:
        """Return pixels (Y, X) of a level, coarser ones where it was not read yet."""
        t, c, z = plane
        base, of_base = self._base_of(t, z)[c], self._pyramid.base
        if factor >= of_base:
            step = factor // of_base
            return base[::step, ::step][rows, columns]
        side = self._pyramid.sizes.tile
        found = np.empty(
            (rows.stop - rows.start, columns.stop - columns.start), base.dtype
        )
        for row in range(rows.start // side, -(-rows.stop // side)):
            y = _common(rows, row * side, side)
            for column in range(columns.start // side, -(-columns.stop // side)):
                x = _common(columns, column * side, side)
                place = _moved(y, -rows.start), _moved(x, -columns.start)
                tile = self._tile((plane, factor, row, column))
                if tile is None:
                    zoom = of_base // factor
                    lines = base[np.arange(y.start, y.stop) // zoom]
                    found[place] = lines[:, np.arange(x.start, x.stop) // zoom]
                else:
                    there = _moved(y, -row * side), _moved(x, -column * side)
                    found[place] = tile[there]
        return found

    def value(self, plane: Plane, y: int, x: int) -> Any | None:
        """Return the pixel of the image at a place; None if it was not read yet."""
        side = self._pyramid.sizes.tile
        with self._lock:
            tile = self._tiles.find((plane, 1, y // side, x // side))
        return None if tile is None else tile[y % side, x % side]

    def limits(self, plane: Plane) -> tuple[float, float]:
        """Return limits of the contrast for a plane, as far as it was read."""
        t, c, z = plane
        return ChannelLook.of(self._base_of(t, z)[c]).limits

    def small_copy(self) -> SmallCopy | None:
        """Return the coarsest level of all planes; None while one was not read yet."""
        frames, channels, depth, *_ = self.image.shape
        every = [(t, z) for t in range(frames) for z in range(depth)]
        was_read = (
            (t, z) in self._begun and self._pyramid.is_done((t, c, z))
            for t, z in every
            for c in range(channels)
        )
        if self._build is not None or not all(was_read):
            return None
        planes = [self._bases[plane] for plane in every]
        return SmallCopy(factor=self._pyramid.base, planes=planes)

    # In the GUI thread

    def _base_of(self, t: int, z: int) -> list[Array]:
        """Return the coarsest level of all channels, to be filled if it is new."""
        if (t, z) not in self._bases:
            empty = [self._pyramid.empty_base() for _ in range(self.image.channels)]
            self._bases[t, z] = empty
            while len(self._bases) > _PLANES:
                gone, _ = self._bases.popitem(last=False)
                self._begun.discard(gone)
        self._bases.move_to_end((t, z))
        if self._plane != (t, z):
            self._plane = (t, z)
            self._soon.start()
        return self._bases[t, z]

    def _tile(self, key: _Tile) -> Array | None:
        """Return a tile, or see to it that it is read."""
        with self._lock:
            tile = self._tiles.find(key)
            if tile is not None:
                return tile
            self._wanted[key] = None
            self._wanted.move_to_end(key)
            while len(self._wanted) > _WANTED:
                self._wanted.popitem(last=False)
        self._soon.start()
        return None

    def _go_on(self) -> None:
        """Start what is to be done."""
        if self._closed:
            return
        if self._plane is not None and self._plane not in self._begun:
            if self._build is None:
                self._start_build(*self._plane)
            else:
                self._build.cancel()
        with self._lock:
            wanted = bool(self._wanted)
        if wanted and self._read is None:
            self._read = Job("Reading pixels", self._read_tiles, quiet=True)
            self._read.progress.connect(lambda *_: self._tell())
            self._read.failed.connect(self._on_failed)
            self._read.ended.connect(self._on_read)
            self._reads.start(self._read)

    def _start_build(self, t: int, z: int) -> None:
        bases = self._bases[t, z]
        channels = range(self.image.channels)
        known = all(self._pyramid.is_done((t, c, z)) for c in channels)
        # Contrast is that of the plane that is shown first.
        self._looked_at = self._looked_at or (t, z)
        work = self._building(t, z, bases, looks=self._looked_at == (t, z))
        job = Job(f"Preparing {self.image.name} for display", work, quiet=known)
        self._build = job
        self._begun.add((t, z))
        job.progress.connect(lambda *_: self._tell())
        job.finished.connect(lambda _: self._tell())
        job.failed.connect(self._on_failed)
        job.cancelled.connect(lambda: self._on_cancelled(t, z))
        job.ended.connect(self._on_built)
        self._builds.start(job)

    def _on_cancelled(self, t: int, z: int) -> None:
        # One that the user has cancelled is not begun again at once.
        if self._plane != (t, z):
            self._begun.discard((t, z))

    def _on_built(self) -> None:
        self._build = None
        self._soon.start()

    def _on_read(self) -> None:
        self._read = None
        self._tell()
        self._soon.start()

    def _on_failed(self, error: Exception) -> None:
        if not self._closed:
            self.close()
            self.failed.emit(error)

    def _tell(self) -> None:
        if self._closed:
            return
        with self._lock:
            looks, self._looks = self._looks, []
        for channel, look in looks:
            self.looked.emit(channel, look)
        self.arrived.emit()

    # In the threads of jobs

    def _building(
        self, t: int, z: int, bases: list[Array], looks: bool
    ) -> Callable[[Checkpoint], None]:
        pyramid, channels = self._pyramid, range(self.image.channels)

        def work(checkpoint: Checkpoint) -> None:
            parts, text = pyramid.parts, "making a smaller copy"
            for c in channels if looks else ():
                if not pyramid.is_done((t, c, z)):
                    checkpoint.check()
                    self._look(c, pyramid.sample((t, c, z)))
            checkpoint.reached(0, parts, text)
            for left in pyramid.build(t, channels, z, bases):
                checkpoint.reached(parts - left, parts, text)
            for c in channels if looks else ():
                self._look(c, bases[c])

        return work

    def _look(self, channel: int, pixels: Array) -> None:
        look = ChannelLook.of(pixels)
        with self._lock:
            self._looks.append((channel, look))

    def _read_tiles(self, checkpoint: Checkpoint) -> None:
        """Read what is wanted, the newest wish first."""
        while True:
            checkpoint.reached(1, 2, "")
            with self._lock:
                if not self._wanted:
                    return
                key, _ = self._wanted.popitem()
                if self._tiles.find(key) is not None:
                    continue
            tile = self._pyramid.tile(*key)
            with self._lock:
                self._tiles.put(key, tile)


def _common(span: slice, start: int, length: int) -> slice:
    return slice(max(span.start, start), min(span.stop, start + length))


def _moved(span: slice, by: int) -> slice:
    return slice(span.start + by, span.stop + by)
