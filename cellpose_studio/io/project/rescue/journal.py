"""Rescue of heads and edits."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from cellpose_studio.core.errors import ProjectDamaged
from cellpose_studio.core.masks.chunks import Labels
from cellpose_studio.core.masks.edit import ChunkEdit, LabelEdit
from cellpose_studio.core.provenance.revision import JournalEntry
from cellpose_studio.io.project.rescue.label_sets import SavedLabelSet
from cellpose_studio.io.project.rescue.masks import Masks
from cellpose_studio.io.project.rescue.salvage import Salvage
from cellpose_studio.io.project.rescue.source import Values
from cellpose_studio.io.project.tables.journal import entry_of_row, write_entry
from cellpose_studio.io.project.tables.label_chunks import read_labels
from cellpose_studio.io.project.tables.revisions import set_head

_BASE = 2

ProjectImage = tuple[JournalEntry, tuple[ChunkEdit, ...] | None]


@dataclass
class SavedEdits:
    """Number of saved journal entries, and sentences about the lost ones."""

    saved: int = 0
    lost: list[str] = field(default_factory=list)


def save_journal(
    db: sqlite3.Connection,
    salvage: Salvage,
    masks: Masks,
    label_sets: Iterable[SavedLabelSet],
) -> SavedEdits:
    """Write heads and journal of all label sets."""
    by_set: dict[int, list[ProjectImage]] = defaultdict(list)
    for entry in _entries(salvage, masks):
        by_set[entry[0].label_set].append(entry)
    done = SavedEdits()
    for stored in label_sets:
        _LabelSet(db, masks, stored, done).save(by_set[stored.id])
    return done


def _entries(salvage: Salvage, masks: Masks) -> list[ProjectImage]:
    found: dict[int, ProjectImage] = {}

    def take(row: Values) -> bool:
        *columns, delta = row
        try:
            base = masks.known.get(int(columns[_BASE] or 0))
            pixels = None if base is None else math.prod(base.shape)
            entry = entry_of_row(columns, delta, pixels)  # type: ignore[arg-type]
        except ProjectDamaged:
            return False
        found[entry[0].id] = entry
        return True

    salvage.rows("journal", take)
    return [found[number] for number in sorted(found)]


class _LabelSet:
    """Saves one label set: the newest head, and the edits after it that fit.

    A lost edit goes unnoticed if no later edit touches its pixels. The later edits are
    worth more than stopping there, and the checksum of the label set reveals the gap.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        masks: Masks,
        stored: SavedLabelSet,
        done: SavedEdits,
    ) -> None:
        self._db = db
        self._masks = masks
        self._stored = stored
        self._done = done
        self._written: set[int] = set()

    def save(self, entries: list[ProjectImage]) -> None:
        head = self._head()
        set_head(self._db, self._stored.id, head, 0)
        pixels = self._pixels(head)
        going = True
        for entry, parts in entries:
            fitting = self._fitting(entry, parts is not None, head)
            if fitting is None:
                continue
            if parts is not None and fitting.sealed is None:
                going = going and _applied(pixels, parts)
                if not going:
                    continue
            write_entry(self._db, fitting, parts)
            self._written.add(entry.id)
        self._done.saved += len(self._written)
        set_head(self._db, self._stored.id, head, _cells(pixels))
        self._tell(len(entries) - len(self._written), head)

    def _head(self) -> int | None:
        """Return the head, or its newest saved ancestor."""
        head = self._stored.head
        known = self._masks.known.get(head or 0)
        if head is None and self._stored.sha256:
            return None
        if known is None or known.label_set != self._stored.id:
            return self._masks.newest(self._stored.id)
        return self._masks.ancestor(head)

    def _pixels(self, head: int | None) -> Labels | None:
        if head is None:
            return None
        return read_labels(self._db, head, self._masks.known[head].shape)

    def _fitting(
        self, entry: JournalEntry, edit: bool, head: int | None
    ) -> JournalEntry | None:
        """Return an entry that refers to saved revisions only; None if impossible."""
        saved = self._masks.saved
        base, sealed = entry.base, entry.sealed
        if edit:
            base = self._masks.ancestor(base, edits_only=True)
            sealed = None if sealed is None else self._masks.holding(sealed)
            if entry.sealed and sealed is None and head == self._stored.head:
                return None
        fits = base in saved or (entry.base is None and not edit)
        # An edit that is in no revision only applies to the head.
        if not fits or (edit and sealed is None and base != head):
            return None
        if entry.head is not None and entry.head not in saved:
            return None
        undoes = entry.undoes if entry.undoes in self._written else None
        return replace(entry, base=base, sealed=sealed, undoes=undoes)

    def _tell(self, lost: int, head: int | None) -> None:
        name = f"{self._stored.name} (label set {self._stored.id})"
        if not self._stored.sha256:
            self._done.lost.append(f"The current version of {name} was lost.")
        elif head != self._stored.head:
            self._done.lost.append(f"{name} was set to an earlier version.")
        if lost:
            self._done.lost.append(f"{name}: {lost} steps of editing were lost.")
        elif head == self._stored.head and not self._is_sure():
            self._done.lost.append(
                f"{name} may lack edits, or have had another name, version or image. "
                "Please check it."
            )

    def _is_sure(self) -> bool:
        """Return whether the label set matches its checksum, including its edits."""
        row = self._db.execute(
            "SELECT sha256 FROM label_set WHERE id = ?", (self._stored.id,)
        ).fetchone()
        return bool(row[0] == self._stored.sha256)


def _applied(pixels: Labels | None, parts: tuple[ChunkEdit, ...]) -> bool:
    """Apply an edit if it fits the pixels; return whether it does."""
    edit = LabelEdit("", (), parts)
    if pixels is None or not edit.is_inside(pixels.shape) or not edit.fits(pixels):
        return False
    edit.apply(pixels)
    return True


def _cells(pixels: Labels | None) -> int:
    return 0 if pixels is None else int(np.count_nonzero(np.unique(pixels)))
