"""An image as it lies in a file, and the same in the order of our own axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ImageUnreadable, NotEnoughMemory
from cellpose_studio.core.image import AXES, ImageSource, Shape

Array = npt.NDArray[Any]

COLOURS = ("Red", "Green", "Blue")

_LARGEST = 2**53
"""Bytes of an image beyond which its metadata cannot be true."""


class StoredPixels(Protocol):
    """Reads parts of an array of a file; may be called from any thread."""

    def read(self, index: tuple[slice, ...]) -> Array:
        """Return the pixels of ``index``: one slice with start and stop per axis."""
        ...


@dataclass(frozen=True)
class Stored:
    """One image of a file, with its own axes.

    Attributes
    ----------
    axes
        One letter per axis: those of TCZYX, S for the samples of a colour, and
        anything else for an axis that the file leaves open.
    shape, dtype
        Of the array in the file.
    pixels
        Reads it.
    scene
        Name of the scene; "" when there is one only.
    pixel_size_um
        Along Z, Y and X in µm; None where it is not known.
    channel_names
        As in the file; may be fewer than there are channels, or empty strings.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixels: StoredPixels
    scene: str = ""
    pixel_size_um: tuple[float | None, float | None, float | None] = (None, None, None)
    channel_names: tuple[str, ...] = ()

    def length(self, axis: str) -> int:
        """Return the length of an axis; 1 if there is none."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1


def image_source(path: Path, stored: Stored, fingerprint: str) -> ImageSource:
    """Return ``stored``, whose axes are all known, as an image in TCZYX order.

    Colours become channels, transparency is left out. Pixels are in native byte
    order; those of one bit become uint8, those of half precision float32.

    Raises
    ------
    ImageUnreadable
        If it is empty, or holds what is no picture.
    """
    _check(path, stored)
    samples = _samples(stored)
    length = {a: stored.length(a) for a in AXES}
    length["C"] *= samples
    shape: Shape = (length["T"], length["C"], length["Z"], length["Y"], length["X"])
    rgb = samples == 3 and length["C"] == 3
    names = COLOURS if rgb else stored.channel_names
    dtype = _pixel_type(stored.dtype)
    return ImageSource(
        path=path,
        scene=stored.scene,
        shape=shape,
        dtype=dtype,
        file_axes=stored.axes,
        pixel_size_um=stored.pixel_size_um,
        channel_names=_complete(names, shape[1]),
        rgb=rgb,
        fingerprint=fingerprint,
        reader=_OrderedReader(path, stored, samples, dtype),
    )


@dataclass(frozen=True)
class _OrderedReader:
    """Reads a stored array in TCZYX order."""

    path: Path
    stored: Stored
    samples: int
    dtype: np.dtype[Any]

    def read(self, region: tuple[slice, ...]) -> Array:
        lengths = (
            *(self.stored.length(a) for a in "T"),
            self.stored.length("C") * self.samples,
            *(self.stored.length(a) for a in "ZYX"),
        )
        spans = [range(*r.indices(n)) for r, n in zip(region, lengths, strict=True)]
        try:
            return self._ordered(spans)
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
                "Check that the file is still there.",
            ) from error
        # Damaged files make the decoders raise anything.
        except Exception as error:
            raise damaged(self.path) from error

    def _ordered(self, spans: list[range]) -> Array:
        """Read steps of 1 along each axis; channels of all samples are read together."""
        t, c, z, y, x = spans
        first, last = c.start // self.samples, -(-c.stop // self.samples)
        index = {
            a: slice(s.start, s.stop) for a, s in zip("TZYX", (t, z, y, x), strict=True)
        }
        index |= {"C": slice(first, last), "S": slice(0, self.samples)}
        axes = self.stored.axes
        block = self.stored.pixels.read(tuple(index[a] for a in axes))
        block = block.transpose([axes.index(a) for a in "TCSZYX" if a in axes])
        channels = slice(c.start - first * self.samples, c.stop - first * self.samples)
        whole = block.reshape(len(t), -1, len(z), len(y), len(x))
        return np.ascontiguousarray(whole[:, channels], dtype=self.dtype)


def damaged(path: Path) -> ImageUnreadable:
    """Return the error for a file whose content makes no sense."""
    return ImageUnreadable(
        f"{path.name} is damaged, or not complete.",
        "Copy or export it again.",
    )


def _check(path: Path, stored: Stored) -> None:
    if math.prod(stored.shape) == 0:
        raise ImageUnreadable(f"{path.name} is empty: its shape is {stored.shape}.")
    if math.prod(stored.shape) * stored.dtype.itemsize > _LARGEST:
        raise damaged(path)
    if stored.dtype.kind not in "buif" or stored.dtype.itemsize > 8:
        raise ImageUnreadable(
            f"{path.name} holds values of type {stored.dtype}, which are no grey values.",
            "Save it with whole or floating-point numbers.",
        )


def _samples(stored: Stored) -> int:
    """Return how many samples are colours or grey values, not transparency."""
    return {2: 1, 4: 3}.get(stored.length("S"), stored.length("S"))


def _pixel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype == np.float16:
        return np.dtype(np.float32)
    return dtype.newbyteorder("=")


def _complete(names: tuple[str, ...], channels: int) -> tuple[str, ...]:
    given = [*names, *[""] * channels][:channels]
    return tuple(name.strip() or f"Channel {n + 1}" for n, name in enumerate(given))
