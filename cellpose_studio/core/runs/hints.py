"""Hints for images that are unlike those that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.confidence import Confidence

_ENOUGH = 4
"""Fewer candidates are no evidence about an image."""


def hint_for(
    confidence: Confidence, model: ModelSpec, others: Iterable[ModelSpec]
) -> str:
    """Return why to try which other model; empty if the result looks right.

    ``others`` are the available models.
    """
    reason = _reason(confidence, model)
    if not reason:
        return ""
    names = [
        other.label for other in others if other.card and other.sha256 != model.sha256
    ]
    choice = " or ".join(names) or "another model"
    return f"{reason} Try {choice}, or check the diameter and the channels."


def _reason(confidence: Confidence, model: ModelSpec) -> str:
    found, unsure = confidence.candidates, confidence.unsure
    if found >= _ENOUGH and unsure > found / 2:
        return (
            f"{unsure} of {found} cells do not fit their flows or are uncertain: the "
            f"image is unlike those that {model.label} has seen."
        )
    if not len(confidence.ids):
        purpose = (
            f" {model.label} looks for {model.card.purpose}." if model.card else ""
        )
        return f"No cells were found.{purpose}"
    return ""
