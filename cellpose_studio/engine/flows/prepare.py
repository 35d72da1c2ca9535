"""Conversion of the pixels of a file to the input of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.runs.parameters import GREY, Normalization


def network_input(
    channels: tuple[int | None, ...],
    pixels: npt.NDArray[np.generic],
    normalization: Normalization,
    together: bool,
) -> npt.NDArray[np.float32]:
    """Return the network input of a stack, as a new (Z, Y, X, inputs) array.

    Parameters
    ----------
    channels
        The channel for each input, as in `SegmentationParameters`.
    pixels
        All channels of the stack, (C, Z, Y, X), any type; not modified. NaN and
        infinity, as around a registered image, count as 0.
    normalization
        Applied by Cellpose's own functions.
    together
        Scale all planes by the same percentiles.
    """
    stack = np.stack([_channel(pixels, c) for c in channels], axis=-1)
    if not normalization.normalize:
        return stack
    from cellpose_studio.engine.cellpose_api import normalize_img

    options = cellpose_options(normalization)
    if len(stack) == 1:
        return np.asarray(normalize_img(stack, **options))
    options["norm3D"] = together
    if together:
        return np.asarray(normalize_img(stack, **options))
    return np.stack([normalize_img(plane, **options) for plane in stack])


def cellpose_options(normalization: Normalization) -> dict[str, Any]:
    """Return the arguments of Cellpose's ``normalize_img``."""
    return {**normalization.model_dump(), "percentile": list(normalization.percentile)}


def _channel(
    pixels: npt.NDArray[np.generic], channel: int | None
) -> npt.NDArray[np.float32]:
    """Return one input as float32 (Z, Y, X)."""
    if channel is None:
        return np.zeros(pixels.shape[1:], np.float32)
    if channel == GREY:
        seen = pixels.mean(axis=0, dtype=np.float32)
    else:
        seen = pixels[channel - 1].astype(np.float32)
    return np.nan_to_num(seen, copy=False, nan=0, posinf=0, neginf=0)
