"""What was done in a project and can be undone, read back from its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.io.project.reading import reading
from cellpose_studio.io.project.tables.journal import COLUMNS, edit_of_row, entry_of_row
from cellpose_studio.io.project.tables.revisions import read_revision

_MOST = 10_000
"""Entries that are looked at; more steps than anyone goes back through."""


@dataclass(frozen=True)
class JournalStep:
    """A step that was done, or was undone and can be done again.

    Attributes
    ----------
    entry
        What the journal says of it.
    number
        Id of the entry that did it, undid it or did it again last.
    before, after
        Heads that it switches between; both None for an edit of pixels.
    """

    entry: JournalEntry
    number: int
    before: LabelRevision | None = None
    after: LabelRevision | None = None


@dataclass
class _Step:
    entry: JournalEntry
    number: int
    before: int | None
    after: int | None


def read_steps(db: sqlite3.Connection) -> tuple[list[JournalStep], int]:
    """Return the steps of a project, the oldest first, and how many are done.

    The others were undone.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the journal"):
        rows = db.execute(
            f"SELECT {COLUMNS} FROM (SELECT * FROM journal ORDER BY id DESC "  # noqa: S608
            f"LIMIT {_MOST}) ORDER BY id"
        ).fetchall()
        entries = [entry_of_row(row, None)[0] for row in rows]
        entries = [entry for entry in entries if not _is_import(entry)]
        steps, done = _played(entries)
        return [_with_revisions(db, step) for step in steps], done


def read_edit(db: sqlite3.Connection, number: int) -> LabelEdit:
    """Return the edit of a journal entry.

    Raises
    ------
    ProjectDamaged
    """
    with reading("an edit"):
        *row, delta = db.execute(
            f"SELECT {COLUMNS}, delta FROM journal WHERE id = ?",  # noqa: S608
            (number,),
        ).fetchone()
        return edit_of_row(row, delta)


def _played(entries: Iterable[JournalEntry]) -> tuple[list[_Step], int]:
    """Do, undo and do again as the entries say."""
    steps: list[_Step] = []
    done = 0
    for entry in entries:
        if entry.undoes is None:
            del steps[done:]
            steps.append(_Step(entry, entry.id, entry.base, entry.head))
            done += 1
        elif done and steps[done - 1].number == entry.undoes:
            done -= 1
            steps[done].number, steps[done].after = entry.id, entry.base
        elif done < len(steps) and steps[done].number == entry.undoes:
            steps[done].number, steps[done].before = entry.id, entry.base
            done += 1
        else:
            # It undid a step on an image that was taken off the list meanwhile, or
            # one that is too long ago: what is known does not fit together.
            steps, done = [], 0
    return steps, done


def _is_import(entry: JournalEntry) -> bool:
    """Return whether masks came with their image, which is no step of the user's."""
    return entry.base is None and entry.operation.startswith("Import ")


def _with_revisions(db: sqlite3.Connection, step: _Step) -> JournalStep:
    past = JournalStep(step.entry, step.number)
    if step.entry.head is None:
        return past
    before, after = (
        None if number is None else read_revision(db, number)
        for number in (step.before, step.after)
    )
    return replace(past, before=before, after=after)
