"""An image as it is after the steps that prepare it for a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cellpose_studio.core.errors import ParametersUnfit
from cellpose_studio.core.images.image import ImageSource
from cellpose_studio.core.runs.preparation.step import PreparationStep
from cellpose_studio.engine.flows.preparation.background import background_subtracted
from cellpose_studio.engine.flows.preparation.context import StepContext
from cellpose_studio.engine.flows.preparation.merging import merged
from cellpose_studio.engine.flows.preparation.restoring import restored
from cellpose_studio.engine.flows.preparation.stains import stain_separated

Prepare = Callable[[ImageSource, Any, StepContext], ImageSource]

PREPARE: dict[str, Prepare] = {
    "merge": merged,
    "background": background_subtracted,
    "stain": stain_separated,
    "restore": restored,
}
"""By the kind of a step what does it: an image that computes pixels as it reads."""


def prepared(
    image: ImageSource,
    steps: Sequence[PreparationStep],
    context: StepContext | None = None,
) -> ImageSource:
    """Return ``image`` after ``steps``; reads no pixels yet.

    Its pixels are computed where they are read, as floats. Channels that steps add
    follow those of the image.

    Parameters
    ----------
    context
        What steps are done with, for pixels that are read.

    Raises
    ------
    ParametersUnfit
        If a step needs a channel, or colours, that the image does not have.
    ModelUnusable
        If a step needs a network that is not installed.
    """
    context = context or StepContext()
    for step in steps:
        _refuse_missing(image, step)
        image = PREPARE[step.kind](image, step, context)
    return image


def _refuse_missing(image: ImageSource, step: PreparationStep) -> None:
    """Raise `ParametersUnfit` if a step needs a channel that an image does not have."""
    for name, field in type(step).model_fields.items():
        hints = field.json_schema_extra
        if not isinstance(hints, dict) or not hints.get("channels"):
            continue
        value = getattr(step, name)
        wanted = value if isinstance(value, tuple) else (value,)
        missing = [c for c in wanted if c is not None and c > image.channels]
        if missing:
            raise ParametersUnfit(
                f"{image.name} has no channel {missing[0]}, which “Prepare input” "
                f"needs: it has {image.channels}.",
                "Choose other channels there.",
            )
