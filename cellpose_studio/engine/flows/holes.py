"""Normalisation of images in which some pixels are no number.

Cellpose's own functions have no place for such pixels: its percentiles become NaN,
and a filter spreads them over the whole plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.runs.parameters import Normalization

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Part = tuple[slice, slice]

WHOLE: Part = (slice(None), slice(None))

FLAT = 1e-3
"""Contrast up to which a channel shows nothing, as in Cellpose."""

_SIDE, _DEPTH = 224, 50
"""A larger stack is thinned out to about this for its percentiles, as in Cellpose."""


def normalized_around(
    stack: FloatArray,
    holes: Mask,
    normalization: Normalization,
    together: bool,
    part: Part = WHOLE,
) -> FloatArray:
    """Return ``stack`` (Z, Y, X, C), which may be overwritten, without its ``holes``.

    As Cellpose's ``normalize_img`` gives it, but that the pixels in holes take part
    in no percentile, and are 0. Filters and tiles look at the plane around a pixel;
    there a hole holds what is nearest to it. Only the pixels in ``part``, rows and
    columns, take part in percentiles; tiles have their own.
    """
    if together or len(stack) == 1:
        return _normalized(stack, holes, normalization, together, part)
    planes = [
        _normalized(stack[z : z + 1], holes[z : z + 1], normalization, False, part)
        for z in range(len(stack))
    ]
    return np.concatenate(planes)


def _normalized(
    stack: FloatArray,
    holes: Mask,
    normalization: Normalization,
    norm3D: bool,
    part: Part,
) -> FloatArray:
    if normalization.tile_norm_blocksize:
        seen = _in_tiles(_nearest(stack, holes), normalization, norm3D)
    elif normalization.sharpen_radius or normalization.smooth_radius:
        seen = _filtered(_nearest(stack, holes), normalization)
        seen = _scaled(seen, holes, normalization, part)
    else:
        seen = _scaled(stack, holes, normalization, part)
    return np.where(holes, np.float32(0), seen)


def _in_tiles(
    stack: FloatArray, normalization: Normalization, norm3D: bool
) -> FloatArray:
    from cellpose_studio.engine.cellpose_api import normalize_img

    options: dict[str, Any] = {**normalization.model_dump(), "norm3D": norm3D}
    return np.asarray(normalize_img(stack, **options))


def _filtered(stack: FloatArray, normalization: Normalization) -> FloatArray:
    from cellpose_studio.engine.cellpose_api import smooth_sharpen_img

    return np.asarray(
        smooth_sharpen_img(
            stack,
            smooth_radius=normalization.smooth_radius,
            sharpen_radius=normalization.sharpen_radius,
        )
    )


def _scaled(
    stack: FloatArray, holes: Mask, normalization: Normalization, part: Part
) -> FloatArray:
    """Scale each channel by the percentiles of its pixels in a part without holes."""
    scaled = np.zeros_like(stack)
    for c in range(stack.shape[-1]):
        channel = stack[..., c]
        seen, unseen = channel[:, *part], holes[:, *part, c]
        thin = tuple(map(slice, [None] * 3, [None] * 3, sampling_steps(seen.shape)))
        values = seen[thin][~unseen[thin]]
        if not values.size or np.ptp(values) == 0:
            continue
        dark, bright = np.percentile(values, normalization.percentile)
        if bright - dark > FLAT:
            scaled[..., c] = (channel - dark) / (bright - dark)
        if normalization.invert:
            scaled[..., c] = 1 - scaled[..., c]
    return scaled


def sampling_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return which pixels of (Z, Y, X) tell its percentiles: all but of large ones."""
    z, y, x = shape
    if z * y * x <= _SIDE**3:
        return 1, 1, 1
    return max(1, z // _DEPTH), max(1, y // _SIDE), max(1, x // _SIDE)


def _nearest(stack: FloatArray, holes: Mask) -> FloatArray:
    """Return ``stack`` with the nearest pixel of its plane in each hole, or 0."""
    from scipy.ndimage import distance_transform_edt

    filled = np.where(holes, np.float32(0), stack)
    for z, c in np.ndindex(stack.shape[0], stack.shape[-1]):
        hole = holes[z, ..., c]
        if hole.any() and not hole.all():
            y, x = distance_transform_edt(
                hole, return_distances=False, return_indices=True
            )
            filled[z, ..., c] = filled[z, y, x, c]
    return filled
