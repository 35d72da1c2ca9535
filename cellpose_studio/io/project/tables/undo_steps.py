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
    is_done
        It is applied; else it can be redone.
    before, after
        Heads that it switches between; both None for an edit of pixels.
    """

    entry: JournalEntry
    number: int
    is_done: bool
    before: LabelRevision | None = None
    after: LabelRevision | None = None


@dataclass
class _Step:
    entry: JournalEntry
    number: int
    before: int | None
    after: int | None


def read_steps(db: sqlite3.Connection) -> list[JournalStep]:
    """Return the steps of a project, image by image, the oldest of each first.

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
        images = dict(db.execute("SELECT id, image FROM label_set").fetchall())
        by_image: dict[int, list[JournalEntry]] = {}
        for entry in entries:
            by_image.setdefault(images[entry.label_set], []).append(entry)
        return [
            _with_revisions(db, step, is_done=n < done)
            for steps, done in map(_played, by_image.values())
            for n, step in enumerate(steps)
        ]


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
    """Replay entries of an image: returns the steps, and how many are applied."""
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
            # The entry undoes a step before the limit, or one that an earlier version
            # forgot when it removed an image: the steps before are unknown.
            steps, done = [], 0
    return steps, done


def _is_import(entry: JournalEntry) -> bool:
    """Return whether masks were imported with their image, which is no undo step."""
    return entry.base is None and entry.operation.startswith("Import ")


def _with_revisions(db: sqlite3.Connection, step: _Step, is_done: bool) -> JournalStep:
    past = JournalStep(step.entry, step.number, is_done)
    if not step.entry.of_masks:
        return past
    before, after = (
        None if number is None else read_revision(db, number)
        for number in (step.before, step.after)
    )
    return replace(past, before=before, after=after)
