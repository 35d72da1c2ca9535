"""Undo steps of earlier sessions, reconstructed from the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cellpose_studio.core.masks.edit import LabelEdit
from cellpose_studio.core.provenance.revision import JournalEntry, LabelRevision
from cellpose_studio.io.project.reading import reading
from cellpose_studio.io.project.tables.journal import (
    COLUMNS,
    edit_of_row,
    entry_of_row,
    pixels_of,
)
from cellpose_studio.io.project.tables.revisions import read_revision

_BASE = 2
_MOST = 10_000
"""Limit of entries that are read; more than anyone undoes."""


@dataclass(frozen=True)
class JournalStep:
    """A step that can be undone or redone.

    Attributes
    ----------
    entry
        Its entry in the journal.
    number
        Id of the last entry that did, undid or redid it.
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
    """Return the steps of a project, oldest first, and the number of done ones.

    The remaining steps are undone.

    Raises
    ------
    ProjectDamaged
    """
    with reading("the journal"):
        # The limit keeps the newest entries, which are then put back into their order.
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
        return edit_of_row(row, delta, pixels_of(db, row[_BASE]))


def _played(entries: Iterable[JournalEntry]) -> tuple[list[_Step], int]:
    """Replay entries: returns the steps, and the number of done ones."""
    steps: list[_Step] = []
    done = 0
    for entry in entries:
        if entry.undoes is None:
            # A new step makes the undone ones unreachable.
            del steps[done:]
            steps.append(_Step(entry, entry.id, entry.base, entry.head))
            done += 1
        elif done and steps[done - 1].number == entry.undoes:
            done -= 1
            # A redo returns to the head that this undo left.
            steps[done].number, steps[done].after = entry.id, entry.base
        elif done < len(steps) and steps[done].number == entry.undoes:
            # The next undo returns to the head that this redo left.
            steps[done].number, steps[done].before = entry.id, entry.base
            done += 1
        else:
            # The entry undoes a step on an image that was removed from the project in
            # between, or a step before the limit, so the steps before are unknown.
            steps, done = [], 0
    return steps, done


def _is_import(entry: JournalEntry) -> bool:
    """Return whether masks were imported with their image, which is no undo step."""
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
