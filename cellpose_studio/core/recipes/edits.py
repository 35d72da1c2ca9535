"""What was done by hand after a run, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cellpose_studio.core.provenance.revision import JournalEntry


def in_force(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """Return the edits that were not taken back, in their order.

    An entry that takes back or does again has the id of another one, which may be
    of that kind itself: each of them turns the edit at the start off or on.
    """
    first = {entry.id: entry.id for entry in entries}
    on = {}
    for entry in entries:
        if entry.undoes is None:
            on[entry.id] = True
            continue
        first[entry.id] = root = first.get(entry.undoes, entry.undoes)
        on[root] = not on.get(root, True)
    return [entry for entry in entries if entry.undoes is None and on[entry.id]]


def in_words(entries: Sequence[JournalEntry]) -> str:
    """Return "Delete cell (2), Split cell"; empty where nothing is in force."""
    counts = Counter(entry.operation for entry in in_force(entries))
    return ", ".join(f"{what} ({n})" if n > 1 else what for what, n in counts.items())


def sentence(entries: Sequence[JournalEntry]) -> str:
    """Return what a recipe cannot repeat; empty where there is nothing."""
    what = in_words(entries)
    return f"Edited by hand afterwards: {what}." if what else ""
