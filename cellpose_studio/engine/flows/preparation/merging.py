"""Merges channels."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.merge import Merge
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.readers import (
    FloatArray,
    with_channel,
)


def merged(image: ImageSource, step: Merge, context: StepContext) -> ImageSource:
    """Return an image with a channel that is the sum or the maximum of others."""
    weights = np.array(step.weights or [1.0] * len(step.channels))

    def combine(parts: FloatArray) -> FloatArray:
        weighted = parts * weights.reshape(-1, 1, 1).astype(parts.dtype)
        # A pixel that is no number in one of the channels is none in the merged one.
        found: FloatArray = weighted.sum(0) if step.how == "sum" else weighted.max(0)
        return found

    needed = [c - 1 for c in step.channels]
    name = step.name_among(image.channel_names)
    return with_channel(image, name, needed, combine, context.check)
