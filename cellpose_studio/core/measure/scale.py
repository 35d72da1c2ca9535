"""The size of a pixel, as measurements need it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cellpose_studio.core.images.image import ImageSource


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The size of a pixel.

    Lengths are measured in heights of a pixel, "px", and then turned into µm by one
    factor: stacks with large steps and pixels that are not square are right in both.

    Attributes
    ----------
    steps
        Size along Z, Y and X relative to the height of a pixel: (3.0, 1.0, 1.0).
    um
        Height of a pixel, µm; None if it is not known, or that of the step is not.
    """

    steps: tuple[float, float, float] = (1.0, 1.0, 1.0)
    um: float | None = None

    @property
    def sizes_um(self) -> tuple[float, float, float] | None:
        """Size along Z, Y and X, µm; None if it is not known."""
        if self.um is None:
            return None
        z, y, x = (step * self.um for step in self.steps)
        return z, y, x

    @property
    def pixel_um2(self) -> float:
        """Area of a pixel, µm²; NaN if it is not known."""
        sizes = self.sizes_um
        return math.nan if sizes is None else sizes[1] * sizes[2]

    @property
    def voxel_um3(self) -> float:
        """Volume of a voxel, µm³; NaN if it is not known."""
        sizes = self.sizes_um
        return math.nan if sizes is None else math.prod(sizes)


def scale_of(image: ImageSource) -> Scale:
    """Return the scale of an image.

    Of a stack whose step is not known, µm are not known either: a volume in µm³ would
    be wrong. Its steps count as one pixel then.
    """
    _, y, x = image.pixel_size_um
    height = y or x or 0.0
    width = (x or height) / height if height else 1.0
    flat = image.planes == 1
    ratio = 1.0 if flat else image.anisotropy
    known = bool(height) and ratio is not None
    return Scale(
        steps=(ratio or 1.0, 1.0, width),
        um=height if known else None,
    )
