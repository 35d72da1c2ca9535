"""Where a large image shows nothing, as far as a small copy of it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.images.intensities import LEAST_CONTRAST
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

_FEWER = 0.8
"""Among fewer means, the darkest and the brightest differ less."""


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
            if not np.isfinite(pixels).all():
                return ~found
            values = pixels.astype(np.float32)
            dark, bright = np.percentile(values, parameters.normalization.percentile)
            # Noise is less in a mean of more pixels.
            noise = min(1.0, _AVERAGED / self.factor) * _FEWER
            least = LEAST_CONTRAST * noise * (bright - dark)
            low = _reduced(np.minimum, values, rows, columns)
            high = _reduced(np.maximum, values, rows, columns)
            found |= high - low > least
        return found


def _reduced(
    reduce: np.ufunc, values: Array, rows: Array, columns: Array
) -> npt.NDArray[np.float32]:
    """Return the least or largest value in each row and column of boxes."""
    for axis, spans in enumerate((rows, columns)):
        # An end is to be an index.
        padding = [(0, 1) if n == axis else (0, 0) for n in range(2)]
        padded = np.pad(values, padding, "edge")
        every = reduce.reduceat(padded, spans.ravel(), axis)
        values = every[::2] if axis == 0 else every[:, ::2]
    return np.asarray(values, np.float32)
