"""Hints for images that are unlike those that a model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cellpose_studio.core.models.model import ModelSpec
from cellpose_studio.core.runs.confidence import Confidence
from cellpose_studio.core.wording import listed

_ENOUGH = 4
"""Fewer candidates are no evidence about an image."""

_FAR_OFF = 1.5
"""Ratio of a set diameter to the measured one, from which on it is to blame first."""


@dataclass(frozen=True, kw_only=True)
class Hint:
    """What is wrong with a result, and what to try for a better one.

    Attributes
    ----------
    reason
        What is wrong, in whole sentences; empty where the result looks right.
    models
        Those to try instead: the one that chooses among the others, or each.
    diameter
        True if the diameter that was set is to blame first, and no model.
    evidence
        A sentence on the cells, where the reason says nothing of them.
    left_out
        A sentence on cells that were left out as doubtful; empty if none were.
    """

    reason: str = ""
    models: tuple[ModelSpec, ...] = ()
    diameter: bool = False
    evidence: str = ""
    left_out: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason or self.left_out)

    @property
    def proposes_automatic(self) -> bool:
        """Whether a quick look should choose the model."""
        return any(model.is_automatic for model in self.models)

    def in_window(self) -> str:
        """Return it in the words of the window; empty if there is nothing to say."""
        others = [model.label for model in self.models]
        if self.proposes_automatic:
            others = ["Automatic, which takes the model that suits the image"]
        return self._text(
            others,
            "check the diameter and the channels",
            "Choose Automatic, or set the diameter anew",
            "set Finish cells, in Advanced, to Exactly Cellpose",
        )

    def in_command_line(self) -> str:
        """Return it in options of ``segment``; empty if there is nothing to say."""
        others = [f"--model {_option(model)}" for model in self.models]
        if self.proposes_automatic:
            others[0] += ", which takes the model that suits the image"
        return self._text(
            others,
            "check --diameter and --channels",
            "Leave --diameter out, or set it anew",
            "add --postprocessing cellpose",
        )

    def _text(self, others: list[str], check: str, anew: str, show: str) -> str:
        """Return the sentences; the arguments are what a surface calls each step."""
        sentences = [self.reason]
        if self.diameter:
            sentences += [f"{anew}.", self.evidence]
        elif self.reason:
            sentences.append(
                f"Try {listed(others or ['another model'], 'or')}, or {check}."
            )
        # Another model comes first: cells that are hardly sure are rarely what is
        # missing.
        if self.left_out:
            sentences.append(f"{self.left_out} To see them, {show}.")
        return " ".join(filter(None, sentences))


NO_HINT = Hint()
"""That of a result that looks right."""


def hint_for(
    confidence: Confidence,
    model: ModelSpec,
    others: Iterable[ModelSpec],
    diameter: float | None = None,
    measured: float | None = None,
) -> Hint:
    """Return what to try for a better result; false if the result looks right.

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
        return Hint(left_out=_left_out(confidence))
    if diameter and measured and _ratio(diameter, measured) > _FAR_OFF:
        return Hint(
            reason=f"The diameter was set to {diameter:g} px, but the cells of this "
            f"image measure about {measured:g} px.",
            diameter=True,
            evidence=f"{counts}.",
        )
    return Hint(
        reason=_reason(confidence, model, counts),
        models=_to_try(model, [*others]),
        left_out=_left_out(confidence),
    )


def _to_try(model: ModelSpec, others: Sequence[ModelSpec]) -> tuple[ModelSpec, ...]:
    """Return which models to try instead."""
    choosing = tuple(other for other in others if other.is_automatic)
    return choosing[:1] or tuple(
        other for other in others if other.card and other.sha256 != model.sha256
    )


def _option(model: ModelSpec) -> str:
    """Return what the command line calls a model: its name, or its file."""
    return str(model.path) if model.source == "file" else model.name


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
        "any, as where there are none."
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
