"""Sentences of a methods section on what was done by hand to masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.core.recipes.edits import (
    cells_were,
    describe_edits,
    effective_edits,
    merged_parts,
)
from cellpose_studio.core.recipes.run_sentences import images_told


@dataclass(frozen=True)
class NamedWork:
    """What was done to the masks of an image."""

    image: str
    hand: HandWork


def merged_sentences(works: Sequence[NamedWork]) -> Iterator[str]:
    """Yield what masks took over from those before them."""
    merged = [one for one in works if one.hand.was_merged]
    if merged:
        parts = merged_parts(_together(merged))
        yield f"Of earlier masks, {' and '.join(parts)}{_told(merged, works)}."
    edited = [one for one in works if effective_edits(one.hand.before)]
    if edited:
        steps = _steps(_together(edited).before)
        told = _told(edited, works)
        yield f"The earlier masks had been corrected by hand in {steps}{told}."
    counts = [one.hand.together for one in merged]
    known = [count for count in counts if count is not None]
    if merged and len(known) == len(counts):
        yield f"Together, {cells_were(sum(known))} there{_told(merged, works)}."


def corrected_sentences(
    works: Sequence[NamedWork], what: str, cells: int | None
) -> Iterator[str]:
    """Yield how masks were corrected, and how many cells all of them had then.

    Parameters
    ----------
    what
        The beginning of the sentence: "The result was".
    cells
        In all masks; None if that is not known.
    """
    edited = [one for one in works if effective_edits(one.hand.after)]
    if edited:
        steps = _steps(_together(edited).after)
        yield f"{what} corrected by hand in {steps}{_told(edited, works)}."
        if cells is not None:
            yield f"{cells_were(cells)} there after that."


def _told(some: Sequence[NamedWork], every: Sequence[NamedWork]) -> str:
    return images_told([one.image for one in some], len(every))


def _together(works: Sequence[NamedWork]) -> HandWork:
    hands = [one.hand for one in works]
    return HandWork(
        before=tuple(entry for one in hands for entry in one.before),
        kept=sum(one.kept for one in hands),
        left_out=sum(one.left_out for one in hands),
        after=tuple(entry for one in hands for entry in one.after),
        in_region=any(one.in_region for one in hands),
    )


def _steps(edits: Sequence[JournalEntry]) -> str:
    """Return "2 steps: Delete cell, Fill"."""
    changes = len(effective_edits(edits))
    return f"{changes} {'step' if changes == 1 else 'steps'}: {describe_edits(edits)}"
