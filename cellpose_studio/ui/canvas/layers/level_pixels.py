"""A level of a large image as a lazy array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.app.images.large_images import LargeImage
from cellpose_studio.core.images.image import expand_key
from cellpose_studio.core.images.levels import level_shape


class LevelPixels:
    """One channel of a level, or the colours of it: indexing reads what is there.

    It has the axes of a label image of the image; the colours are the last one. Of a
    stack, pixels are read when a plane is chosen: napari chooses rows and columns
    first.

    Parameters
    ----------
    channel
        None for all colours.
    factor
        Pixels of the image along each side of one of the level.
    """

    def __init__(self, large: LargeImage, channel: int | None, factor: int) -> None:
        image = large.image
        self._large, self._channel, self._factor = large, channel, factor
        self._lead = image.label_shape[:-2]
        self._rows, self._columns = (
            slice(0, n) for n in level_shape(image.shape, factor)[-2:]
        )
        self._colours = (3,) if channel is None else ()
        self.dtype = image.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        rows, columns = self._rows, self._columns
        size = rows.stop - rows.start, columns.stop - columns.start
        return *self._lead, *size, *self._colours

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> LevelPixels | npt.NDArray[Any]:
        """Return pixels, or the same rows and columns of all planes."""
        keys = expand_key(key, self.ndim)
        n = len(self._lead)
        lead, (rows, columns), rest = keys[:n], keys[n : n + 2], keys[n + 2 :]
        y, x = _within(self._rows, rows), _within(self._columns, columns)
        if any(isinstance(one, slice) for one in lead):
            part = LevelPixels(self._large, self._channel, self._factor)
            part._rows, part._columns = y, x
            return part
        found = self._plane([int(one) for one in lead], y, x)
        # Whatever is no slice is an index, whose axis goes.
        inner = [
            slice(None) if isinstance(one, slice) else 0 for one in (rows, columns)
        ]
        return found[(*inner, *rest)]

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        planes = [
            self._plane([*index], self._rows, self._columns)
            for index in np.ndindex(self._lead)
        ]
        return np.stack(planes).reshape(self.shape).astype(dtype or self.dtype)

    def _plane(self, lead: list[int], rows: slice, columns: slice) -> npt.NDArray[Any]:
        image = self._large.image
        t, z = image.frame_and_plane(lead)
        channels = range(3) if self._channel is None else [self._channel]
        found = [
            self._large.pixels((t, c, z), self._factor, rows, columns) for c in channels
        ]
        if image.dtype.kind == "f":
            # They would break napari's contrast limits.
            found = [np.nan_to_num(one, nan=0, posinf=0, neginf=0) for one in found]
        return np.stack(found, axis=-1) if self._channel is None else found[0]


def _within(span: slice, key: object) -> slice:
    """Return the part of a span that a key, of it, chooses."""
    if not isinstance(key, slice):
        key = slice(int(key), int(key) + 1)  # type: ignore[call-overload]
    start, stop, _ = key.indices(span.stop - span.start)
    return slice(span.start + start, span.start + max(start, stop))
