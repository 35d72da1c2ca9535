"""Description of the edits by hand after a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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


def edits_sentence(entries: Sequence[JournalEntry]) -> str:
    """Return a sentence on what a recipe cannot reproduce; empty if nothing."""
    what = describe_edits(entries)
    return f"Edited by hand afterwards: {what}." if what else ""
