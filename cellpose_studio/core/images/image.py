"""One image of a file, whose pixels are read lazily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.grey_calibration import RAW, GreyCalibration
from cellpose_studio.core.images.intensities import differences, non_finite
from cellpose_studio.core.images.recent_planes import RecentPlanes

AXES = "TCZYX"
"""Order of the axes of every image; a missing axis has length 1."""

_SHOWN = RecentPlanes(256 * 2**20)

Shape = tuple[int, int, int, int, int]

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""


class PixelReader(Protocol):
    """Reads parts of one image; may be called from any thread."""

    def read(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
        """Return the pixels of ``region`` (five slices) as a TCZYX array.

        Raises
        ------
        ImageUnreadable
            If the file is damaged there, or no longer exists.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """One image: a scene of a file, with its metadata.

    Attributes
    ----------
    path
        The file, or the folder of an OME-Zarr.
    scene
        Name of the scene (series) within the file; "" if it has only one.
    shape
        Lengths of the axes in TCZYX order.
    dtype
        NumPy type of the pixels.
    file_axes
        The axes in the order of the file, one letter each: "ZCYX", "YXS".
    pixel_size_um
        Size of a pixel along Z, Y and X in µm; None where it is not known.
    channel_names
        One name per channel, never empty: "Channel 1" where the file has none.
    rgb
        Whether the channels are the red, green and blue of a colour image.
    fingerprint
        Hash that reveals whether the file was replaced by another one.
    step_ratio
        Z step over pixel size, where the file defines it without a unit.
    interval_s
        Seconds between time points; None where it is not known.
    notes
        What is missing from the file, one sentence each.
    made_channels
        How many of the channels, the last ones, were made from the others before a
        run; the mean of all channels leaves them out.
    """

    path: Path
    scene: str
    shape: Shape
    dtype: np.dtype[np.generic]
    file_axes: str
    pixel_size_um: tuple[float | None, float | None, float | None]
    channel_names: tuple[str, ...]
    rgb: bool
    fingerprint: str
    reader: PixelReader
    step_ratio: float | None = None
    interval_s: float | None = None
    notes: tuple[str, ...] = ()
    made_channels: int = 0

    @property
    def name(self) -> str:
        """Name for the user: the file name, and the scene if there are several."""
        return f"{self.path.name} [{self.scene}]" if self.scene else self.path.name

    @property
    def key(self) -> str:
        """Identifies the image within a session."""
        return f"{self.path}::{self.scene}"

    @property
    def frames(self) -> int:
        """Number of time points."""
        return self.shape[0]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[1]

    @property
    def own_channels(self) -> int:
        """Number of channels without those that were made."""
        return self.channels - self.made_channels

    @property
    def planes(self) -> int:
        """Number of Z planes."""
        return self.shape[2]

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of a label image of this image: TZYX without axes of length 1.

        Y and X are always included.
        """
        t, _, z, y, x = self.shape
        return (*(n for n in (t, z) if n > 1), y, x)

    @property
    def label_axes(self) -> str:
        """The axes of ``label_shape``: YX, ZYX, TYX or TZYX."""
        lengths = zip("TZ", (self.frames, self.planes), strict=True)
        return "".join(axis for axis, n in lengths if n > 1) + "YX"

    def frame_and_plane(self, position: Sequence[int]) -> tuple[int, int]:
        """Return the time point and the Z plane of a position in a label image.

        Y and X may be missing.
        """
        at = dict(zip(self.label_axes, position, strict=False))
        return int(at.get("T", 0)), int(at.get("Z", 0))

    @property
    def anisotropy(self) -> float | None:
        """Z step over pixel size; None where it is unknown or without a stack."""
        z, y, _ = self.pixel_size_um
        if self.planes == 1:
            return None
        return z / y if z and y else self.step_ratio

    @cached_property
    def label_scale(self) -> tuple[float, ...]:
        """Size of a pixel along each axis of ``label_shape``, in µm.

        Time counts in frames. An unknown size counts as 1; an unknown Z step
        as that of Y, so that a stack without metadata is shown undistorted.
        """
        z, y, x = self.pixel_size_um
        y = y or 1.0
        step = y * (self.step_ratio or 1.0)
        scale = {"T": 1.0, "Z": z or step, "Y": y, "X": x or y}
        return tuple(scale[axis] for axis in self.label_axes)

    @property
    def label_units(self) -> tuple[str, ...]:
        """Unit of each number of ``label_scale``: "um", or "pixel" if it is unknown."""
        known = "um" if self.pixel_size_um[1] is not None else "pixel"
        return tuple("pixel" if axis == "T" else known for axis in self.label_axes)

    @property
    def channel_colours(self) -> tuple[Colour | None, ...]:
        """Colours that the file has for the channels; None or missing: it has none.

        They belong to the pixels: the file is opened for them if it is not open.

        Raises
        ------
        ImageUnreadable
            If the file no longer exists.
        """
        return tuple(getattr(self.reader, "channel_colours", ()))

    @property
    def grey_calibration(self) -> GreyCalibration:
        """What grey values stand for; as that of the colours, it is in the file.

        Raises
        ------
        ImageUnreadable
            If the file no longer exists.
        """
        found: GreyCalibration = getattr(self.reader, "grey_calibration", RAW)
        return found

    def volume(self, t: int, channels: Sequence[int]) -> npt.NDArray[np.generic]:
        """Return the pixels of one time point as a CZYX array."""
        parts = [self._read(t=t, c=c)[0, 0] for c in channels]
        return np.stack(parts)

    def plane(self, t: int, c: int, z: int) -> npt.NDArray[np.generic]:
        """Return one plane as a YX array."""
        return self._read(t=t, c=c, z=z)[0, 0, 0]

    def shown_plane(self, t: int, c: int, z: int) -> npt.NDArray[np.generic]:
        """Return a plane for the screen, as a YX array; see `read_shown`."""
        return self.read_shown(self._region(t=t, c=c, z=z))[0, 0, 0]

    def read_shown(self, region: tuple[slice, ...]) -> npt.NDArray[np.generic]:
        """Return pixels as `PixelReader.read`, for the screen: nobody writes to them.

        They are read once for all who show them, unless the file has changed.
        """
        getattr(self.reader, "check_unchanged", lambda: None)()
        key = tuple((part.start, part.stop, part.step) for part in region)
        return _SHOWN.get(self.reader, key, lambda: self.reader.read(region))

    def read_ahead(self) -> None:
        """Read the planes that the canvas shows first, in a job; large ones are not."""
        *_, y, x = self.shape
        if _SHOWN.fits(self.channels * y * x * self.dtype.itemsize):
            for c in range(self.channels):
                self.shown_plane(0, c, self.planes // 2)

    def _read(self, **index: int) -> npt.NDArray[np.generic]:
        return self.reader.read(self._region(**index))

    def _region(self, **index: int) -> tuple[slice, ...]:
        whole = zip("tczyx", self.shape, strict=True)
        return tuple(
            slice(index[a], index[a] + 1) if a in index else slice(0, n)
            for a, n in whole
        )


class ChannelPixels:
    """One channel of an image as a lazy array: indexing reads the pixels.

    It has the shape of a label image of the image, so that napari can overlay both,
    and implements the part of the array protocol that napari needs.

    Parameters
    ----------
    dark
        Replaces NaN and infinity, which would break napari's contrast limits.
    shift
        Is subtracted from each pixel. The pixels are float32 then, as on the graphics
        card, which would round those of 10¹⁰ and 10¹⁰ + 1 to the same number.
    """

    def __init__(
        self, image: ImageSource, channel: int, dark: float = 0.0, shift: float = 0.0
    ) -> None:
        self._image = image
        self._channel = channel
        self._dark = dark
        self._shift = shift
        self.shape = image.label_shape
        self.dtype = np.dtype(np.float32) if shift else image.dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> npt.NDArray[np.generic]:
        """Read the planes that ``key`` needs, then index within them."""
        keys = expand_key(key, self.ndim)
        t, _, z, y, x = self._image.shape
        stacked = [n > 1 for n in (t, z)]
        # An axis of length 1 is no axis of a label image, so no index refers to it.
        lead = keys[: sum(stacked)]
        outer = [
            _split_key(lead.pop(0), n) if on else (slice(0, 1), 0)
            for n, on in zip((t, z), stacked, strict=True)
        ]
        region = (
            outer[0][0],
            slice(self._channel, self._channel + 1),
            outer[1][0],
            slice(0, y),
            slice(0, x),
        )
        block = self._image.read_shown(region)[:, 0]
        if (holes := non_finite(block)) is not None:
            block = np.where(holes, block.dtype.type(self._dark), block)
        if self._shift:
            block = differences(block, self._shift).astype(np.float32)
        return block[(outer[0][1], outer[1][1], *keys[self.ndim - 2 :])]

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[np.generic]:
        return np.asarray(self[...], dtype=dtype)


class ColourPixels:
    """A colour image as a lazy array: indexing reads the pixels.

    It has the shape of a label image of the image, with the colours as last axis.
    """

    def __init__(self, image: ImageSource) -> None:
        self._channels = [ChannelPixels(image, c) for c in range(3)]
        self.shape = (*image.label_shape, 3)
        self.dtype = image.dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> npt.NDArray[np.generic]:
        """Read the planes that ``key`` needs, then index within them."""
        keys = expand_key(key, self.ndim)
        pixels = np.stack([c[tuple(keys[:-1])] for c in self._channels], axis=-1)
        return np.asarray(pixels[..., keys[-1]])

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[np.generic]:
        return np.asarray(self[...], dtype=dtype)


def expand_key(key: object, ndim: int) -> list[Any]:
    """Return ``key`` as one index per axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys[at : at + 1] = [slice(None)] * (ndim - len(keys) + 1)
    return keys + [slice(None)] * (ndim - len(keys))


def _split_key(key: object, length: int) -> tuple[slice, object]:
    """Return the slice that has to be read for ``key``, and the key within it."""
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        # The readers only get rising slices: a falling one is applied afterwards.
        if step < 0:
            return slice(0, length), key
        return slice(start, stop), slice(None, None, step)
    index = range(length)[int(key)]  # type: ignore[call-overload]
    return slice(index, index + 1), 0
