"""How the masks of an image came to be: the tree of their revisions."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime

from cellpose_studio.app.history.mask_states import MaskStates
from cellpose_studio.app.history.parameter_changes import changes_between
from cellpose_studio.core.provenance.record import RunRecord
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.core.recipes import effective_edits
from cellpose_studio.core.runs.preparation.steps import names_after
from cellpose_studio.io.project.tables.journal import read_journal
from cellpose_studio.io.project.tables.revisions import read_revisions
from cellpose_studio.io.project.tables.runs import read_runs

_RESTORE = "Restore "


@dataclass(frozen=True, eq=False, kw_only=True)
class HistoryNode:
    """A revision, or a run that gave no masks.

    Attributes
    ----------
    time
        When, UTC.
    revision
        None for a run that failed or was cancelled.
    record
        Of the run that the masks come from; None without one.
    changes
        What is not as it was for the parent, a few words each.
    edits
        The edits by hand that went into it and were not taken back.
    below
        What left the line here: branches, and runs that gave no masks; newest first.
    """

    time: datetime
    revision: LabelRevision | None
    record: RunRecord | None
    changes: tuple[str, ...] = ()
    edits: tuple[JournalEntry, ...] = ()
    below: tuple[HistoryNode, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Lineage:
    """The history of a label set.

    Attributes
    ----------
    label_set
        Its id; None where there is no such label set yet, but runs were tried.
    head
        The revision that has the masks as they are now, or, with ``open_edits``, were
        before those; None while it has no masks.
    line
        The revisions before the head, the head and the newest that follow from it;
        the newest first.
    others
        Revisions that do not come from the first one of the line; newest first.
    open_edits
        Edits after the head that are in no revision yet and were not taken back, and
        entries that undid edits before.
    """

    name: str
    label_set: int | None
    head: int | None
    line: tuple[HistoryNode, ...]
    others: tuple[HistoryNode, ...] = ()
    open_edits: tuple[JournalEntry, ...] = ()

    def steps(self) -> Iterator[HistoryNode]:
        """Yield all steps from the top down."""
        waiting = [*reversed((*self.line, *self.others))]
        while waiting:
            step = waiting.pop()
            yield step
            waiting.extend(reversed(step.below))

    def step_of(self, revision: int | None) -> HistoryNode | None:
        """Return the step of a revision; None if there is none."""
        found = (s for s in self.steps() if s.revision and s.revision.id == revision)
        return next(found, None)


@dataclass(frozen=True)
class Present:
    """A label set as the session has it: its name, its id and its head."""

    name: str
    label_set: int
    head: int | None


def read_lineages(
    db: sqlite3.Connection, image: int, present: Iterable[Present], runs_in: str
) -> list[Lineage]:
    """Return the history of each label set of an image that has one.

    Parameters
    ----------
    runs_in
        Name of the label set that runs write to, among whose steps are those that
        gave no masks.

    Raises
    ------
    ProjectDamaged
    """
    records = dict(read_runs(db, image))
    lost = [r for r in records.values() if r.outcome != "finished"]
    sets = {one.name: one for one in present}
    found = []
    for name, one in sets.items():
        revisions = read_revisions(db, one.label_set)
        journal = read_journal(db, one.label_set)
        failed = lost if name == runs_in else []
        found.append(lineage(one, revisions, journal, records, failed))
    if lost and runs_in not in sets:
        found.append(
            Lineage(name=runs_in, label_set=None, head=None, line=_unfinished(lost))
        )
    return [one for one in found if one.line]


def lineage(
    present: Present,
    revisions: Sequence[LabelRevision],
    journal: Sequence[JournalEntry],
    records: dict[int, RunRecord],
    failed: Sequence[RunRecord] = (),
) -> Lineage:
    """Return the history of a label set from what a project holds of it."""
    steps = _NodeBuilder(revisions, journal, records)
    head, open_edits = steps.now(present.head)
    main = steps.line_through(head)
    on_line = set(main)
    roots = [r for r in steps.children[None] if r not in on_line]
    line = _with_runs([steps.made(r, on_line) for r in reversed(main)], failed)
    return Lineage(
        name=present.name,
        label_set=present.label_set,
        head=head,
        line=tuple(line),
        others=steps.branches(roots),
        open_edits=open_edits,
    )


class _NodeBuilder:
    """The revisions of a label set by what follows from which."""

    def __init__(
        self,
        revisions: Sequence[LabelRevision],
        journal: Sequence[JournalEntry],
        records: dict[int, RunRecord],
    ) -> None:
        every = {one.id: one for one in revisions}
        self._states = MaskStates(every, journal)
        # Where all edits of a revision were undone, the masks are those before.
        self._revisions = {
            number: one
            for number, one in every.items()
            if self._states.same_as(number) == number
        }
        self._every = every
        self._records = records
        self._edits: dict[int, list[JournalEntry]] = defaultdict(list)
        self._operations: dict[int, str] = {}
        for entry in journal:
            if entry.pixels and entry.sealed is not None:
                self._edits[entry.sealed].append(entry)
            elif entry.head is not None:
                # The first entry of a head made it; later ones only switch back to it.
                self._operations.setdefault(entry.head, entry.operation)
        self.children: dict[int | None, list[int]] = defaultdict(list)
        for number in self._revisions:
            self.children[self._parent(number)].append(number)

    def now(self, head: int | None) -> tuple[int | None, tuple[JournalEntry, ...]]:
        """Return the revision that masks are at, and the edits that came after it."""
        return (head, ()) if head not in self._every else self._states.now(head)

    def line_through(self, head: int | None) -> list[int]:
        """Return the revisions before ``head``, itself, and the newest after it."""
        if head not in self._revisions:
            head = self.children[None][-1] if self.children[None] else None
        if head is None:
            return []
        before = [head]
        while (parent := self._parent(before[-1])) is not None:
            before.append(parent)
        return [*reversed(before), *self._after(head)]

    def branches(self, starts: Sequence[int]) -> tuple[HistoryNode, ...]:
        """Return the lines that begin with ``starts``, each with the newest first."""
        lines = [[start, *self._after(start)] for start in starts]
        lines.sort(key=lambda line: line[-1], reverse=True)
        return tuple(self.made(r, {*line}) for line in lines for r in reversed(line))

    def made(self, number: int, line: Set[int]) -> HistoryNode:
        """Return the step of a revision of ``line``."""
        revision = self._revisions[number]
        record = self._record(revision)
        off = [child for child in self.children[number] if child not in line]
        return HistoryNode(
            time=revision.created,
            revision=revision,
            record=record,
            changes=self._changes(revision, record),
            edits=tuple(effective_edits(self._edits[number])),
            below=self.branches(off),
        )

    def _after(self, number: int) -> list[int]:
        after: list[int] = []
        while children := self.children[after[-1] if after else number]:
            after.append(children[-1])
        return after

    def _parent(self, number: int) -> int | None:
        parent = self._every[number].parent
        # Later revisions have higher ids: a damaged file must not lead in circles.
        if parent not in self._every or parent is None or parent >= number:
            return None
        return self._states.same_as(parent)

    def _record(self, revision: LabelRevision | None) -> RunRecord | None:
        if revision is None or revision.run is None:
            return None
        return self._records.get(revision.run)

    def _changes(
        self, revision: LabelRevision, record: RunRecord | None
    ) -> tuple[str, ...]:
        if revision.kind == "import":
            return (revision.origin,)
        if revision.kind == "restore":
            operation = self._operations.get(revision.id, "")
            return (f"from {operation.removeprefix(_RESTORE)}",) if operation else ()
        if revision.kind == "edit":
            return ()
        if revision.kind == "operation":
            return (self._operations.get(revision.id, ""),)
        parent = self._revisions.get(self._parent(revision.id) or 0)
        earlier = self._record(parent)
        before = parent.parameters if parent and earlier else None
        changes = changes_between(before, revision.parameters, _channel_names(record))
        if revision.kind != "run" or record is None:
            return changes
        same = earlier is not None and earlier.model.sha256 == record.model.sha256
        return changes if same and changes else (_model(record), *changes)


def _channel_names(record: RunRecord | None) -> tuple[str, ...]:
    """Return the names of the channels that a run could choose from, if it has them."""
    if record is None or not record.image.channel_names:
        return ()
    return names_after(record.image.channel_names, record.parameters.preparation)


def _with_runs(
    line: list[HistoryNode], failed: Sequence[RunRecord]
) -> list[HistoryNode]:
    """Put runs without masks below the newest steps of ``line`` before them."""
    below: dict[int, list[HistoryNode]] = defaultdict(list)
    for step in _unfinished(failed):
        older = (n for n, other in enumerate(line) if other.time <= step.time)
        below[next(older, len(line))].append(step)
    known = [
        replace(step, below=(*below[n], *step.below)) if below[n] else step
        for n, step in enumerate(line)
    ]
    return [*known, *below[len(line)]]


def _unfinished(records: Iterable[RunRecord]) -> tuple[HistoryNode, ...]:
    newest = sorted(records, key=lambda record: record.started, reverse=True)
    return tuple(
        HistoryNode(time=r.started, revision=None, record=r, changes=(_model(r),))
        for r in newest
    )


def _model(record: RunRecord) -> str:
    return record.model.title or record.model.name
