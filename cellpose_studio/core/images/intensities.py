"""Statistics of pixels that may be no number, and pixels as 32-bit floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

_EXACT = 2**24
"""Whole numbers up to this one are exact in float32."""

_SPREADS = ((25, 75), (10, 90), (1, 99))
"""Percentiles between which the contrast of an image is looked for."""

_FEWEST_STEPS = 16
"""Steps of float32 within the contrast below which rounding would be seen."""

SAMPLED = 2**20
"""About as many pixels tell where the values of an image lie."""

LEAST_CONTRAST = 0.01
"""Of the contrast of the image: where less is seen, no network finds a cell.

The shipped ones find none at 3 %; others may see more, beside very bright debris.
"""


def non_finite(pixels: Array) -> Mask | None:
    """Return where pixels are NaN or infinite; None where none is.

    Such pixels, as around a registered image, take part in no statistic.
    """
    if pixels.dtype.kind != "f":
        return None
    holes = ~np.isfinite(pixels)
    return holes if holes.any() else None


def finite(pixels: Array) -> Array:
    """Return the pixels that are numbers: as they are if all of them are, else 1-D."""
    holes = non_finite(pixels)
    return pixels if holes is None else pixels[~holes]


def finite_float64(pixels: Array) -> Array:
    """Return the pixels that are numbers, whose differences are finite as well."""
    values = pixels.astype(np.float64)
    return values if pixels.dtype.kind in "ui" else finite(values).clip(-1e300, 1e300)


def limits(pixels: Array, percentiles: tuple[float, float]) -> tuple[float, float]:
    """Return percentiles of the pixels that are numbers, in double precision.

    (0, 0) where no pixel is a number.
    """
    if pixels.size and pixels.dtype in (np.uint8, np.uint16):
        return _counted_limits(pixels, percentiles)
    values = finite_float64(pixels)
    if not values.size:
        return 0.0, 0.0
    low, high = np.percentile(values, percentiles)
    return float(low), float(high)


def _counted_limits(
    pixels: Array, percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Return percentiles of pixels of few values, as NumPy's, without sorting them."""
    # How many pixels are as dark as each value, or darker.
    upto = np.cumsum(np.bincount(pixels.ravel()))
    places = np.divide(percentiles, 100) * (pixels.size - 1)
    below = np.floor(places)
    darker = np.searchsorted(upto, below, side="right")
    brighter = np.searchsorted(upto, np.ceil(places), side="right")
    low, high = darker + (brighter - darker) * (places - below)
    return float(low), float(high)


def as_float32(pixels: Array) -> tuple[npt.NDArray[np.float32], float]:
    """Return pixels as new 32-bit floats, and what was subtracted from them before.

    That is 0, unless float32 is too coarse where the values lie: 2**40 + 3 and
    2**40 + 4 are the same there. Values beyond its range become infinite.
    """
    offset = offset_of(pixels)
    return to_float32(pixels, offset), 0.0 if offset is None else float(offset)


def to_float32(pixels: Array, offset: Any) -> npt.NDArray[np.float32]:
    """Return pixels minus ``offset``, unless that is None, as new 32-bit floats."""
    with np.errstate(over="ignore"):
        if offset is None:
            return pixels.astype(np.float32)
        return differences(pixels, offset).astype(np.float32)


def is_wide(dtype: np.dtype[Any]) -> bool:
    """Return whether float32 is coarser than pixels of a type; shorter lose nothing."""
    return dtype.kind in "iuf" and dtype.itemsize >= 4 and dtype != np.float32


def differences(pixels: Array, offset: Any) -> npt.NDArray[np.float64]:
    """Return ``pixels`` minus ``offset``, without rounding either.

    Parameters
    ----------
    offset
        A whole number for integers.
    """
    offset = pixels.dtype.type(offset)
    rough = pixels.astype(np.float64) - np.float64(offset)
    if pixels.dtype.kind == "f" or pixels.dtype.itemsize < 8:
        return rough
    with np.errstate(over="ignore"):
        # Unsigned differences wrap around, and read as signed numbers they are right.
        exact = (pixels - offset).view(np.int64)
    # Far from each other, whole numbers of 64 bits have no difference of 64 bits.
    return np.where(np.abs(rough) > 2**53, rough, exact)


def offset_of(pixels: Array) -> Any:
    """Return the pixel value to subtract from all of them; None if there is no need.

    Of `SAMPLED` pixels or more, evenly distributed ones tell as much as all.
    """
    if not is_wide(pixels.dtype):
        return None
    seen = finite(pixels.ravel()[:: max(1, pixels.size // SAMPLED)])
    if not seen.size:
        return None
    # An actual pixel value can be subtracted without rounding, unlike a mean.
    middle = np.partition(seen, seen.size // 2)[seen.size // 2]
    # Whole numbers of this size are exact, but fractions may be too fine anywhere.
    if abs(float(middle)) <= _EXACT and pixels.dtype.kind != "f":
        return None
    ends = np.percentile(differences(seen, middle), np.ravel(_SPREADS))
    spreads = np.diff(ends.reshape(-1, 2)).ravel()
    spreads = spreads[spreads > 0]
    with np.errstate(over="ignore"):
        step = np.spacing(np.float32(abs(float(middle))))
    # The narrowest interval decides, because outliers widen the others.
    return middle if spreads.size and spreads[0] < _FEWEST_STEPS * step else None
