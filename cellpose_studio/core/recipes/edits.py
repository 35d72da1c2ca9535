"""Description of the edits by hand after a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cellpose_studio.core.provenance.hand_work import HandWork
from cellpose_studio.core.provenance.revision import JournalEntry


def effective_edits(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """Return the edits that were not undone, in their order.

    An entry that undoes or redoes refers to another one, which may do so itself: each
    of them toggles the edit at the start of the chain.
    """
    first = {entry.id: entry.id for entry in entries}
    on = {}
    for entry in entries:
        if entry.undoes is None:
            on[entry.id] = True
            continue
        first[entry.id] = root = first.get(entry.undoes, entry.undoes)
        # An edit from before these entries was in force.
        on[root] = not on.get(root, True)
    return [entry for entry in entries if entry.undoes is None and on[entry.id]]


def describe_edits(entries: Sequence[JournalEntry]) -> str:
    """Return "Delete cell (2), Split cell"; empty if no edit is in force."""
    counts = Counter(entry.operation for entry in effective_edits(entries))
    return ", ".join(f"{what} ({n})" if n > 1 else what for what, n in counts.items())


def hand_work_sentences(hand: HandWork) -> list[str]:
    """Return sentences on what a recipe cannot reproduce; empty if nothing."""
    found = []
    if hand.was_merged:
        found.append(f"Merged with earlier masks: {'; '.join(merged_parts(hand))}.")
    if what := describe_edits(hand.before):
        found.append(f"The earlier masks were edited by hand: {what}.")
    if what := describe_edits(hand.after):
        found.append(f"Edited by hand afterwards: {what}.")
    return found


def merged_parts(hand: HandWork) -> Iterator[str]:
    """Yield what a run took over from earlier masks, as main clauses."""
    if hand.kept:
        made = "had been accepted, drawn or edited by hand"
        if hand.in_region:
            made = f"lie outside of the region or {made}"
        yield f"{cells_were(hand.kept)} kept that {made}"
    if hand.left_out:
        yield f"{cells_were(hand.left_out)} left out that had been deleted by hand"


def cells_were(count: int) -> str:
    """Return "1 cell was", "12 cells were"."""
    return "1 cell was" if count == 1 else f"{count} cells were"
