"""A picture of what a network will see of a plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.parameters import SegmentationParameters
from cellpose_studio.engine.flows.holes import Part
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.prepared import prepared
from cellpose_studio.engine.flows.prepare import (
    among_needed,
    needed_channels,
    network_input,
)

_COLOURS = {
    1: [(1, 1, 1)],
    2: [(0, 1, 0), (1, 0, 1)],
    3: [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
}
"""Red, green and blue of each input, by how many there are."""


def input_picture(
    image: ImageSource,
    parameters: SegmentationParameters,
    t: int,
    z: int,
    part: Part,
    context: StepContext | None = None,
) -> npt.NDArray[np.uint8]:
    """Return a part of a plane as a network will see it, (Y, X, 3).

    One input is grey, two are green and magenta, three are red, green and blue.

    Parameters
    ----------
    parameters
        With the channels of the inputs.
    t, z
        Time point and plane, from 0.
    part
        Rows and columns; intensities are scaled by those of this part.
    context
        As in `prepared`.

    Raises
    ------
    ParametersUnfit, ModelUnusable
        If a step does not fit the image, or no channel is chosen.
    ImageUnreadable
        If the image cannot be read.
    """
    context = context or StepContext()
    seen = prepared(image, parameters.preparation, context)
    chosen = [c for c in parameters.channels if c is not None]
    if not chosen:
        raise ParametersUnfit("No channel is chosen.", "Choose at least one.")
    needed = needed_channels(chosen, seen.own_channels)
    parts = []
    for c in needed:
        context.check()
        place = (slice(t, t + 1), slice(c, c + 1), slice(z, z + 1))
        parts.append(seen.reader.read((*place, *part))[0, 0])
    inputs = network_input(
        among_needed(chosen, needed),
        np.stack(parts),
        parameters.normalization,
        together=False,
        own=seen.own_channels,
    )[0]
    if not parameters.normalization.normalize:
        inputs = _stretched(inputs)
    colours = np.array(_COLOURS[min(len(chosen), 3)], np.float32)
    mixed = inputs[..., : len(colours)].clip(0, 1) @ colours
    return (mixed.clip(0, 1) * 255).astype(np.uint8)


def _stretched(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return inputs between 0 and 1: the network sees those as they are."""
    low, high = inputs.min(axis=(0, 1)), inputs.max(axis=(0, 1))
    return (inputs - low) / np.where(high > low, high - low, 1)
