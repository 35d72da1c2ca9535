"""An image in the axis order of its file, and its conversion to TCZYX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ImageUnreadable, NotEnoughMemory
from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.images.image import Colour, ImageSource, Shape

Array = npt.NDArray[Any]
PixelSize = tuple[float | None, float | None, float | None]

UNKNOWN_SIZE: PixelSize = (None, None, None)

_COLOURS = ("Red", "Green", "Blue")

_LARGEST = 2**53
"""Size of an image in bytes above which its metadata must be wrong."""


_LARGEST_PART = 2**33
"""Size in bytes of what is decoded as a whole above which no program writes it."""


class StoredPixels(Protocol):
    """Reads parts of an array of a file; may be called from any thread."""

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return the pixels of ``index``: one slice with start and stop per axis."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One image of a file, in the axis order of the file.

    Attributes
    ----------
    axes
        One letter per axis: those of TCZYX, S for the samples of a pixel, and any
        other one for an axis that the metadata do not define.
    shape, dtype
        Shape and type of the array in the file.
    pixels
        Reader of the array.
    samples
        Number of samples that are used; the others are transparency.
    colour
        Whether the samples are red, green and blue.
    likely
        The likeliest axes if the file only hints at some of them; else "".
    scene
        Name of the scene; "" if there is only one.
    pixel_size_um
        Along Z, Y and X in µm; None if unknown.
    channel_names
        As in the file; may be fewer than there are channels, or empty strings.
    channel_colours
        As in the file; None where it has no colour for a channel.
    step_ratio
        Z step over the size of a pixel where they have no unit; None: not known.
    interval_s
        Seconds between time points; None: not known.
    notes
        What is missing from the file, one sentence each.
    grey_calibration
        What grey values stand for.
    page
        Nothing says that this is an image and not a part of one.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixels: StoredPixels
    samples: int = 1
    colour: bool = False
    likely: str = ""
    scene: str = ""
    pixel_size_um: PixelSize = UNKNOWN_SIZE
    channel_names: tuple[str, ...] = ()
    channel_colours: tuple[Colour | None, ...] = ()
    step_ratio: float | None = None
    interval_s: float | None = None
    notes: tuple[str, ...] = ()
    grey_calibration: GreyCalibration = RAW
    page: bool = False

    def length(self, axis: str) -> int:
        """Return the length of an axis; 1 if it is missing."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def ordered_shape(self) -> Shape:
        """Shape of the image in TCZYX order; colours are channels."""
        t, c, z, y, x = (self.length(axis) for axis in "TCZYX")
        return t, c * self.samples, z, y, x


def image_source(path: Path, stored: Stored, fingerprint: str) -> ImageSource:
    """Return ``stored``, whose axes are all known, as an image in TCZYX order.

    Pixels are in native byte order; boolean ones become uint8, those of half
    precision float32.

    Raises
    ------
    ImageUnreadable
        If it is empty, or its values are not grey values.
    """
    _check(path, stored)
    dtype = _pixel_type(stored.dtype)
    size = _square(stored.pixel_size_um)
    return ImageSource(
        path=path,
        scene=stored.scene,
        shape=stored.ordered_shape,
        dtype=dtype,
        file_axes=stored.axes,
        pixel_size_um=size,
        # The sizes in µm, where both are known, already imply the ratio.
        step_ratio=None if size[0] and size[1] else stored.step_ratio,
        interval_s=stored.interval_s if stored.length("T") > 1 else None,
        notes=stored.notes,
        channel_names=_channel_names(stored),
        rgb=stored.colour and stored.length("C") == 1,
        fingerprint=fingerprint,
        reader=_OrderedReader(path, stored, dtype, _state(path)),
    )


def refuse_large_part(path: Path, size: int) -> None:
    """Raise if a part of an image, in bytes, cannot be decoded as a whole.

    A chunk, tile or strip always is, so the length that a file declares for it would
    take the memory before anything else could find it wrong.

    Raises
    ------
    ImageUnreadable
        If the size is absurd.
    NotEnoughMemory
        If it may be right, but exceeds the memory of the computer.
    """
    if size > _LARGEST_PART:
        raise ImageUnreadable(
            f"{path.name} is damaged, or stored in parts that are too large: one of "
            f"them would take {size / 1e9:,.0f} GB.",
            "Save it in smaller tiles, strips or chunks.",
        )
    refuse_beyond_memory(path, size)


def refuse_beyond_memory(path: Path, size: int) -> None:
    """Raise `NotEnoughMemory` if a part of an image exceeds the computer's memory."""
    if size > _memory():
        raise NotEnoughMemory(
            f"A part of {path.name} takes {size / 1e9:,.0f} GB at once, more than this "
            "computer's memory.",
            "Save it in smaller parts, or check that the file is right.",
        )


@cache
def _memory() -> int:
    # It takes a moment to import, and the amount stays the same.
    import psutil

    return int(psutil.virtual_memory().total)


