"""Where a large image shows nothing, as far as a small copy of it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import LEAST_CONTRAST, non_finite
from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.workflows.blocks.network_work import scale_of, tile_starts

Array = npt.NDArray[Any]
Bool = npt.NDArray[np.bool_]

_AVERAGED = 4
"""Pixels along a side that a run averages when it looks for empty tiles."""

_MARGIN = 32
"""Pixels around a tile that it looks at as well, since it looks at whole squares."""

_PADDING = 16
"""Pixels of the network by which a plane is padded at its borders."""

_EVERY = 4
"""About one of so many along each side tells contrast and noise, as the GUI thread
waits."""

_SQUARE = 16
"""Side of the squares in which noise is looked for, px of the copy."""

_RANGE = 8.0, 6.0
"""Standard deviations of noise between the darkest and the brightest mean: the most
among those that a run sees in a tile, and the least among those of a copy."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SmallCopy:
    """The planes of an image at a small size.

    Attributes
    ----------
    factor
        Pixels of the image along a side of one of the copy, which is their mean.
    planes
        For each plane the pixels (Y, X) of all channels.
    """

    factor: int
    planes: Sequence[Sequence[Array]]

    def share_of_tiles(
        self,
        image: ImageSource,
        model: ModelSpec,
        parameters: SegmentationParameters,
    ) -> float:
        """Return which share of the tiles of a run show anything, 0 to 1, or more.

        The run itself looks closer. 1 for runs whose input cannot be told by it.
        """
        normalization = parameters.normalization
        if parameters.preparation or parameters.do_3D or not normalization.normalize:
            return 1.0
        known, scale = model.architecture_info, scale_of(model, parameters)
        sides = []
        for length, small in zip(image.shape[3:], self.planes[0][0].shape, strict=True):
            starts, tile = tile_starts(int(length * scale), known, parameters)
            ends = np.array([(at - _PADDING, at + tile + _PADDING) for at in starts])
            pixels = ends / scale + (-_MARGIN, _MARGIN)
            first, last = (pixels / self.factor).clip(0, small).T
            sides.append(np.stack([np.floor(first), np.ceil(last)], -1).astype(int))
        shows = [self._shows(plane, parameters, *sides) for plane in self.planes]
        return float(np.mean(shows))

    def _shows(
        self,
        channels: Sequence[Array],
        parameters: SegmentationParameters,
        rows: Array,
        columns: Array,
    ) -> Bool:
        """Return which tiles of a plane show anything in any channel."""
        found = np.zeros((len(rows), len(columns)), np.bool_)
        for pixels in channels:
            if non_finite(pixels) is not None:
                return ~found
            # Cells in rows and columns would all be seen at the same place otherwise.
            some = pixels.reshape(-1)[:: _EVERY**2 + 1]
            dark, bright = np.percentile(some, parameters.normalization.percentile)
            # There is more noise in the means of fewer pixels that a run sees.
            most, least = _RANGE
            more = max(0.0, most * self.factor / _AVERAGED - least) * _noise(pixels)
            limit = LEAST_CONTRAST * (bright - dark) - more
            low = _reduced(np.minimum, pixels, rows, columns)
            high = _reduced(np.maximum, pixels, rows, columns)
            found |= high - low > limit
        return found


def _noise(values: Array) -> float:
    """Return the standard deviation of noise, as far as parts of a plane are dark.

    More where hardly any is.
    """
    height, width = (n // _SQUARE * _SQUARE for n in values.shape)
    if not height * width:
        return float(values.std())
    squares = values[:height, :width].reshape(-1, _SQUARE, width // _SQUARE, _SQUARE)
    some = squares[::_EVERY].astype(np.float32)
    return float(np.percentile(some.std((1, 3)), 25))


def _reduced(
    reduce: np.ufunc, values: Array, rows: Array, columns: Array
) -> npt.NDArray[np.float32]:
    """Return the least or largest value in each row and column of boxes."""
    # `reduceat` takes some twenty times as long: it goes through columns one by one.
    for axis, spans in enumerate((rows, columns)):
        firsts = spans[:, 0].clip(max=values.shape[axis] - 1)
        ends = np.maximum(spans[:, 1], firsts + 1)
        parts = [
            reduce.reduce(
                values[first:end] if axis == 0 else values[:, first:end], axis
            )
            for first, end in zip(firsts.tolist(), ends.tolist(), strict=True)
        ]
        values = np.stack(parts, axis)
    return np.asarray(values, np.float32)
