"""Thumbnails of images and masks, for lists and trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.channel_display import (
    CONTRAST,
    first_colours,
)
from cellpose_studio.core.display.composite import as_bytes
from cellpose_studio.core.display.label_picture import OUTLINE, draw_labels, palette
from cellpose_studio.core.display.small_picture import SIZE, Thumbnail, fit_size
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import limits
from cellpose_studio.core.masks.snapshot import Snapshot

_LOOKED_AT = 1024
"""Samples along each side of a plane, enough to estimate the contrast."""
_MOST_CHANNELS = 6
"""Channels that are read for a thumbnail; more would not be told apart."""
_AT_ONCE = 128 * 1024**2
"""Bytes of a plane that are read at once."""
_PER_PIXEL = 4
"""Labels sampled along each side of a pixel, so that small cells are not missed."""
Floats = npt.NDArray[np.float32]


def label_thumbnail(labels: Snapshot, size: int = SIZE) -> Thumbnail:
    """Return (Y, X, RGB) of masks on black, at most ``size`` px high and wide.

    A stack is represented by its middle plane, a time series by its first time point.
    Only the pixels that are needed are read.
    """
    *lead, height, width = labels.shape
    middle = tuple(_middle_indices(lead))
    every = max(1, max(height, width) // (size * _PER_PIXEL))
    number = int(np.ravel_multi_index(middle, lead)) if lead else 0
    seen = labels.sample(number, every)
    colours = np.concatenate([np.zeros((1, 3), np.float32), palette()])
    drawn = colours[draw_labels(seen) & ~np.uint8(OUTLINE)]
    return as_bytes(_resize(drawn, fit_size(height, width, size)))


def image_thumbnail(image: ImageSource, size: int = SIZE) -> Thumbnail:
    """Return (Y, X, RGB) of an image, at most ``size`` px high and wide.

    It matches the initial view on the canvas: the middle plane of the first time
    point, a colour image unchanged, several channels in one colour each. Planes are
    read one at a time, and only as many channels as there are colours.

    Raises
    ------
    StudioError
        If the image cannot be read.
    """
    height, width = fit_size(*image.shape[3:], size)
    if image.rgb:
        channels = [_brightness(sample_plane(image, c)) for c in range(3)]
        colours = np.eye(3, dtype=np.float32)
    else:
        shown = range(min(image.channels, _MOST_CHANNELS))
        channels = [_stretch_contrast(sample_plane(image, c)) for c in shown]
        colours = np.array(first_colours(image), np.float32)[: len(shown)]
    small = [_resize(channel, (height, width)) for channel in channels]
    return as_bytes(np.stack(small, axis=-1) @ colours)


def _middle_indices(lengths: list[int]) -> list[int]:
    """Return the index of the middle plane of the first time point."""
    return [0] * (len(lengths) - 1) + [lengths[-1] // 2] if lengths else []


def sample_plane(
    image: ImageSource,
    channel: int,
    t: int = 0,
    z: int | None = None,
    shown: bool = False,
    at_once: int = _AT_ONCE,
) -> npt.NDArray[np.generic]:
    """Return a channel of a plane, thinned out where it is very large.

    Without ``z`` it is the middle plane. With ``shown`` the plane is on the screen, or
    will be, and is read once for both. One of more than ``at_once`` bytes is read band
    by band.
    """
    z = image.planes // 2 if z is None else z
    height, width = image.shape[3:]
    every = max(1, max(height, width) // _LOOKED_AT)
    rows = max(1, at_once // (every * width * image.dtype.itemsize)) * every
    if rows >= height:
        read = image.shown_plane if shown else image.plane
        return read(t, channel, z)[::every, ::every]
    outer = (slice(t, t + 1), slice(channel, channel + 1), slice(z, z + 1))
    bands = []
    for y in range(0, height, rows):
        band = (*outer, slice(y, min(y + rows, height)), slice(0, width))
        # A copy, because a view would keep all of the band in memory.
        bands.append(image.reader.read(band)[0, 0, 0, ::every, ::every].copy())
    return np.concatenate(bands)


def _brightness(seen: npt.NDArray[np.generic]) -> Floats:
    """Return the pixels of a colour picture from 0 to 1, by their type alone."""
    values = np.nan_to_num(seen.astype(np.float64), posinf=0, neginf=0)
    brightest = np.iinfo(seen.dtype.str).max if seen.dtype.kind in "ui" else 1
    return (values / brightest).clip(0, 1).astype(np.float32)


def _stretch_contrast(seen: npt.NDArray[np.generic]) -> Floats:
    """Return the pixels from 0 to 1 between the darkest and the brightest of them."""
    low, high = limits(seen, CONTRAST)
    if not low < high:
        return np.zeros(seen.shape, np.float32)
    values = seen.astype(np.float64)
    values[~np.isfinite(values)] = low
    # The limits keep differences finite.
    values = values.clip(-1e300, 1e300)
    return ((values - low) / (high - low)).clip(0, 1).astype(np.float32)


def _resize(pixels: Floats, shape: tuple[int, int]) -> Floats:
    """Return (Y, X) or (Y, X, C) at a smaller ``shape``, averaged over areas."""
    import cv2

    height, width = shape
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
