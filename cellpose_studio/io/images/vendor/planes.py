"""Arrays that are read plane by plane."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cellpose_studio.io.images.stored_image import Array


class Planes(ABC):
    """An array of planes; the axes of a plane come last.

    Parameters
    ----------
    shape
        Of the whole array.
    inner
        Number of axes of a plane.
    dtype
        Of its values.
    """

    def __init__(
        self, shape: tuple[int, ...], inner: int, dtype: np.dtype[Any]
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._outer = len(shape) - inner

    def read(self, index: tuple[slice, ...]) -> Array:
        """Read the planes that contain a part of the array."""
        outer = index[: self._outer]
        places = (
            np.stack(
                np.meshgrid(
                    *(np.arange(s.start, s.stop) for s in outer), indexing="ij"
                ),
                -1,
            ).reshape(-1, len(outer))
            if outer
            else np.zeros((1, 0), int)
        )
        inner = index[self._outer :]
        lengths = [span.stop - span.start for span in index]
        pixels = np.empty((len(places), *lengths[self._outer :]), self.dtype)
        if not math.prod(lengths):
            return pixels.reshape(lengths)
        wanted = [tuple(map(int, place)) for place in places]
        for n, plane in enumerate(self.planes(wanted, inner)):
            pixels[n] = plane
        return pixels.reshape(lengths)

    @abstractmethod
    def planes(
        self, places: Sequence[tuple[int, ...]], inner: tuple[slice, ...]
    ) -> Iterator[Array]:
        """Yield the part ``inner`` of the plane at each of ``places``."""