def damaged(path: Path) -> ImageUnreadable:
    """Return the error for a damaged file."""
    return ImageUnreadable(
        f"{path.name} is damaged or incomplete.", "Copy or export it again."
    )


@dataclass(frozen=True)
class _OrderedReader:
    """Reads a stored array in TCZYX order, as long as its file does not change."""

    path: Path
    stored: Stored
    dtype: np.dtype[Any]
    state: tuple[int, ...]

    @property
    def channel_colours(self) -> tuple[Colour | None, ...]:
        """As in `ImageSource`."""
        # Colours in the file are those of C, as the names.
        return self.stored.channel_colours if self.stored.samples == 1 else ()

    @property
    def grey_calibration(self) -> GreyCalibration:
        """As in `ImageSource`."""
        return self.stored.grey_calibration

    def read(self, region: tuple[slice, ...]) -> Array:
        try:
            # Where the pixels lie was determined at opening. In a changed file there
            # may be something else.
            self.check_unchanged()
            return self._read(region)
        except (ImageUnreadable, NotEnoughMemory):
            raise
        except MemoryError as error:
            raise NotEnoughMemory(
                f"A part of {self.path.name} does not fit into memory.",
                "Close other images and programs.",
            ) from error
        except OSError as error:
            raise ImageUnreadable(
                f"{self.path.name} can no longer be read: {error.strerror or error}.",
                "Check that the file still exists.",
            ) from error
        # Damaged files can make the decoders raise any exception; so can files that
        # another program shortens meanwhile.
        except Exception as error:
            self.check_unchanged()
            raise damaged(self.path) from error

    def check_unchanged(self) -> None:
        """Raise `ImageUnreadable` if the file was changed."""
        if _state(self.path) != self.state:
            raise ImageUnreadable(
                f"{self.path.name} has changed since it was opened.", "Open it again."
            )

    def _read(self, region: tuple[slice, ...]) -> Array:
        """Read slices with steps of 1; all samples of a pixel are read together."""
        stored, samples = self.stored, self.stored.samples
        spans = [
            range(*span.indices(n))
            for span, n in zip(region, stored.ordered_shape, strict=True)
        ]
        index = {
            axis: slice(span.start, span.start + len(span))
            for axis, span in zip("TCZYX", spans, strict=True)
        }
        wanted = index["C"]
        # The samples of a pixel lie together, so whole pixels are read. Channels that
        # nobody asked for are cut off at the end.
        first, end = wanted.start // samples, -(-wanted.stop // samples)
        index |= {"C": slice(first, end), "S": slice(0, samples)}
        axes = stored.axes
        size = math.prod(map(len, spans)) * stored.dtype.itemsize
        refuse_beyond_memory(self.path, size)
        block = stored.pixels.read(tuple(index[axis] for axis in axes))
        # With S next to C, one reshape makes every sample a channel.
        block = block.transpose([axes.index(a) for a in "TCSZYX" if a in axes])
        t, _, z, y, x = map(len, spans)
        block = block.reshape(t, (end - first) * samples, z, y, x)
        channels = slice(wanted.start - first * samples, wanted.stop - first * samples)
        return np.ascontiguousarray(block[:, channels], dtype=self.dtype)


def _state(path: Path) -> tuple[int, ...]:
    """Return size and time of a file; () for a folder, whose labels may change."""
    status = path.stat()
    return () if path.is_dir() else (status.st_size, status.st_mtime_ns)


def _check(path: Path, stored: Stored) -> None:
    # Python's integers cannot overflow, whatever lengths a damaged file states.
    size = math.prod(stored.shape)
    if size == 0:
        raise ImageUnreadable(f"{path.name} is empty: its shape is {stored.shape}.")
    if size * stored.dtype.itemsize > _LARGEST:
        raise damaged(path)
    # The format of floats beyond 8 bytes differs between platforms.
    if stored.dtype.kind not in "buif" or stored.dtype.itemsize > 8:
        raise ImageUnreadable(
            f"{path.name} holds values of type {stored.dtype}, not grey values.",
            "Save it with integers or floating-point numbers.",
        )
    if not {"Y", "X"} <= set(stored.axes):
        raise ImageUnreadable(f"{path.name} holds no planes, but {stored.axes}.")


def _square(size: PixelSize) -> PixelSize:
    """Return a size of pixels of which one side is known as that of a square."""
    z, y, x = size
    return z, y or x, x or y


def _pixel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype == np.float16:
        return np.dtype(np.float32)
    return dtype.newbyteorder("=")


def _channel_names(stored: Stored) -> tuple[str, ...]:
    if stored.colour and stored.length("C") == 1:
        return _COLOURS
    channels = stored.ordered_shape[1]
    # Names in the file are those of C, and with samples there are more channels than
    # those.
    given = stored.channel_names if stored.samples == 1 else ()
    names = [*given, *[""] * channels][:channels]
    return tuple(name.strip() or f"Channel {n + 1}" for n, name in enumerate(names))
