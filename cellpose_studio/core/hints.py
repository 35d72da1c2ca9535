"""What to tell a user whose image is unlike those that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable

from cellpose_studio.core.confidence import FLOW_CHECK, Confidence
from cellpose_studio.core.model import ModelSpec

_ENOUGH = 4
"""Fewer candidates tell nothing about an image."""


def hint_for(
    confidence: Confidence, model: ModelSpec, others: Iterable[ModelSpec]
) -> str:
    """Return why to try another model, and which; empty where the result looks right.

    ``others`` are the models at hand.
    """
    reason = _reason(confidence)
    if not reason:
        return ""
    card = model.card
    made_for = f" {model.label} was made for {card.purpose}." if card else ""
    names = [
        f"{other.label} ({other.card.purpose})"
        for other in others
        if other.card and other.sha256 != model.sha256
    ]
    choice = f" Try {' or '.join(names)}." if names else " Try another model."
    return f"{reason}{made_for}{choice} Or check the diameter and the channels."


def _reason(confidence: Confidence) -> str:
    found, misfits = confidence.candidates, confidence.misfits
    if found >= _ENOUGH and misfits > found / 2:
        return (
            f"{misfits} of {found} cells did not fit their flows (flow error over "
            f"{FLOW_CHECK}): this image is unlike those the model has seen."
        )
    if not len(confidence.ids):
        return "No cells were found."
    return ""
