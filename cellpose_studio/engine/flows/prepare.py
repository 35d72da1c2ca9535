"""Conversion of the pixels of a file to the input of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.images.intensities import as_float32, non_finite
from cellpose_studio.core.runs.parameters import GREY, Normalization
from cellpose_studio.engine.flows.holes import WHOLE, Part, normalized_around


def needed_channels(channels: Sequence[int | None], own: int) -> list[int]:
    """Return which channels of an image are seen, from 0, ascending.

    Parameters
    ----------
    channels
        The channel for each input, as in `SegmentationParameters`.
    own
        How many channels, the first ones, have a part in the mean.
    """
    grey = set(range(own)) if GREY in channels else set()
    return sorted(grey | {c - 1 for c in channels if c})


def among_needed(
    channels: Sequence[int | None], needed: Sequence[int]
) -> tuple[int | None, ...]:
    """Return the channel for each input, counted among those that were read."""
    place = {c + 1: n + 1 for n, c in enumerate(needed)}
    return tuple(place[c] if c else c for c in channels)


def network_input(
    channels: tuple[int | None, ...],
    pixels: npt.NDArray[np.generic],
    normalization: Normalization,
    together: bool,
    part: Part = WHOLE,
    own: int | None = None,
) -> npt.NDArray[np.float32]:
    """Return the network input of a stack, as a new (Z, Y, X, inputs) array.

    Parameters
    ----------
    channels
        The channel for each input, as in `SegmentationParameters`.
    pixels
        All channels of the stack, (C, Z, Y, X), any type; not changed. Pixels that
        are no number, as around a registered image, take part in no percentile,
        and are as dark as what becomes 0.
    normalization
        Applied by Cellpose's own functions.
    together
        Scale all planes by the same percentiles.
    part
        Rows and columns whose percentiles scale all pixels.
    own
        How many channels, the first ones, have a part in the mean; None: all.
    """
    seen = [_channel(pixels, c, normalization.normalize, own) for c in channels]
    stack = np.stack(seen, axis=-1)
    holes = non_finite(stack)
    if not normalization.normalize:
        return stack if holes is None else np.where(holes, np.float32(0), stack)
    if part != WHOLE and holes is None:
        holes = np.zeros(stack.shape, bool)
    if holes is not None:
        return normalized_around(stack, holes, normalization, together, part)
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
    pixels: npt.NDArray[np.generic],
    channel: int | None,
    centred: bool,
    own: int | None,
) -> npt.NDArray[np.float32]:
    """Return one input as float32 (Z, Y, X).

    With ``centred``, a constant is subtracted from values that float32 cannot tell
    from each other; normalisation takes it out again.
    """
    if channel is None:
        return np.zeros(pixels.shape[1:], np.float32)
    wanted = pixels[:own] if channel == GREY else pixels[channel - 1 : channel]
    if centred:
        parts = [as_float32(one) for one in wanted]
        if any(offset for _, offset in parts):
            wanted = np.stack([values for values, _ in parts])
    if channel == GREY:
        return wanted.mean(axis=0, dtype=np.float32)
    return wanted[0].astype(np.float32)
