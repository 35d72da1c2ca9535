"""Hints for images that are unlike those that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.wording import listed

_ENOUGH = 4
"""Fewer candidates are no evidence about an image."""

AUTOMATIC = "Automatic (--model auto)"
"""In a hint: let a quick look choose the model."""

_FAR_OFF = 1.5
"""Ratio of a set diameter to the measured one, from which on it is to blame first."""


def hint_for(
    confidence: Confidence,
    model: ModelSpec,
    others: Iterable[ModelSpec],
    diameter: float | None = None,
    measured: float | None = None,
) -> str:
    """Return what to try for a better result; empty if the result looks right.

    Parameters
    ----------
    others
        The available models; if what chooses among them is one, it is named alone.
    diameter
        The diameter that the user set, px; None if it was measured.
    measured
        The diameter that was measured on the image, px; None if it was not.
    """
    counts = _counts(confidence)
    if not counts:
        return _left_out(confidence)
    if diameter and measured and _ratio(diameter, measured) > _FAR_OFF:
        return (
            f"The diameter was set to {diameter:g} px, but the cells of this image "
            f"measure about {measured:g} px. Choose Automatic, or set the diameter "
            f"anew. {counts}."
        )
    choice = _choice(model, [*others])
    reason = _reason(confidence, model, counts)
    hint = f"{reason} Try {choice}, or check the diameter and the channels."
    # Another model comes first: cells that are hardly sure are rarely what is missing.
    return f"{hint} {_left_out(confidence)}".rstrip()


def _choice(model: ModelSpec, others: Sequence[ModelSpec]) -> str:
    """Return which models to try instead."""
    if any(other.is_automatic for other in others):
        return f"{AUTOMATIC}, which takes the model that suits the image"
    names = [
        other.label for other in others if other.card and other.sha256 != model.sha256
    ]
    return listed(names or ["another model"], "or")


def looks_wrong(confidence: Confidence) -> bool:
    """Return whether there is a reason to try something else."""
    return bool(_counts(confidence))


def _left_out(confidence: Confidence) -> str:
    """Return a sentence on cells that were left out as doubtful; empty if none were."""
    if not confidence.doubtful:
        return ""
    were = "cell was" if confidence.doubtful == 1 else "cells were"
    return (
        f"{confidence.doubtful} {were} left out, since the network was sure of hardly "
        "any, as where there are none. To see them, set Finish cells, in Advanced, to "
        "Exactly Cellpose (--postprocessing cellpose)."
    )


def _ratio(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def _counts(confidence: Confidence) -> str:
    """Return how many cells are doubtful, as a clause; empty if few are."""
    shown, found = len(confidence.ids), confidence.candidates
    if found >= _ENOUGH and confidence.unsure > found / 2:
        uncertain, left_out = int(confidence.uncertain.sum()), confidence.left_out
        if not left_out:
            return f"{uncertain} of {shown} cells are uncertain"
        start = f"{uncertain} of {shown} cells are uncertain, and " if shown else ""
        more = " more" if shown else ""
        were = "cell was" if left_out == 1 else "cells were"
        return f"{start}{left_out}{more} {were} left out as unlike their flows"
    return "" if shown else "No cells were found"


def _reason(confidence: Confidence, model: ModelSpec, counts: str) -> str:
    if len(confidence.ids) or confidence.left_out:
        return f"{counts}: the image is unlike those that {model.label} has seen."
    purpose = f" {model.label} looks for {model.card.purpose}." if model.card else ""
    return f"{counts}.{purpose}"
