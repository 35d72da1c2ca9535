"""Pictures of what a network gave: flows and cell probability."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.display.composite import Rgb
from cellpose_studio.core.images.image import expand_key
from cellpose_studio.core.runs.flows import Flows

_UNIT = 5.0
"""Length of the flows of a network that is sure of them."""

FloatArray = npt.NDArray[np.float32]


class LazyPicture:
    """A picture of flows as a lazy array: indexing draws the planes it needs.

    It has the shape of a label image, with red, green and blue as last axis.

    Parameters
    ----------
    parts
        What is drawn, (A, …), where the axes after the first are those of ``shape``.
    draw
        Returns the picture (…, 3) of parts (A, …).
    """

    def __init__(self, parts: FloatArray, draw: Callable[[FloatArray], Rgb]) -> None:
        self._parts = parts
        self._draw = draw
        self.shape = (*parts.shape[1:], 3)
        self.dtype = np.dtype(np.uint8)
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: object) -> npt.NDArray[np.uint8]:
        """Draw the pixels that ``key`` needs."""
        *keys, colour = expand_key(key, self.ndim)
        return self._draw(self._parts[(slice(None), *keys)])[..., colour]

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[np.generic]:
        return np.asarray(self[...], dtype=dtype)


def flows_picture(flows: Flows, label_shape: tuple[int, ...]) -> LazyPicture:
    """Return the picture of the flows within planes, of the shape of a label image."""
    # The flows along Z have no direction in a plane.
    planar = flows.dP[-2:]
    return LazyPicture(planar.reshape(2, *label_shape), flow_colours)


def probability_picture(flows: Flows, label_shape: tuple[int, ...]) -> LazyPicture:
    """Return the picture of the cell probability, of the shape of a label image."""
    logits = flows.cellprob.reshape(1, *label_shape)
    return LazyPicture(logits, lambda part: probability_greys(part[0]))


def flow_colours(flows: FloatArray) -> Rgb:
    """Return the colours (…, 3) of flows (Y and X, …), as Cellpose has them.

    The hue is the direction, and the brightness the length; background is black.
    """
    y, x = flows[0], flows[1]
    length = np.minimum(np.hypot(y, x) / _UNIT, 1)
    angle = np.arctan2(x, y) + np.pi
    turns = np.arange(3, dtype=np.float32) * (2 * np.pi / 3)
    waves = (np.cos(angle[..., None] + turns) + 1) / 2
    return (255 * np.nan_to_num(length[..., None] * waves)).round().astype(np.uint8)


def direction_wheel(size: int) -> Rgb:
    """Return a disc (size, size, 3): each direction from its middle in its colour."""
    middle = (size - 1) / 2
    offsets = np.mgrid[:size, :size].astype(np.float32) - np.float32(middle)
    length = np.hypot(*offsets)
    unit = offsets / np.maximum(length, 1e-6) * np.float32(_UNIT)
    return flow_colours(np.where(length <= middle, unit, np.float32(0)))


def probability_greys(logits: FloatArray) -> Rgb:
    """Return the greys (…, 3) of cell probabilities (…): black is 0, white is 1."""
    with np.errstate(over="ignore"):
        grey = 255 / (1 + np.exp(-np.nan_to_num(logits)))
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=-1)
