"""Separates the stains of histology, by scikit-image."""

from __future__ import annotations

import numpy as np

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.stain import STAINS, SeparateStain
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.readers import (
    Contrasts,
    FloatArray,
    with_channel,
)

_COLOURS = 3


def stain_separated(
    image: ImageSource, step: SeparateStain, context: StepContext
) -> ImageSource:
    """Return an image with a channel that shows how much of a stain there is.

    Raises
    ------
    ParametersUnfit
        If the image has no colours.
    """
    if image.own_channels < _COLOURS:
        raise ParametersUnfit(
            f"{image.name} has no colours, so its stains cannot be separated.",
            "Remove that step of “Prepare input”, or choose a colour image.",
        )
    stain, contrasts = STAINS[step.stain], Contrasts(image)

    def combine(colours: FloatArray) -> FloatArray:
        from skimage import color

        matrix = getattr(color, f"{stain.matrix}_from_rgb")
        seen = np.moveaxis(colours, 0, -1) / colours.dtype.type(contrasts.white)
        holes = ~np.isfinite(seen).all(axis=-1)
        seen[holes] = 1
        found: FloatArray = color.separate_stains(seen, matrix)[..., stain.index]
        found[holes] = np.nan
        return found

    name = step.name_among(image.channel_names)
    return with_channel(image, name, range(_COLOURS), combine, context.check)
