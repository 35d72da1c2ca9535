"""Which edits by hand are in force at each revision, and which revisions are alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision


@dataclass
class _State:
    """The edits after the last revision that no edit made.

    Attributes
    ----------
    on, off
        Edits that are in force, and that were undone, by the entry that did this last.
    """

    on: dict[int, JournalEntry] = field(default_factory=dict)
    off: dict[int, JournalEntry] = field(default_factory=dict)

    def after(self, entries: Iterable[JournalEntry]) -> _State:
        """Return the state after further entries of the journal."""
        state = _State(dict(self.on), dict(self.off))
        for entry in entries:
            if entry.undoes in state.on:
                state.off[entry.id] = state.on.pop(entry.undoes)
            elif entry.undoes in state.off:
                state.on[entry.id] = state.off.pop(entry.undoes)
            else:
                state.on[entry.id] = entry
        return state

    @property
    def edits(self) -> frozenset[int]:
        """Ids of the entries that first made the edits which are in force."""
        return frozenset(entry.id for entry in self.on.values())


class MaskStates:
    """The states of the masks of a label set.

    An edit that was undone leaves masks as they were before. What the project has of
    that are further revisions, which are of no interest to the user.
    """

    def __init__(
        self, revisions: Mapping[int, LabelRevision], journal: Sequence[JournalEntry]
    ) -> None:
        self._journal = [entry for entry in journal if entry.pixels]
        self._revisions = revisions
        self._states: dict[int, _State] = {}
        self._lines: dict[int, dict[frozenset[int], int]] = {}
        sealed: dict[int, list[JournalEntry]] = defaultdict(list)
        for entry in self._journal:
            if entry.sealed is not None:
                sealed[entry.sealed].append(entry)
        # Parents have lower ids.
        for number in sorted(revisions):
            self._add(number, sealed[number])

    def same_as(self, number: int) -> int:
        """Return the first revision of the same masks on the line of a revision.

        It is the revision itself if it has a note, by which the user knows it.
        """
        if self._revisions[number].note:
            return number
        return self._lines[number][self._states[number].edits]

    def now(self, head: int) -> tuple[int, tuple[JournalEntry, ...]]:
        """Return where masks are whose head is ``head``.

        A revision that has the same masks and no entries; or the head, and the
        entries since, of edits and of what undid edits before.
        """
        here = self._states[head]
        state = here.after(
            e for e in self._journal if e.sealed is None and e.base == head
        )
        same = self._lines[head].get(state.edits)
        if state.edits == here.edits:
            return self.same_as(head), ()
        if same is not None:
            return same, ()
        new = [e for e in state.on.values() if e.id not in here.edits]
        undone = {n for n, e in state.off.items() if e.id in here.edits}
        new += [entry for entry in self._journal if entry.id in undone]
        return self.same_as(head), tuple(sorted(new, key=lambda entry: entry.id))

    def _add(self, number: int, sealed: list[JournalEntry]) -> None:
        revision = self._revisions[number]
        before, line = _State(), {}
        if revision.kind == "edit" and revision.parent in self._states:
            before, line = self._states[revision.parent], self._lines[revision.parent]
        state = self._states[number] = before.after(sealed)
        self._lines[number] = {state.edits: number, **line}
